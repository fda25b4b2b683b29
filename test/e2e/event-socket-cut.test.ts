/**
 * Silent is not dead: the event socket between focus and switch, or between a switch and the bus, is cut while all live. Nothing is torn down, messages go on,
 * and what has changed meanwhile is right afterwards. `PARLEY_TEST_FAILOVER=full` cuts it for 60 s, with the default times.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { FACTORY } from '../support/stack.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { CutWire } from './support/cut-wire.ts';
import { eventually, LogWatch } from './support/eventually.ts';
import { Fleet, IS_FULL, MODES } from './support/far-switch.ts';
import { Traffic } from './support/traffic.ts';

/** Answers of the MSRP port that are waited for: by default one each 2 s. */
const QUESTIONS = 4;
const CUT_MS = IS_FULL ? 60_000 : 0;

for (const mode of MODES) {
  describe(mode === 'bus' ? 'on the stand-in for a bus' : 'directly', () => {
    let fleet: Fleet;
    let wire: CutWire;
    before(async () => {
      fleet = await Fleet.start({}, mode);
    });
    after(async () => {
      await fleet.stop();
      await wire.close();
    });

    test(`design-silent ${mode}: an event socket that is cut: messages go on, nobody is moved or ended, and the snapshot sets all right`, async (t) => {
      const cut = await fleet.add('cut', async (eventSocket) => {
        wire = await CutWire.to(eventSocket);
        return wire.address;
      });
      const spare = await fleet.add('spare');
      await fleet.ask('POST', `/switches/${spare.id}/drain?sessions=stay`);
      const [ada, ben, cleo, dan] = (await Promise.all(
        ['ada', 'ben', 'cleo', 'dan'].map((name) => fleet.stack.subscriber(name)),
      )) as [Subscriber, Subscriber, Subscriber, Subscriber];
      const [adas, bens, cleos, gone] = (await conversation(FACTORY, ada, ben, cleo, dan)) as [
        Room,
        Room,
        Room,
        Room,
      ];
      assert.equal((await gone.leave()).status, 200);
      await fleet.ask('POST', `/switches/${spare.id}/resume`);
      const roster = await adas.watch();
      await roster.until((all) => all.filter(({ status }) => status === 'connected').length === 3);
      const log = new LogWatch(fleet.stack);
      const traffic = new Traffic(t, adas, bens);

      const startMs = performance.now();
      wire.cut();
      await fleet.until(cut.id, ({ state }) => state === 'silent', 20_000);
      const answers = () =>
        log.entries.filter(({ msg }) => String(msg).includes('is silent, and its MSRP port answers')).length;
      await eventually(
        () => answers() >= 1,
        () => 'its MSRP port was not asked',
      );
      // Meanwhile one leaves, and another who had left wants to come back.
      assert.equal((await cleos.leave()).status, 200);
      const refused = await (await dan.dial(adas.uri)).call.final({ timeoutMs: 10_000 });
      assert.equal(refused.status, 503, refused.summary);
      await eventually(
        () => answers() >= QUESTIONS,
        () => `its MSRP port was asked ${answers()} times`,
        20_000,
      );
      await delay(Math.max(0, CUT_MS - (performance.now() - startMs)));
      const { sent, taken, lost } = await traffic.stop();
      assert.deepEqual([taken, lost], [sent, 0], 'every message was taken, and arrived');
      assert.equal(await fleet.metric('im_sessions_moved_total'), 0);
      assert.equal((await fleet.until(cut.id, () => true)).state, 'silent');

      wire.mend();
      await fleet.until(cut.id, ({ state, legs }) => state === 'up' && legs === 2);
      const dans = await dan.join(adas.uri);
      await chat('where were we?', dans, adas, bens);
      await roster.until((all) => all.filter(({ status }) => status === 'connected').length === 3);
      assert.deepEqual(roster.violations, []);
      assert.deepEqual(await fleet.places(), [cut.id], 'it has never moved');
      for (const { dialog } of [adas, bens]) assert.ok(dialog.remoteCseq <= 1, 'no re-INVITE');
      assertClean(ada, ben, cleo, dan);
    });
  });
}

describe('without the bus', () => {
  let fleet: Fleet;
  before(async () => {
    fleet = await Fleet.start({}, 'bus');
  });
  after(() => fleet.stop());

  test('design-silent the bus is away: every switch is silent, none is dead, nobody is moved, and messages go on', async (t) => {
    const switches = ['switch-0', (await fleet.add('away')).id];
    const [eve, fay] = (await Promise.all(['eve', 'fay'].map((name) => fleet.stack.subscriber(name)))) as [
      Subscriber,
      Subscriber,
    ];
    const rooms = (await conversation(FACTORY, eve, fay)) as [Room, Room];
    const traffic = new Traffic(t, ...rooms);
    await fleet.bus.end('SIGKILL');
    for (const id of switches) await fleet.until(id, ({ state }) => state === 'silent', 20_000);
    await delay(CUT_MS || 1_000);
    const { sent, taken, lost } = await traffic.stop();
    assert.deepEqual([taken, lost], [sent, 0], 'every message was taken, and arrived');
    assert.equal(await fleet.metric('im_switches_dead'), 0);
    await fleet.bus.launch();
    for (const id of switches) await fleet.until(id, ({ state }) => state === 'up', 20_000);
    await chat('as before', ...rooms);
    for (const { dialog } of rooms) assert.ok(dialog.remoteCseq <= 1, 'no re-INVITE');
    assert.equal((await rooms[1].leave()).status, 200);
    assert.equal(await rooms[0].ended, 'remote');
    assertClean(eve, fay);
  });
});
