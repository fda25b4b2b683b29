import assert from 'node:assert/strict';
import type { CommandReply, LegSnapshot } from '../../../src/switch-control/protocol.ts';
import { eventually } from '../../support/eventually.ts';
import { inAllMedia, inDirectMode, started } from './media.ts';
import { bound, DROP, makeHello, Seen } from './rig.ts';

inAllMedia(
  'a focus meets a switch, sends it a command, gets the answer and the events in order',
  async (_t, net) => {
    const sw = await net.switchFor({ handle: () => ({ ok: true, revision: 7 }) });
    const { fleet, events, states } = await net.fleetFor([sw]);
    const [met] = fleet.states();
    assert.equal(met?.id, 'sw1');
    assert.deepEqual(met?.hello, makeHello());
    assert.equal(states.items[0]?.change.isFirst, true);

    const reply = await fleet.request('sw1', 'session.drop', { session: 's1', revision: 7 });
    assert.deepEqual(reply, { ok: true, revision: 7 });
    assert.deepEqual(sw.calls, [['session.drop', { session: 's1', revision: 7 }]]);

    const odd = 'Ünïcode "quoted" %41 \u0000 💬\n';
    sw.control.publish(bound('a'));
    sw.control.publish({ ...bound('b'), remote: odd });
    await events.until(({ seq }) => seq === 2);
    assert.deepEqual(events.items, [
      { id: 'sw1', epoch: 'e1', seq: 1, event: bound('a') },
      { id: 'sw1', epoch: 'e1', seq: 2, event: { ...bound('b'), remote: odd } },
    ]);
  },
);

inAllMedia(
  'refusals come back as values; what is outside the vocabulary never reaches the handler',
  async (_t, net) => {
    const sw = await net.switchFor({ handle: () => ({ ok: false, code: 'stale', reason: 'r' }) });
    const { fleet } = await net.fleetFor([sw]);
    const stale = await fleet.request('sw1', 'session.drop', DROP);
    assert.deepEqual(stale, { ok: false, code: 'stale', reason: 'r' });
    const invalid = await fleet.request('sw1', 'session.drop', { session: 'with space', revision: 1 });
    assert.equal(!invalid.ok && invalid.code, 'invalid');
    const unknown = await fleet.request('sw1', 'toString' as 'session.list', {});
    assert.equal(!unknown.ok && unknown.code, 'unknown-command');
    assert.equal(sw.calls.length, 1);
    assert.equal(sw.control.counters.invalid, 2);
  },
);

inAllMedia('a handler that fails answers, and the next command is carried out', async (_t, net) => {
  const replies: (() => CommandReply | Promise<CommandReply>)[] = [
    () => {
      throw new Error('secret');
    },
    () => Promise.reject(new Error('secret')),
    () => ({ ok: true, revision: 1 }),
  ];
  const sw = await net.switchFor({ handle: () => replies.shift()?.() ?? { ok: true, revision: 0 } });
  const { fleet } = await net.fleetFor([sw]);
  for (const isOk of [false, false, true]) {
    const reply = await fleet.request('sw1', 'session.list', {});
    assert.equal(reply.ok, isOk);
    assert.doesNotMatch(JSON.stringify(reply), /secret/);
  }
});

function makeLegs(count: number): LegSnapshot[] {
  return Array.from({ length: count }, (_, index) => ({
    leg: `leg${index}`,
    sessionId: `s${index}`,
    tls: false,
    path: [`msrp://127.0.0.1:${1024 + index}/x;tcp`],
    role: 'passive',
    acceptTypes: ['message/cpim'],
    acceptWrappedTypes: ['text/plain'],
    direction: 'sendrecv',
    identities: [`sip:user${index}@example.com`],
    displayName: `Ünï "${index}" 💬`,
  }));
}

inAllMedia('bodies over a page go in pages, both ways', async (_t, net) => {
  const sessions = Array.from({ length: 2000 }, (_, index) => ({
    session: `session-with-a-long-name-${index}`,
    revision: index,
    legs: 1,
    bound: 0,
  }));
  const sw = await net.switchFor({ handle: () => ({ ok: true, revision: 1, sessions }) });
  const { fleet } = await net.fleetFor([sw]);
  const snapshot = { session: 's1', revision: 1, addresses: ['sip:g@example.com'], legs: makeLegs(2000) };
  assert.ok(JSON.stringify(snapshot).length > 200_000);
  const reply = await fleet.request('sw1', 'session.put', snapshot);
  assert.deepEqual(reply, { ok: true, revision: 1, sessions });
  assert.deepEqual(sw.calls, [['session.put', snapshot]]);
});

inAllMedia(
  'a body over all pages is refused by the sender, an answer over them says `limit`',
  async (_t, net) => {
    const pages = { pageBytes: 1000, pages: 3 };
    const sessions = [{ session: 'x'.repeat(5000), revision: 1, legs: 1, bound: 0 }];
    const sw = await net.switchFor({ pages, handle: () => ({ ok: true, revision: 1, sessions }) });
    const { fleet } = await net.fleetFor([sw], { pages });
    const put = fleet.request('sw1', 'session.put', { ...DROP, addresses: [], legs: makeLegs(30) });
    await assert.rejects(put, { code: 'ESL_TOO_MANY_PAGES' });
    const reply = await fleet.request('sw1', 'session.list', {});
    assert.equal(!reply.ok && reply.code, 'limit');
  },
);

inAllMedia('a request may be made from within the event handler', async (_t, net) => {
  const sw = await net.switchFor();
  const done = new Seen<CommandReply>();
  const rig = net.fleetOf([sw], {
    onEvent: async (id) => done.push(await rig.fleet.request(id, 'session.list', {})),
  });
  await started(rig);
  sw.control.publish(bound('a'));
  assert.deepEqual(await done.until(() => true), { ok: true, revision: 1 });
});

inAllMedia('handlers that throw harm nothing', async (_t, net) => {
  const sw = await net.switchFor();
  const { fleet } = await net.fleetFor([sw], {
    onState: () => {
      throw new Error('boom');
    },
    onEvent: () => Promise.reject(new Error('boom')),
  });
  sw.control.publish(bound('a'));
  assert.equal((await fleet.request('sw1', 'session.list', {})).ok, true);
});

inAllMedia('two switches, one fleet: commands and events stay apart', async (_t, net) => {
  const a = await net.switchFor({ id: 'a', handle: () => ({ ok: true, revision: 1 }) });
  const b = await net.switchFor({ id: 'b', handle: () => ({ ok: true, revision: 2 }) });
  const { fleet, states, events } = await net.fleetFor([a, b]);
  await states.until(({ id }) => id === 'a');
  await states.until(({ id }) => id === 'b');
  assert.deepEqual(await fleet.request('a', 'session.list', {}), { ok: true, revision: 1 });
  assert.deepEqual(await fleet.request('b', 'session.list', {}), { ok: true, revision: 2 });
  a.control.publish(bound('x'));
  assert.equal((await events.until(() => true)).id, 'a');
  assert.equal(a.calls.length, 1);
});

inDirectMode('two switches with one id: the first keeps it', async (_t, net) => {
  const first = await net.switchFor();
  const second = await net.switchFor({ epoch: 'e9' });
  const rig = await net.fleetFor([first, second]);
  await eventually('the second to be found out', () =>
    rig.fleet.counters().some(({ link }) => link.forged > 0),
  );
  assert.equal(rig.states.items.filter(({ state }) => state.state === 'up').length, 1);
  const held = rig.fleet.states().filter(({ id }) => id === 'sw1');
  assert.equal(held.length, 1);
  assert.equal((await rig.fleet.request('sw1', 'session.list', {})).ok, true);
  assert.equal(first.calls.length + second.calls.length, 1);
});

inAllMedia('two focuses at one switch each get their own answers and all events', async (_t, net) => {
  const sw = await net.switchFor();
  const one = await net.fleetFor([sw], { focusId: 'f1' });
  const two = await net.fleetFor([sw], { focusId: 'f2' });
  await one.fleet.request('sw1', 'session.list', {});
  await two.fleet.request('sw1', 'session.list', {});
  sw.control.publish(bound('a'));
  await one.events.until(() => true);
  await two.events.until(() => true);
  assert.equal(one.fleet.counters()[0]?.link.strayReplies, 0);
  assert.equal(two.fleet.counters()[0]?.link.strayReplies, 0);
});

inAllMedia('a change of draining is told at once', async (_t, net) => {
  let draining = false;
  const sw = await net.switchFor({ hello: () => makeHello({ draining }) });
  const { states } = await net.fleetFor([sw]);
  draining = true;
  sw.control.sayHello();
  const told = await states.until(({ state }) => state.draining);
  assert.equal(told.state.state, 'up');
});

inAllMedia('stopping the fleet rejects what is pending', async (_t, net) => {
  const sw = await net.switchFor({ handle: () => new Promise(() => undefined) });
  const { fleet } = await net.fleetFor([sw]);
  const outcome = assert.rejects(fleet.request('sw1', 'session.list', {}), { code: 'ESL_DOWN' });
  await fleet.stop();
  await outcome;
});
