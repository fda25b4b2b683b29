/** Focus and switches meet on a FreeSWITCH: conversations are as ever, and the bus may go away under them. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FreeSwitchClient, type FreeSwitchResponse } from 'esl';
import type { Subscriber } from '../../src/agents/chat.ts';
import { type Bus, PASSWORD, realBus, standIn } from '../support/freeswitch-bus/bus.ts';
import { freeswitchBinary } from '../support/freeswitch-bus/real-freeswitch.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { eventually } from './support/eventually.ts';
import { roundTripsOfTen } from './support/session-of-ten.ts';

/** Two, and what a machine with other work adds. */
const MOST_ROUND_TRIPS = 2.7;

async function stackOn(t: TestContext, bus: Bus, processes = 1): Promise<Stack> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-bus-'));
  await writeFile(join(directory, 'password'), `${PASSWORD}\n`);
  await writeFile(
    join(directory, 'key'),
    'the key of this test, 32 characters and more'.replaceAll(' ', '-'),
  );
  const stack = await Stack.start({
    directory,
    config: {
      switch: { processes },
      eventSocket: {
        via: 'freeswitch',
        passwordFile: 'password',
        bus: { address: `127.0.0.1:${bus.port}`, passwordFile: 'password', keyFile: 'key' },
      },
    },
  });
  t.after(async () => {
    await stack.stop();
    await bus.stop();
    await rm(directory, { recursive: true, force: true });
  });
  return stack;
}

async function people(stack: Stack, ...names: string[]): Promise<Subscriber[]> {
  return Promise.all(names.map((name) => stack.subscriber(name)));
}

interface SwitchView {
  readonly id: string;
  readonly state: string;
  readonly legs: number;
  readonly draining: boolean;
}

async function switches(stack: Stack): Promise<SwitchView[]> {
  const response = await fetch(new URL('/api/v1/switches', stack.ready.admin));
  return ((await response.json()) as { items: [] }).items;
}

/** Set up, talk, restart the bus, talk, join, leave. */
async function converse(t: TestContext, bus: Bus, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const stack = await stackOn(t, bus, 2);
  await eventually(
    async () => (await switches(stack)).filter(({ state }) => state === 'up').length === 2,
    () => 'two switches were expected',
  );
  const [ada, ben, cara] = (await people(stack, 'ada', 'ben', 'cara')) as [
    Subscriber,
    Subscriber,
    Subscriber,
  ];
  const [adas, bens, caras] = await conversation(FACTORY, ada, ben, cara);
  assert.ok(adas && bens && caras);
  await chat('over the bus', adas, bens, caras);

  const restarted = bus.end(signal).then(() => bus.launch());
  await chat('no message needs it', bens, adas, caras);
  await restarted;
  await eventually(
    async () => (await switches(stack)).filter(({ state }) => state === 'up').length === 2,
    () => 'the switches were expected on the new bus',
  );
  assert.equal((await bens.leave()).status, 200);
  await chat('who went is not missed', adas, caras);
  const again = await ben.join(adas.uri);
  await chat('and who comes is heard', again, adas, caras);
  for (const room of [again, caras]) assert.equal((await room.leave()).status, 200);
  await adas.dialog.nextRequest('BYE');
  await eventually(
    async () => (await switches(stack)).every(({ legs }) => legs === 0),
    () => 'the switches were expected to be empty',
  );
  assertClean(ada, ben, cara);
}

test('stand-in bus: a conversation over two switches, and the bus is killed under it', async (t) => {
  await converse(t, await standIn(), 'SIGKILL');
});

test('stand-in bus: a session of ten costs two round trips at most, until all ten are in it', async (t) => {
  const { bus, ...rest } = await standIn();
  const stack = await stackOn(t, rest);
  const { roundTrips, requests } = await roundTripsOfTen(stack, bus, MOST_ROUND_TRIPS);
  t.diagnostic(`${requests} requests, ${roundTrips.toFixed(2)} round trips one after the other`);
  assert.ok(roundTrips < MOST_ROUND_TRIPS, `${roundTrips} round trips`);
  assert.ok(roundTrips > 0.5, 'the replies were held back in vain');
});

/** A foreign client of the switch's own event socket, which is the operators' in bus mode. */
test('stand-in bus: an operator lists sessions with esl, drains the switch, and sees its counters; commands are refused there', async (t) => {
  const { bus, ...rest } = await standIn();
  assert.ok(bus);
  const stack = await stackOn(t, rest);
  const [ada, ben] = (await people(stack, 'ada', 'ben')) as [Subscriber, Subscriber];
  await conversation(FACTORY, ada, ben);
  const [address = ''] = stack.ready.eventSockets;
  const [host = '', port = ''] = address.split(':');
  const logger = { debug: () => undefined, info: () => undefined, error: () => undefined };
  const client = new FreeSwitchClient({ host, port: Number(port), password: PASSWORD, logger });
  t.after(() => client.end());
  const connected = new Promise<FreeSwitchResponse>((resolve) => client.on('connect', resolve));
  client.connect();
  const call = await connected;
  assert.match((await call.api('im sessions')).body, /im-s-/);
  assert.match((await call.api('im bus')).body, /^\{"up":true,.*"refused":\{/);
  assert.match((await call.api('im drain stay')).body, /^\+OK draining/);
  await eventually(
    async () => (await switches(stack)).every(({ draining }) => draining),
    () => 'the switch was expected to drain',
  );
  assert.match((await call.api('im resume')).body, /^\+OK/);
  await eventually(
    async () => (await switches(stack)).every(({ draining }) => !draining),
    () => 'the switch was expected to take sessions again',
  );
  await assert.rejects(call.sendevent('CUSTOM', { 'Event-Subclass': 'im::request' }));
});

const binary = freeswitchBinary();
if (binary !== undefined) {
  test('FreeSWITCH: a conversation over two switches, and FreeSWITCH is restarted under it', async (t) => {
    await converse(t, await realBus(binary), 'SIGTERM');
  });
}
