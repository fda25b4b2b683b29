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
  const chat = await c.client.next((frame) => frame.body.toString() === 'chat');
  assert.equal(chat.flag, '$');
  const { body, frames } = await whole(c, 'file');
  assert.deepEqual(body, file);
  assert.equal(frames.length, chunks);
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
  assert.deepEqual((await whole(c, 'long')).body, body);
});

test('case 44: a CPIM head split over chunks is read whole', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  const text = cpim('sip:a@example.net', ROOM_ADDRESS, 'split head');
  for (const cut of [1, 30, text.length - 3]) {
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
