/** A switch with users of FreeSWITCH in its rooms: sizes, forms, what is not carried, and a FreeSWITCH that does not answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FreeSwitchEnd, pathOfEnd } from '../../../src/freeswitch/end.ts';
import { FreeSwitchTexts } from '../../../src/freeswitch/texts.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { PlayedSocket } from '../../support/freeswitch/played-socket.ts';
import { cpim, type Hall, legOf, Member, openHall, putRoom, ROOM_ADDRESS } from '../msrp/raw-client.ts';

const PASSWORD = 'a-password-of-tests';
const CALL = '0b5e2c1e-0000-4000-8000-000000000001';
/** One of the addresses of the test room that mean everybody. */
const GROUP = 'sip:factory@example.net';
const CARO: FreeSwitchEnd = {
  node: 'fs1',
  kind: 'channel',
  group: GROUP,
  identity: 'sip:caro@example.net',
  call: CALL,
  endsCall: false,
};
const BEN: FreeSwitchEnd = { node: 'fs1', kind: 'message', group: GROUP, identity: 'sip:ben@example.net' };
const silent = { debug() {}, info() {}, warn() {}, error() {} };

interface Desk extends AsyncDisposable {
  readonly hall: Hall;
  readonly socket: PlayedSocket;
  readonly texts: FreeSwitchTexts;
  /** What `uuid_send_text` was given. */
  readonly shown: string[];
}

async function open(answer: (line: string) => string | undefined = () => '+OK\n'): Promise<Desk> {
  const shown: string[] = [];
  const socket = new PlayedSocket(
    PASSWORD,
    (line) => {
      shown.push(line);
      return answer(line);
    },
    () => {},
  );
  const port = await socket.listen();
  const node = { id: 'fs1', host: '127.0.0.1', port, password: PASSWORD, profile: 'im' };
  const held = { maxTexts: 4, maxAgeMs: 10_000 };
  const texts = new FreeSwitchTexts({ nodes: [node], held, clock: systemClock, log: silent });
  texts.start();
  const hall = await openHall({ local: texts });
  await eventually(
    () => texts.state().isUp['fs1'],
    () => 'the switch has not reached its FreeSWITCH',
  );
  return {
    hall,
    socket,
    texts,
    shown,
    async [Symbol.asyncDispose]() {
      await hall[Symbol.asyncDispose]();
      await texts.stop();
      await socket.close();
    },
  };
}

function freeSwitchLeg(end: FreeSwitchEnd, password = PASSWORD) {
  return legOf('f', {
    path: [pathOfEnd(end, password)],
    role: 'active',
    acceptTypes: ['message/cpim', 'text/plain'],
    acceptWrappedTypes: ['text/plain'],
    identities: [end.identity],
    maxSizeBytes: 16_094,
  });
}

const bound = ({ hall }: Desk) => hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'f');
const says = (member: Member, text: string, type?: string) =>
  member.sendAndStatus(Buffer.from(cpim(`sip:${member.name}@example.net`, ROOM_ADDRESS, text, type)), {
    type: 'message/cpim',
  });

test('text reaches a call, whole, in chunks or wrapped; other content and what is too long does not', async () => {
  await using desk = await open();
  putRoom(desk.hall, [legOf('a'), freeSwitchLeg(CARO)]);
  await bound(desk);
  const a = await Member.join(desk.hall, 'a');
  assert.equal(await says(a, 'Grüße'), '200');
  assert.equal(await says(a, '{}', 'application/json'), '200');
  assert.equal(await says(a, 'x'.repeat(17_000)), '200');
  assert.equal(await a.sendAndStatus('plain'), '200');
  const whole = Buffer.from(cpim('sip:a@example.net', ROOM_ADDRESS, 'in two chunks'));
  const range = (from: number, to: number) => `${from}-${to}/${whole.length}`;
  const chunk = { type: 'message/cpim', messageId: 'two' };
  await a.sendAndStatus(whole.subarray(0, 40), { ...chunk, range: range(1, 40), flag: '+' });
  await a.sendAndStatus(whole.subarray(40), { ...chunk, range: range(41, whole.length) });
  assert.deepEqual(await linesOf(desk, 3), [
    `uuid_send_text ${CALL} a: Grüße`,
    `uuid_send_text ${CALL} a: plain`,
    `uuid_send_text ${CALL} a: in two chunks`,
  ]);
  assert.equal(desk.texts.counters.out, 3);
});

/** What was shown so far; resolves when it is so many, and answered. */
async function linesOf({ shown, texts }: Desk, count: number): Promise<string[]> {
  await eventually(
    () => shown.length >= count && texts.counters.out + texts.counters.failed >= count,
    () => `only ${shown.join(' | ')}`,
  );
  return shown;
}

test('what a call says is heard by the others, in its own name; what others say on the bus is not', async () => {
  await using desk = await open();
  putRoom(desk.hall, [legOf('a'), freeSwitchLeg(CARO)]);
  await bound(desk);
  const a = await Member.join(desk.hall, 'a');
  const text = (call: string, body: string) =>
    desk.socket.fire({ name: 'TEXT', headers: { 'Unique-ID': call }, body });
  text('0b5e2c1e-0000-4000-8000-00000000ffff', 'of another call');
  text(CALL, '\r\n');
  text(CALL, 'x'.repeat(16_353));
  text(CALL, 'hello\u2028there\r\n');
  const heard = (await a.message()).body.toString('utf8');
  assert.match(heard, /^From: <sip:caro@example\.net>\r\n/);
  assert.match(heard, /\r\n\r\nhello\r\nthere$/);
  const { in: taken, ignored, tooLong } = desk.texts.counters;
  assert.deepEqual({ taken, ignored, tooLong }, { taken: 1, ignored: 1, tooLong: 1 });
});

test('the first message of a user waits until they are let in', async () => {
  await using desk = await open();
  putRoom(desk.hall, [legOf('a')]);
  const a = await Member.join(desk.hall, 'a');
  const page = (body: string, type = 'text/plain') =>
    desk.socket.fire({
      name: 'CUSTOM',
      subclass: 'im::freeswitch-text',
      headers: { Identity: '"Ben" <sip:ben@example.net>', Group: GROUP, Type: type },
      body,
    });
  page('first');
  page('<x/>', 'application/xml');
  page(cpim('sip:ben@example.net', GROUP, 'second'), 'message/cpim');
  await eventually(
    () => desk.texts.counters.ignored === 1,
    () => 'the pages have not come',
  );
  putRoom(desk.hall, [legOf('a'), freeSwitchLeg(BEN)], 2);
  for (const text of ['first', 'second'])
    assert.match((await a.message()).body.toString(), new RegExp(`${text}$`));
  page('third');
  assert.match((await a.message()).body.toString(), /third$/);
});

test('a path that the focus has not made is not connected to', async () => {
  await using desk = await open();
  putRoom(desk.hall, [legOf('a'), freeSwitchLeg(CARO, 'guessed')]);
  const gone = await desk.hall.nextEvent(({ op }) => op === 'leg.unbound');
  assert.deepEqual([gone.leg, gone.op === 'leg.unbound' && gone.reason], ['f', 'unreachable']);
  const a = await Member.join(desk.hall, 'a');
  assert.equal(await says(a, 'to nobody'), '200');
  assert.deepEqual(desk.shown, []);
});

test('who is muted is not heard, and that is counted', async () => {
  await using desk = await open();
  putRoom(desk.hall, [legOf('a'), { ...freeSwitchLeg(CARO), muted: true }]);
  await bound(desk);
  await Member.join(desk.hall, 'a');
  desk.socket.fire({ name: 'TEXT', headers: { 'Unique-ID': CALL }, body: 'can you hear me?' });
  await eventually(
    () => desk.texts.counters.refused === 1,
    () => 'the 403 of the switch was not counted',
  );
});

test('a call that is gone, and a FreeSWITCH that answers nothing: the others go on, and what is lost is counted', async () => {
  let isStuck = false;
  await using desk = await open((line) =>
    isStuck ? undefined : line.includes('gone') ? '-ERR No such channel!\n' : '+OK\n',
  );
  putRoom(desk.hall, [legOf('a'), legOf('b'), freeSwitchLeg(CARO)]);
  await bound(desk);
  const [a, b] = [await Member.join(desk.hall, 'a'), await Member.join(desk.hall, 'b')];
  assert.equal(await says(a, 'gone'), '200');
  assert.match((await b.message()).body.toString(), /gone$/);
  await linesOf(desk, 1);
  assert.equal(desk.texts.counters.failed, 1);

  isStuck = true;
  const count = 1_500;
  for (let number = 1; number <= count; number += 1) {
    a.send(Buffer.from(cpim('sip:a@example.net', ROOM_ADDRESS, `n${number}`)), { type: 'message/cpim' });
    assert.match((await b.message()).body.toString(), new RegExp(`n${number}$`));
  }
  // 1,024 commands wait for their answer, then for 2 s; then the connection is dropped, and they with it.
  await eventually(
    () => desk.texts.counters.failed === 1 + count,
    () => `lost ${desk.texts.counters.failed}`,
  );
});
