/** Who is expelled and whose client goes on as if nothing had happened: it answers no BYE, keeps its connection, and writes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { FACTORY } from '../support/stack.ts';
import { chat, conversation } from './support/conversing.ts';
import { CutWire } from './support/cut-wire.ts';
import { eventually } from './support/eventually.ts';
import { type FarSwitch, Fleet } from './support/far-switch.ts';
import { killPart } from './support/outage.ts';

/** Of the BYE alone it would be 64 times T1: 32 s. */
const SILENCED_MS = 10_000;
const SILENT_MS = 20_000;

type Five = [Subscriber, Subscriber, Subscriber, Subscriber, Subscriber];
let fleet: Fleet;
let wire: CutWire;
let [cut, spare] = [] as unknown as [FarSwitch, FarSwitch];
let [ada, ben, cleo, dan, mallory] = [] as unknown as Five;

before(async () => {
  fleet = await Fleet.start();
  cut = await fleet.add('cut', async (eventSocket) => {
    wire = await CutWire.to(eventSocket);
    return wire.address;
  });
  spare = await fleet.add('spare');
  const names = ['ada', 'ben', 'cleo', 'dan', 'mallory'];
  [ada, ben, cleo, dan, mallory] = (await Promise.all(
    names.map((name) => fleet.stack.subscriber(name)),
  )) as unknown as Five;
});
after(async () => {
  await fleet.stop();
  await wire.close();
});

/** On the switch whose event socket can be cut. */
async function threeOfUs(): Promise<[Room, Room, Room]> {
  await fleet.ask('POST', `/switches/${spare.id}/drain?sessions=stay`);
  const rooms = (await conversation(FACTORY, ada, ben, mallory)) as [Room, Room, Room];
  await chat('hello', ...rooms);
  rooms[2].dialog.onRequest = () => 'withhold';
  return rooms;
}

async function expel(by: Room): Promise<void> {
  const { response } = await by.dialog.refer(`<${mallory.uri};method=BYE>`);
  assert.equal(response.status, 202, response.summary);
}

test('R-7.2.1.8-2a-v RFC3261-15.1.1 an expelled client that does not answer the BYE neither says nor hears anything more', async () => {
  const [adas, bens, mallorys] = await threeOfUs();
  await expel(adas);
  await mallorys.dialog.nextRequest('BYE');
  await eventually(
    async () => (await mallorys.say('you cannot get rid of me')) === 403,
    () => 'the expelled one is heard',
    SILENCED_MS,
  );
  assert.equal(await mallorys.say('am I heard?'), 403);
  for (const [from, to] of [
    [adas, bens],
    [bens, adas],
  ] as const) {
    assert.equal(await from.say('who is here?'), 200);
    // What was said before it was silenced, if anything, comes first.
    for (;;) {
      const { text } = await to.hear();
      assert.notEqual(text, 'am I heard?');
      if (text === 'who is here?') break;
    }
  }
  assert.deepEqual(mallorys.msrp.waitingMessages, []);
  for (const id of await fleet.sessions()) await fleet.ask('DELETE', `/sessions/${id}`);
});

test('design-silent while the event socket is cut the others are led away from who is expelled, and nobody else is moved', async () => {
  const [adas, bens, mallorys] = await threeOfUs();
  const [cleos, dans] = (await conversation(FACTORY, cleo, dan)) as [Room, Room];
  await fleet.ask('POST', `/switches/${spare.id}/resume`);
  wire.cut();
  await fleet.until(cut.id, ({ state }) => state === 'silent', SILENT_MS);
  await expel(adas);
  for (const room of [adas, bens]) assert.equal(await room.nextMove(), 200);
  await mallorys.say('am I heard?').catch(() => undefined);
  await chat('we are among us', adas, bens);
  await chat('nothing has changed here', cleos, dans);
  assert.equal(await fleet.metric('im_sessions_moved_total'), 1);

  wire.mend();
  await fleet.until(cut.id, ({ state, legs }) => state === 'up' && legs === 2);
  await mallorys.msrp.closed;
  await chat('it stays so', bens, adas);
  await chat('nor here', dans, cleos);
  assert.deepEqual(mallorys.msrp.waitingMessages, []);
});

test('design-silent a focus that is started anew during the cut leads them away when there is a switch to go to', async () => {
  const [adas, bens, mallorys] = await threeOfUs();
  wire.cut();
  await fleet.until(cut.id, ({ state }) => state === 'silent', SILENT_MS);
  await expel(adas);
  await chat('nowhere to go', adas, bens, mallorys);
  await killPart(fleet.stack, 'focus');
  await fleet.until(spare.id, ({ state }) => state === 'up');
  await fleet.ask('POST', `/switches/${spare.id}/resume`);
  for (const room of [adas, bens]) assert.equal(await room.nextMove({ timeoutMs: SILENT_MS }), 200);
  await mallorys.say('am I heard?').catch(() => undefined);
  await chat('we are among us again', bens, adas);
  wire.mend();
  await mallorys.msrp.closed;
});
