/** The configuration of a stack that `up` runs: it chooses ports and makes secrets, and writes them down for its parts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { readResolvedConfig } from './resolved-config.ts';
import { runDirectoryOf } from './run-record.ts';

/** As it was given where nothing has run on its store. @throws CodedError `CONFIG_RESOLVED_UNREADABLE` */
export function asRunning(given: Config): Config {
  if (!given.kamailio.manage) return given;
  const file = join(runDirectoryOf(given.store.sqlite), 'config.json');
  return existsSync(file) ? readResolvedConfig(file) : given;
}
