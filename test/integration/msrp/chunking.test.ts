/** spec cases 34–44: messages in several chunks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cpim,
  type Frame,
  type Hall,
  header,
  legOf,
  Member,
  openHall,
  putRoom,
  ROOM_ADDRESS,
} from './raw-client.ts';

async function trio(hall: Hall): Promise<[Member, Member, Member]> {
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  return [await Member.join(hall, 'a'), await Member.join(hall, 'b'), await Member.join(hall, 'c')];
}

/** Puts together what came for one Message-ID, checking that the ranges are without gap. */
async function whole(member: Member, messageId: string): Promise<{ body: Buffer; frames: Frame[] }> {
  const frames: Frame[] = [];
  let bytes = 0;
  for (;;) {
    const frame = await member.client.next(
      (seen) => seen.what === 'SEND' && header(seen, 'Message-ID') === messageId,
      `more of ${messageId}`,
    );
    frames.push(frame);
    if (frame.flag !== '#') assert.equal(Number(header(frame, 'Byte-Range')?.split('-')[0]), bytes + 1);
    bytes += frame.body.length;
    if (frame.flag !== '+') return { body: Buffer.concat(frames.map(({ body }) => body)), frames };
  }
}

test('case 34: open ranges and a missing Byte-Range are accepted, bad ones are 400', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  assert.equal(await a.sendAndStatus('x', { range: '1-*/*' }), '200');
  assert.equal(await a.sendAndStatus('y', { range: null }), '200');
  assert.deepEqual([(await b.message()).body.toString(), (await b.message()).body.toString()], ['x', 'y']);
  for (const range of ['0-1/1', 'a-b/c', '5-2/9', '1-9/5', '1-1', '-1-1/1']) {
    assert.equal(await a.sendAndStatus('z', { range }), '400', range);
  }
});

test('case 35: range-end and total are not believed, bytes are counted', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  assert.equal(await a.sendAndStatus('12345', { range: '1-3/900' }), '200');
  const frame = await b.message();
  assert.equal(frame.body.toString(), '12345');
  assert.equal(header(frame, 'Byte-Range'), '1-5/5');
});

test('case 36: a total smaller than the body is 413 and goes to nobody', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  assert.equal(await a.sendAndStatus('12345', { range: '1-*/3' }), '413');
  assert.equal(await a.sendAndStatus('next'), '200');
  assert.equal((await b.message()).body.toString(), 'next');
});

test("case 37, 43: two members' chunks with one Message-ID interleave and stay whole", async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  for (let i = 0; i < 4; i++) {
    const flag = i === 3 ? '$' : '+';
    const range = `${i * 2 + 1}-${i * 2 + 2}/8`;
    assert.equal(await a.sendAndStatus(`a${i}`, { messageId: 'same', range, flag }), '200');
    assert.equal(await b.sendAndStatus(`b${i}`, { messageId: 'same', range, flag }), '200');
  }
  const frames: Frame[] = [];
  for (let i = 0; i < 8; i++) frames.push(await c.message());
  const bodies = frames.map((frame) => frame.body.toString());
  assert.deepEqual(bodies, ['a0', 'b0', 'a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
  assert.equal((await whole(b, 'same')).body.toString(), 'a0a1a2a3');
  // Who receives both has one session for the room, and puts together by Message-ID.
  const ids = frames.map((frame) => header(frame, 'Message-ID'));
  assert.deepEqual([ids[0], new Set(ids).size], ['same', 2]);
  assert.deepEqual(
    ids,
    [0, 1, 0, 1, 0, 1, 0, 1].map((i) => ids[i]),
  );
});

test('case 43: a whole message does not go out under the Message-ID of another unfinished one', async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  assert.equal(await a.sendAndStatus('be', { messageId: 'same', range: '1-2/9', flag: '+' }), '200');
  assert.equal(await b.sendAndStatus('forged!', { messageId: 'same' }), '200');
  assert.equal(await a.sendAndStatus('ginning', { messageId: 'same', range: '3-9/9' }), '200');
  assert.equal(await b.sendAndStatus('later', { messageId: 'same' }), '200');
  const seen: string[][] = [];
  for (let i = 0; i < 4; i++) {
    const frame = await c.message();
    seen.push([header(frame, 'Message-ID') === 'same' ? 'same' : 'other', frame.body.toString()]);
  }
  assert.deepEqual(seen, [
    ['same', 'be'],
    ['other', 'forged!'],
    ['same', 'ginning'],
    ['same', 'later'],
  ]);
});

test('case 37: two messages of one sender interleave', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  await a.sendAndStatus('11', { messageId: 'one', range: '1-2/4', flag: '+' });
  await a.sendAndStatus('22', { messageId: 'two', range: '1-2/4', flag: '+' });
  await a.sendAndStatus('33', { messageId: 'one', range: '3-4/4' });
  await a.sendAndStatus('44', { messageId: 'two', range: '3-4/4' });
  assert.equal((await whole(b, 'two')).body.toString(), '2244');
  assert.equal((await whole(b, 'one')).body.toString(), '1133');
});

for (const [name, range] of [
  ['out of order', '5-6/8'],
  ['overlapping', '2-3/8'],
  ['duplicate', '1-2/8'],
] as const) {
  test(`case 38: a chunk ${name} is 413 and the recipients are told`, async () => {
    await using hall = await openHall();
    const [a, b] = await trio(hall);
    assert.equal(await a.sendAndStatus('12', { messageId: 'm', range: '1-2/8', flag: '+' }), '200');
    assert.equal(await a.sendAndStatus('34', { messageId: 'm', range, flag: '+' }), '413');
    assert.equal((await whole(b, 'm')).frames.at(-1)?.flag, '#');
    assert.equal(await a.sendAndStatus('56', { messageId: 'm', range: '3-4/8', flag: '$' }), '413');
    assert.equal(await a.sendAndStatus('again', { messageId: 'm' }), '200');
  });
}

test('case 39: an aborted message is answered 200 and its recipients get #', async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  assert.equal(await a.sendAndStatus('12', { messageId: 'm', range: '1-2/8', flag: '+' }), '200');
  assert.equal(await a.sendAndStatus('3', { messageId: 'm', range: '3-*/8', flag: '#' }), '200');
  for (const member of [b, c]) assert.equal((await whole(member, 'm')).frames.at(-1)?.flag, '#');
});

test('case 40: a sender that vanishes in a message leaves # with the recipients', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  assert.equal(await a.sendAndStatus('12', { messageId: 'm', range: '1-2/8', flag: '+' }), '200');
  a.client.write(a.frame('x'.repeat(5000), { messageId: 'm', range: '3-*/8000' }).bytes.subarray(0, 3000));
  a.close();
  const { frames } = await whole(b, 'm');
  assert.equal(frames.at(-1)?.flag, '#');
  assert.equal(hall.msrp.counters().heldBytes, 0);
});

test('case 40: a message that nobody goes on with is given up', async () => {
  await using hall = await openHall({ limits: { transferIdleMs: 60, tickMs: 20 } });
  const [a, b] = await trio(hall);
  assert.equal(await a.sendAndStatus('12', { messageId: 'm', range: '1-2/8', flag: '+' }), '200');
  assert.equal((await whole(b, 'm')).frames.at(-1)?.flag, '#');
});

test("case 41: chat passes while another member's megabyte in 2,048-byte chunks is under way", async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  const file = Buffer.alloc(1024 * 1024, 'f');
  const chunks = 512;
  for (let i = 0; i < chunks; i++) {
    const range = `${i * 2048 + 1}-${(i + 1) * 2048}/${file.length}`;
    a.send(file.subarray(i * 2048, (i + 1) * 2048), {
      messageId: 'file',
      range,
      flag: i === chunks - 1 ? '$' : '+',
    });
    if (i === 10) assert.equal(await b.sendAndStatus('chat'), '200');
  }
  await c.client.until(() => c.client.frames.some((frame) => frame.body.toString() === 'chat'), 'the chat');
  const at = c.client.frames.findIndex((frame) => frame.body.toString() === 'chat');
  assert.ok(at < chunks / 2, `the chat came after ${at} chunks`);
  c.client.frames.splice(at, 1);
  const { body, frames } = await whole(c, 'file');
  assert.deepEqual(body, file);
  assert.equal(frames.length, chunks);
});

test('case 41: for a recipient that is behind, chat overtakes the chunks that wait, and no chunk overtakes another', async () => {
  await using hall = await openHall({
    limits: { outbox: { maxBytes: 64 * 1024 ** 2, maxMessages: 100_000, maxAgeMs: 30_000, stallMs: 30_000 } },
  });
  const [a, b, c] = await trio(hall);
  c.client.socket.pause();
  const piece = Buffer.alloc(16_000, 'f');
  const count = 600;
  for (let i = 0; i < count; i++) {
    const range = `${i * piece.length + 1}-${(i + 1) * piece.length}/${count * piece.length}`;
    const tid = a.send(piece, { messageId: 'file', range, flag: i === count - 1 ? '$' : '+' });
    if (i % 50 === 49) assert.equal(await a.client.status(tid), '200');
  }
  assert.equal(await b.sendAndStatus('chat'), '200');
  // What the sender of the chunks says stays behind them.
  assert.equal(await a.sendAndStatus('seen it?'), '200');
  c.client.socket.resume();
  await c.client.until(() => c.client.frames.length === count + 2, 'all of it');
  const texts = c.client.frames.map(({ body }) => (body.length < 100 ? body.toString() : 'chunk'));
  assert.ok(texts.indexOf('chat') < count, 'the chat waited for the file');
  assert.equal(texts.at(-1), 'seen it?');
  await c.client.next((frame) => frame.body.toString() === 'chat');
  assert.equal((await whole(c, 'file')).body.length, count * piece.length);
});

test('case 42: chunks of ours above 2,048 bytes are interruptible', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  await a.sendAndStatus('x'.repeat(2048));
  assert.equal(header(await b.message(), 'Byte-Range'), '1-2048/2048');
  await a.sendAndStatus('x'.repeat(2049));
  assert.equal(header(await b.message(), 'Byte-Range'), '1-*/2049');
});

test('a body of 70 kB in one SEND goes on in one SEND', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  const body = Buffer.alloc(70_000, 'abcdefg');
  assert.equal(await a.sendAndStatus(body, { range: '1-*/70000' }), '200');
  const frame = await b.message();
  assert.equal(frame.flag, '$');
  assert.deepEqual(frame.body, body);
});

test('a long body that arrives slowly goes on in pieces, and others pass in between', async () => {
  await using hall = await openHall({ limits: { forwardWholeBytes: 10_000 } });
  const [a, b, c] = await trio(hall);
  const body = Buffer.alloc(40_000, '0123456789');
  // Its answers would stand in the middle of its own body.
  a.client.answerWith = 0;
  const { tid, bytes } = a.frame(body, { messageId: 'long', range: '1-*/*' });
  a.client.write(bytes.subarray(0, 25_000));
  await c.client.until(() => c.client.frames.some((frame) => frame.flag === '+'), 'the first piece');
  assert.equal(await b.sendAndStatus('in between'), '200');
  await c.client.next((frame) => frame.body.toString() === 'in between');
  a.client.write(bytes.subarray(25_000));
  assert.equal(await a.client.status(tid), '200');
  const { body: got, frames } = await whole(c, 'long');
  assert.deepEqual(got, body);
  // Interrupted by + (RFC 4975 section 5.1), and each time taken up in a transaction of its own.
  assert.deepEqual(frames.map(({ flag }) => flag).join(''), `${'+'.repeat(frames.length - 1)}$`);
  assert.ok(frames.length > 1 && new Set(frames.map(({ tid: id }) => id)).size === frames.length);
});

test('case 42: a sender that interrupts its SEND by + and goes on in a fresh one is followed', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  const body = Buffer.alloc(9_000, '0123456789');
  for (const range of ['1-*/9000', '1-9000/9000']) {
    const messageId = `interrupted${range.length}`;
    const first = await a.sendAndStatus(body.subarray(0, 4_000), { messageId, range, flag: '+' });
    assert.equal(await a.sendAndStatus('in between'), '200');
    const rest = await a.sendAndStatus(body.subarray(4_000), { messageId, range: '4001-9000/9000' });
    assert.deepEqual([first, rest], ['200', '200']);
    await b.client.next((frame) => frame.body.toString() === 'in between');
    assert.deepEqual((await whole(b, messageId)).body, body);
  }
});

test('case 44: a CPIM head split over chunks is read whole, wherever it is split', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  const text = cpim('sip:a@example.net', ROOM_ADDRESS, 'split head');
  for (let cut = 1; cut < text.length; cut++) {
    const type = 'message/cpim';
    const messageId = `split${cut}`;
    const size = text.length;
    const first = { messageId, type, range: `1-${cut}/${size}`, flag: '+' };
    assert.equal(await a.sendAndStatus(text.slice(0, cut), first), '200');
    assert.equal(
      await a.sendAndStatus(text.slice(cut), { messageId, type, range: `${cut + 1}-${size}/${size}` }),
      '200',
    );
    assert.equal((await whole(b, messageId)).body.toString(), text);
  }
});

test('case 44: a forged From in a split CPIM head is refused and forwarded to nobody', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  const text = cpim('sip:b@example.net', ROOM_ADDRESS, 'forged');
  const options = { messageId: 'forged', type: 'message/cpim' };
  assert.equal(await a.sendAndStatus(text.slice(0, 20), { ...options, range: '1-20/*', flag: '+' }), '200');
  assert.equal(await a.sendAndStatus(text.slice(20), { ...options, range: '21-*/*' }), '403');
  assert.equal(await a.sendAndStatus('honest'), '200');
  assert.equal((await b.message()).body.toString(), 'honest');
});

test('case 52: above the largest size: 413 when declared, and when counted', async () => {
  await using hall = await openHall({ limits: { maxMessageBytes: 5000, forwardWholeBytes: 1000 } });
  const [a, b] = await trio(hall);
  const declared = a.frame('x'.repeat(6000));
  a.client.write(declared.bytes.subarray(0, 400));
  assert.equal(await a.client.status(declared.tid), '413');
  a.client.write(declared.bytes.subarray(400));
  assert.equal(await a.sendAndStatus('x'.repeat(6000), { range: '1-*/*' }), '413');
  const counted = { messageId: 'counted', flag: '+' };
  assert.equal(await a.sendAndStatus('x'.repeat(3000), { ...counted, range: '1-*/*' }), '200');
  assert.equal(await a.sendAndStatus('x'.repeat(3000), { ...counted, range: '3001-*/*' }), '413');
  assert.equal((await whole(b, 'counted')).frames.at(-1)?.flag, '#');
  assert.equal(await a.sendAndStatus('small'), '200');
  assert.equal((await b.message()).body.toString(), 'small');
});

test('case 52: a recipient with a smaller max-size is skipped', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b', { maxSizeBytes: 4 }), legOf('c')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  assert.equal(await a.sendAndStatus('12345'), '200');
  assert.equal(await a.sendAndStatus('1234'), '200');
  assert.equal((await b.message()).body.toString(), '1234');
  assert.equal((await c.message()).body.toString(), '12345');
});

test('case 52: a recipient with a smaller max-size gets # when a message of unknown size grows over it', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b', { maxSizeBytes: 15 }), legOf('c')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  const grown = { messageId: 'grown', range: '1-*/*' };
  assert.equal(await a.sendAndStatus('0123456789', { ...grown, flag: '+' }), '200');
  assert.equal(await a.sendAndStatus('0123456789', { ...grown, range: '11-*/*' }), '200');
  assert.deepEqual(
    (await whole(b, 'grown')).frames.map(({ flag }) => flag),
    ['+', '#'],
  );
  assert.equal((await whole(c, 'grown')).body.length, 20);
});

test('case 52: the size that counts for a recipient is that of the form it gets', async () => {
  await using hall = await openHall();
  putRoom(hall, [
    legOf('a'),
    legOf('b', { maxSizeBytes: 20, acceptTypes: ['message/cpim'] }),
    legOf('c', { maxSizeBytes: 20, acceptTypes: ['text/plain'] }),
  ]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  assert.equal(await a.sendAndStatus('short, but not with a head'.slice(0, 20)), '200');
  const text = cpim('sip:a@example.net', ROOM_ADDRESS, 'without its head');
  assert.equal(await a.sendAndStatus(text, { type: 'message/cpim' }), '200');
  assert.equal((await c.message()).body.toString(), 'short, but not with ');
  assert.equal((await c.message()).body.toString(), 'without its head');
  assert.equal(await b.sendAndStatus(null), '200');
  assert.deepEqual(b.client.frames, []);
});

test('case 53: a recipient that answers 413 gets no more of that message, others do', async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  b.client.answerWith = 413;
  assert.equal(await a.sendAndStatus('12', { messageId: 'm', range: '1-2/6', flag: '+' }), '200');
  await b.message();
  // The answer to a message of b's own comes after the switch has read b's 413.
  assert.equal(await b.sendAndStatus(null), '200');
  assert.equal(await a.sendAndStatus('34', { messageId: 'm', range: '3-4/6', flag: '+' }), '200');
  assert.equal(await a.sendAndStatus('56', { messageId: 'm', range: '5-6/6' }), '200');
  assert.equal((await whole(c, 'm')).body.toString(), '123456');
  b.client.answerWith = 200;
  assert.equal(await a.sendAndStatus('other'), '200');
  assert.equal((await b.message()).body.toString(), 'other');
});
