import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandReply, LegSnapshot } from '../../../src/switch-control/protocol.ts';
import { bound, DROP, fleetFor, makeFleet, makeHello, Seen, switchFor } from './rig.ts';

test('a focus meets a switch, sends it a command, gets the answer and the events in order', async (t) => {
  const sw = await switchFor(t, { handle: () => ({ ok: true, revision: 7 }) });
  const { fleet, events, states } = await fleetFor(t, [sw.port]);
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
});

test('refusals come back as values; what is outside the vocabulary never reaches the handler', async (t) => {
  const sw = await switchFor(t, { handle: () => ({ ok: false, code: 'stale', reason: 'r' }) });
  const { fleet } = await fleetFor(t, [sw.port]);
  const stale = await fleet.request('sw1', 'session.drop', DROP);
  assert.deepEqual(stale, { ok: false, code: 'stale', reason: 'r' });
  const invalid = await fleet.request('sw1', 'session.drop', { session: 'with space', revision: 1 });
  assert.equal(!invalid.ok && invalid.code, 'invalid');
  const unknown = await fleet.request('sw1', 'toString' as 'session.list', {});
  assert.equal(!unknown.ok && unknown.code, 'unknown-command');
  assert.equal(sw.calls.length, 1);
  assert.equal(sw.control.counters.invalid, 2);
});

test('a handler that fails answers, and the next command is carried out', async (t) => {
  const replies: (() => CommandReply | Promise<CommandReply>)[] = [
    () => {
      throw new Error('secret');
    },
    () => Promise.reject(new Error('secret')),
    () => ({ ok: true, revision: 1 }),
  ];
  const sw = await switchFor(t, { handle: () => replies.shift()?.() ?? { ok: true, revision: 0 } });
  const { fleet } = await fleetFor(t, [sw.port]);
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

test('bodies over a page go in pages, both ways', async (t) => {
  const sessions = Array.from({ length: 2000 }, (_, index) => ({
    session: `session-with-a-long-name-${index}`,
    revision: index,
    legs: 1,
    bound: 0,
  }));
  const sw = await switchFor(t, { handle: () => ({ ok: true, revision: 1, sessions }) });
  const { fleet } = await fleetFor(t, [sw.port]);
  const snapshot = { session: 's1', revision: 1, addresses: ['sip:g@example.com'], legs: makeLegs(2000) };
  assert.ok(JSON.stringify(snapshot).length > 200_000);
  const reply = await fleet.request('sw1', 'session.put', snapshot);
  assert.deepEqual(reply, { ok: true, revision: 1, sessions });
  assert.deepEqual(sw.calls, [['session.put', snapshot]]);
});

test('a body over all pages is refused by the sender, an answer over them says `limit`', async (t) => {
  const pages = { pageBytes: 1000, pages: 3 };
  const sessions = [{ session: 'x'.repeat(5000), revision: 1, legs: 1, bound: 0 }];
  const sw = await switchFor(t, { pages, handle: () => ({ ok: true, revision: 1, sessions }) });
  const { fleet } = await fleetFor(t, [sw.port], { pages });
  const put = fleet.request('sw1', 'session.put', { ...DROP, addresses: [], legs: makeLegs(30) });
  await assert.rejects(put, { code: 'ESL_TOO_MANY_PAGES' });
  const reply = await fleet.request('sw1', 'session.list', {});
  assert.equal(!reply.ok && reply.code, 'limit');
});

test('a request may be made from within the event handler', async (t) => {
  const sw = await switchFor(t);
  const done = new Seen<CommandReply>();
  const rig = makeFleet([sw.port], {
    onEvent: async (id) => done.push(await rig.fleet.request(id, 'session.list', {})),
  });
  t.after(() => rig.fleet.stop());
  rig.fleet.start();
  await rig.fleet.waitForSwitch(5000);
  sw.control.publish(bound('a'));
  assert.deepEqual(await done.until(() => true), { ok: true, revision: 1 });
});

test('handlers that throw harm nothing', async (t) => {
  const sw = await switchFor(t);
  const { fleet } = await fleetFor(t, [sw.port], {
    onState: () => {
      throw new Error('boom');
    },
    onEvent: () => Promise.reject(new Error('boom')),
  });
  sw.control.publish(bound('a'));
  assert.equal((await fleet.request('sw1', 'session.list', {})).ok, true);
});

test('two switches, one fleet: commands and events stay apart', async (t) => {
  const a = await switchFor(t, { id: 'a', handle: () => ({ ok: true, revision: 1 }) });
  const b = await switchFor(t, { id: 'b', handle: () => ({ ok: true, revision: 2 }) });
  const { fleet, states, events } = await fleetFor(t, [a.port, b.port]);
  await states.until(({ id }) => id === 'a');
  await states.until(({ id }) => id === 'b');
  assert.deepEqual(await fleet.request('a', 'session.list', {}), { ok: true, revision: 1 });
  assert.deepEqual(await fleet.request('b', 'session.list', {}), { ok: true, revision: 2 });
  a.control.publish(bound('x'));
  assert.equal((await events.until(() => true)).id, 'a');
  assert.equal(a.calls.length, 1);
});

test('two switches with one id: the first keeps it', async (t) => {
  const first = await switchFor(t);
  const second = await switchFor(t, { epoch: 'e9' });
  const rig = await fleetFor(t, [first.port, second.port]);
  const untilForged = (): boolean => rig.fleet.counters().some(({ link }) => link.forged > 0);
  while (!untilForged()) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(rig.states.items.filter(({ state }) => state.state === 'up').length, 1);
  const held = rig.fleet.states().filter(({ id }) => id === 'sw1');
  assert.equal(held.length, 1);
  assert.equal((await rig.fleet.request('sw1', 'session.list', {})).ok, true);
  assert.equal(first.calls.length + second.calls.length, 1);
});

test('two focuses at one switch each get their own answers and all events', async (t) => {
  const sw = await switchFor(t);
  const one = await fleetFor(t, [sw.port], { focusId: 'f1' });
  const two = await fleetFor(t, [sw.port], { focusId: 'f2' });
  await one.fleet.request('sw1', 'session.list', {});
  await two.fleet.request('sw1', 'session.list', {});
  sw.control.publish(bound('a'));
  await one.events.until(() => true);
  await two.events.until(() => true);
  assert.equal(one.fleet.counters()[0]?.link.strayReplies, 0);
  assert.equal(two.fleet.counters()[0]?.link.strayReplies, 0);
});

test('a change of draining is told at once', async (t) => {
  let draining = false;
  const sw = await switchFor(t, { hello: () => makeHello({ draining }) });
  const { states } = await fleetFor(t, [sw.port]);
  draining = true;
  sw.control.sayHello();
  const told = await states.until(({ state }) => state.draining);
  assert.equal(told.state.state, 'up');
});

test('stopping the fleet rejects what is pending', async (t) => {
  const sw = await switchFor(t, { handle: () => new Promise(() => undefined) });
  const { fleet } = await fleetFor(t, [sw.port]);
  const outcome = assert.rejects(fleet.request('sw1', 'session.list', {}), { code: 'ESL_DOWN' });
  await fleet.stop();
  await outcome;
});
