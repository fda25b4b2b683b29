/** Which clients are offered a new connection, and when. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { LostClients, type LostClientsOptions } from '../../../src/app/lost-clients.ts';
import type { SwitchEvent } from '../../../src/switch-control/protocol.ts';

const SWITCH = 'switch-1';

function lost(leg: string, reason: Extract<SwitchEvent, { op: 'leg.unbound' }>['reason'] = 'closed') {
  return { op: 'leg.unbound', session: 's', leg, reason, messagesIn: 0, messagesOut: 0 } as const;
}

function rig(t: TestContext, options: Partial<Pick<LostClientsOptions, 'afterMs' | 'perS'>> = {}) {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const asked: string[] = [];
  const now = { isHeld: false, switchId: SWITCH };
  const engine = {
    get isHeld() {
      return now.isHeld;
    },
    sessions: { byId: () => ({ row: { switchId: now.switchId } }) },
    lostClient: (session: string, leg: string) => asked.push(`${session} ${leg}`),
  } as unknown as LostClientsOptions['engine'];
  const clients = new LostClients({
    engine,
    afterMs: 5_000,
    perS: 1_000,
    clock: { nowMs: () => Date.now() },
    log: pino({ level: 'silent' }),
    ...options,
  });
  t.after(() => clients.stop());
  return { clients, asked, now, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('design-lost-client who has not come back in time is asked once', (t) => {
  const { clients, asked, pass } = rig(t);
  clients.onEvent(SWITCH, lost('a'));
  clients.onEvent(SWITCH, lost('b', 'stalled'));
  clients.onEvent(SWITCH, { op: 'leg.bound', session: 's', leg: 'b', remote: '192.0.2.1:9' });
  pass(4_900);
  assert.deepEqual(asked, []);
  pass(200);
  assert.deepEqual([asked, clients.waiting], [['s a'], 0]);
  pass(60_000);
  assert.deepEqual(asked, ['s a']);
});

test('design-lost-client nobody with 0, nor who broke the protocol, nor who is on another switch by now', (t) => {
  const off = rig(t, { afterMs: 0 });
  off.clients.onEvent(SWITCH, lost('a'));
  off.pass(60_000);
  assert.deepEqual([off.asked, off.clients.waiting], [[], 0]);
  t.mock.timers.reset();
  const { clients, asked, now, pass } = rig(t);
  clients.onEvent(SWITCH, lost('a', 'protocol'));
  clients.onEvent(SWITCH, lost('b', 'peer-refused'));
  clients.onEvent(SWITCH, lost('c'));
  now.switchId = 'switch-2';
  pass(60_000);
  assert.deepEqual([asked, clients.waiting], [[], 0]);
});

test('design-lost-client so many in a second, and none while no Kamailio is there', (t) => {
  const { clients, asked, now, pass } = rig(t, { perS: 20 });
  now.isHeld = true;
  for (let count = 0; count < 100; count += 1) clients.onEvent(SWITCH, lost(`leg-${count}`));
  pass(10_000);
  assert.equal(asked.length, 0);
  now.isHeld = false;
  pass(1_000);
  assert.ok(asked.length >= 18 && asked.length <= 22, `${asked.length} in the first second`);
  pass(5_000);
  assert.equal(asked.length, 100);
});
