/** What tests and benchmarks rely on when a child does not do as it should. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { bindToLife, endChild, runToEnd, within } from '../support/children.ts';
import { eventually } from '../support/eventually.ts';
import { listProcesses } from '../support/processes.ts';

const CHILDREN = new URL('../support/children.ts', import.meta.url).href;
const isRunning = (pid: number): boolean => listProcesses().some((one) => one.pid === pid);
const STUBBORN = "trap '' TERM; echo on; while :; do sleep 0.05; done";

test('a wait that is over its time says for what, and what was seen', async () => {
  await assert.rejects(
    within(10, 'the answer', new Promise(() => {}), () => 'two of three'),
    /^Error: the answer did not come within 0\.01 s: two of three$/,
  );
  assert.equal(await within(5_000, 'the answer', Promise.resolve(42)), 42);
});

test('a child that does not follow SIGTERM is killed', async () => {
  const child = spawn('sh', ['-c', STUBBORN], { stdio: ['ignore', 'pipe', 'ignore'] });
  bindToLife(child);
  await once(child.stdout, 'data');
  await endChild(child, 50);
  assert.equal(child.signalCode, 'SIGKILL');
});

test('what a leader leaves behind goes with it', async () => {
  const child = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  bindToLife(child, true);
  const [told] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  child.kill('SIGKILL');
  await eventually('the end of its child', () => !isRunning(Number(told)));
});

for (const way of ['process.exit(0)', "process.kill(process.pid, 'SIGTERM')"]) {
  test(`children end with who started them: ${way}`, async () => {
    const script = `const { bindToLife } = await import('${CHILDREN}');
const child = (await import('node:child_process')).spawn('sleep', ['60']);
bindToLife(child); console.log(child.pid); ${way};`;
    const run = runToEnd(process.execPath, ['--input-type=module', '--eval', script]);
    await eventually('the end of the child', () => !isRunning(Number(run.stdout)));
  });
}
