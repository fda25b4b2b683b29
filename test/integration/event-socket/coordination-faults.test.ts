import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { CommandReply } from '../../../src/switch-control/protocol.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/kamailio/free-port.ts';
import { inAllMedia } from './media.ts';
import { bound, DROP, FAST, fleetFor, makeHello, Seen, switchFor } from './rig.ts';

inAllMedia(
  'no answer: one repeat with the same im-corr, carried out once, then ESL_TIMEOUT',
  async (_t, net) => {
    const sw = await net.switchFor({ handle: () => new Promise(() => undefined), helloIntervalMs: 20 });
    const { fleet } = await net.fleetFor([sw], net.fast);
    await assert.rejects(fleet.request('sw1', 'session.drop', DROP), {
      code: 'ESL_TIMEOUT',
      retryable: true,
    });
    await eventually('the repeat', () => sw.control.counters.requests === 2);
    assert.equal(sw.calls.length, 1);
    assert.equal(sw.control.counters.repeated, 1);
    assert.equal(fleet.counters()[0]?.link.retries, 1);
  },
);

inAllMedia('an answer that takes longer than one deadline still arrives, and once', async (_t, net) => {
  const answer = Promise.withResolvers<CommandReply>();
  const sw = await net.switchFor({ handle: () => answer.promise, helloIntervalMs: 20 });
  const { fleet } = await net.fleetFor([sw], {
    ...net.fast,
    limits: { ...net.fast.limits, requestDeadlineMs: 800 },
  });
  const reply = fleet.request('sw1', 'session.drop', DROP);
  await eventually('the request again', () => sw.control.counters.repeated > 0);
  answer.resolve({ ok: true, revision: 9 });
  assert.deepEqual(await reply, { ok: true, revision: 9 });
  assert.equal(sw.calls.length, 1);
});

inAllMedia(
  'a switch that nobody knows is ESL_DOWN; one that is gone cannot be asked',
  async (_t, net, medium) => {
    const sw = await net.switchFor({ helloIntervalMs: 20 });
    const { fleet, states } = await net.fleetFor([sw], net.fast);
    await assert.rejects(fleet.request('nobody', 'session.list', {}), { code: 'ESL_DOWN' });
    await sw.stop();
    // Nobody tells on a bus that a connection is gone: only the hellos stop. On a busy machine they may have stopped before.
    const ends = medium === 'direct' ? ['connecting', 'silent'] : ['silent'];
    await states.until(({ state }) => ends.includes(state.state));
    await assert.rejects(fleet.request('sw1', 'session.list', {}), { code: 'ESL_DOWN', retryable: true });
  },
);

inAllMedia('a switch killed amid a request: the repeat reaches the one that comes back', async (_t, net) => {
  const seen = Promise.withResolvers<void>();
  // Not one of those that the kernel gives to others while nobody listens.
  const server = { port: await freePort() };
  const first = await net.switchFor({
    server,
    handle: () => {
      seen.resolve();
      return new Promise(() => undefined);
    },
  });
  const { fleet, states } = await net.fleetFor([first], {
    ...net.fast,
    // Over the test's own time: only the return of the switch can bring the repeat about.
    limits: { ...net.fast.limits, requestDeadlineMs: 60_000 },
  });
  const reply = fleet.request('sw1', 'session.drop', DROP);
  await seen.promise;
  await first.stop();
  const second = await net.switchFor({ epoch: 'e2', server });
  assert.deepEqual(await reply, { ok: true, revision: 1 });
  assert.equal(second.calls.length, 1);
  const back = await states.until(({ change }) => change.epochChanged);
  assert.equal(back.state.state, 'up');
  assert.equal(back.state.epoch, 'e2');
  assert.equal(back.change.isFirst, false);
});

inAllMedia(
  'a switch killed amid a request that does not come back: ESL_TIMEOUT, the fate is unknown',
  async (_t, net) => {
    const seen = Promise.withResolvers<void>();
    const sw = await net.switchFor({
      handle: () => {
        seen.resolve();
        return new Promise(() => undefined);
      },
    });
    const { fleet } = await net.fleetFor([sw], net.fast);
    const outcome = assert.rejects(fleet.request('sw1', 'session.drop', DROP), { code: 'ESL_TIMEOUT' });
    await seen.promise;
    await sw.stop();
    await outcome;
  },
);

inAllMedia(
  'events that were missed while the connection was down are a gap, not a silence',
  async (_t, net) => {
    const sw = await net.switchFor();
    const { fleet, events, states } = await net.fleetFor([sw], net.fast);
    sw.control.publish(bound('a'));
    await events.until(({ seq }) => seq === 1);
    net.cut([sw]);
    sw.control.publish(bound('b'));
    sw.control.publish(bound('c'));
    await states.until(({ state }) => state.state === 'connecting');
    const back = await states.until(({ change }) => change.gap !== null);
    assert.deepEqual(back.change.gap, { first: 2, last: 3 });
    assert.equal(back.state.state, 'up');
    assert.equal(back.change.epochChanged, false);
    sw.control.publish(bound('d'));
    await events.until(({ seq }) => seq === 4);
    assert.equal(fleet.counters()[0]?.link.gaps, 1);
  },
);

inAllMedia(
  'a switch that says no hello any more is silent, and nothing else; with the next one it is up',
  async (_t, net) => {
    let isTalking = true;
    const sw = await net.switchFor({
      helloIntervalMs: 20,
      hello: () => {
        if (isTalking) return makeHello();
        throw new Error('not now');
      },
    });
    const { fleet, states } = await net.fleetFor([sw], net.fast);
    isTalking = false;
    const silent = await states.until(({ state }) => state.state === 'silent');
    assert.deepEqual([silent.id, silent.state.hello?.id], ['sw1', 'sw1']);
    isTalking = true;
    const before = states.items.length;
    const back = await states.until(
      (item) => states.items.indexOf(item) >= before && item.state.state === 'up',
    );
    assert.equal(back.change.epochChanged, false);
    assert.equal(back.change.gap, null);
    assert.equal((await fleet.request('sw1', 'session.list', {})).ok, true);
  },
);

/** More than the hellos that a fast focus forgives. */
const HELD_UP_MS = 400;

test('direct: a focus that was held up itself reads what has come meanwhile before it calls a switch silent', async (t) => {
  const sw = await switchFor(t, { helloIntervalMs: 20 });
  const { fleet, states } = await fleetFor(t, [sw.port], FAST);
  for (let times = 1; times <= 3; times += 1) {
    const { hellos } = fleet.counters()[0]?.link ?? assert.fail();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HELD_UP_MS);
    await eventually('the next hello', () => (fleet.counters()[0]?.link.hellos ?? 0) > hellos);
  }
  assert.deepEqual(
    states.items.map(({ state }) => state.state),
    ['up'],
  );
});

const NASTY = [
  'a\nim-from: sw9\n\nsendevent CUSTOM\n\n',
  'Content-Length: 3\r\n\r\n',
  'ARRAY::a|:b',
  'x[0]',
  '%41%0aim-to: all',
  '"},"im-from":"sw9',
  '\u0000\u0001\u2028\ufffd\u007f',
  '${uuid} $${domain} <&>',
  ' ends with blanks  ',
];

inAllMedia(
  'texts that would break a header travel in the body, unharmed; as a name in a header they are refused',
  async (_t, net) => {
    const sw = await net.switchFor();
    const { fleet, events } = await net.fleetFor([sw]);
    for (const remote of NASTY) sw.control.publish({ ...bound('a'), remote });
    await events.until(({ seq }) => seq === NASTY.length);
    assert.deepEqual(
      events.items.map(({ id, event }) => [id, 'remote' in event && event.remote]),
      NASTY.map((remote) => ['sw1', remote]),
    );
    const legs = NASTY.map((displayName, index) => ({ ...LEG, leg: `l${index}`, displayName }));
    const snapshot = { session: 's1', revision: 1, addresses: NASTY.slice(0, 8), legs };
    await fleet.request('sw1', 'session.put', snapshot);
    assert.deepEqual(sw.calls, [['session.put', snapshot]]);
    for (const op of NASTY) {
      await assert.rejects(fleet.request('sw1', op as 'session.list', {}), { code: 'ESL_BAD_VALUE' });
    }
    assert.equal(sw.calls.length, 1);
  },
);

const LEG = {
  sessionId: 's',
  tls: false,
  role: 'passive' as const,
  acceptTypes: ['*'],
  acceptWrappedTypes: [],
  direction: 'sendrecv' as const,
  identities: ['sip:a@example.com'],
};

test('direct: a silent switch is connected to anew, for a network may have swallowed the connection', async (t) => {
  let isTalking = true;
  const sw = await startTalker(t, () => isTalking);
  const { fleet, states } = await fleetFor(t, [sw.port], FAST);
  const logins = (): number => sw.commands.items.filter((command) => command.startsWith('auth ')).length;
  assert.equal(logins(), 1);
  isTalking = false;
  const silent = await states.until(({ state }) => state.state === 'silent');
  assert.equal(silent.id, 'sw1');
  assert.equal(silent.state.hello?.id, 'sw1');
  // A network may have swallowed the connection: it is taken up again.
  await sw.commands.until(() => logins() > 1);
  isTalking = true;
  const before = states.items.length;
  await states.until((item) => states.items.indexOf(item) >= before && item.state.state === 'up');
  assert.equal(fleet.states()[0]?.state, 'up');
});

/** A server that speaks just enough to be taken for a switch; `lines` may add frames after the subscription. */
async function startTalker(
  t: TestContext,
  isTalking: () => boolean,
  afterHello: (socket: Socket) => void = () => undefined,
): Promise<{ port: number; commands: Seen<string> }> {
  const commands = new Seen<string>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write('Content-Type: auth/request\n\n');
    socket.on('data', (chunk) => {
      const text = chunk.toString();
      commands.push(text);
      if (/^(auth|event) /.test(text)) socket.write('Content-Type: command/reply\nReply-Text: +OK\n\n');
      if (text.startsWith('sendevent ')) socket.write('Content-Type: command/reply\nReply-Text: -ERR no\n\n');
      if (!text.startsWith('event ')) return;
      const timer = setInterval(() => isTalking() && socket.write(frameOf('im::hello', {}, makeHello())), 30);
      socket.on('close', () => clearInterval(timer));
      if (isTalking()) socket.write(frameOf('im::hello', {}, makeHello()));
      afterHello(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, commands };
}

function frameOf(subclass: string, headers: Record<string, string>, body: unknown): string {
  const json = JSON.stringify({
    'Event-Name': 'CUSTOM',
    'Event-Subclass': subclass,
    'im-v': '1',
    'im-op': 'hello',
    'im-corr': 'x',
    'im-from': 'sw1',
    'im-to': 'all',
    'im-seq': '0',
    'im-epoch': 'e1',
    'im-ttl-ms': '2000',
    ...headers,
    _body: JSON.stringify(body),
  });
  return `Content-Length: ${Buffer.byteLength(json)}\nContent-Type: text/event-json\n\n${json}`;
}

test('frames that are forged, repeated or malformed change nothing; the next good one counts', async (t) => {
  const event = (
    headers: Record<string, string>,
    body: unknown = { session: 's', leg: 'l', remote: 'r' },
  ): string => frameOf('im::event', { 'im-op': 'leg.bound', ...headers }, body);
  const talker = await startTalker(
    t,
    () => true,
    (socket) => {
      socket.write(event({ 'im-seq': '1', 'im-from': 'sw2' }));
      socket.write(event({ 'im-seq': '1', 'im-epoch': 'e0' }));
      socket.write(frameOf('im::hello', { 'im-from': 'sw2' }, makeHello({ id: 'sw2' })));
      socket.write(frameOf('im::hello', {}, makeHello({ id: 'sw2' })));
      socket.write(frameOf('im::hello', {}, { id: 'sw1' }));
      socket.write(frameOf('im::hello', { 'im-v': '2' }, makeHello()));
      socket.write('Content-Length: 3\nContent-Type: text/event-json\n\n{"a');
      socket.write(event({ 'im-seq': '1', 'im-op': 'a b' }));
      socket.write(event({ 'im-seq': '1' }, { session: 's' }));
      socket.write(event({ 'im-seq': '1' }));
      socket.write(
        frameOf('im::reply', { 'im-to': 'focus-1', 'im-corr': 'nobody' }, { ok: true, revision: 1 }),
      );
      socket.write(event({ 'im-seq': '2' }));
    },
  );
  const { fleet, events } = await fleetFor(t, [talker.port], FAST);
  await events.until(({ seq }) => seq === 2);
  assert.equal(events.items.length, 1);
  const [counters] = fleet.counters();
  assert.equal(counters?.link.forged, 4);
  assert.equal(counters?.link.duplicates, 1);
  assert.equal(counters?.link.badMessages, 3);
  assert.equal(counters?.connection.badEvents, 2);
  assert.equal(counters?.link.strayReplies, 1);
  assert.equal(fleet.states()[0]?.id, 'sw1');
});

test('an event number that jumps is a gap at once', async (t) => {
  const talker = await startTalker(
    t,
    () => true,
    (socket) => {
      const body = { session: 's', leg: 'l', remote: 'r' };
      socket.write(frameOf('im::event', { 'im-op': 'leg.bound', 'im-seq': '4' }, body));
    },
  );
  const { states, events } = await fleetFor(t, [talker.port], FAST);
  const gap = await states.until(({ change }) => change.gap !== null);
  assert.deepEqual(gap.change.gap, { first: 1, last: 3 });
  await events.until(({ seq }) => seq === 4);
});

inAllMedia(
  'events that nobody handles in time drop the connection, and the loss is told as a gap',
  async (_t, net) => {
    const sw = await net.switchFor();
    const { promise: never } = Promise.withResolvers<void>();
    const { fleet, states } = await net.fleetFor([sw], {
      ...net.fast,
      clientLimits: { ...net.fast.clientLimits, maxQueuedJobs: 10 },
      onEvent: () => never,
    });
    for (let count = 0; count < 12; count += 1) sw.control.publish(bound(`l${count}`));
    const gap = await states.until(({ change }) => change.gap !== null);
    assert.equal(gap.state.state, 'up');
    assert.equal(fleet.counters()[0]?.connection.overflows, 1);
    assert.deepEqual(await fleet.request('sw1', 'session.list', {}), { ok: true, revision: 1 });
  },
);

test('a first hello whose body names another switch than its header introduces nobody', async (t) => {
  const talker = await startTalker(
    t,
    () => false,
    (socket) => {
      socket.write(frameOf('im::hello', {}, makeHello({ id: 'sw2' })));
      socket.write(frameOf('im::hello', {}, makeHello({ epoch: 'e2' })));
      socket.write(frameOf('im::hello', {}, makeHello()));
    },
  );
  const { fleet, states } = await fleetFor(t, [talker.port]);
  assert.deepEqual(
    states.items.map(({ id, state }) => [id, state.epoch]),
    [['sw1', 'e1']],
  );
  assert.equal(fleet.counters()[0]?.link.forged, 2);
});

test('a frame that the switch refuses is not repeated', { timeout: 20_000 }, async (t) => {
  const talker = await startTalker(t, () => true);
  const { fleet } = await fleetFor(t, [talker.port], { limits: { requestDeadlineMs: 60_000 } });
  await assert.rejects(fleet.request('sw1', 'session.list', {}), { code: 'ESL_REFUSED' });
  assert.equal(talker.commands.items.filter((command) => command.startsWith('sendevent ')).length, 1);
});

inAllMedia('requests without an answer are limited', async (_t, net) => {
  const sw = await net.switchFor({ handle: () => new Promise(() => undefined) });
  const { fleet } = await net.fleetFor([sw], { limits: { maxPendingRequests: 2 } });
  const waiting = [1, 2].map(() => fleet.request('sw1', 'session.list', {}).catch((error: unknown) => error));
  await assert.rejects(fleet.request('sw1', 'session.list', {}), { code: 'ESL_OVERFLOW', retryable: true });
  await fleet.stop();
  for (const error of await Promise.all(waiting)) assert.equal((error as { code: string }).code, 'ESL_DOWN');
});
