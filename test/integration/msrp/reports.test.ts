/** spec cases 45–55: responses, reports and refusals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Hall, header, legOf, Member, openHall, putRoom } from './raw-client.ts';

async function pair(hall: Hall): Promise<[Member, Member]> {
  putRoom(hall, [legOf('a'), legOf('b')]);
  return [await Member.join(hall, 'a'), await Member.join(hall, 'b')];
}

/** What has been answered up to a further, answered SEND. */
async function answersBefore(a: Member): Promise<string[]> {
  await a.sendAndStatus(null);
  return a.client.frames.map((frame) => `${frame.tid} ${frame.what}`);
}

test('case 45: Failure-Report no: nothing; partial: errors only; yes: all', async () => {
  await using hall = await openHall();
  const [a, b] = await pair(hall);
  a.send('quiet', { extra: 'Failure-Report: no' });
  a.send('quiet too', { extra: 'Failure-Report: partial' });
  a.send('bad', { extra: 'Failure-Report: no', range: '0-0/0' });
  const bad = a.send('bad', { extra: 'Failure-Report: partial', range: '0-0/0' });
  assert.deepEqual(await answersBefore(a), [`${bad} 400`]);
  assert.equal(await a.sendAndStatus('loud', { extra: 'Failure-Report: yes' }), '200');
  for (const text of ['quiet', 'quiet too', 'loud']) assert.equal((await b.message()).body.toString(), text);
});

test('case 46: Success-Report yes is answered by a REPORT once the message is complete', async () => {
  await using hall = await openHall();
  const [a] = await pair(hall);
  const extra = 'Success-Report: yes';
  assert.equal(await a.sendAndStatus('12', { messageId: 'mid', range: '1-2/5', flag: '+', extra }), '200');
  assert.deepEqual(await answersBefore(a), []);
  assert.equal(await a.sendAndStatus('345', { messageId: 'mid', range: '3-5/5', extra }), '200');
  const report = await a.client.next((frame) => frame.what === 'REPORT');
  assert.equal(header(report, 'Message-ID'), 'mid');
  assert.equal(header(report, 'Byte-Range'), '1-5/5');
  assert.equal(header(report, 'Status')?.startsWith('000 200'), true);
});

test("case 46: recipients are not asked for reports of the sender's", async () => {
  await using hall = await openHall();
  const [a, b] = await pair(hall);
  a.send('x', { extra: 'Success-Report: yes\r\nFailure-Report: no' });
  const frame = await b.message();
  assert.equal(header(frame, 'Success-Report'), undefined);
  assert.equal(header(frame, 'Failure-Report'), undefined);
});

test('case 47: a REPORT is never answered, whatever it is about', async () => {
  await using hall = await openHall();
  const [a] = await pair(hall);
  a.send(null, { method: 'REPORT', extra: 'Status: 000 200 OK', messageId: 'nobody-knows' });
  a.send(null, { method: 'REPORT', to: a.switchUri.replace('sid-a', 'sid-x'), extra: 'Status: 000 413 X' });
  assert.deepEqual(await answersBefore(a), []);
});

test('case 48: an unsolicited response is ignored', async () => {
  await using hall = await openHall();
  const [a] = await pair(hall);
  a.client.write('MSRP unasked1 200 OK\r\nTo-Path: x\r\nFrom-Path: y\r\n-------unasked1$\r\n');
  a.client.write('MSRP unasked2 481\r\n-------unasked2$\r\n');
  assert.deepEqual(await answersBefore(a), []);
});

test('case 49: unknown methods and AUTH are answered 501, also with a body', async () => {
  await using hall = await openHall();
  const [a] = await pair(hall);
  assert.equal(await a.sendAndStatus(null, { method: 'AUTH' }), '501');
  assert.equal(await a.sendAndStatus('body', { method: 'FROBNICATE' }), '501');
  assert.equal(await a.sendAndStatus(null, { method: 'AUTH', to: 'msrp://elsewhere:1/x;tcp' }), '501');
});

test('case 50: a type that is not accepted is 415, a body without Content-Type 400', async () => {
  await using hall = await openHall();
  const [a] = await pair(hall);
  assert.equal(await a.sendAndStatus('x', { type: 'image/png' }), '415');
  assert.equal(await a.sendAndStatus('x', { type: null }), '400');
  assert.equal(await a.sendAndStatus('x', { type: 'nonsense' }), '400');
  assert.equal(await a.sendAndStatus('x', { type: 'Text/Plain; charset=UTF-8' }), '200');
});

test('case 51: a missing Message-ID is 400', async () => {
  await using hall = await openHall();
  const [a] = await pair(hall);
  assert.equal(await a.sendAndStatus('x', { messageId: null }), '400');
});

test('case 54: a recipient that answers 481 is dropped, the others are not', async () => {
  await using hall = await openHall();
  const [a, b] = await pair(hall);
  b.client.answerWith = 481;
  assert.equal(await a.sendAndStatus('x'), '200');
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.deepEqual(event.op === 'leg.unbound' && [event.leg, event.reason], ['b', 'peer-refused']);
  assert.equal(await a.sendAndStatus('y'), '200');
});

test('case 54: a recipient that does not answer is dropped after the deadline', async () => {
  await using hall = await openHall({ limits: { responseMs: 80, tickMs: 20 } });
  const [a, b] = await pair(hall);
  b.client.answerWith = 0;
  assert.equal(await a.sendAndStatus('x'), '200');
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.deepEqual(event.op === 'leg.unbound' && [event.leg, event.reason], ['b', 'stalled']);
});

test('case 54: 403 and 423 of a recipient are not retried and do not drop it', async () => {
  await using hall = await openHall();
  const [a, b] = await pair(hall);
  for (const status of [403, 423]) {
    b.client.answerWith = status;
    assert.equal(await a.sendAndStatus(`for ${status}`), '200');
    assert.equal((await b.message()).body.toString(), `for ${status}`);
  }
  assert.equal(await b.sendAndStatus(null), '200');
  assert.deepEqual(b.client.frames, []);
});

test('case 55: a SEND against the direction is 403, and who may not receive gets nothing', async () => {
  await using hall = await openHall();
  putRoom(hall, [
    legOf('a'),
    legOf('b', { direction: 'recvonly' }),
    legOf('c', { direction: 'sendonly' }),
    legOf('d', { direction: 'inactive' }),
  ]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  const d = await Member.join(hall, 'd');
  assert.equal(await b.sendAndStatus('no'), '403');
  assert.equal(await d.sendAndStatus('no'), '403');
  assert.equal(await c.sendAndStatus('yes'), '200');
  assert.equal((await a.message()).body.toString(), 'yes');
  assert.equal((await b.message()).body.toString(), 'yes');
  assert.equal(await a.sendAndStatus('hello'), '200');
  assert.equal((await b.message()).body.toString(), 'hello');
  for (const member of [c, d]) {
    assert.equal(await member.sendAndStatus(null), '200');
    assert.deepEqual(member.client.frames, []);
  }
});
