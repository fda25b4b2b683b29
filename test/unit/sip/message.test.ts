import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  formatSipMessage,
  header,
  headers,
  listHeader,
  parseSipMessage,
  requiredHeader,
  type SipRequest,
} from '../../../src/sip/message.ts';

function request(...lines: string[]): SipRequest {
  const message = parseSipMessage(
    Buffer.from(`INVITE sip:f@im.test SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n`),
  );
  assert.ok(message.kind === 'request');
  return message;
}

const code = (expected: string) => ({ name: 'ParseError', code: expected });

test('compact forms get their long names, other names stay as received', () => {
  const message = request(
    'f: a',
    'M: b',
    'x: 90',
    'o: conference',
    'b: <sip:r@x>',
    'r: <sip:t@x>',
    'k: timer',
    'CALL-id: c',
  );
  assert.deepEqual(
    message.headers.map(({ name }) => name),
    ['From', 'Contact', 'Session-Expires', 'Event', 'Referred-By', 'Refer-To', 'Supported', 'CALL-id'],
  );
  assert.equal(header(message, 'session-expires'), '90');
  assert.equal(header(message, 'm'), 'b');
  assert.equal(header(message, 'Call-ID'), 'c');
});

test('header gives the first field, headers each, listHeader each element', () => {
  const message = request('Route: <sip:a;lr>, <sip:b>', 'ROUTE: <sip:c>', 'Via: x');
  assert.equal(header(message, 'route'), '<sip:a;lr>, <sip:b>');
  assert.deepEqual(headers(message, 'route'), ['<sip:a;lr>, <sip:b>', '<sip:c>']);
  assert.deepEqual(listHeader(message, 'route'), ['<sip:a;lr>', '<sip:b>', '<sip:c>']);
  assert.equal(header(message, 'contact'), undefined);
  assert.deepEqual(listHeader(message, 'contact'), []);
  assert.throws(() => requiredHeader(message, 'Contact'), code('SIP_MISSING_HEADER'));
});

test('listHeader keeps commas in quotes, brackets and comments', () => {
  const message = request(
    'Contact: "a, \\"b\\", c" <sip:x,y@z>, <sip:q>;p="1,2"',
    'Server: one (two, (three, four)), five',
    'Warning: 399 h "lone (paren, and text", 399 h "x"',
    'Subject: lone ( paren, then (more, of',
    'Supported: ,timer,, norefersub ,',
  );
  assert.deepEqual(listHeader(message, 'contact'), ['"a, \\"b\\", c" <sip:x,y@z>', '<sip:q>;p="1,2"']);
  assert.deepEqual(listHeader(message, 'server'), ['one (two, (three, four))', 'five']);
  assert.deepEqual(listHeader(message, 'warning'), ['399 h "lone (paren, and text"', '399 h "x"']);
  assert.deepEqual(listHeader(message, 'subject'), ['lone ( paren', 'then (more', 'of']);
  assert.deepEqual(listHeader(message, 'supported'), ['timer', 'norefersub']);
});

test('NUL and other control characters in a value stay', () => {
  assert.equal(header(request('Subject: a\0b'), 'subject'), 'a\0b');
});

test('one value that is no UTF-8 does not spoil another that is', () => {
  const bytes = Buffer.concat([
    Buffer.from('MESSAGE sip:f@im.test SIP/2.0\r\nSubject: '),
    Buffer.from([0xe9]),
    Buffer.from('\r\nOrganization: Ås\r\n\r\n'),
  ]);
  const message = parseSipMessage(bytes);
  assert.equal(header(message, 'subject'), 'é');
  assert.equal(header(message, 'organization'), 'Ås');
});

test('empty lines before the start line are ignored', () => {
  assert.equal(
    parseSipMessage(Buffer.from('\r\n\r\nBYE sip:a SIP/2.0\r\nCSeq: 1 BYE\r\n\r\n')).kind,
    'request',
  );
});

test('each limit refuses what is above it and lets pass what is not', () => {
  const text = (count: number) => Buffer.from(`BYE sip:a SIP/2.0\r\n${'A: b\r\n'.repeat(count)}\r\n`);
  assert.equal(parseSipMessage(text(5), { maxHeaders: 5 }).headers.length, 5);
  assert.throws(() => parseSipMessage(text(6), { maxHeaders: 5 }), code('SIP_TOO_MANY_HEADERS'));
  assert.throws(() => parseSipMessage(text(100), { maxHeadBytes: 100 }), code('SIP_TOO_LARGE'));
  assert.throws(() => parseSipMessage(text(100), { maxMessageBytes: 100 }), code('SIP_TOO_LARGE'));
  const noEnd = Buffer.from(`BYE sip:a SIP/2.0\r\nA: ${'x'.repeat(40_000)}`);
  assert.throws(() => parseSipMessage(noEnd), code('SIP_TOO_LARGE'));
  const bodyAboveHeadLimit = Buffer.from(`BYE sip:a SIP/2.0\r\n\r\n${'x\n'.repeat(100)}`);
  assert.equal(parseSipMessage(bodyAboveHeadLimit, { maxHeadBytes: 50 }).body.length, 200);
});

test('the status line takes 100 to 699 with or without a reason', () => {
  const status = (line: string) => parseSipMessage(Buffer.from(`${line}\r\nA: b\r\n\r\n`));
  assert.deepEqual(
    { ...status('SIP/2.0 486 Busy Here'), headers: [], body: '' },
    {
      kind: 'response',
      status: 486,
      reason: 'Busy Here',
      headers: [],
      body: '',
    },
  );
  assert.equal(status('SIP/2.0 200').kind, 'response');
  for (const line of [
    'SIP/2.0 099 x',
    'SIP/2.0 700 x',
    'SIP/2.0 20 x',
    'SIP/2.0 2000 x',
    'SIP/2.0',
    'SIP/2.0 abc',
  ]) {
    assert.throws(() => status(line), code('SIP_BAD_START_LINE'), line);
  }
});

test('formatting sets Content-Length in its place and refuses values that would start a line', () => {
  const message = { ...request('Content-Length: 0', 'X-A: b'), body: Buffer.from('hello') };
  assert.equal(
    formatSipMessage(message).toString(),
    'INVITE sip:f@im.test SIP/2.0\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello',
  );
  const spoiled = { ...message, headers: [{ name: 'Subject', value: 'x\r\nRoute: <sip:evil>' }] };
  assert.throws(() => formatSipMessage(spoiled), code('SIP_BAD_HEADER'));
  assert.throws(
    () => formatSipMessage({ ...message, headers: [{ name: 'A b', value: '' }] }),
    code('SIP_BAD_HEADER'),
  );
  assert.throws(() => formatSipMessage({ ...message, uri: 'sip:a\r\nX: y' }), code('SIP_BAD_START_LINE'));
});
