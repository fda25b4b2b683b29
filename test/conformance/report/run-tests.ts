/** Runs conformance tests, one file at a time unless told otherwise, and collects what they have shown. */
import { globSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import '../../support/compile-cache.ts';
import { Collector, type RunResults, type TestEventLike, type TestResult } from './collect.ts';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FILES = 'test/conformance/*.test.ts';
const DEFAULT_TEST_TIMEOUT_MS = 60_000;

export interface RunOptions {
  /** Relative to the project. */
  readonly files: readonly string[];
  readonly concurrency?: number;
  readonly namePatterns?: readonly RegExp[];
  readonly testTimeoutMs?: number;
  onFile?(file: string, tests: readonly TestResult[]): void;
}

/** All conformance test files, or those whose path has one of these words in it. */
export function conformanceFiles(words: readonly string[] = []): string[] {
  return globSync(FILES, { cwd: ROOT })
    .map((file) => file.split(sep).join('/'))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
}

export async function runTests(options: RunOptions): Promise<RunResults> {
  const collector = new Collector(ROOT);
  const { namePatterns, concurrency = 1, testTimeoutMs = DEFAULT_TEST_TIMEOUT_MS } = options;
  const stream = run({
    files: options.files.map((file) => join(ROOT, file)),
    cwd: ROOT,
    concurrency,
    timeout: testTimeoutMs,
    ...(namePatterns === undefined ? {} : { testNamePatterns: [...namePatterns] }),
  });
  for await (const event of stream as AsyncIterable<TestEventLike>) {
    collector.take(event);
    const { file } = event.data as { readonly file?: string };
    if (event.type !== 'test:summary' || file === undefined) continue;
    const path = relative(ROOT, file).split(sep).join('/');
    options.onFile?.(
      path,
      collector.results().tests.filter((test) => test.file === path),
    );
  }
  return collector.results();
}
