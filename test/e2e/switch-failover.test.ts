/**
 * Switches that die, stop, or are emptied under running conversations: every leg is led to another one, messages flow again,
 * and nobody is told that anybody left; where the focus connects to each switch, and where all meet on a bus. Times are a fifth of the defaults; `PARLEY_TEST_FAILOVER=full` takes the defaults.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, type TestContext, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { FACTORY } from '../support/stack.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { LogWatch } from './support/eventually.ts';
import { type FarSwitch, Fleet, IS_FULL, MODES, WITHIN_MS } from './support/far-switch.ts';
import { Traffic, type TrafficCount } from './support/traffic.ts';

let fleet: Fleet;
let last = 0;

/** Three users in a session on `on`, one of whom watches who is there. */
async function watched(on: FarSwitch) {
  last += 1;
  const users = (await Promise.all(
    ['ada', 'ben', 'cleo'].map((name) => fleet.stack.subscriber(`${name}${last}`)),
  )) as [Subscriber, Subscriber, Subscriber];
  const rooms = (await conversation(FACTORY, ...users)) as [Room, Room, Room];
  assert.deepEqual(await fleet.places(), [on.id]);
  const roster = await rooms[0].watch();
  await roster.until((all) => all.filter(({ status }) => status === 'connected').length === 3);
  return { users, rooms, roster, documents: roster.documents.length };
}
type Watched = Awaited<ReturnType<typeof watched>>;

async function allMove(rooms: readonly Room[]): Promise<void> {
  const moves = rooms.map((room) => room.nextMove({ timeoutMs: WITHIN_MS }));
  assert.deepEqual(
    await Promise.all(moves),
    rooms.map(() => 200),
  );
}

/** Nobody was told anything while the session moved; who leaves now is the first news. */
async function untouched({ users, rooms, roster, documents }: Watched): Promise<void> {
  const [ada, ben, cleo] = users;
  const [adas, bens, cleos] = rooms;
  await chat('all here', bens, adas, cleos);
  assert.equal((await cleos.leave()).status, 200);
  await roster.until((all) =>
    all.some(({ entity, status }) => entity === cleo.uri && status !== 'connected'),
  );
  assert.equal(roster.documents.length, documents + 1, 'no NOTIFY for the move');
  assert.deepEqual(roster.violations, []);
  assert.equal((await bens.leave()).status, 200);
  assert.equal(await adas.ended, 'remote');
  assertClean(ada, ben, cleo);
}

function told(t: TestContext, tookMs: number, { sent, taken, lost, copies, longestGapMs }: TrafficCount) {
  t.diagnostic(
    `all legs moved after ${Math.round(tookMs)} ms; ${taken} of ${sent} messages taken, ${lost} of ${copies} copies lost, ` +
      `no message for ${longestGapMs} ms`,
  );
}

for (const mode of MODES) {
  describe(mode === 'bus' ? 'on the stand-in for a bus' : 'each switch by its own event socket', () => {
    before(async () => {
      fleet = await Fleet.start({}, mode);
    });
    afterEach(() => fleet.clear());
    after(() => fleet.stop());

    for (const [signal, name] of [
      ['SIGKILL', 'killed'],
      ['SIGSTOP', 'stopped'],
    ] as const) {
      describe(`a switch is ${name}`, () => {
        test('design-move-4 every leg is re-INVITEd to another switch in time, messages flow, no roster is sent', async (t) => {
          const first = await fleet.add(`${name}-a`);
          const talk = await watched(first);
          const second = await fleet.add(`${name}-b`);
          const { rooms } = talk;
          const cseqs = rooms.map(({ dialog }) => dialog.remoteCseq);
          const [sessionsBefore, legsBefore] = [
            await fleet.metric('im_sessions_moved_total'),
            await fleet.metric('im_legs_moved_total'),
          ];
          const log = new LogWatch(fleet.stack);
          const traffic = new Traffic(t, ...rooms);
          await traffic.goesOn();

          await fleet.until(first.id, ({ messagesIn }) => messagesIn > 0);
          const startMs = performance.now();
          first.signal(signal);
          await allMove(rooms);
          const tookMs = performance.now() - startMs;
          assert.ok(tookMs < WITHIN_MS);
          await traffic.goesOn();
          const count = await traffic.stop();
          told(t, tookMs, count);
          // What had its 200 and was on its way when the process died; nothing that came later.
          assert.ok(count.lost <= 6, `${count.lost} lost`);
          assert.deepEqual(await fleet.places(), [second.id]);
          for (const [index, { dialog }] of rooms.entries())
            assert.equal(
              dialog.remoteCseq,
              Math.max(0, cseqs[index] ?? 0) + 1,
              'one re-INVITE in the same dialog',
            );

          const dead = await log.until({ msg: 'the sessions of a dead switch move', switchId: first.id });
          assert.equal(dead['sessions'], 1);
          assert.ok((dead['lastCounters'] as { messagesIn: number }).messagesIn > 0);
          assert.equal((await fleet.until(first.id, ({ state }) => state === 'dead')).state, 'dead');
          assert.equal((await fleet.metric('im_sessions_moved_total')) - sessionsBefore, 1);
          assert.equal((await fleet.metric('im_legs_moved_total')) - legsBefore, 3);
          // On a bus those of the tests before die by and by.
          if (mode === 'direct') assert.equal(await fleet.metric('im_switches_dead'), 1);
          await untouched(talk);

          if (signal === 'SIGSTOP') {
            first.signal('SIGCONT');
            const back = await log.until({ msg: 'switch told of its sessions', switchId: first.id });
            assert.equal(back['dropped'], 1, 'it lets go of what was moved');
            await fleet.until(first.id, ({ state, sessions }) => state === 'up' && sessions === 0);
            if (mode === 'direct') assert.equal(await fleet.metric('im_switches_dead'), 0);
          }
        });
      });
    }

    if (mode === 'bus' && !IS_FULL) return;
    describe('a switch is emptied', () => {
      test('its sessions move to another switch, and nothing that had its 200 is lost', async (t) => {
        const first = await fleet.add('empty-a');
        const talk = await watched(first);
        const second = await fleet.add('empty-b');
        const { rooms } = talk;
        const traffic = new Traffic(t, ...rooms);
        await traffic.goesOn();
        const startMs = performance.now();
        await fleet.ask('POST', `/switches/${first.id}/drain`);
        await allMove(rooms);
        const tookMs = performance.now() - startMs;
        await traffic.goesOn();
        const count = await traffic.stop();
        told(t, tookMs, count);
        assert.equal(count.lost, 0);
        assert.deepEqual(await fleet.places(), [second.id]);
        await fleet.until(first.id, ({ sessions, draining }) => sessions === 0 && draining);
        await untouched(talk);
      });
    });
  });
}
