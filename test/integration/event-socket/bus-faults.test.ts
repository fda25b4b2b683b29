/** What a FreeSWITCH does to those who share it as a bus, and what focus and switch make of it. */
import assert from 'node:assert/strict';
import { silentLog } from '../../../src/event-socket/log.ts';
import { eventually } from '../../support/eventually.ts';
import { onEachBus, onStandIn, type StandInNet } from './media.ts';
import { bound, DROP, RawClient, Seen } from './rig.ts';

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  onEachBus(
    `restarted (${signal}): connecting, then up with a gap, since nobody knows what was missed`,
    async (_t, net) => {
      const sw = await net.switchFor();
      const rig = await net.fleetFor([sw], net.fast);
      sw.control.publish(bound('a'));
      await rig.events.until(({ seq }) => seq === 1);
      const restarted = net.restart(signal);
      await rig.states.until(({ state }) => state.state === 'connecting');
      await restarted;
      const back = await rig.states.until(({ change }) => change.gap !== null, 20_000);
      assert.equal(back.state.state, 'up');
      assert.equal(back.change.epochChanged, false);
      assert.equal(rig.bus?.counters.restarts, 1);
      assert.equal((await rig.fleet.request('sw1', 'session.list', {})).ok, true);
      sw.control.publish(bound('b'));
      await rig.events.until(({ seq }) => seq === 2);
    },
  );
}

onStandIn(
  'taken with +OK and lost: a request is repeated, an event is found missing by the next hello',
  async (_t, net) => {
    const sw = await net.switchFor({ helloIntervalMs: 50 });
    const { fleet, states, events } = await net.fleetFor([sw], {
      ...net.fast,
      limits: { ...net.fast.limits, requestDeadlineMs: 1_200 },
    });
    let requests = 0;
    net.bus.ways.loses = ({ subclass }) => subclass === 'im::request' && (requests += 1) === 1;
    assert.equal((await fleet.request('sw1', 'session.drop', DROP)).ok, true);
    assert.equal(fleet.counters()[0]?.link.retries, 1);
    assert.equal(sw.calls.length, 1);

    net.bus.ways.loses = ({ subclass, body }) => subclass === 'im::event' && body.includes('lost');
    sw.control.publish(bound('lost'));
    const gap = await states.until(({ change }) => change.gap !== null);
    assert.deepEqual(gap.change.gap, { first: 1, last: 1 });
    sw.control.publish(bound('kept'));
    assert.equal((await events.until(() => true)).seq, 2);
  },
);

onStandIn('a reply that comes late meets its repeat; the command was carried out once', async (_t, net) => {
  const sw = await net.switchFor({ helloIntervalMs: 50 });
  const { fleet } = await net.fleetFor([sw], {
    ...net.fast,
    limits: { ...net.fast.limits, requestDeadlineMs: 1_200 },
  });
  let replies = 0;
  net.bus.ways.delayMs = ({ subclass }) => (subclass === 'im::reply' && (replies += 1) === 1 ? 1_800 : 0);
  assert.equal((await fleet.request('sw1', 'session.drop', DROP)).ok, true);
  assert.equal(sw.calls.length, 1);
  await eventually('the late reply', () => fleet.counters()[0]?.link.strayReplies === 1);
});

onStandIn('delivered twice: each frame counts once', async (_t, net) => {
  net.bus.ways.copies = () => 2;
  const sw = await net.switchFor();
  const rig = await net.fleetFor([sw]);
  assert.equal((await rig.fleet.request('sw1', 'session.drop', DROP)).ok, true);
  sw.control.publish(bound('a'));
  sw.control.publish(bound('b'));
  await rig.events.until(({ seq }) => seq === 2);
  assert.equal(rig.events.items.length, 2);
  assert.equal(sw.calls.length, 1);
  assert.equal(sw.control.counters.repeated, 0);
  assert.ok((sw.bus?.counters.refused.get('replayed') ?? 0) > 0);
});

onStandIn(
  'overtaken: an event out of turn is a gap and never handled late; a torn snapshot is sent again',
  async (_t, net) => {
    const sw = await net.switchFor({ helloIntervalMs: 50 });
    const { fleet, states, events } = await net.fleetFor([sw], {
      ...net.fast,
      limits: { ...net.fast.limits, requestDeadlineMs: 1_200 },
    });
    net.bus.ways.overtaken = ({ body }) => body.includes('slow');
    sw.control.publish(bound('slow'));
    sw.control.publish(bound('fast'));
    await events.until(({ seq }) => seq === 2);
    const gap = await states.until(({ change }) => change.gap !== null);
    assert.deepEqual(gap.change.gap, { first: 1, last: 1 });
    sw.control.publish(bound('next'));
    await events.until(({ seq }) => seq === 3);
    assert.deepEqual(
      events.items.map(({ seq }) => seq),
      [2, 3],
    );

    let torn = 0;
    net.bus.ways.overtaken = ({ headers }) =>
      headers.get('im-page')?.startsWith('1.') === true && (torn += 1) === 1;
    const addresses = Array.from({ length: 8 }, () => 'x'.repeat(500));
    const legs = Array.from({ length: 300 }, (_, index) => ({ ...LEG, leg: `l${index}` }));
    const snapshot = { session: 's1', revision: 1, addresses, legs };
    assert.equal((await fleet.request('sw1', 'session.put', snapshot)).ok, true);
    assert.deepEqual(sw.calls, [['session.put', snapshot]]);
    assert.equal(torn, 2);
  },
);

const LEG = {
  sessionId: 's',
  tls: false,
  role: 'passive' as const,
  acceptTypes: ['message/cpim', 'text/plain'],
  acceptWrappedTypes: ['x'.repeat(200)],
  direction: 'sendrecv' as const,
  identities: ['sip:a@example.com'],
};

onStandIn(
  'it takes frames and gives none back: noticed by the own ones that are missing, and connected anew',
  async (_t, net) => {
    const sw = await net.switchFor();
    const rig = await net.fleetFor([sw], { ...net.fast, limits: { helloIntervalMs: 60_000 } });
    net.bus.ways.loses = () => true;
    await eventually('it to be found deaf', () => rig.bus?.counters.deaf === 1);
    net.bus.ways.loses = () => false;
    await rig.states.until(({ state }) => state.state === 'connecting');
    const before = rig.states.items.length;
    await rig.states.until((item) => rig.states.items.indexOf(item) >= before && item.state.state === 'up');
    assert.equal(rig.bus?.counters.receive.ups, 2);
  },
);

onStandIn(
  'a command without its reply: the sending connection is given up, the receiving one stays, and the request is repeated',
  async (_t, net) => {
    // Nothing else is sent meanwhile: replies have no id, and that of a later command would stand in for it.
    const sw = await net.switchFor({ helloIntervalMs: 60_000 });
    const rig = await net.fleetFor([sw], {
      limits: { requestDeadlineMs: 10_000, helloIntervalMs: 60_000 },
      clientLimits: { ...net.fast.clientLimits, replyDeadlineMs: 500 },
    });
    let ignored = 0;
    net.bus.ways.ignores = ({ body }) => body.includes('"s1"') && (ignored += 1) === 1;
    assert.equal((await rig.fleet.request('sw1', 'session.drop', DROP)).ok, true);
    assert.equal(sw.calls.length, 1);
    assert.equal(rig.bus?.counters.send.timeouts, 1);
    assert.equal(rig.bus?.counters.receive.downs, 0);
  },
);

onStandIn(
  'a queue that runs over kills a listener; it comes back and asks what it missed',
  async (_t, net) => {
    const sw = await net.switchFor();
    const { states, bus } = await net.fleetFor([sw], net.fast);
    net.bus.ways.maxQueuedEvents = 50;
    for (const listener of net.bus.listeners) listener.stall();
    for (let count = 0; count < 60; count += 1)
      net.bus.inject('CUSTOM', { 'Event-Subclass': 'im::event' }, 'x');
    const gap = await states.until(
      ({ change, state }) => change.gap !== null || state.state === 'connecting',
    );
    assert.equal(gap.id, 'sw1');
    await eventually('four listeners', () => {
      // The other three were stalled as well, and nobody killed them: they are cut here.
      if (net.bus.listeners.length < 4) net.bus.cutAll();
      return net.bus.listeners.length >= 4;
    });
    net.bus.ways.maxQueuedEvents = 100_000;
    const before = states.items.length;
    await states.until((item) => states.items.indexOf(item) >= before - 1 && item.state.state === 'up');
    assert.ok(net.bus.killed >= 1);
    assert.ok((bus?.counters.receive.downs ?? 0) >= 1);
  },
);

onStandIn(
  'what goes over the wire: two connections a member, narrow subscriptions, JSON, no header but im-*',
  async (_t, net) => {
    const sw = await net.switchFor();
    const { fleet } = await net.fleetFor([sw]);
    await fleet.request('sw1', 'session.drop', DROP);
    sw.control.publish(bound('a'));
    await eventually('the event', () => net.bus.sent.some(({ subclass }) => subclass === 'im::event'));
    assert.equal(net.bus.listeners.length, 4);
    const others = net.bus.commands.filter((command) => !/^(auth|sendevent) /.test(command)).sort();
    assert.deepEqual(others, [
      'event json SHUTDOWN CUSTOM im::reply im::event im::hello',
      'event json SHUTDOWN CUSTOM im::request im::hello',
    ]);
    for (const { headers, name } of net.bus.sent) {
      assert.equal(name, 'CUSTOM');
      for (const [header, value] of headers) {
        if (['Event-Subclass', 'Content-Length'].includes(header)) continue;
        assert.match(header, /^im-(v|op|corr|from|to|seq|epoch|ttl-ms|page|at-ms|frame|mac)$/);
        assert.match(value, /^[A-Za-z0-9._~-]{1,128}$/);
      }
    }
  },
);

onStandIn(
  'what is not for it does no harm: bad JSON bodies, other classes, bombs, and a channel’s event out of order',
  async (_t, net) => {
    const sw = await net.switchFor();
    const warnings = new Seen<string>();
    const log = { ...silentLog, warn: (_: object, message: string) => warnings.push(message) };
    const { fleet, events, bus } = await net.fleetFor([sw], { log });
    const hello = { 'Event-Subclass': 'im::hello', 'im-op': 'hello', 'im-from': 'sw1', 'im-to': 'all' };
    net.bus.inject('CUSTOM', { ...hello, 'im-v': 'ARRAY::1|:1' });
    net.bus.inject('CUSTOM', Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`h${n}`, 'x'])), '');
    net.bus.inject('CUSTOM', {
      ...hello,
      ...Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`h${n}`, 'x'])),
    });
    net.bus.inject('CUSTOM', hello, '['.repeat(60_000));
    net.bus.inject('CUSTOM', { ...hello, 'Unique-ID': 'a-channel' });
    net.bus.inject('HEARTBEAT', { 'Event-Info': 'System Ready' });
    sw.control.publish(bound('a'));
    await events.until(({ seq }) => seq === 1);
    assert.equal((await fleet.request('sw1', 'session.list', {})).ok, true);
    assert.equal(bus?.counters.receive.badEvents, 2);
    await eventually('both refusals', () => (bus?.counters.refused.get('ESL_UNSEALED') ?? 0) >= 2);
    assert.ok(warnings.items.includes('event refused') && warnings.items.includes('bus frame refused'));
    assert.equal(bus?.counters.receive.downs, 0);
  },
);

/** Both sides of one medium at once: nobody's frames hold up another's. */
onStandIn(
  'a thousand events and a hundred requests at once arrive complete and in order',
  async (_t, net: StandInNet) => {
    const sw = await net.switchFor();
    const { fleet, events } = await net.fleetFor([sw], { limits: { requestDeadlineMs: 10_000 } });
    const replies = Promise.all(Array.from({ length: 100 }, () => fleet.request('sw1', 'session.list', {})));
    for (let count = 1; count <= 1000; count += 1) sw.control.publish(bound(`l${count}`));
    await events.until(({ seq }) => seq === 1000);
    assert.deepEqual(
      events.items.map(({ seq }) => seq),
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
    assert.ok((await replies).every(({ ok }) => ok));
  },
);

onEachBus('FreeSWITCH’s ways, which the stand-in imitates', async (t, net) => {
  const [listener, sender] = [new RawClient(net.port), new RawClient(net.port)];
  t.after(() => [listener, sender].forEach(({ socket }) => socket.destroy()));
  await listener.login();
  await sender.login();
  assert.match(await listener.ask('event json CUSTOM x::one X::ONE'), /^\+OK event listener enabled json/);
  assert.match(await sender.ask('event json CUSTOM x::one'), /^\+OK event listener enabled json/);
  const send = (headers: string, body: string): void => {
    sender.write(`sendevent CUSTOM\n${headers}Content-Length: ${Buffer.byteLength(body)}\n\n${body}`);
  };
  send(
    'Event-Subclass: x::one\nX-Percent: %41 ü\nX-Empty: \nX-Led:    by blanks\nX-Twice: 1\nX-Twice: 2\nX-List: ARRAY::a|:b\n',
    '{"a":"%41 ü 💬"}',
  );
  assert.match((await sender.next()).headers.get('reply-text') ?? '', /^\+OK [0-9a-f-]{36}/);
  const [text, own] = [(await listener.next()).body, (await sender.next()).body];
  const event = JSON.parse(text) as Record<string, unknown>;
  assert.equal((JSON.parse(own) as typeof event)['_body'], '{"a":"%41 ü 💬"}', 'senders hear themselves');
  assert.equal(event['_body'], '{"a":"%41 ü 💬"}');
  assert.equal(event['X-Percent'], '%41 ü', 'JSON is exact');
  assert.equal('X-Empty' in event, false, 'empty headers vanish');
  assert.equal(event['X-Led'], 'by blanks');
  assert.equal(event['X-Twice'], '2', 'the last one wins');
  assert.deepEqual(event['X-List'], ['a', 'b']);
  assert.equal(text.split('"Content-Length"').length - 1, 2, 'twice in one object');
  assert.match(String(event['Core-UUID']), /^[0-9a-f-]{36}$/);
  assert.ok(text.length > 500, 'with many headers of its own');

  send('Event-Subclass: x::one\n', 'cut\0 here');
  await sender.next();
  assert.equal((JSON.parse((await listener.next()).body) as typeof event)['_body'], 'cut');
  await sender.next();
  send('Event-Subclass: X::One\n', 'of another class: letters count');
  await sender.next();
  send('Event-Subclass: X::ONE\n', 'heard');
  await sender.next();
  assert.equal((JSON.parse((await listener.next()).body) as typeof event)['_body'], 'heard');

  // The plain form is lossy.
  assert.match(await listener.ask('event plain CUSTOM x::one'), /^\+OK event listener enabled plain/);
  send('Event-Subclass: x::one\nX-Percent: %41\n', '');
  const plain = (await listener.next()).body;
  assert.match(plain, /^X-Percent: %41$/m, 'and so it decodes to A');

  assert.match(await listener.ask('bgapi status\nJob-UUID: my-own-job'), /^\+OK Job-UUID: my-own-job/);
  assert.match(await listener.ask('nixevent CUSTOM x::one'), /^\+OK/);
  assert.match(await listener.ask('noevents'), /^\+OK no longer listening/);
  assert.match(await listener.ask('exit'), /^\+OK bye/);
  assert.equal((await listener.next()).headers.get('content-type'), 'text/disconnect-notice');
});
