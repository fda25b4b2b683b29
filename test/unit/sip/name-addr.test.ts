import assert from 'node:assert/strict';
import { test } from 'node:test';

import { hasIsFocus } from '../../../src/sip/contact.ts';
import { parseSipMessage } from '../../../src/sip/message.ts';
import {
  formatNameAddr,
  NO_PARAMS,
  parseNameAddr,
  parseNameAddrList,
  tagOf,
} from '../../../src/sip/name-addr.ts';

const code = (expected: string) => ({ name: 'ParseError', code: expected });

test('name-addr with a quoted name, escapes and parameters of both kinds', () => {
  const value = parseNameAddr('"A \\"b\\", \\\\c" <sip:a@b;lr>;Tag=x;+sip.instance="<urn:uuid:1>" ; isfocus');
  assert.equal(value.displayName, 'A "b", \\c');
  assert.equal(value.uri, 'sip:a@b;lr');
  assert.deepEqual(
    [...value.params],
    [
      ['tag', 'x'],
      ['+sip.instance', '<urn:uuid:1>'],
      ['isfocus', undefined],
    ],
  );
});

test('without brackets the parameters are the header field’s', () => {
  const value = parseNameAddr('sip:a@b;tag=1;isfocus');
  assert.equal(value.uri, 'sip:a@b');
  assert.deepEqual(
    [...value.params],
    [
      ['tag', '1'],
      ['isfocus', undefined],
    ],
  );
  assert.equal(parseNameAddr('sip:a@b;x="<y>"').uri, 'sip:a@b');
});

test('unquoted names may hold UTF-8; an empty name is none', () => {
  assert.equal(parseNameAddr('Åsa Öberg <sip:a@b>').displayName, 'Åsa Öberg');
  assert.equal(parseNameAddr('"" <sip:a@b>').displayName, undefined);
  assert.equal(tagOf('<sip:a@b>'), undefined);
});

test('of two equal parameters the first counts', () => {
  assert.equal(tagOf('<sip:a@b>;tag=1;tag=2'), '1');
});

for (const [text, expected] of [
  ['', 'SIP_BAD_NAME_ADDR'],
  ['<>', 'SIP_BAD_NAME_ADDR'],
  ['<a@b>', 'SIP_BAD_NAME_ADDR'],
  ['<sip:a@b', 'SIP_BAD_NAME_ADDR'],
  ['"x <sip:a@b>', 'SIP_BAD_NAME_ADDR'],
  ['"x" sip:a@b', 'SIP_BAD_NAME_ADDR'],
  ['a, b <sip:a@b>', 'SIP_BAD_NAME_ADDR'],
  ['< sip:a@b >', 'SIP_BAD_NAME_ADDR'],
  ['*', 'SIP_BAD_NAME_ADDR'],
  ['<sip:a@b> x', 'SIP_BAD_PARAMETER'],
  ['<sip:a@b>;x="y', 'SIP_BAD_PARAMETER'],
  ['<sip:a@b>;"x"', 'SIP_BAD_PARAMETER'],
  ['sip:a@b;x=y z', 'SIP_BAD_PARAMETER'],
] as const) {
  test(`refuses ${JSON.stringify(text)} with ${expected}`, () => {
    assert.throws(() => parseNameAddr(text), code(expected));
  });
}

test('formatting quotes names, feature tags and what is no token', () => {
  const params = new Map([
    ['+g.3gpp.icsi-ref', 'urn%3Aurn-7'],
    ['x', 'a b'],
    ['tag', 't1'],
    ['isfocus', undefined],
  ]);
  assert.equal(
    formatNameAddr({ displayName: 'A "b" \\', uri: 'sip:a@b', params }),
    '"A \\"b\\" \\\\" <sip:a@b>;+g.3gpp.icsi-ref="urn%3Aurn-7";x="a b";tag=t1;isfocus',
  );
});

test('a line break in a display name cannot start a header field; a URI cannot leave its brackets', () => {
  assert.equal(
    formatNameAddr({ displayName: 'a\r\nX: y', uri: 'sip:a@b', params: NO_PARAMS }),
    '"a  X: y" <sip:a@b>',
  );
  for (const uri of ['sip:a>;x', 'sip:a\r\nX: y', 'sip:a b', 'a@b']) {
    assert.throws(() => formatNameAddr({ uri, params: NO_PARAMS }), code('SIP_BAD_NAME_ADDR'));
  }
});

test('parseNameAddrList reads several fields, each a list', () => {
  assert.deepEqual(
    parseNameAddrList(['"a, b" <sip:1@x>, <sip:2@x>', 'tel:+3']).map(({ uri }) => uri),
    ['sip:1@x', 'sip:2@x', 'tel:+3'],
  );
});

for (const [contact, expected] of [
  ['<sip:x@y>;isfocus', true],
  ['<sip:x@y;isfocus>', true],
  ['<sip:x@y>;ISFOCUS="TRUE"', true],
  ['<sip:x@y;IsFocus=1>', true],
  ['sip:x@y;isfocus', true],
  ['<sip:a@b>, "c, d" <sip:x@y>;isfocus', true],
  ['<sip:x@y>;isfocus="FALSE"', false],
  ['"isfocus" <sip:isfocus@y>;+g.oma.sip-im', false],
  ['<sip:x@y>;note=";isfocus"', false],
  ['*', false],
] as const) {
  test(`A-3: isfocus in Contact: ${contact} → ${expected}`, () => {
    const text = `INVITE sip:g@im.test SIP/2.0\r\nm: <sip:first@x>\r\nContact: ${contact}\r\n\r\n`;
    assert.equal(hasIsFocus(parseSipMessage(Buffer.from(text))), expected);
  });
}

test('A-3: no Contact at all is no focus', () => {
  assert.equal(
    hasIsFocus(parseSipMessage(Buffer.from('INVITE sip:g@im.test SIP/2.0\r\nA: b\r\n\r\n'))),
    false,
  );
});
