/** The configuration that `up` hands to its parts: ports chosen, secrets made. Readable by its owner only. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { CodedError } from '../lib/errors.ts';

/** Parts of another version than the supervisor must not guess what a file means. */
const FORM = 'parley-resolved-1';

export function writeResolvedConfig(file: string, config: Config): void {
  writeFileSync(`${file}.new`, `${JSON.stringify({ form: FORM, config })}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Throws `CONFIG_RESOLVED_UNREADABLE`. */
export function readResolvedConfig(file: string): Config {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as { form?: unknown; config: Config };
    if (content.form === FORM) return content.config;
  } catch (cause) {
    throw new CodedError('CONFIG_RESOLVED_UNREADABLE', `${file} cannot be read`, { cause });
  }
  throw new CodedError('CONFIG_RESOLVED_UNREADABLE', `${file} was written by another version`);
}
