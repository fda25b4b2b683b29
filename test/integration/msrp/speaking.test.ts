/** Who may speak for whom (spec cases 23–25, 47, 48), and what of one participant another gets to see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clientUri,
  cpim,
  type Hall,
  legOf,
  Member,
  openHall,
  putRoom,
  RawClient,
  ROOM_ADDRESS,
} from './raw-client.ts';

async function trio(hall: Hall): Promise<[Member, Member, Member]> {
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  return [await Member.join(hall, 'a'), await Member.join(hall, 'b'), await Member.join(hall, 'c')];
}

/** Nothing has come to it up to now. */
async function assertSilent(member: Member): Promise<void> {
  assert.equal(await member.sendAndStatus(null), '200');
  assert.deepEqual(member.client.frames, []);
}

test('case 25: a connection speaks only for sessions that it bound: with another’s paths it gets 506', async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  const asB = { to: b.switchUri, from: clientUri('b') };
  assert.equal(await a.sendAndStatus('as b', asB), '506');
  assert.equal(await a.sendAndStatus(cpim('sip:b@example.net', ROOM_ADDRESS, 'as b'), asB), '506');
  const nick = { ...asB, method: 'NICKNAME', range: null, extra: 'Use-Nickname: "Ben"' };
  assert.equal(await a.sendAndStatus(null, nick), '506');
  await assertSilent(c);
  // The question whether b lives does not cost b its place.
  assert.equal(await b.sendAndStatus('I am b'), '200');
  assert.equal((await c.message()).body.toString(), 'I am b');
});

test('case 24: with its own From-Path in another’s session, or the other way round, it gets 481', async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  assert.equal(await a.sendAndStatus('mixed', { to: b.switchUri }), '481');
  assert.equal(await a.sendAndStatus('mixed', { from: clientUri('b') }), '481');
  await assertSilent(c);
  await assertSilent(b);
});

test('case 48: an answer or a REPORT to what another was sent changes nothing for either', async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  b.client.answerWith = 0;
  assert.equal(await c.sendAndStatus('to a and b'), '200');
  const toB = await b.message();
  a.client.answer(toB, 481);
  a.client.write(
    `MSRP report01 REPORT\r\nTo-Path: ${b.switchUri}\r\nFrom-Path: ${clientUri('b')}\r\nMessage-ID: x\r\n` +
      'Byte-Range: 1-1/1\r\nStatus: 000 481 Gone\r\n-------report01$\r\n',
  );
  assert.equal(await a.sendAndStatus(null), '200');
  b.client.answer(toB, 200);
  assert.equal(await c.sendAndStatus('still both'), '200');
  assert.equal((await b.message()).body.toString(), 'still both');
  await a.client.next((frame) => frame.body.toString() === 'still both');
  assert.deepEqual(
    hall.events.filter(({ op }) => op === 'leg.unbound'),
    [],
  );
});

test('no frame shows one participant anything of another’s path, address or session-id', async () => {
  await using hall = await openHall();
  const path = ['msrp://relay.a-net.example:2855/relayed-a;tcp', 'msrp://198.51.100.66:7777/secret-a;tcp'];
  putRoom(hall, [legOf('a', { path }), legOf('b'), legOf('c', { acceptTypes: ['message/cpim'] })]);
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  const write = (body: string, options = {}): Promise<string> =>
    a.sendAndStatus(body, { from: path.join(' '), ...options });
  assert.equal(await write('plain', { extra: 'Success-Report: yes' }), '200');
  assert.equal(
    await write(cpim('sip:a@example.net', ROOM_ADDRESS, 'wrapped'), { type: 'message/cpim' }),
    '200',
  );
  assert.equal(await write('begun', { messageId: 'm', range: '1-5/9', flag: '+' }), '200');
  assert.equal(await write('x', { messageId: 'm', range: '9-9/9' }), '413');
  for (const member of [b, c]) {
    await member.client.until(() => member.client.frames.some(({ flag }) => flag === '#'), 'the end');
    assert.equal(member.client.frames.length, 4);
    for (const { head, body } of member.client.frames) {
      assert.doesNotMatch(
        `${head}${body.toString()}`,
        /secret-a|relayed-a|a-net|198\.51\.100\.66|sid-a|client-a/,
      );
    }
  }
});

for (const [name, options, outcome] of [
  ['Message-ID', { messageId: 'one\rFrom-Path:msrp://192.0.2.66:1/x;tcp' }, '400'],
  ['Message-ID, with a space', { messageId: 'one two' }, '400'],
  ['Content-Type', { type: 'text/plain;x=1\rX-Injected: yes' }, '400'],
  ['Content-Disposition', { extra: 'Content-Disposition: inline\rX-Injected: yes' }, 'closed'],
] as const) {
  test(`a bare CR in ${name} makes no line of its own for the recipients: ${outcome}`, async () => {
    await using hall = await openHall();
    const [a, b, c] = await trio(hall);
    if (outcome === 'closed') {
      a.send('x', options);
      await a.client.closed();
    } else assert.equal(await a.sendAndStatus('x', options), outcome);
    await assertSilent(b);
    await assertSilent(c);
  });
}
