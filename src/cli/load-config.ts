/** The configuration of a command, or its faults on stderr. */
import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { formatConfigError, loadConfig } from '../config/load.ts';

export interface CommandConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
}

/** Undefined after a bad configuration; every fault is then told on a line of its own. Without a file it says what counts. */
export function loadOrTell(file: string | undefined): CommandConfig | undefined {
  if (file === undefined) tellDefaults();
  const loaded = loadConfig({ env: process.env, ...(file === undefined ? {} : { file }) });
  if (loaded.ok) return loaded;
  for (const error of loaded.errors) process.stderr.write(`parley: ${formatConfigError(error)}\n`);
  return undefined;
}

/** Where people expect the file. It is only named: what a service does must not depend on the folder it is started in. */
const USUAL_FILE = 'parley.yaml';

export function tellDefaults(): void {
  const hint = existsSync(USUAL_FILE)
    ? `; ${USUAL_FILE} is not read unless you say --config ${USUAL_FILE}`
    : '';
  process.stderr.write(`parley: no --config: defaults and PARLEY_* variables are used${hint}\n`);
}
