import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFleet, makeHello, startSwitch } from './rig.ts';

test('a focus meets a switch, sends it a command, gets the answer and the events in order', async () => {
  const sw = await startSwitch({ handle: () => ({ ok: true, revision: 7 }) });
  const { fleet, events, states } = makeFleet([sw.port]);
  fleet.start();
  const met = await fleet.waitForSwitch(5000);
  assert.equal(met.id, 'sw1');
  assert.deepEqual(met.hello, makeHello());
  assert.equal(states.items[0]?.change.isFirst, true);

  const reply = await fleet.request('sw1', 'session.drop', { session: 's1', revision: 7 });
  assert.deepEqual(reply, { ok: true, revision: 7 });
  assert.deepEqual(sw.calls, [['session.drop', { session: 's1', revision: 7 }]]);

  sw.control.publish({ op: 'leg.bound', session: 's1', leg: 'a', remote: '127.0.0.1:1' });
  sw.control.publish({ op: 'leg.bound', session: 's1', leg: 'b', remote: 'Ünïcode "quoted" %41 \u0000' });
  await events.until(({ seq }) => seq === 2);
  assert.deepEqual(events.items, [
    {
      id: 'sw1',
      epoch: 'e1',
      seq: 1,
      event: { op: 'leg.bound', session: 's1', leg: 'a', remote: '127.0.0.1:1' },
    },
    {
      id: 'sw1',
      epoch: 'e1',
      seq: 2,
      event: { op: 'leg.bound', session: 's1', leg: 'b', remote: 'Ünïcode "quoted" %41 \u0000' },
    },
  ]);
  await fleet.stop();
  await sw.stop();
});
