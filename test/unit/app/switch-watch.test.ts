/** Silent is not dead: which switches are asked at their MSRP port, and when one is given up. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { pino } from 'pino';
import { SwitchWatch } from '../../../src/app/switch-watch.ts';
import type { SwitchState } from '../../../src/event-socket/switch-fleet.ts';
import type { SwitchAddress } from '../../../src/focus/conference.ts';
import type { ProbeTarget } from '../../../src/msrp/transport/switch-probe.ts';
import type { SwitchHello } from '../../../src/switch-control/protocol.ts';

const LIMITS = { helloIntervalMs: 1_000, missedHellos: 3, probeDeadlineMs: 2, probes: 3 };
const FOUND: SwitchAddress = { host: '192.0.2.1', port: 2855, probe: 'p-of-row' };

function state(phase: SwitchState['state'], id: string | null = 'sw1'): SwitchState {
  const hello = {
    probe: 'p1',
    msrp: [
      { transport: 'wss', host: '192.0.2.1', port: 443 },
      { transport: 'tls', host: '192.0.2.1', port: 2856 },
    ],
  } as unknown as SwitchHello;
  return { id, state: phase, hello: id === null ? null : hello } as SwitchState;
}

function watching(t: TestContext, answers: readonly boolean[]) {
  const asked: ProbeTarget[] = [];
  const died: string[] = [];
  const still: string[] = [];
  const now = { ms: 0, states: [state('silent')], hosting: new Map<string, SwitchAddress>() };
  const deaths: (() => void)[] = [];
  const watch = new SwitchWatch({
    states: () => now.states,
    hosting: () => now.hosting,
    limits: LIMITS,
    clock: { nowMs: () => now.ms },
    log: pino({ level: 'silent' }),
    onDead: (id) => {
      died.push(id);
      for (const tell of deaths.splice(0)) tell();
    },
    onDeaf: () => undefined,
    onStillDead: (id) => still.push(id),
    ask: async (target) => {
      asked.push(target);
      return answers[asked.length - 1] ?? false;
    },
  });
  t.after(() => watch.stop());
  const death = () => new Promise<void>((resolve) => void deaths.push(resolve));
  return { watch, now, asked, died, still, death };
}

test('dead after three questions without an answer, at the best of its listeners; then it is not asked any more', async (t) => {
  const { watch, asked, died, still, death } = watching(t, []);
  const over = death();
  watch.look();
  watch.look();
  await over;
  assert.equal(asked.length, 3);
  assert.deepEqual(asked[0], { transport: 'tls', host: '192.0.2.1', port: 2856, sessionId: 'p1' });
  assert.deepEqual([died, watch.isDead('sw1'), watch.dead, watch.deaths], [['sw1'], true, 1, 1]);
  watch.look();
  assert.deepEqual([asked.length, still], [3, ['sw1']]);
  watch.isUp('sw1');
  assert.equal(watch.dead, 0);
});

test('one answer is a sign of life; who is up or connecting is not asked', async (t) => {
  const { watch, now, asked, died } = watching(t, [false, true]);
  watch.look();
  while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise(setImmediate);
  now.states = [state('up'), state('connecting', 'sw2')];
  watch.look();
  assert.deepEqual([asked.length, died], [2, []]);
});

test('one that came back while it was asked is not dead', async (t) => {
  const { watch, now, asked, died } = watching(t, []);
  watch.look();
  now.states = [state('up')];
  while (asked.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 3 * LIMITS.probeDeadlineMs));
  assert.deepEqual(died, []);
});

test('sessions on a switch that has not said hello since the start: it gets the time of three hellos, then is asked where they were', async (t) => {
  const { watch, now, asked, death } = watching(t, []);
  now.states = [state('connecting', null)];
  now.hosting = new Map([['gone', FOUND]]);
  now.ms = 3_000;
  watch.look();
  assert.equal(asked.length, 0);
  now.ms = 4_000;
  const over = death();
  watch.look();
  await over;
  assert.deepEqual(asked[0], { transport: 'tcp', host: '192.0.2.1', port: 2855, sessionId: 'p-of-row' });
  now.hosting = new Map();
  assert.equal(watch.dead, 0, 'nobody knows of it any more');
});
