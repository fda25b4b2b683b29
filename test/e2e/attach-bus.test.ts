/**
 * `parley focus` and `parley switch` started one by one, as an operator's own supervision does, who meet on a FreeSWITCH: in
 * whatever order they come, and when one of them is killed and started again.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { type Bus, PASSWORD, realBus, standIn } from '../support/freeswitch-bus/bus.ts';
import { freeswitchBinary } from '../support/freeswitch-bus/real-freeswitch.ts';
import { Attached, FACTORY, freePorts } from './support/attached.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { eventually } from './support/eventually.ts';

/** A switch that is started anew is found by its hello; a client then has its re-INVITE at once. */
const MOVE_MS = 15_000;

async function attachedTo(t: TestContext, bus: Bus): Promise<Attached> {
  const attached = await Attached.prepare(await freePorts(), { bus: { port: bus.port, password: PASSWORD } });
  t.after(async () => {
    await attached.stop();
    await bus.stop();
  });
  return attached;
}

const linesOf = ({ stdout }: { readonly stdout: string }) =>
  stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { ready: boolean; waitsFor?: string[] });

async function oneByOne(t: TestContext, bus: Bus, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await bus.end(signal);
  const attached = await attachedTo(t, bus);
  // The wrong way round: who needs the others is there first.
  const focus = attached.launch('focus');
  const { ready, waitsFor } = (await focus.ready()) as { ready: boolean; waitsFor: string[] };
  assert.equal(ready, false);
  assert.match(waitsFor.join(), /switch/);
  await attached.launch('switch').ready();
  await attached.startKamailio(t);
  await attached.kamailioConnected();
  assert.equal(linesOf(focus).length, 1, 'it is not ready without a bus');
  await bus.launch();
  await attached.switchIsUp();
  await eventually(
    () => linesOf(focus).at(-1)?.ready,
    () => focus.stdout,
  );

  const [ada, ben, cleo] = (await Promise.all(
    ['ada', 'ben', 'cleo'].map((name) => attached.subscriber(name)),
  )) as [Subscriber, Subscriber, Subscriber];
  const [adas, bens, gone] = (await conversation(FACTORY, ada, ben, cleo)) as [Room, Room, Room];
  await chat('met at last', adas, bens, gone);
  assert.equal((await gone.leave()).status, 200);

  await focus.stop('SIGKILL');
  await chat('nobody needs the focus for this', bens, adas);
  await attached.launch('focus').ready();
  await Promise.all([attached.kamailioConnected(), attached.switchIsUp()]);
  const cleos = await cleo.join(adas.uri);
  await chat('three of us', cleos, adas, bens);

  await attached.switch.stop('SIGKILL');
  const rooms = [adas, bens, cleos];
  const moved = rooms.map(async (room) => assert.equal(await room.nextMove({ timeoutMs: MOVE_MS }), 200));
  await attached.launch('switch').ready();
  await Promise.all(moved);
  await chat('on a new switch', adas, bens, cleos);

  // Both at once, as when the machine's supervision restarts its unit.
  await Promise.all([attached.focus.stop(), attached.switch.stop()]);
  const again = rooms.map(async (room) => assert.equal(await room.nextMove({ timeoutMs: MOVE_MS }), 200));
  attached.launch('focus');
  attached.launch('switch');
  await Promise.all(again);
  await chat('and on another', cleos, adas, bens);
  assert.equal((await cleos.leave()).status, 200);
  assert.equal((await bens.leave()).status, 200);
  assert.equal(await adas.ended, 'remote');
  assertClean(ada, ben, cleo);
  assert.deepEqual(await attached.stop(), [0, 0]);
}

test('stand-in bus: focus, switch and bus started in the wrong order, killed and started again one by one', async (t) => {
  await oneByOne(t, await standIn(), 'SIGKILL');
});

const binary = freeswitchBinary();
if (binary !== undefined) {
  test('FreeSWITCH: focus, switch and bus started in the wrong order, killed and started again one by one', async (t) => {
    await oneByOne(t, await realBus(binary), 'SIGTERM');
  });
}
