import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import test from 'node:test';
import { bootId, groupOf, isRunning, startTimeOf } from '../../../src/app/process-table.ts';
import { freshStore, isGone, Run } from './supervised-run.ts';

test('prints exactly one line on stdout when all parts are ready, and logs elsewhere', async (t) => {
  const run = new Run(t, freshStore(), ['good', 'good']);
  await run.says('stdout', '"ready":true');
  run.child.kill('SIGTERM');
  assert.deepEqual(await run.exit, [0, null]);
  assert.equal(run.stdout.trim().split('\n').length, 1);
  const line = JSON.parse(run.stdout) as Record<string, unknown>;
  assert.deepEqual(Object.keys(line), ['ready', 'sip', 'domain', 'admin', 'switches', 'eventSockets']);
  assert.match(String(line['admin']), /^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
  assert.equal(line['domain'], 'parley.localhost');
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends every part, deaf ones and their children too, and leaves no record`, async (t) => {
    const run = new Run(t, freshStore(), ['good', 'deaf', 'with-child']);
    await run.says('stdout', '"ready":true');
    const parts = run.parts();
    assert.equal(parts.length, 3);
    assert.equal(groupOf(run.part('with-child 2')).length, 2);
    run.child.kill(signal);
    assert.deepEqual(await run.exit, [0, null]);
    for (const part of parts) assert(isGone(part), `${part.name} is left`);
    assert(!existsSync(`${run.store}.run/record.json`));
  });
}

test('SIGTERM while a part is not ready yet gives the start up and leaves nothing', async (t) => {
  const run = new Run(t, freshStore(), ['good', 'never-ready']);
  await until(() => existsSync(`${run.store}.run/record.json`) && run.parts().length === 2);
  const parts = run.parts();
  run.child.kill('SIGTERM');
  assert.deepEqual(await run.exit, [1, null]);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /^parley: stopped by SIGTERM before it was ready$/m);
  for (const part of parts) assert(isGone(part), `${part.name} is left`);
});

test('a part that ends before it is ready ends the start, with its status in one line', async (t) => {
  const run = new Run(t, freshStore(), ['good', 'ends-early']);
  assert.deepEqual(await run.exit, [1, null]);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /^parley: ends-early 1 ended before it was ready \(exit status 7\)$/m);
});

test('a part that dies is restarted, one log line each time, with a growing wait', async (t) => {
  const run = new Run(t, freshStore(), ['good', 'with-child']);
  await run.says('stdout', '"ready":true');
  const other = run.part('good 0');
  for (let times = 1; times <= 2; times++) {
    const victim = run.part('with-child 1');
    const group = groupOf(victim);
    process.kill(victim.pid, 'SIGKILL');
    await run.says('stderr', 'the part is ready again', times);
    assert.notEqual(run.part('with-child 1').pid, victim.pid);
    for (const member of group) assert(!isRunning(member), 'the dead part left a child');
  }
  const deaths = run.stderr.split('\n').filter((line) => line.includes('a part died and is restarted'));
  assert.deepEqual(
    deaths.map((line) => {
      const { exit, restartInMs } = JSON.parse(line) as { exit: string; restartInMs: number };
      return { exit, restartInMs };
    }),
    [
      { exit: 'SIGKILL', restartInMs: 200 },
      { exit: 'SIGKILL', restartInMs: 400 },
    ],
  );
  assert(isRunning(other), 'the other part was touched');
});

test('a record that cannot be written is said, and costs no part: one that dies is restarted, and all end together', async (t) => {
  const run = new Run(t, freshStore(), ['good', 'with-child']);
  await run.says('stdout', '"ready":true');
  const parts = run.parts();
  rmSync(`${run.store}.run`, { recursive: true });
  const victim = parts.find(({ name }) => name === 'with-child 1');
  assert(victim !== undefined);
  process.kill(victim.pid, 'SIGKILL');
  await run.says('stderr', 'the part is ready again');
  const restarted = run.stderr
    .split('\n')
    .filter((line) => line.includes('the part is ready again'))
    .map((line) => (JSON.parse(line) as { pid: number }).pid);
  const started = restarted.map((pid) => ({ pid, startTime: startTimeOf(pid) ?? '' }));
  run.child.kill('SIGTERM');
  assert.deepEqual(await run.exit, [0, null]);
  for (const part of [...parts, ...started]) assert(isGone(part), `${part.pid} is left`);
  assert.match(run.stderr, /"directory":"[^"]+".*the record of running parts cannot be written/);
});

test('parts of a killed supervisor notice and end by themselves', async (t) => {
  const run = new Run(t, freshStore(), ['good']);
  await run.says('stdout', '"ready":true');
  const part = run.part('good 0');
  run.child.kill('SIGKILL');
  await run.exit;
  await until(() => isGone(part));
});

test('a run on the store of a killed one ends its leftovers, by pid and start time', async (t) => {
  const store = freshStore();
  const first = new Run(t, store, ['with-child']);
  await first.says('stdout', '"ready":true');
  const left = first.part('with-child 0');
  first.child.kill('SIGKILL');
  await first.exit;
  assert(!isGone(left), 'its child is still there');

  const second = new Run(t, store, ['good']);
  await second.says('stdout', '"ready":true');
  assert(isGone(left));
  assert.match(second.stderr, new RegExp(`"pid":${left.pid}.*ending what a killed run left behind`));
});

test('a recorded pid that belongs to somebody else now, or to another boot, is left alone', async (t) => {
  for (const change of ['start time', 'boot'] as const) {
    const store = freshStore();
    const first = new Run(t, store, ['with-child']);
    await first.says('stdout', '"ready":true');
    // All of it while its leader is there; afterwards only its child may be.
    const leftovers = groupOf(first.part('with-child 0'));
    first.child.kill('SIGKILL');
    await first.exit;

    const bystander = new Run(t, freshStore(), ['good']);
    await bystander.says('stdout', '"ready":true');
    const { pid, startTime } = bystander.part('good 0');
    const file = `${store}.run/record.json`;
    const record = JSON.parse(readFileSync(file, 'utf8')) as { bootId: string; parts: object[] };
    const forged =
      change === 'boot'
        ? { ...record, bootId: 'another', parts: [{ name: 'x', pid, startTime }] }
        : { ...record, parts: [{ name: 'x', pid, startTime: String(BigInt(startTime) - 1n) }] };
    writeFileSync(file, JSON.stringify(forged));

    const second = new Run(t, store, ['good']);
    await second.says('stdout', '"ready":true');
    assert(isRunning({ pid, startTime }), `ended in spite of the other ${change}`);
    for (const member of leftovers) if (isRunning(member)) process.kill(member.pid, 'SIGKILL');
  }
  assert.notEqual(bootId(), 'another');
});

test('a second run on one store is refused in one line, and the first goes on', async (t) => {
  const store = freshStore();
  const first = new Run(t, store, ['good']);
  await first.says('stdout', '"ready":true');
  const second = new Run(t, store, ['good']);
  assert.deepEqual(await second.exit, [1, null]);
  assert.equal(second.stdout, '');
  assert.equal(
    second.stderr,
    `parley: store.sqlite: ${JSON.stringify(store)} is in use by the run with pid ${first.child.pid}; stop that run, or give this one another file\n`,
  );
  assert(isRunning(first.part('good 0')));
});

test('a taken port ends the start in one line with key, value and mend, before anything runs', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const taken = server.address();
  assert(taken !== null && typeof taken === 'object');
  const run = new Run(t, freshStore(), ['good'], { STUB_ADMIN: `127.0.0.1:${taken.port}` });
  assert.deepEqual(await run.exit, [1, null]);
  assert.equal(
    run.stderr,
    `parley: admin.listen: "tcp:127.0.0.1:${taken.port}" is taken by another program; stop that program, or choose another port (0 takes a free one)\n`,
  );
});

test('the resolved configuration with its secrets is for its owner only, and holds no port 0', async (t) => {
  const run = new Run(t, freshStore(), ['good']);
  await run.says('stdout', '"ready":true');
  const file = `${run.store}.run/config.json`;
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(`${run.store}.run`).mode & 0o777, 0o700);
  assert.doesNotMatch(readFileSync(file, 'utf8'), /"port":0\b|:0"/);
});

test('the start time of this process is read whatever its name holds', () => {
  assert.match(startTimeOf(process.pid) ?? '', /^\d+$/);
  assert.equal(startTimeOf(2 ** 22 + 1), undefined);
});

/** Waits for something that tells nobody when it comes. */
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (condition()) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  assert.fail('it did not come');
}
