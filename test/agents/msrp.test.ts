import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { encodeFrame, MsrpStream } from '../../src/agents/msrp/frame.ts';
import { MsrpSession } from '../../src/agents/msrp/session.ts';
import { parseMsrpUri } from '../../src/agents/sdp.ts';

const open: MsrpSession[] = [];

async function pair(): Promise<[active: MsrpSession, passive: MsrpSession]> {
  const active = await MsrpSession.open({ name: 'active' });
  const passive = await MsrpSession.open({ name: 'passive' });
  open.push(active, passive);
  passive.accept(active.path);
  assert.equal(await active.connect(passive.path), 200);
  await passive.bound();
  return [active, passive];
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
});

test('case 21: the empty SEND binds and is no message', async () => {
  const [active, passive] = await pair();
  await active.send('first');
  assert.equal((await passive.nextMessage()).text, 'first');
  assert.deepEqual([active.violations, passive.violations], [[], []]);
});

test('cases 18 and 34: every byte value, in chunks, comes out as it went in', async () => {
  const [active, passive] = await pair();
  const bytes = Buffer.from(Array.from({ length: 6_000 }, (_, index) => index % 256));
  for (const chunkBytes of [1_000, 2_048, 5_000, 6_000]) {
    assert.equal(await active.send(bytes, { contentType: 'application/octet-stream', chunkBytes }), 200);
    const message = await passive.nextMessage();
    assert.deepEqual(message.body, bytes);
    assert.equal(message.chunks, Math.ceil(6_000 / chunkBytes));
  }
  assert.deepEqual(passive.violations, []);
});

test('message/cpim arrives with both addresses, its own headers and its type', async () => {
  const [active, passive] = await pair();
  const cpim = {
    from: '"Ada" <sip:ada@example.net>',
    to: 'sip:room@example.net',
    headers: [['imdn.Message-ID', 'x']] as const,
  };
  await passive.send('grüß', { cpim, contentType: 'text/html' });
  const message = await active.nextMessage();
  assert.equal(message.contentType, 'message/cpim');
  assert.equal(message.text, 'grüß');
  assert.equal(message.cpim?.fromUri, 'sip:ada@example.net');
  assert.equal(message.cpim?.to, '<sip:room@example.net>');
  assert.equal(message.cpim?.contentType, 'text/html');
  assert.equal(message.cpim?.headers.get('imdn.Message-ID'), 'x');
});

test('case 45: Failure-Report no and partial leave the 200 out', async () => {
  const [active, passive] = await pair();
  assert.equal(await active.send('a', { failureReport: 'no' }), 0);
  assert.equal(await active.send('b', { failureReport: 'partial' }), 0);
  assert.equal(await active.send('c'), 200);
  assert.equal(passive.trace.filter((entry) => entry.direction === 'sent').length, 2);
});

test('case 46: Success-Report yes brings a REPORT for the whole message', async () => {
  const [active, passive] = await pair();
  await active.send('x'.repeat(30), { chunkBytes: 10, successReport: 'yes', messageId: 'report-me' });
  await passive.nextMessage();
  const report = await active.nextReport();
  assert.equal(report.header('Message-ID'), 'report-me');
  assert.equal(report.header('Status'), '000 200 OK');
  assert.equal(report.header('Byte-Range'), '1-30/30');
  assert.deepEqual(active.violations, []);
});

test('a refusal of one chunk stops the message', async () => {
  const [active, passive] = await pair();
  passive.onSend = () => 413;
  assert.equal(await active.send('x'.repeat(1_000), { chunkBytes: 10 }), 413);
  assert.equal(passive.waitingMessages.length, 0);
});

test('case 39: an aborted message is told apart from a whole one', async () => {
  const [active, passive] = await pair();
  const fields = [
    ['Message-ID', 'm1'],
    ['Byte-Range', '1-*/100'],
    ['Content-Type', 'text/plain'],
  ] as const;
  assert.equal((await active.request('SEND', { fields, body: Buffer.from('half'), flag: '#' })).status, 200);
  assert.deepEqual(await passive.nextAborted(), { messageId: 'm1', bytes: 4 });
  assert.equal(passive.waitingMessages.length, 0);
});

test('case 25: a second connection for the session gets 506, the first keeps working', async () => {
  const [active, passive] = await pair();
  const second = await MsrpSession.open({ name: 'second' });
  open.push(second);
  assert.equal(await second.connect(passive.path), 506);
  assert.equal(await active.send('still here'), 200);
});

test('cases 23 and 49: 481 for another session, 501 for an unknown method', async () => {
  const [active, passive] = await pair();
  const { host, port } = parseMsrpUri(passive.path);
  const other = await MsrpSession.open();
  open.push(other);
  assert.equal(await other.connect(`msrp://${host}:${port}/unknown;tcp`), 481);
  assert.equal((await active.request('DANCE')).status, 501);
});

test('faults of a peer are written down', async () => {
  const [active, passive] = await pair();
  const frame = (fields: readonly (readonly [string, string])[], transactionId = 'same-id'): Buffer =>
    encodeFrame({ startLine: 'SEND', transactionId, fields, body: Buffer.from('hello') });
  const good = [
    ['To-Path', passive.path],
    ['From-Path', active.path],
    ['Message-ID', 'm'],
    ['Byte-Range', '1-5/5'],
    ['Content-Type', 'text/plain'],
  ] as const;
  active.write(frame(good));
  active.write(frame(good));
  active.write(
    frame(
      [
        ['From-Path', 'msrp://127.0.0.1:1/x;tcp'],
        ['To-Path', passive.path],
        ['Byte-Range', '1-4/9'],
      ],
      'tid2',
    ),
  );
  for (let count = 0; count < 3; count += 1) await passive.nextMessage();
  const faults = passive.violations.join('\n');
  for (const fault of [
    /same-id: transaction id used before/,
    /tid2: To-Path is not the first header/,
    /tid2: From-Path is msrp:\/\/127\.0\.0\.1:1\/x;tcp, not the session's/,
    /tid2: no Message-ID/,
    /tid2: a body without Content-Type/,
    /tid2: Byte-Range ends at 4, the body at 5/,
    /tid2: the last chunk ends at 5, Byte-Range total is 9/,
  ]) {
    assert.match(faults, fault);
  }
});

test('case 12: bytes that are no MSRP close the connection', async () => {
  const [active, passive] = await pair();
  active.write('GET / HTTP/1.1\r\n\r\n');
  assert.match(await passive.closed, /malformed first line/);
  await active.closed;
});

test('cases 1–6: framing split at every byte, with end-lines of others and false ones in the body', () => {
  const body = Buffer.from('-------abcd$\r\n\r\n-------real-tid\r\n-------real-tid*\r\nMSRP x SEND\r\n\r');
  const frame = encodeFrame({
    startLine: 'SEND',
    transactionId: 'real-tid',
    fields: [['To-Path', 'msrp://a/b;tcp']],
    body,
  });
  const bytes = Buffer.concat([frame, frame]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const stream = new MsrpStream();
    const frames = [...stream.feed(bytes.subarray(0, cut)), ...stream.feed(bytes.subarray(cut))];
    assert.deepEqual(
      frames.map((one) => one.body),
      [body, body],
    );
    assert.equal(stream.pendingBytes, 0);
  }
});

test('a wait for a message names the session and what it saw', async () => {
  const [, passive] = await pair();
  await assert.rejects(passive.nextMessage({ timeoutMs: 5 }), /passive waits for an MSRP message.*SEND/);
});
