/** A foreign client on the event socket of a switch that a focus commands: it lists sessions, watches events, empties the switch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FreeSwitchClient, type FreeSwitchResponse } from 'esl';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { FACTORY } from '../support/stack.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { eventually } from './support/eventually.ts';
import { type FarSwitch, Fleet, PASSWORD, WITHIN_MS } from './support/far-switch.ts';

async function esl(far: FarSwitch): Promise<{ client: FreeSwitchClient; call: FreeSwitchResponse }> {
  const [host = '', port = ''] = far.listens.eventSocket.split(':');
  const logger = { debug: () => undefined, info: () => undefined, error: () => undefined };
  const client = new FreeSwitchClient({ host, port: Number(port), password: PASSWORD, logger });
  const connected = new Promise<FreeSwitchResponse>((resolve) => client.on('connect', resolve));
  client.connect();
  return { client, call: await connected };
}

test('direct mode: an operator lists sessions with esl, watches events, drains the switch and lets it serve again', async (t) => {
  const fleet = await Fleet.start();
  t.after(() => fleet.stop());
  const first = await fleet.add('operated');
  const { client, call } = await esl(first);
  t.after(() => client.end());
  const heard = new Map<string, string>();
  const bound = new Promise<void>((resolve) => {
    call.on('CUSTOM', ({ body }) => {
      heard.set(String(body['im-op']), String(body['_body']));
      if (body['im-op'] === 'leg.bound') resolve();
    });
  });
  await call.send('event json CUSTOM im::event');
  const [ada, ben] = (await Promise.all(['ada', 'ben'].map((name) => fleet.stack.subscriber(name)))) as [
    Subscriber,
    Subscriber,
  ];
  const rooms = (await conversation(FACTORY, ada, ben)) as [Room, Room];
  const [session = ''] = await fleet.sessions();
  await bound;
  assert.match(heard.get('leg.bound') ?? '', new RegExp(`"session":"${session}"`));
  assert.match(
    (await call.api('im sessions')).body,
    new RegExp(`^session,revision,legs,bound\n${session},\\d+,2,\\d\n\n1 total\\.\n$`),
  );
  const counters = JSON.parse((await call.api('im event-socket')).body) as Record<
    string,
    Record<string, number>
  >;
  assert.ok((counters['control']?.['requests'] ?? 0) > 0, 'the focus commands it here');
  await assert.rejects(call.sendevent('CUSTOM', { 'Event-Subclass': 'im::hello' }), 'it is forged');
  const refused = `im_switch_event_socket_refused_total{switch="${first.id}",what="event"}`;
  await eventually(
    async () => (await fleet.metric(refused)) === 1,
    () => 'the refusal is not counted',
  );

  const second = await fleet.add('spare');
  const moves = rooms.map((room) => room.nextMove({ timeoutMs: WITHIN_MS }));
  assert.match((await call.api('im drain')).body, /^\+OK draining/);
  assert.deepEqual(await Promise.all(moves), [200, 200]);
  assert.deepEqual(await fleet.places(), [second.id]);
  await fleet.until(first.id, ({ draining, sessions }) => draining && sessions === 0);
  await chat('elsewhere', ...rooms);
  assert.match((await call.api('im resume')).body, /^\+OK/);
  await fleet.until(first.id, ({ draining }) => !draining);
  assert.equal((await rooms[1].leave()).status, 200);
  assert.equal(await rooms[0].ended, 'remote');
  assertClean(ada, ben);
});
