/** Looks at everything that must fit together in a running stack. Changes nothing; sends three OPTIONS to each Kamailio. */
import type { Logger } from 'pino';
import type { Config } from '../../config/config.ts';
import { groupFiles } from '../../config/load.ts';
import { GroupDirectory } from '../groups.ts';
import { asRunning } from '../running-config.ts';
import type { Finding } from './finding.ts';
import { examineFocus } from './focus.ts';
import { examineFreeSwitch, freeSwitchesOf } from './freeswitch.ts';
import { examineKamailio } from './kamailio.ts';
import { examineSwitches } from './switches.ts';

/** Never rejects for what it finds wrong: that is a finding. */
export async function examineStack(given: Config, log: Logger): Promise<Finding[]> {
  const config = asRunning(given);
  const directory = new GroupDirectory(log, { listsFolder: config.groupLists });
  directory.load(groupFiles(config));
  const groups = directory.fileGroups().entries.map(({ uri }) => uri);
  const parts = await Promise.all([
    examineFocus(config),
    examineSwitches(config, log),
    ...freeSwitchesOf(config).map((node) => examineFreeSwitch(node, log)),
    ...config.kamailio.nodes.map((node) => examineKamailio({ config, node, groups, log })),
  ]);
  return parts.flat();
}
