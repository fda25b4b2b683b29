/** Somebody else on the bus: whoever may log in to FreeSWITCH can send events in anybody's name. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { sealEvent } from '../../../src/event-socket/bus/seal.ts';
import { type EslEvent, encodeSendEvent } from '../../../src/event-socket/event.ts';
import { silentLog } from '../../../src/event-socket/log.ts';
import { eventually } from '../../support/eventually.ts';
import { BUS_KEY, type BusNet, onEachBus } from './media.ts';
import { bound, makeHello, RawClient, type RigFleet, type RigSwitch, Seen } from './rig.ts';

interface Scene {
  readonly sw: RigSwitch;
  readonly rig: RigFleet;
  readonly mallory: RawClient;
  /** What is written of refused frames, at the focus. */
  readonly log: Seen<{ why: string; from: string }>;
}

/** A focus and a switch that have met, and a third who hears everything. */
async function scene(t: TestContext, net: BusNet): Promise<Scene> {
  const log: Scene['log'] = new Seen();
  const sw = await net.switchFor();
  const rig = await net.fleetFor([sw], {
    log: {
      ...silentLog,
      warn: (fields, message) => message === 'bus frame refused' && log.push(fields as never),
    },
  });
  const mallory = new RawClient(net.port);
  t.after(() => mallory.socket.destroy());
  await mallory.login();
  return { sw, rig, mallory, log };
}

function request(part: Readonly<Record<string, string>> = {}, body = '{}'): EslEvent {
  const headers = {
    'im-v': '1',
    'im-op': 'session.list',
    'im-corr': 'c1',
    'im-from': 'focus-1',
    'im-to': 'sw1',
    'im-seq': '1',
    'im-epoch': 'e1',
    'im-ttl-ms': '2000',
    ...part,
  };
  return { name: 'CUSTOM', subclass: 'im::request', headers: new Map(Object.entries(headers)), body };
}

/** Frames of one sender come in order: when this one is through, so are those before it. */
async function settled({ sw, mallory }: Scene): Promise<void> {
  const before = sw.calls.length;
  const last = request({ 'im-from': 'focus-of-the-test', 'im-corr': `last-${before}` });
  mallory.socket.write(encodeSendEvent(sealEvent(last, [BUS_KEY], Date.now(), before + 1)));
  await eventually('the last request', () => sw.calls.length > before);
}

function refusedAt(
  member: { readonly counters: { readonly refused: ReadonlyMap<string, number> } } | undefined,
) {
  return Object.fromEntries(member?.counters.refused ?? []);
}

onEachBus('frames without a seal, with another key’s, or changed on the way reach nobody', async (t, net) => {
  const all = await scene(t, net);
  const { sw, rig, mallory, log } = all;
  const good = sealEvent(request(), [BUS_KEY], Date.now(), 1);
  const changed = (name: string, value: string): EslEvent => ({
    ...good,
    headers: new Map(good.headers).set(name, value),
  });
  for (const event of [
    request(),
    sealEvent(request(), ['another key of thirty-two characters'], Date.now(), 1),
    changed('im-op', 'switch.drain'),
    changed('im-from', 'focus-2'),
    changed('im-mac', 'AAAA'),
    { ...good, body: '{ }' },
    { ...request(), subclass: 'im::hello', headers: new Map(changed('im-op', 'hello').headers) },
  ]) {
    mallory.socket.write(encodeSendEvent(event));
  }
  // To the focus, in the name of its switch.
  const forged = {
    ...request({ 'im-op': 'hello', 'im-from': 'sw1', 'im-to': 'all' }),
    subclass: 'im::hello',
  };
  mallory.socket.write(encodeSendEvent({ ...forged, body: JSON.stringify(makeHello({ draining: true })) }));
  await settled(all);
  assert.deepEqual(
    sw.calls.map(([op]) => op),
    ['session.list'],
    'the one of the test alone',
  );
  assert.deepEqual(refusedAt(sw.bus), { ESL_UNSEALED: 2, ESL_BAD_SEAL: 6 });
  const told = await log.until(() => true);
  assert.deepEqual([told.why, told.from], ['ESL_BAD_SEAL', 'focus-1']);
  assert.equal(rig.fleet.states()[0]?.draining, false);
});

onEachBus(
  'a frame that was heard and is sent again is refused, as it was or in another life',
  async (t, net) => {
    const all = await scene(t, net);
    const { sw, rig, mallory } = all;
    await mallory.ask('event json CUSTOM im::request im::event im::reply');
    assert.equal((await rig.fleet.request('sw1', 'session.list', {})).ok, true);
    sw.control.publish(bound('a'));
    await rig.events.until(({ seq }) => seq === 1);
    const heard: EslEvent[] = [];
    while (heard.length < 3) {
      const { body } = await mallory.next();
      const {
        _body = '',
        'Event-Subclass': subclass = '',
        ...rest
      } = JSON.parse(body) as Record<string, string>;
      const headers = Object.entries(rest).filter(([name]) => name.startsWith('im-'));
      heard.push({ name: 'CUSTOM', subclass, headers: new Map(headers), body: _body });
    }
    for (const event of heard) mallory.socket.write(encodeSendEvent(event));
    await settled(all);
    assert.equal(refusedAt(sw.bus)['replayed'], 1);
    assert.equal(sw.calls.length, 2, 'the request and that of the test');
    await eventually('both refusals', () => (refusedAt(rig.bus)['replayed'] ?? 0) >= 2);
    assert.equal(rig.events.items.length, 1);

    // The switch has restarted: what its former life said is over, though in time.
    await sw.stop();
    const again = await net.switchFor({ epoch: 'e2' });
    await rig.states.until(({ change }) => change.epochChanged);
    const event = heard.find(({ subclass }) => subclass === 'im::event');
    assert.ok(event);
    mallory.socket.write(encodeSendEvent(event));
    await eventually('the refusal', () => (refusedAt(rig.bus)['superseded'] ?? 0) >= 1);
    // To the new switch the request is from before its time.
    const old = heard.find(({ subclass }) => subclass === 'im::request');
    assert.ok(old);
    mallory.socket.write(encodeSendEvent(old));
    await settled({ ...all, sw: again });
    assert.equal(refusedAt(again.bus)['early'], 1);
    assert.equal(again.calls.length, 1);
  },
);

onEachBus('a frame whose time is far from ours is refused', async (t, net) => {
  const all = await scene(t, net);
  // What lies ahead comes nearer on its way.
  for (const [frame, offsetMs] of [-11_000, 40_000].entries()) {
    const event = sealEvent(request({ 'im-from': 'f9' }), [BUS_KEY], Date.now() + offsetMs, frame);
    all.mallory.socket.write(encodeSendEvent(event));
  }
  await settled(all);
  assert.equal(refusedAt(all.sw.bus)['stale'], 2);
  assert.equal(all.sw.calls.length, 1);
});

onEachBus(
  'two members of one name: each tells it, and frames of the older one are not taken',
  async (_t, net) => {
    const first = await net.switchFor({ epoch: 'e1', helloIntervalMs: 30 });
    const rig = await net.fleetFor([first]);
    const second = await net.switchFor({ epoch: 'e2', helloIntervalMs: 30 });
    await rig.states.until(({ state }) => state.epoch === 'e2');
    for (const sw of [first, second]) {
      await eventually(
        'the other to be told of',
        () => refusedAt(sw.bus)['sender has our name'] !== undefined,
      );
    }
  },
);

onEachBus(
  'several focuses and switches: each hears what is for it, and a focus takes its own switches only',
  async (_t, net) => {
    const switches = await Promise.all(['a', 'b', 'c'].map((id) => net.switchFor({ id, epoch: `e-${id}` })));
    const [one, two] = await Promise.all([
      net.fleetFor(switches, { focusId: 'f1', ownSwitches: ['a', 'b'] }),
      net.fleetFor(switches, { focusId: 'f2', ownSwitches: ['c'] }),
    ]);
    await one.states.until(({ id }) => id === 'a');
    await one.states.until(({ id }) => id === 'b');
    await two.states.until(({ id }) => id === 'c');
    for (const [rig, id] of [
      [one, 'a'],
      [one, 'b'],
      [two, 'c'],
    ] as const) {
      assert.equal((await rig.fleet.request(id, 'session.list', {})).ok, true);
    }
    assert.deepEqual(
      switches.map(({ calls }) => calls.length),
      [1, 1, 1],
    );
    await assert.rejects(two.fleet.request('a', 'session.list', {}), { code: 'ESL_DOWN' });
    for (const [index, sw] of switches.entries()) sw.control.publish(bound(`l${index}`));
    await one.events.until(({ id }) => id === 'a');
    await one.events.until(({ id }) => id === 'b');
    await two.events.until(({ id }) => id === 'c');
    assert.deepEqual([one.events.items.length, two.events.items.length], [2, 1]);
    assert.deepEqual(
      [one, two].map(({ fleet }) => fleet.states().length),
      [2, 1],
    );
  },
);

onEachBus('with the narrow rights of a userauth user both sides work', async (_t, net) => {
  const sw = await net.switchFor({ address: net.user });
  const rig = await net.fleetFor([sw], { address: net.user });
  assert.equal((await rig.fleet.request('sw1', 'session.list', {})).ok, true);
  sw.control.publish(bound('a'));
  await rig.events.until(({ seq }) => seq === 1);
});

onEachBus('a wrong password is an error in the log of each side', async (_t, net) => {
  const errors = new Seen<{ code: string }>();
  const log = { ...silentLog, error: (fields: object) => errors.push(fields as never) };
  const rig = net.fleetOf([], { address: { password: 'wrong' }, log });
  rig.bus?.start();
  assert.equal((await errors.until(() => true)).code, 'ESL_AUTH');
});
