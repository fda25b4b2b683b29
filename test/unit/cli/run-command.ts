/** A command of the contents page, run in this process: what it prints, and how it ends. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type AdminOptions, startAdmin } from '../../../src/admin/admin.ts';
import { type Command, parseArguments } from '../../../src/cli/command.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { fakeAdmin } from '../admin/fake-admin.ts';
import { memoryLog } from '../admin/fake-view.ts';

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Commands that ask an admin interface of their own, for the time of the test. */
export async function commandsOn(
  t: TestContext,
  own: Partial<AdminOptions> = {},
): Promise<(...words: readonly string[]) => Promise<Ran>> {
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    ...fakeAdmin(),
    log: memoryLog().log,
    ...own,
  });
  t.after(() => admin.close());
  const url = `http://127.0.0.1:${admin.address.port}`;
  return (...words) => runCommand(t, [...words, '--url', url]);
}

/** @param words as on the command line; a flag may come last */
async function runCommand(t: TestContext, words: readonly string[]): Promise<Ran> {
  const command = COMMANDS.find(({ name }) =>
    name.split(' ').every((word, at) => words[at] === word),
  ) as Command;
  const parsed = parseArguments(command, words.slice(command.name.split(' ').length));
  assert(parsed.ok, JSON.stringify(parsed));
  return captured(t, () => command.run(parsed.args));
}

/** What is written to stdout and stderr meanwhile. */
export async function captured(t: TestContext, run: () => Promise<number>): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    t.mock.method(process[name], 'write', (text: string) => {
      written[name] += text;
      return true;
    });
  }
  try {
    const status = await run();
    return { status, out: written.stdout, err: written.stderr };
  } finally {
    t.mock.restoreAll();
  }
}
