/** What a new policy is tried on: the latest requests that open something, without credentials, within bounds. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { RecentRequests } from '../../../src/app/recent-requests.ts';
import type { DecisionRecord } from '../../../src/focus/ports.ts';
import { parseSipMessage, type SipRequest } from '../../../src/sip/message.ts';

const ORIGIN = {
  transaction: { kam: 'kam1', epoch: '1', tid: '1:1' },
  src: 'udp:192.0.2.9:5060',
  rcv: 'udp:192.0.2.1:5060',
  asserted: ['<sip:ada@example.net>'],
  trust: 'core',
} as const;

function requestOf(method: string, callId: string, lines: readonly string[] = [], toTag = ''): SipRequest {
  const text = [
    `${method} sip:x@example.net SIP/2.0`,
    'Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1',
    'From: <sip:ada@example.net>;tag=a',
    `To: <sip:x@example.net>${toTag}`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    ...lines,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  const message = parseSipMessage(Buffer.from(text));
  assert(message.kind === 'request');
  return message;
}

const RECORD: DecisionRecord = {
  atMs: 7,
  clause: '7.2.1.2',
  procedure: 'x',
  trigger: 'INVITE',
  user: 'sip:ada@example.net',
  status: 486,
  warning: 'full',
  steps: [{ id: 'R-1', title: 'x', verdict: 'refuse', found: 'full' }],
};

function idsOf(recent: RecentRequests): string[] {
  return recent
    .latest(10)
    .map(({ bytes }) => /Call-ID: (\S+)/.exec(Buffer.from(bytes).toString())?.[1] ?? '');
}

test('newest first, at most so many; only what opens something', () => {
  const recent = new RecentRequests({ maxCount: 2, maxBytes: 10_000 });
  for (const callId of ['c1', 'c2', 'c3']) {
    recent.add(RECORD, { request: requestOf('INVITE', callId), origin: ORIGIN });
  }
  for (const method of ['BYE', 'MESSAGE', 'OPTIONS']) {
    recent.add(RECORD, { request: requestOf(method, 'other'), origin: ORIGIN });
  }
  recent.add(RECORD, { request: requestOf('INVITE', 'within', [], ';tag=b'), origin: ORIGIN });
  const broken = requestOf('REFER', 'broken', [], ';tag=b');
  recent.add(RECORD, {
    request: { ...broken, headers: broken.headers.filter(({ name }) => name !== 'CSeq') },
    origin: ORIGIN,
  });
  assert.deepEqual(idsOf(recent), ['c3', 'c2']);
  const [first] = recent.latest(1);
  assert.deepEqual(
    [first?.atMs, first?.origin, first?.decided],
    [
      7,
      ORIGIN,
      { clause: '7.2.1.2', user: 'sip:ada@example.net', status: 486, warning: 'full', step: 'R-1' },
    ],
  );
});

test('REFER within a dialog, too: a policy says who may add others', () => {
  const recent = new RecentRequests({ maxCount: 2, maxBytes: 10_000 });
  recent.add(RECORD, { request: requestOf('REFER', 'within', [], ';tag=b'), origin: ORIGIN });
  assert.deepEqual(idsOf(recent), ['within']);
});

test('no credentials are kept', () => {
  const recent = new RecentRequests({ maxCount: 2, maxBytes: 10_000 });
  const lines = ['Authorization: Digest response="abc"', 'proxy-authorization: Digest response="def"'];
  recent.add(RECORD, { request: requestOf('INVITE', 'c1', lines), origin: ORIGIN });
  const text = Buffer.from(recent.latest(1)[0]?.bytes ?? []).toString();
  assert.match(text, /Call-ID: c1/);
  assert.doesNotMatch(text, /abc|def|Digest/);
});

test('bytes have a bound, and none may be kept', () => {
  const recent = new RecentRequests({ maxCount: 100, maxBytes: 1_000 });
  for (const callId of ['c1', 'c2', 'c3']) {
    recent.add(RECORD, {
      request: requestOf('INVITE', callId, [`Subject: ${'x'.repeat(400)}`]),
      origin: ORIGIN,
    });
  }
  assert.deepEqual(idsOf(recent), ['c3']);
  const off = new RecentRequests({ maxCount: 0, maxBytes: 1_000 });
  off.add(RECORD, { request: requestOf('INVITE', 'c1'), origin: ORIGIN });
  assert.deepEqual(idsOf(off), []);
});
