import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatCpimAddress,
  formatCpimHead,
  parseCpim,
  parseCpimAddress,
} from '../../../src/documents/cpim.ts';

const TEXT =
  'From: "Ada \\"A\\" L" <sip:ada@example.net>\r\nTo: <sip:room@example.net>\r\nDateTime: 2026-01-01T00:00:00Z\r\n' +
  'NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk\r\n\r\n' +
  'Content-Type: text/plain; charset=utf-8\r\n\r\nhello';

test('heads are read with their offsets', () => {
  const bytes = Buffer.from(TEXT);
  const head = parseCpim(bytes);
  assert.ok(head !== null);
  assert.deepEqual(head.from, { displayName: 'Ada "A" L', uri: 'sip:ada@example.net' });
  assert.deepEqual(head.to, [{ displayName: '', uri: 'sip:room@example.net' }]);
  assert.equal(head.contentType, 'text/plain; charset=utf-8');
  assert.equal(bytes.subarray(head.contentStart).toString(), 'hello');
  for (const header of head.headers) {
    assert.ok(bytes.subarray(header.start, header.end).toString().startsWith(`${header.name}:`));
  }
});

test('bare LF in either head is tolerated', () => {
  const head = parseCpim(Buffer.from(TEXT.replaceAll('\r\n', '\n')));
  assert.equal(head?.from?.uri, 'sip:ada@example.net');
  assert.equal(head?.contentType, 'text/plain; charset=utf-8');
});

test('case 44: every beginning that ends in the heads is incomplete', () => {
  const bytes = Buffer.from(TEXT);
  const end = bytes.length - 'hello'.length;
  for (let cut = 0; cut < end; cut++) assert.equal(parseCpim(bytes.subarray(0, cut)), null, String(cut));
  for (let cut = end; cut <= bytes.length; cut++)
    assert.equal(parseCpim(bytes.subarray(0, cut))?.contentStart, end);
});

for (const [name, text] of [
  ['a line without colon', 'nonsense\r\n\r\n\r\n'],
  ['two From', 'From: <sip:a@b>\r\nFrom: <sip:c@d>\r\n\r\n\r\n'],
  ['a From without URI', 'From: Ada\r\n\r\n\r\n'],
  ['an open bracket', 'From: <sip:a@b\r\n\r\n\r\n'],
  ['too many lines', `${'A: b\r\n'.repeat(200)}\r\n\r\n`],
] as const) {
  test(`refused: ${name}`, () => {
    assert.throws(() => parseCpim(Buffer.from(text)), { code: 'MSRP_BAD_CPIM' });
  });
}

test('addresses', () => {
  assert.deepEqual(parseCpimAddress('sip:a@b'), { displayName: '', uri: 'sip:a@b' });
  assert.deepEqual(parseCpimAddress('Åda Lovelace <tel:+1>'), { displayName: 'Åda Lovelace', uri: 'tel:+1' });
  const odd = { displayName: 'q"u\\o', uri: 'im:x@y' };
  assert.deepEqual(parseCpimAddress(formatCpimAddress(odd)), odd);
});

test('a written head is read back', () => {
  const wrap = {
    from: '<sip:a@b>',
    to: '<sip:c@d>',
    dateTime: '2026-01-01T00:00:00Z',
    contentType: 'text/plain',
  };
  const head = parseCpim(Buffer.from(formatCpimHead(wrap)));
  assert.equal(head?.from?.uri, 'sip:a@b');
  assert.equal(head?.to[0]?.uri, 'sip:c@d');
  assert.equal(head?.contentType, 'text/plain');
});
