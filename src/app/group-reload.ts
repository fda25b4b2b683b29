/** Keeps groups and their running sessions up with the files, and with what is edited over REST. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { groupFiles } from '../config/load.ts';
import type { Engine } from '../engine/engine.ts';
import { decideGroupDocument } from '../focus/decide-group-document.ts';
import { watchGroups } from './group-watch.ts';
import type { GroupDirectory } from './groups.ts';

export interface FollowedGroups {
  readonly config: Pick<Config, 'groups' | 'groupLists'>;
  readonly groups: GroupDirectory;
  readonly engine: Engine;
  readonly log: Logger;
}

export interface Following {
  /** Takes what was edited over REST, at once. */
  look(): void;
  stop(): void;
}

/** Sessions of the last run are brought up first. */
export function followGroups({ config, groups, engine, log }: FollowedGroups): Following {
  tellSessions(() => true);
  const look = () => tellOf(groups.refreshManaged());
  const stop = watchGroups({
    patterns: config.groups,
    ...(config.groupLists === undefined ? {} : { listsFolder: config.groupLists }),
    log,
    onChange: () => {
      try {
        tellOf(groups.refresh(groupFiles(config)));
        // The admin tells of every edit; this finds what it could not tell.
        look();
      } catch (error) {
        log.error({ err: error }, 'group documents could not be read again');
      }
    },
  });
  return { look, stop };

  function tellOf(changed: ReadonlySet<string>): void {
    if (changed.size > 0) tellSessions((key) => changed.has(key));
  }

  function tellSessions(isConcerned: (groupKey: string) => boolean): void {
    for (const { row } of [...engine.sessions.all()]) {
      if (row.groupKey === undefined || !isConcerned(row.groupKey)) continue;
      const document = groups.find(row.address);
      // Without a document the session goes on by the one that it has.
      if (document !== undefined)
        engine.apply(decideGroupDocument(engine.world(), row.id, document), 'group-document');
    }
  }
}
