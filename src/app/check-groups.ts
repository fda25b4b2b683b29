/** What is wrong with the group documents of a configuration, without starting anything. */
import { pino } from 'pino';
import type { Config } from '../config/config.ts';
import { groupFiles } from '../config/load.ts';
import { domainOf } from '../documents/group-rights.ts';
import { GroupDirectory } from './groups.ts';

export interface GroupsCheck {
  readonly groups: number;
  /** `FILE:LINE:COLUMN: PATH: what is wrong and what to do`. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

export function checkGroups(config: Pick<Config, 'groups' | 'groupLists' | 'sip'>): GroupsCheck {
  const directory = new GroupDirectory(pino({ enabled: false }), { listsFolder: config.groupLists });
  const groups = directory.load(groupFiles(config));
  const warnings = directory
    .doubles()
    .map(({ group, file, other }) => `${file} and ${other} both have ${group}: the first counts, remove one`);
  for (const { uri } of directory.fileGroups().entries) {
    if (domainOf(uri) === config.sip.domain) continue;
    warnings.push(
      `${directory.fileOf(uri)}: ${uri} is not in sip.domain (${config.sip.domain}): no request for it comes here unless your Kamailio routes it`,
    );
  }
  return { groups, faults: directory.faults(), warnings };
}
