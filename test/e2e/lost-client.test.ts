/** One client's MSRP connection breaks, and all else is well (`failover.clientLostS`). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { eventually } from './support/eventually.ts';

interface SessionView {
  readonly legs: readonly {
    readonly participant: string;
    readonly traffic: { readonly isConnected: boolean } | null;
  }[];
}

/** So long a client that comes back by itself may take for it, on a machine with other work. */
const CLIENT_LOST_S = 3;

type Three = [Subscriber, Subscriber, Subscriber];
let stack: Stack;
let [ada, ben, cleo] = [] as unknown as Three;

before(async () => {
  stack = await Stack.start({ config: { failover: { clientLostS: CLIENT_LOST_S } } });
  const names = ['ada', 'ben', 'cleo'];
  [ada, ben, cleo] = (await Promise.all(names.map((name) => stack.subscriber(name)))) as Three;
});
after(() => stack.stop());

const talking = async () => (await conversation(FACTORY, ada, ben, cleo)) as [Room, Room, Room];

/** What is said before is lost with the connection. */
async function switchHasLost({ uri }: Subscriber): Promise<void> {
  const [session] = await stack.sessions();
  await eventually(
    async () => {
      const response = await fetch(new URL(`/api/v1/sessions/${session?.id}`, stack.ready.admin));
      const { legs } = (await response.json()) as SessionView;
      return legs.some(({ participant, traffic }) => participant === uri && traffic?.isConnected === false);
    },
    () => `${uri} is still connected`,
  );
}

test('design-lost-client it is offered a new connection by re-INVITE and gets what it has missed; who is back in time is left alone', async () => {
  const [adas, bens, cleos] = await talking();
  const roster = await adas.watch();
  await chat('hello', adas, bens, cleos);
  const { remoteCseq } = bens.dialog;
  const path = bens.msrp.remotePath;
  bens.msrp.drop();
  assert.equal(await bens.msrp.connect(path), 200, 'by itself, with what it knows');
  // It follows when it is told to: until then the switch is without it.
  const { onRequest: follow } = cleos.dialog;
  cleos.dialog.onRequest = () => 'withhold';
  cleos.msrp.drop();
  await switchHasLost(cleo);
  await chat('is everybody there?', adas, bens);
  const offer = await cleos.dialog.nextRequest('INVITE');
  cleos.dialog.onRequest = follow;
  offer.give(follow?.(offer) ?? assert.fail('it was no offer'));
  assert.equal(await cleos.nextMove(), 200);
  assert.equal((await cleos.hear()).text, 'is everybody there?');
  await chat('now I am', cleos, adas, bens);
  assert.equal(bens.dialog.remoteCseq, remoteCseq, 'no re-INVITE for who was back');
  assert.ok(roster.users.every(({ status }) => status === 'connected'));
  assert.deepEqual(roster.violations, []);
  for (const room of [cleos, bens]) assert.equal((await room.leave()).status, 200);
  assert.equal(await adas.ended, 'remote');
  assertClean(ada, ben, cleo);
});

test('design-lost-client who knows nothing of the dialog any more leaves the session', async () => {
  const [adas, bens, cleos] = await talking();
  const roster = await adas.watch();
  cleos.dialog.onRequest = () => ({ status: 481 });
  cleos.msrp.drop();
  await roster.until(
    (users) => users.some(({ entity, status }) => entity === cleo.uri && status === 'disconnected'),
    { what: 'Cleo is still shown' },
  );
  await chat('without Cleo', adas, bens);
});
