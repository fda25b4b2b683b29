/** The configuration of a command, or its faults on stderr. */
import type { Config } from '../config/config.ts';
import { formatConfigError, loadConfig } from '../config/load.ts';

export interface CommandConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
}

/** Undefined after a bad configuration; every fault is then told on a line of its own. */
export function loadOrTell(file: string | undefined): CommandConfig | undefined {
  const loaded = loadConfig({ env: process.env, ...(file === undefined ? {} : { file }) });
  if (loaded.ok) return loaded;
  for (const error of loaded.errors) process.stderr.write(`parley: ${formatConfigError(error)}\n`);
  return undefined;
}
