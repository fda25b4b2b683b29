import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { ParseError } from '../../../src/lib/errors.ts';
import { msrpMedia } from '../../../src/sdp/msrp-media.ts';
import { formatMsrpUri, parseMsrpUri } from '../../../src/sdp/msrp-uri.ts';
import { negotiateMsrp } from '../../../src/sdp/negotiate.ts';
import { formatAnswer, newOrigin } from '../../../src/sdp/offer-answer.ts';
import { familyOf, formatSdp, parseSdp, type SdpSession } from '../../../src/sdp/session.ts';

const word = fc.stringMatching(/^[!-9;-~]{1,10}$/);
const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
const place = address.map((text) => ({ family: familyOf(text), address: text }));
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
/** Numbers in every spelling that a number-guessing parser might change. */
const value = fc.oneof(
  fc.constantFrom('', '0', '007', '1e3', '-0', 'NaN', 'Infinity', '9007199254740993', '%s %d %v', 'a:b: c'),
  fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .map((text) => text.replace(/[\0\r\n\u2028\u2029]/g, '.').trimEnd()),
);
const attributes = fc.array(
  fc.oneof(
    word.map((name) => ({ name })),
    fc
      .tuple(fc.oneof(word, fc.constantFrom('path', 'setup', 'rtpmap', 'ssrc', '__proto__')), value)
      .map(([name, text]) => ({ name, value: text })),
  ),
  { maxLength: 5 },
);
const connection = fc.option(place, { nil: undefined });
const media = fc
  .record({
    kind: fc.constantFrom('message', 'audio', 'x-1.y'),
    port: fc.nat(65_535),
    protocol: fc.constantFrom('TCP/MSRP', 'TCP/TLS/MSRP', 'RTP/AVP', 'udp'),
    formats: fc.array(word, { minLength: 1, maxLength: 3 }),
    attributes,
    connection,
  })
  .map(({ connection: at, ...rest }) => (at === undefined ? rest : { ...rest, connection: at }));
const session: fc.Arbitrary<SdpSession> = fc
  .record({
    origin: fc
      .record({ username: word, sessionId: uint64, version: uint64, place })
      .map(({ place: at, ...rest }) => ({ ...rest, ...at })),
    name: word,
    timing: fc.record({ start: uint64, stop: uint64 }).map((timing) => ({ ...timing })),
    attributes,
    media: fc.array(media, { maxLength: 4 }),
    connection,
  })
  .map(({ connection: at, ...rest }) => (at === undefined ? rest : { ...rest, connection: at }));

test('parse∘format of descriptions is the identity', () => {
  fc.assert(
    fc.property(session, (description) => assert.deepEqual(parseSdp(formatSdp(description)), description)),
  );
});

test('every answer has the offer’s m= lines in order, and only the chosen one is open', () => {
  fc.assert(
    fc.property(session, fc.nat(3), (offer, pick) => {
      fc.pre(offer.media.length > 0);
      const index = pick % offer.media.length;
      const answer = parseSdp(
        formatAnswer(offer, index, {
          origin: newOrigin('1', '192.0.2.1'),
          address: '192.0.2.1',
          port: 2855,
          path: ['msrp://192.0.2.1:2855/x;tcp'],
          acceptTypes: ['*'],
          setup: 'passive',
        }),
      );
      assert.deepEqual(
        answer.media.map(({ protocol }) => protocol),
        offer.media.map(({ protocol }) => protocol),
      );
      assert.deepEqual(
        answer.media.map(({ port }) => port),
        offer.media.map((_, at) => (at === index ? 2855 : 0)),
      );
    }),
  );
});

test('parse∘format of MSRP URIs is the identity', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9.!%*_+`'~-]{1,8}$/);
  const uri = fc
    .record({
      scheme: fc.constantFrom('msrp' as const, 'msrps' as const),
      userinfo: fc.option(fc.stringMatching(/^[a-z0-9._-]{1,8}$/), { nil: undefined }),
      host: fc.oneof(
        fc.domain(),
        fc.ipV4(),
        fc.ipV6().map((text) => `[${text}]`),
      ),
      port: fc.option(fc.nat(65_535), { nil: undefined }),
      sessionId: fc.option(fc.stringMatching(/^[A-Za-z0-9._~+=/-]{1,20}$/), { nil: undefined }),
      transport: fc.constantFrom('tcp', 'ws'),
      params: fc.array(
        fc.tuple(
          token.map((text) => text.toLowerCase()),
          fc.option(token, { nil: undefined }),
        ),
        { maxLength: 3 },
      ),
    })
    .map(({ params, ...rest }) => ({
      ...Object.fromEntries(Object.entries(rest).filter(([, field]) => field !== undefined)),
      params: new Map(params),
    }));
  fc.assert(
    fc.property(uri, (parsed) => assert.deepEqual(parseMsrpUri(formatMsrpUri(parsed as never)), parsed)),
  );
});

function onlyParseError(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ParseError) || !error.code.startsWith('SDP_')) throw error;
  }
}

function readAll(text: string): void {
  const parsed = parseSdp(text);
  for (const section of parsed.media) msrpMedia(section, parsed);
  negotiateMsrp(parsed, { protocols: ['TCP/MSRP'], acceptTypes: ['*'], acceptWrappedTypes: ['*'] });
  formatSdp(parsed);
}

test('any text gives a description or a ParseError', () => {
  const line = fc.tuple(
    fc.constantFrom(...'vosiuepzrtcbmak'.split('')),
    fc.oneof(
      value,
      fc.constantFrom(
        '0',
        '- 1 1 IN IP4 a',
        'IN IP4 a',
        '0 0',
        'message 1 TCP/MSRP *',
        'path:msrp://a:1/b;tcp',
        'AS:1',
      ),
    ),
  );
  const lines = fc.array(
    line.map(([kind, content]) => `${kind}=${content}`),
    { maxLength: 10 },
  );
  const head = 'v=0\no=- 1 1 IN IP4 a\n';
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        lines.map((list) => list.join('\n')),
        lines.map((list) => head + list.join('\r\n')),
      ),
      (text) => {
        onlyParseError(() => readAll(text));
        onlyParseError(() => parseMsrpUri(text));
        onlyParseError(() => parseMsrpUri(`msrp://${text}`));
      },
    ),
    { numRuns: 1000 },
  );
});
