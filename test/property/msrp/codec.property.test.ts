/** Streams of frames come out as they went in, however they are split; and no bytes make the parser throw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatMsrpUri, parseMsrpUri } from '../../../src/msrp/protocol/uri.ts';
import { recordFrames } from '../../unit/msrp/record-frames.ts';

const chars = (text: string): string[] => text.split('');
const LETTERS_AND_DIGITS = chars('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789');
const tids = fc
  .tuple(
    fc.constantFrom(...LETTERS_AND_DIGITS),
    fc.string({
      unit: fc.constantFrom(...LETTERS_AND_DIGITS, ...chars('.-+%=')),
      minLength: 3,
      maxLength: 31,
    }),
  )
  .map(([first, rest]) => first + rest);
const flags = fc.constantFrom('$', '+', '#');
/** Bodies made of what looks like framing. */
const bodies = fc
  .array(
    fc.constantFrom(
      '\r',
      '\n',
      '\r\n',
      '-------',
      '--',
      '$',
      '+',
      '#',
      'MSRP x SEND',
      'abcd',
      'text',
      '\0',
      '\xff',
    ),
  )
  .map((parts) => parts.join(''));
const ranges = fc.constantFrom('exact', '1-*/*', '', '1-3/3', '1-99999/99999');

const frames = fc
  .record({
    tid: tids,
    flag: flags,
    body: bodies,
    range: ranges,
    hasBody: fc.boolean(),
    isResponse: fc.boolean(),
  })
  .filter(({ tid, body }) => !`\r\n${body}`.includes(`-------${tid}`));

interface Made {
  readonly bytes: string;
  readonly expected: object;
}

function make(frame: typeof frames extends fc.Arbitrary<infer F> ? F : never): Made {
  const { tid, flag, body, range } = frame;
  const hasBody = frame.hasBody && !frame.isResponse;
  const rangeLine =
    range === '' ? '' : `Byte-Range: ${range === 'exact' ? `1-${body.length}/${body.length}` : range}\r\n`;
  const start = frame.isResponse ? `MSRP ${tid} 200 OK` : `MSRP ${tid} SEND`;
  const content = hasBody ? `Content-Type: text/plain\r\n\r\n${body}\r\n` : '';
  return {
    bytes: `${start}\r\nTo-Path: msrp://a:1/x;tcp\r\n${rangeLine}${content}-------${tid}${flag}\r\n`,
    expected: {
      tid,
      method: frame.isResponse ? '' : 'SEND',
      status: frame.isResponse ? 200 : 0,
      hasBody,
      values: [],
      otherContentLines: '',
      body: hasBody ? body : '',
      flag,
    },
  };
}

/** Cuts at the given fractions of the length. */
function cut(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const points = [...new Set(fractions.map((part) => Math.floor(part * bytes.length)))].sort((a, b) => a - b);
  const pieces: Buffer[] = [];
  let from = 0;
  for (const point of [...points, bytes.length]) {
    if (point > from) pieces.push(bytes.subarray(from, point));
    from = point;
  }
  return pieces;
}

test('frames come out as they went in, wherever the stream is cut', () => {
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(frames, { minLength: 1, maxLength: 5 }), cuts, (list, fractions) => {
      const made = list.map(make);
      const bytes = Buffer.from(made.map((one) => one.bytes).join(''), 'latin1');
      const { frames: seen, fault } = recordFrames(cut(bytes, fractions));
      assert.equal(fault, '');
      assert.deepEqual(
        seen,
        made.map((one) => one.expected),
      );
    }),
    { numRuns: 500 },
  );
});

test('a frame split at every byte comes out the same', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const made = make(frame);
      const pieces = [...Buffer.from(made.bytes, 'latin1')].map((byte) => Buffer.from([byte]));
      assert.deepEqual(recordFrames(pieces).frames, [made.expected]);
    }),
    { numRuns: 200 },
  );
});

test('no bytes make the parser throw, and cutting them differently changes nothing', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(
        fc.constantFrom(
          'MSRP ',
          'abcd ',
          'SEND',
          '200',
          '\r\n',
          '\n',
          'To-Path: x',
          ':',
          '-------abcd$\r\n',
          'é',
        ),
      )
      .map((parts) => Buffer.from(parts.join(''), 'latin1')),
  );
  fc.assert(
    fc.property(noise, fc.double({ min: 0, max: 1, noNaN: true }), (bytes, fraction) => {
      const whole = recordFrames([bytes]);
      const parts = recordFrames(cut(bytes, [fraction]));
      assert.deepEqual(
        whole.frames.filter((frame) => frame.flag !== ''),
        parts.frames.filter((frame) => frame.flag !== ''),
      );
    }),
    { numRuns: 1000 },
  );
});

test('MSRP URIs: parse after format gives the same', () => {
  const uris = fc.record({
    secure: fc.boolean(),
    userinfo: fc.constantFrom('', 'user', 'a:b'),
    host: fc.constantFrom('example.net', '192.0.2.7', '[2001:db8::7]', 'A-b.C'),
    port: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 65_535 })),
    sessionId: fc.string({
      unit: fc.constantFrom(...LETTERS_AND_DIGITS, ...chars('-._~+=/')),
      maxLength: 40,
    }),
    transport: fc.constantFrom('tcp', 'ws', 'TCP'),
    parameters: fc.constantFrom('', ';a=b', ';x;y=z'),
  });
  fc.assert(fc.property(uris, (uri) => assert.deepEqual(parseMsrpUri(formatMsrpUri(uri)), { ...uri })));
});
