/** spec cases 1–20: bytes on a real socket against a running switch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientUri, type Hall, header, legOf, Member, openHall, putRoom, RawClient } from './raw-client.ts';

async function pair(hall: Hall): Promise<[Member, Member]> {
  putRoom(hall, [legOf('a'), legOf('b')]);
  return [await Member.join(hall, 'a'), await Member.join(hall, 'b')];
}

test('case 1: one byte per TCP segment is answered 200 and delivered', async () => {
  await using hall = await openHall();
  const [a, b] = await pair(hall);
  const { tid, bytes } = a.frame('slow but sure');
  for (const byte of bytes) {
    a.client.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await a.client.status(tid), '200');
  assert.equal((await b.message()).body.toString(), 'slow but sure');
});

for (const [name, back] of [
  ['case 2: split before the continuation flag', 3],
  ['case 3: split between CR and LF', 1],
] as const) {
  test(`${name}, the next frame is intact`, async () => {
    await using hall = await openHall();
    const [a, b] = await pair(hall);
    const first = a.frame('first');
    const second = a.frame('second');
    a.client.write(first.bytes.subarray(0, -back));
    await new Promise((resolve) => setTimeout(resolve, 20));
    a.client.write(Buffer.concat([first.bytes.subarray(-back), second.bytes]));
    assert.equal(await a.client.status(first.tid), '200');
    assert.equal(await a.client.status(second.tid), '200');
    assert.deepEqual(
      [(await b.message()).body.toString(), (await b.message()).body.toString()],
      ['first', 'second'],
    );
  });
}

test('case 4: two frames in one segment get two 200s in order', async () => {
  await using hall = await openHall();
  const [a] = await pair(hall);
  const first = a.frame('1');
  const second = a.frame('2');
  a.client.write(Buffer.concat([first.bytes, second.bytes]));
  await a.client.until(() => a.client.frames.length >= 2, 'two answers');
  assert.deepEqual(
    a.client.frames.map((frame) => [frame.tid, frame.what]),
    [
      [first.tid, '200'],
      [second.tid, '200'],
    ],
  );
});

for (const [name, body] of [
  [
    "case 5: another transaction's end-line and a start line",
    'x\r\n-------abcdefgh$\r\nMSRP abcdefgh SEND\r\nTo-Path: y\r\n\r\nz',
  ],
  [
    'case 6: own end-line without a valid flag',
    'x\r\n-------tidcase6?\r\n\r\n-------tidcase6$x\r\n-------tidcase6',
  ],
  ['case 18: all 256 byte values', String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))],
  ['case 19: body ending in CR', 'end\r'],
  ['case 19: body ending in CRLF', 'end\r\n'],
  ['case 19: body ending in dashes', 'end\r\n--'],
] as const) {
  for (const range of [undefined, '1-*/*']) {
    test(`${name} is delivered byte-exact (Byte-Range ${range ?? 'exact'})`, async () => {
      await using hall = await openHall();
      const [a, b] = await pair(hall);
      const options = { tid: 'tidcase6', type: 'text/plain', ...(range === undefined ? {} : { range }) };
      assert.equal(await a.sendAndStatus(body, options), '200');
      assert.equal((await b.message()).body.toString('latin1'), body);
      assert.equal(await a.sendAndStatus('after'), '200');
      assert.equal((await b.message()).body.toString(), 'after');
    });
  }
}

test('case 7: our transaction id never stands in an end-line of the forwarded body', async () => {
  await using hall = await openHall();
  const [a, b] = await pair(hall);
  assert.equal(await a.sendAndStatus('sample'), '200');
  const ours = (await b.message()).tid;
  const prefix = ours.slice(0, 8);
  const last = Number.parseInt(ours.slice(8), 36);
  const guesses = Array.from(
    { length: 50 },
    (_, i) => `${prefix}${(last + i).toString(36).padStart(8, '0')}`,
  );
  const body = guesses.map((guess) => `\r\n-------${guess}$\r\n`).join('');
  assert.equal(await a.sendAndStatus(body), '200');
  const frame = await b.message();
  assert.equal(frame.body.toString('latin1'), body);
  assert.ok(!guesses.includes(frame.tid));
});

test('case 8: the same transaction id on two connections is independent; outgoing ids are ours', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  const tids = [a.send('from a', { tid: 'sametid1' }), b.send('from b', { tid: 'sametid1' })];
  assert.deepEqual(await Promise.all([a.client.status('sametid1'), b.client.status('sametid1')]), [
    '200',
    '200',
  ]);
  const frames = [await c.message(), await c.message()];
  assert.notEqual(frames[0]?.tid, frames[1]?.tid);
  for (const frame of frames) assert.ok(!tids.includes(frame.tid));
});

test('case 9: a transaction id used again after completion is answered again', async () => {
  await using hall = await openHall();
  const [a] = await pair(hall);
  assert.equal(await a.sendAndStatus('one', { tid: 'again123' }), '200');
  assert.equal(await a.sendAndStatus('two', { tid: 'again123' }), '200');
});

for (const [name, bytes] of [
  ['case 10: a transaction id of 1 character', 'MSRP x SEND\r\n'],
  ['case 10: a transaction id of 40 characters', `MSRP ${'x'.repeat(40)} SEND\r\n`],
  ['case 11: bare LF', 'MSRP abcd1234 SEND\nTo-Path: x\n'],
  ['case 12: HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['case 13: a first line of 200 KB', `MSRP ${'x'.repeat(200_000)}`],
  ['case 14: a header of 60 KB', `MSRP abcd1234 SEND\r\nTo-Path: ${'x'.repeat(60_000)}`],
  ['case 15: 2,000 headers', `MSRP abcd1234 SEND\r\n${'X-A: b\r\n'.repeat(2000)}`],
  ['case 28: no To-Path', 'MSRP abcd1234 SEND\r\nFrom-Path: msrp://h:1/s;tcp\r\n-------abcd1234$\r\n'],
  ['case 28: no From-Path', 'MSRP abcd1234 SEND\r\nTo-Path: msrp://h:1/s;tcp\r\n-------abcd1234$\r\n'],
] as const) {
  test(`${name} closes that connection only`, async () => {
    await using hall = await openHall();
    const [a, b] = await pair(hall);
    const stranger = await RawClient.connect(hall.port);
    stranger.write(bytes);
    await stranger.closed();
    assert.equal(await a.sendAndStatus('still here'), '200');
    assert.equal((await b.message()).body.toString(), 'still here');
  });
}

test('case 16: header names in any case, methods with case', async () => {
  await using hall = await openHall();
  const [a, b] = await pair(hall);
  a.client.write(
    `MSRP caset001 SEND\r\nTO-PATH: ${a.switchUri}\r\nfrom-path: ${clientUri('a')}\r\nmESSAGE-iD: m1\r\n` +
      'byte-range: 1-2/2\r\ncontent-TYPE: text/plain\r\n\r\nhi\r\n-------caset001$\r\n',
  );
  assert.equal(await a.client.status('caset001'), '200');
  assert.equal((await b.message()).body.toString(), 'hi');
  assert.equal(await a.sendAndStatus('x', { method: 'send' }), '501');
});

test('case 17: unknown headers are ignored', async () => {
  await using hall = await openHall();
  const [a, b] = await pair(hall);
  assert.equal(await a.sendAndStatus('x', { extra: 'X-Whatever: 1\r\nFrobnicate: yes' }), '200');
  const frame = await b.message();
  assert.equal(header(frame, 'X-Whatever'), undefined);
});

test('case 20: a body of no bytes with a Content-Type is valid', async () => {
  await using hall = await openHall();
  const [a, b] = await pair(hall);
  assert.equal(await a.sendAndStatus('', { range: '1-0/0' }), '200');
  assert.equal((await b.message()).body.length, 0);
});
