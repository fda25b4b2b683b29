import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import sdpTransform from 'sdp-transform';

import { attribute, formatSdp, isSameRevision, nextVersion, parseSdp } from '../../../src/sdp/session.ts';

function load(name: string): string {
  return readFileSync(new URL(`../../fixtures/sdp/${name}.sdp`, import.meta.url), 'utf8');
}

const code = (expected: string) => ({ name: 'ParseError', code: expected });
const HEAD = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n';

test('origin, connection and media sections keep their order and their 64-bit numbers', () => {
  const session = parseSdp(load('offer-handset'));
  assert.deepEqual(session.origin, {
    username: 'handset',
    sessionId: '18446744073709551615',
    version: '7',
    family: 'IP6',
    address: '2001:db8::7',
  });
  assert.deepEqual(session.connection, { family: 'IP6', address: '2001:db8::7' });
  assert.equal(nextVersion(session.origin).version, '8');
  assert.equal(
    nextVersion({ ...session.origin, version: '18446744073709551614' }).version,
    '18446744073709551615',
  );
  const mixed = parseSdp(load('offer-mixed'));
  assert.deepEqual(
    mixed.media.map(({ kind, port }) => [kind, port]),
    [
      ['audio', 49170],
      ['message', 7654],
      ['message', 7654],
      ['video', 51372],
    ],
  );
  assert.deepEqual(mixed.media[0]?.formats, ['0', '8', '97']);
});

test('attributes stay in order, doubles and unknown ones included, digits as text', () => {
  const session = parseSdp(
    `${HEAD}m=message 1 TCP/MSRP *\r\na=x:1\r\na=sendrecv \r\na=x:007\r\na=path:msrp://a:1/b;tcp\r\na=y:\r\n`,
  );
  assert.deepEqual(session.media[0]?.attributes, [
    { name: 'x', value: '1' },
    { name: 'sendrecv' },
    { name: 'x', value: '007' },
    { name: 'path', value: 'msrp://a:1/b;tcp' },
    { name: 'y', value: '' },
  ]);
  assert.equal(attribute(session.media[0] ?? { attributes: [] }, 'x'), '1');
});

test('line ends of all three kinds', () => {
  for (const end of ['\r\n', '\n', '\r']) {
    assert.equal(parseSdp(load('offer-mixed').replaceAll('\r\n', end)).media.length, 4);
  }
});

test('formatting gives the description again with CRLF', () => {
  const text = load('offer-actpass');
  assert.equal(formatSdp(parseSdp(text)), text);
});

describe('what sdp-transform would accept in silence is refused', () => {
  for (const [name, text, expected] of [
    ['empty', '', 'SDP_MISSING_LINE'],
    ['no v=', 'o=- 1 1 IN IP4 a\r\n', 'SDP_MISSING_LINE'],
    ['version 1', HEAD.replace('v=0', 'v=1'), 'SDP_MISSING_LINE'],
    ['no o=', 'v=0\r\ns=-\r\n', 'SDP_MISSING_LINE'],
    ['origin without address', HEAD.replace(' IN IP4 192.0.2.1', ''), 'SDP_BAD_LINE'],
    ['two origins', `${HEAD}o=- 1 1 IN IP4 a\r\n`, 'SDP_BAD_LINE'],
    ['origin in a media section', 'v=0\r\nm=message 1 TCP/MSRP *\r\no=- 1 1 IN IP4 a\r\n', 'SDP_BAD_LINE'],
    ['prose', `${HEAD}hello\r\n`, 'SDP_BAD_LINE'],
    ['empty line inside', `${HEAD}\r\nm=message 1 TCP/MSRP *\r\n`, 'SDP_BAD_LINE'],
    ['NUL', `${HEAD}a=x:\0\r\n`, 'SDP_BAD_LINE'],
    ['media without a port', `${HEAD}m=message TCP/MSRP *\r\n`, 'SDP_BAD_LINE'],
    ['media without a format', `${HEAD}m=message 1 TCP/MSRP\r\n`, 'SDP_BAD_LINE'],
    ['port too large', `${HEAD}m=message 65536 TCP/MSRP *\r\n`, 'SDP_BAD_MEDIA'],
    ['half a connection', `${HEAD}c=IN IP4\r\n`, 'SDP_BAD_LINE'],
    ['attribute without a name', `${HEAD}a=:x\r\n`, 'SDP_BAD_LINE'],
    ['too many media', HEAD + 'm=message 1 TCP/MSRP *\r\n'.repeat(33), 'SDP_TOO_MANY_MEDIA'],
    ['too many lines', HEAD + 'a=x\r\n'.repeat(600), 'SDP_TOO_LARGE'],
    ['too long', `${HEAD}a=x:${'y'.repeat(40_000)}\r\n`, 'SDP_TOO_LARGE'],
  ] as const) {
    test(`${name} → ${expected}`, () => assert.throws(() => parseSdp(text), code(expected)));
  }
});

test('a value with a line break is refused when formatting', () => {
  const session = parseSdp(load('offer-actpass'));
  const [first] = session.media;
  assert.ok(first !== undefined);
  for (const spoiled of [
    { ...session, name: 'x\r\na=evil' },
    { ...session, attributes: [{ name: 'x', value: 'y\r\na=evil' }] },
    { ...session, media: [{ ...first, protocol: 'TCP/MSRP *\r\na=evil' }] },
    { ...session, origin: { ...session.origin, address: '' } },
  ]) {
    assert.throws(() => formatSdp(spoiled), code('SDP_BAD_LINE'));
  }
});

test('A-31: the same o= is the same revision', () => {
  const session = parseSdp(load('offer-actpass'));
  assert.ok(isSameRevision(session, parseSdp(load('offer-actpass'))));
  assert.ok(!isSameRevision(session, { ...session, origin: nextVersion(session.origin) }));
});

test('sdp-transform itself is as before for any other user', () => {
  const audio = `${HEAD}m=audio 1 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`;
  const before = JSON.stringify(sdpTransform.parse(audio));
  assert.match(before, /"codec":"PCMU"/);
  parseSdp(audio);
  assert.throws(() => formatSdp({ ...parseSdp(audio), name: '\n' }));
  assert.equal(JSON.stringify(sdpTransform.parse(audio)), before);
});
