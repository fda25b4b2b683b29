/** What the admin's group routes need: files' groups of the focus, lists and import folders of this machine. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { byKey } from '../../admin/groups/group-list.ts';
import type { FileGroup, FileGroups, GroupPorts } from '../../admin/groups/ports.ts';
import { readExternalList } from '../../documents/external-lists.ts';
import { readDocumentFile } from '../document-file.ts';
import { ListFolder } from '../list-folder.ts';
import type { PolicyInForce } from '../policy-in-force.ts';
import type { ThreadLink } from './link.ts';
import type { LiveState } from './live-state.ts';

export function groupPorts(
  policy: Pick<PolicyInForce, 'base' | 'config'>,
  link: ThreadLink<LiveState>,
  log: Logger,
): GroupPorts {
  const { managedGroups, groupLists, sip, conference } = policy.base;
  const { maxVersions, importFolder, xdmsServers, xdmsIdentity } = managedGroups;
  const lists = new ListFolder(groupLists, log);
  return {
    files: fileGroups(link),
    surroundings: {
      domain: sip.domain,
      sessionPrefix: conference.sessionPrefix,
      get factories() {
        return policy.config.conferenceFactories;
      },
    },
    resolveList: (anchor) => {
      // As they are now: the focus has them so at the latest when it reads the document.
      lists.refresh();
      return readExternalList(anchor, (document) => lists.load(document));
    },
    changed: () => link.ask('groupsChanged'),
    maxVersions,
    imports: {
      folderFiles: () =>
        importFolder === undefined
          ? undefined
          : globSync('**/*.xml', { cwd: importFolder })
              .sort()
              .map((file) => join(importFolder, file)),
      readFile: (file) => readDocumentFile(file),
      xdms: {
        origins: xdmsServers,
        ...(xdmsIdentity === undefined ? {} : { identity: xdmsIdentity }),
        maxBytes: managedGroups.xdmsMaxBytes,
        timeoutMs: managedGroups.xdmsTimeoutMs,
        maxRedirects: managedGroups.xdmsMaxRedirects,
        revalidateMs: managedGroups.revalidateS * 1000,
      },
    },
  };
}

/** The list crosses the threads only when it has changed. */
function fileGroups(link: ThreadLink<LiveState>): FileGroups {
  let known: { revision: number; entries: readonly FileGroup[] } = { revision: -1, entries: [] };
  return {
    async list() {
      const news = await link.ask('fileGroups', known.revision);
      if (news !== undefined) {
        known = { ...news, entries: news.entries.toSorted((a, b) => byKey(a.key, b.key)) };
      }
      return known.entries;
    },
    document: (key) => link.ask('fileGroupDocument', key),
  };
}
