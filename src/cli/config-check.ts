/** `parley config check`: the configuration, and the group documents that it names. */
import { checkGroups } from '../app/check-groups.ts';
import { formatConfigError, loadConfig } from '../config/load.ts';
import type { Arguments } from './command.ts';
import { tellDefaults } from './load-config.ts';

export async function runConfigCheck(args: Arguments): Promise<number> {
  const file = args.operands[0] ?? args.flags.get('config');
  if (file === undefined) tellDefaults();
  const loaded = loadConfig({ env: process.env, ...(file === undefined ? {} : { file }) });
  const errors = loaded.ok ? [] : loaded.errors;
  const found = loaded.ok ? checkGroups(loaded.config) : { groups: 0, faults: [], warnings: [] };
  const warnings = [...(loaded.ok ? loaded.warnings : []), ...found.warnings];
  const groupFaults = found.faults;
  const ok = loaded.ok && groupFaults.length === 0;
  if (args.flags.has('json')) {
    const needsKamailio =
      loaded.ok && loaded.config.kamailio.manage && loaded.config.kamailio.binary === undefined;
    process.stdout.write(`${JSON.stringify({ ok, errors, groupFaults, warnings, needsKamailio })}\n`);
  } else {
    for (const error of errors) process.stderr.write(`${formatConfigError(error)}\n`);
    for (const fault of groupFaults) process.stderr.write(`${fault}\n`);
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    const count = errors.length + groupFaults.length;
    process.stdout.write(ok ? `the configuration is good; groups: ${found.groups}\n` : `${count} to mend\n`);
  }
  return ok ? 0 : 1;
}
