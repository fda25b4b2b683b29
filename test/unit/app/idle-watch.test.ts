/** Which sessions are ended because nobody writes, and when. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { IdleWatch, type IdleWatchOptions } from '../../../src/app/idle-watch.ts';

const SESSION = 's';

function rig(t: TestContext, idleS: ReturnType<IdleWatchOptions['idleS']> = { adHoc: 60 }) {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const now = {
    count: 0 as number | undefined,
    asked: 0,
    switchId: 'switch-1',
    phase: 'active',
    isHeld: false,
  };
  const ended: number[] = [];
  const row = () => ({ id: SESSION, kind: 'ad-hoc', phase: now.phase, switchId: now.switchId });
  const engine = {
    get isHeld() {
      return now.isHeld;
    },
    sessions: { byId: () => ({ row: row() }), all: () => [{ row: row() }] },
    idle: () => {
      ended.push(Date.now());
      now.phase = 'ending';
    },
  } as unknown as IdleWatchOptions['engine'];
  const watch = new IdleWatch({
    engine,
    idleS: () => idleS,
    messagesIn: () => {
      now.asked += 1;
      return now.count === undefined ? Promise.reject(new Error('away')) : Promise.resolve(now.count);
    },
    clock: { nowMs: () => Date.now() },
    log: pino({ level: 'silent' }),
  });
  watch.start();
  t.after(() => watch.stop());
  const pass = async (seconds: number): Promise<void> => {
    for (let count = 0; count < seconds; count += 1) {
      t.mock.timers.tick(1_000);
      for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    }
  };
  return { now, ended, pass };
}

test('7.2.2.8 a session without a message ends after its time, once, and its switch is asked a few times', async (t) => {
  const { now, ended, pass } = rig(t);
  await pass(60);
  assert.deepEqual(ended, []);
  await pass(2);
  assert.equal(ended.length, 1);
  assert.ok(now.asked <= 6, `asked ${now.asked} times`);
  await pass(120);
  assert.equal(ended.length, 1);
});

test('7.2.2.8 a message, another switch, a switch that does not answer: the time begins anew', async (t) => {
  for (const change of [{ count: 1 }, { switchId: 'switch-2' }, { count: undefined }]) {
    t.mock.timers.reset();
    const { now, ended, pass } = rig(t);
    await pass(40);
    Object.assign(now, change);
    await pass(50);
    assert.deepEqual(ended, [], JSON.stringify(change));
    now.count ??= 0;
    await pass(80);
    assert.equal(ended.length, 1, JSON.stringify(change));
  }
});

test('7.2.2.8 none of another kind, nor while no BYE can leave', async (t) => {
  const other = rig(t, { chatGroup: 5 });
  await other.pass(60);
  assert.deepEqual([other.ended, other.now.asked], [[], 0]);
  t.mock.timers.reset();
  const held = rig(t, { adHoc: 5 });
  held.now.isHeld = true;
  await held.pass(60);
  assert.deepEqual([held.ended, held.now.asked], [[], 0]);
});
