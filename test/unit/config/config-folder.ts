/** Configurations as files, and what is said of them. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ConfigError, formatConfigError, loadConfig } from '../../../src/config/load.ts';

export const HASH = '0123456789abcdef0123456789abcdef';

/** A directory with files, gone after the test; returns the configuration's path. */
export function folder(t: TestContext, yaml: string, files: Record<string, string> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'parley-config-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'groups'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  writeFileSync(join(directory, 'parley.yaml'), yaml);
  return join(directory, 'parley.yaml');
}

export function good(
  t: TestContext,
  yaml: string,
  files: Record<string, string> = {},
  env: NodeJS.ProcessEnv = {},
) {
  const loaded = loadConfig({ file: folder(t, yaml, files), env });
  assert(loaded.ok, JSON.stringify(loaded));
  return loaded;
}

export function errorsOf(
  t: TestContext,
  yaml: string,
  files: Record<string, string> = {},
  env: NodeJS.ProcessEnv = {},
) {
  const loaded = loadConfig({ file: folder(t, yaml, files), env });
  assert(!loaded.ok, 'it was accepted');
  return loaded.errors;
}

/** Exactly one fault, at the key, whose line holds the words. */
export function oneFault(errors: readonly ConfigError[], path: string, ...words: string[]): void {
  assert.deepEqual(
    errors.map((error) => error.path),
    [path],
  );
  const line = errors.map(formatConfigError).join('');
  for (const word of words) assert(line.includes(word), `${JSON.stringify(word)} is not in: ${line}`);
  assert.doesNotMatch(line, /\n/);
}
