import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { ParseError } from '../../../src/lib/errors.ts';
import { contacts, hasIsFocus } from '../../../src/sip/contact.ts';
import { formatContentType, parseContentDisposition, parseContentType } from '../../../src/sip/content.ts';
import { parseCSeq } from '../../../src/sip/cseq.ts';
import { dialogFromUas, dialogKeyOf } from '../../../src/sip/dialog.ts';
import { parseEvent, parseSubscriptionState } from '../../../src/sip/event.ts';
import { acceptContacts } from '../../../src/sip/identity.ts';
import { formatSipMessage, listHeader, parseSipMessage, type SipMessage } from '../../../src/sip/message.ts';
import { formatNameAddr, parseNameAddr, parseNameAddrList } from '../../../src/sip/name-addr.ts';
import { parseReferTo, referredBy } from '../../../src/sip/refer.ts';
import { splitOutside } from '../../../src/sip/scan.ts';
import { parseRetryAfter, parseSessionExpires } from '../../../src/sip/session-expires.ts';
import { addressKey, canonicalAddress, formatUri, parseUri, sameUser } from '../../../src/sip/uri.ts';
import { formatWarning, parseWarning } from '../../../src/sip/warning.ts';

const TOKEN_CHARS = "abcXYZ019-.!%*_+`'~".split('');
const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARS), minLength: 1, maxLength: 12 });
const lowerToken = token.map((text) => text.toLowerCase());
/** Any text that a quoted-string can carry: no control characters (they become spaces) and no lone surrogates. */
const quotable = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .map((text) => text.replace(/[\u0000-\u001f\u007f]/g, '.'));
const tricky = fc
  .string({ unit: fc.constantFrom(...'",;\\<>()= aå\t'.split('')), maxLength: 16 })
  .map((text) => text.replaceAll('\t', ' '));
const paramValue = fc.oneof(fc.constant(undefined), token, quotable, tricky);
const params = fc.array(fc.tuple(lowerToken, paramValue), { maxLength: 5 }).map((pairs) => new Map(pairs));
const uriText = fc
  .tuple(
    fc.constantFrom('sip', 'sips'),
    fc.option(fc.stringMatching(/^[a-z0-9;?&=+$,/.~-]{1,10}$/)),
    fc.domain(),
    fc.nat(65_535),
    fc.boolean(),
  )
  .map(
    ([scheme, user, host, port, hasPort]) =>
      `${scheme}:${user === null ? '' : `${user}@`}${host}${hasPort ? `:${port}` : ''}`,
  );
const displayName = fc.oneof(quotable, tricky).map((text) => text || undefined);
const nameAddr = fc
  .record({ displayName, uri: uriText, params })
  .map(({ displayName: name, ...rest }) => (name === undefined ? rest : { displayName: name, ...rest }));

test('parse∘format of addresses is the identity, whatever quotes, commas and brackets the values hold', () => {
  fc.assert(fc.property(nameAddr, (value) => assert.deepEqual(parseNameAddr(formatNameAddr(value)), value)));
});

test('a list of addresses falls apart at exactly its own commas', () => {
  fc.assert(
    fc.property(fc.array(nameAddr, { maxLength: 6 }), fc.constantFrom(',', ', ', ' ,\t'), (values, comma) => {
      assert.deepEqual(parseNameAddrList([values.map(formatNameAddr).join(comma)]), values);
    }),
  );
});

test('parse∘format of URIs is the identity', () => {
  const text = fc
    .tuple(uriText, fc.array(fc.stringMatching(/^[a-z]{1,5}(=[a-z0-9%]{0,4})?$/), { maxLength: 3 }))
    .map(([uri, list]) => [uri, ...list.map((parameter) => parameter.replaceAll('%', '%41'))].join(';'));
  fc.assert(
    fc.property(text, (uri) => {
      const parsed = parseUri(uri);
      assert.deepEqual(parseUri(formatUri(parsed)), parsed);
    }),
  );
});

test('the canonical address is its own canonical address, and one key with the original', () => {
  fc.assert(
    fc.property(uriText, (uri) => {
      const canonical = canonicalAddress(uri);
      assert.equal(canonicalAddress(canonical), canonical);
      assert.ok(sameUser(canonical, `${uri};transport=tcp`));
    }),
  );
});

test('every spelling of a number has one key', () => {
  const digits = fc.stringMatching(/^[0-9]{1,15}$/);
  fc.assert(
    fc.property(digits, fc.domain(), fc.constantFrom('-', '.', '()'), (number, host, separator) => {
      const spelled = `+${number.split('').join(separator)}`;
      assert.equal(addressKey(`tel:${spelled}`), `tel:+${number}`);
      assert.equal(addressKey(`sip:${spelled}@${host};user=phone`), `tel:+${number}`);
    }),
  );
});

test('parse∘format of warnings and content types is the identity', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 300, max: 399 }),
      fc.domain(),
      fc.oneof(quotable, tricky),
      (code, agent, text) => {
        assert.deepEqual(parseWarning(formatWarning(code, agent, text)), { code, agent, text });
      },
    ),
  );
  fc.assert(
    fc.property(lowerToken, lowerToken, params, (type, subtype, list) => {
      const value = { mediaType: `${type}/${subtype}`, params: list };
      assert.deepEqual(parseContentType(formatContentType(value)), value);
    }),
  );
});

/** Longer than one character, so that it is no compact form. */
const headerName = fc
  .stringMatching(/^[A-Z][a-z]{1,8}(-[A-Z][a-z]{1,5})?$/)
  .filter((name) => name !== 'Content-Length');
const headerValue = fc
  .oneof(quotable, tricky, fc.constantFrom('a\0b', 'Ã©', '\u0001'))
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
const message: fc.Arbitrary<SipMessage> = fc
  .record({
    start: fc.oneof(
      fc.record({ kind: fc.constant('request' as const), method: token, uri: uriText }),
      fc.record({
        kind: fc.constant('response' as const),
        status: fc.integer({ min: 100, max: 699 }),
        reason: quotable,
      }),
    ),
    headers: fc.array(fc.record({ name: headerName, value: headerValue }), { maxLength: 8 }),
    body: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  })
  .map(({ start, headers, body }) => ({
    ...start,
    headers: [
      ...headers.map((field) => ({ ...field })),
      { name: 'Content-Length', value: String(body.length) },
    ],
    body,
  }));

test('parse∘format of messages is the identity', () => {
  fc.assert(
    fc.property(message, (value) => assert.deepEqual(parseSipMessage(formatSipMessage(value)), value)),
  );
});

test('folding anywhere that a space may be changes nothing', () => {
  fc.assert(
    fc.property(message, fc.constantFrom('\r\n ', '\r\n\t', '\n  '), (value, fold) => {
      const [head = '', ...rest] = formatSipMessage({ ...value, body: Buffer.alloc(0) })
        .toString()
        .split('\r\n');
      const folded = rest.map((line) => line.replace(/(?<=: \S+) (?=\S)/, fold)).join('\r\n');
      const again = parseSipMessage(Buffer.from(`${head}\r\n${folded}`));
      assert.deepEqual(
        again.headers.map(({ name }) => name),
        value.headers.map(({ name }) => name),
      );
      assert.deepEqual(again.headers.slice(0, -1), value.headers.slice(0, -1));
    }),
  );
});

/** Runs a reader; all but a ParseError fails the property. */
function onlyParseError(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ParseError) || !error.code.startsWith('SIP_')) throw error;
  }
}

const READERS: readonly ((text: string) => unknown)[] = [
  parseNameAddr,
  (text) => parseNameAddrList([text]),
  parseUri,
  canonicalAddress,
  addressKey,
  parseReferTo,
  parseCSeq,
  parseSessionExpires,
  parseRetryAfter,
  parseEvent,
  parseSubscriptionState,
  parseWarning,
  parseContentType,
  parseContentDisposition,
  (text) => splitOutside(text, ','),
];

test('no field parser throws anything but a ParseError', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(...'sip:tel+1@[]<>"\\;,=?&%() \t*/.aZ09é'.split('')), maxLength: 40 }),
  );
  fc.assert(
    fc.property(text, (value) => {
      for (const read of READERS) onlyParseError(() => read(value));
    }),
    { numRuns: 500 },
  );
});

function readAll(bytes: Buffer): void {
  const value = parseSipMessage(bytes);
  onlyParseError(() => contacts(value));
  onlyParseError(() => hasIsFocus(value));
  onlyParseError(() => referredBy(value));
  onlyParseError(() => acceptContacts(value));
  onlyParseError(() => dialogKeyOf(value));
  onlyParseError(() => value.kind === 'request' && dialogFromUas(value, 't'));
  onlyParseError(() => listHeader(value, 'via'));
}

test('random bytes, and a good message with some bytes changed, give a message or a ParseError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) =>
      onlyParseError(() => readAll(Buffer.from(bytes))),
    ),
  );
  const good = Buffer.from(
    'INVITE sip:f@im.test SIP/2.0\r\nf: "A" <sip:a@x>;tag=1\r\nt: <sip:f@im.test>\r\ni: c\r\nCSeq: 1 INVITE\r\nm: <sip:a@10.0.0.1>;isfocus\r\na: *;audio\r\nb: sip:r@x\r\nl: 2\r\n\r\nhi',
  );
  const edits = fc.array(
    fc.tuple(
      fc.nat(good.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\r\n :;,<>"\\@%'))),
    ),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(edits, (list) => {
      const bytes = Buffer.from(good);
      for (const [at, octet] of list) bytes[at] = octet;
      onlyParseError(() => readAll(bytes));
    }),
    { numRuns: 1000 },
  );
});

test('a message cut anywhere before its end is refused', () => {
  fc.assert(
    fc.property(message, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value, where) => {
      const bytes = formatSipMessage(value);
      assert.throws(() => parseSipMessage(bytes.subarray(0, Math.floor(bytes.length * where))), {
        code: 'SIP_TRUNCATED',
      });
    }),
  );
});
