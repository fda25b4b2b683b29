import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import test from 'node:test';
import { eventually } from '../support/eventually.ts';
import { FileWatch } from '../support/file-watch.ts';
import { familyOf } from '../support/processes.ts';

const FILE = '/house/test/slow.test.ts';

/** A test file's process as the runner sees it: it waits for a child without giving anybody a turn. */
async function startWaiting(): Promise<ChildProcess> {
  const script = "require('node:child_process').spawnSync('sleep', ['60'])";
  const child = spawn(process.execPath, ['-e', script, FILE], { stdio: 'ignore' });
  // Its child as well, which has a name of its own a moment after its birth.
  await eventually('the child to wait for', () =>
    familyOf(child.pid as number).some(({ command }) => command === 'sleep 60'),
  );
  return child;
}

function watched(timeoutMs: number) {
  const faults: string[] = [];
  const stream = new EventEmitter();
  const watch = new FileWatch({
    root: '/house',
    timeoutMs,
    graceMs: 100,
    onFault: (fault) => faults.push(fault),
  });
  watch.follow(stream);
  return { faults, stream, watch };
}

test('a file that gives nobody a turn is ended with all that came of it, and named', async () => {
  const { faults, stream } = watched(200);
  const child = await startWaiting();
  stream.emit('test:dequeue', { name: FILE, nesting: 0, file: FILE });
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  assert.equal(faults.length, 1);
  assert.match(
    String(faults[0]),
    /^test\/slow\.test\.ts was not done after 0\.2 s and was ended: \d+ \(.*\(sleep 60\)$/,
  );
});

test('one that is done in time is left alone, whatever its tests are called', async () => {
  const { faults, stream, watch } = watched(50);
  stream.emit('test:dequeue', { name: FILE, nesting: 0, file: FILE });
  stream.emit('test:dequeue', { name: 'a test in it', nesting: 0, file: FILE });
  stream.emit('test:complete', { name: FILE, nesting: 0 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await watch.close();
  assert.deepEqual(faults, []);
});

test('what the last file has left behind is ended and named, though it belongs to no family', async () => {
  const { faults, watch } = watched(1_000);
  const child = await startWaiting();
  await watch.close();
  assert.match(faults.join('\n'), /^left behind and ended: \d+ \(.*\), \d+ \(sleep 60\)$/);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
});
