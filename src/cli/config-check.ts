/** `parley config check`. */
import { formatConfigError, loadConfig } from '../config/load.ts';
import type { Arguments } from './command.ts';

export async function runConfigCheck(args: Arguments): Promise<number> {
  const file = args.operands[0] ?? args.flags.get('config');
  const loaded = loadConfig({ env: process.env, ...(file === undefined ? {} : { file }) });
  const errors = loaded.ok ? [] : loaded.errors;
  const warnings = loaded.ok ? loaded.warnings : [];
  if (args.flags.has('json')) {
    const needsKamailio =
      loaded.ok && loaded.config.kamailio.manage && loaded.config.kamailio.binary === undefined;
    process.stdout.write(`${JSON.stringify({ ok: loaded.ok, errors, warnings, needsKamailio })}\n`);
  } else {
    for (const error of errors) process.stderr.write(`${formatConfigError(error)}\n`);
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    process.stdout.write(loaded.ok ? 'the configuration is good\n' : `${errors.length} to mend\n`);
  }
  return loaded.ok ? 0 : 1;
}
