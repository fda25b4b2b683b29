/** A focus that is killed at a chosen point of its work, and brought back by `up`. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Stack, type StackOptions } from '../../support/stack.ts';
import { eventually, LogWatch } from './eventually.ts';
import { partOf } from './processes.ts';

const PRELOAD = pathToFileURL(join(import.meta.dirname, 'crash-here.ts')).href;
const BACK_MS = 20_000;

type Part = 'focus' | 'kamailio' | 'switch 0';

/** @param file what names the point; its directory exists */
export async function startCrashing(file: string, options: StackOptions = {}): Promise<Stack> {
  const { NODE_OPTIONS: before } = process.env;
  process.env['NODE_OPTIONS'] = `${before ?? ''} --import ${PRELOAD}`.trim();
  process.env['PARLEY_TEST_CRASH_FILE'] = file;
  try {
    return await Stack.start(options);
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
    delete process.env['PARLEY_TEST_CRASH_FILE'];
  }
}

export interface Crash {
  /** Resolves when the part has died there and is back and found by the others. */
  over(): Promise<void>;
}

/** From now on the part dies when the focus gets there, once. */
export function crashAt(stack: Stack, file: string, point: string, part: Part = 'focus'): Crash {
  const log = new LogWatch(stack);
  writeFileSync(file, part === 'focus' ? point : `${point}\n${partOf(stack.directory, part).pid}`);
  return {
    async over() {
      await eventually(
        () => !existsSync(file),
        () => `the focus never came to "${point}"`,
      );
      await log.until({ msg: 'the part is ready again', part }, BACK_MS);
      if (part !== 'switch 0') await log.until({ msg: 'Kamailio connected' }, BACK_MS);
      else await log.until({ msg: 'switch told of its sessions' }, BACK_MS);
    },
  };
}
