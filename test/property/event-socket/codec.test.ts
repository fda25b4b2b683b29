import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, type Frame, FrameDecoder } from '../../../src/event-socket/codec.ts';
import {
  decodeEvent,
  decodeEventJson,
  type EslEvent,
  encodeEvent,
  encodeSendEvent,
} from '../../../src/event-socket/event.ts';
import { formatImEvents, parseImEvent, splitPages } from '../../../src/event-socket/im-message.ts';
import { PageAssembler } from '../../../src/event-socket/page-assembler.ts';
import { CodedError, ParseError } from '../../../src/lib/errors.ts';

type Direction = 'to-client' | 'to-server';

function decode(direction: Direction, chunks: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder(direction, (frame) => frames.push(frame));
  for (const chunk of chunks) decoder.feed(chunk);
  assert.equal(decoder.isMidFrame, false);
  return frames;
}

const imValue = fc.stringMatching(/^[A-Za-z0-9._~-]{1,128}$/);
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const body = text.filter((value) => !value.includes('\0'));
const headerName = fc.stringMatching(/^x-[a-z0-9-]{1,20}$/);
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a header line cannot carry.
const lineValue = text.map((value) => value.replace(/[\x00-\x1f\x7f]/g, '').trim());

const event: fc.Arbitrary<EslEvent> = fc
  .record({
    im: fc.array(fc.tuple(fc.constantFrom('im-op', 'im-corr', 'im-from', 'im-to'), imValue)),
    other: fc.array(fc.tuple(headerName, lineValue), { maxLength: 5 }),
    body,
  })
  .map(({ im, other, body: eventBody }) => ({
    name: 'CUSTOM',
    subclass: 'im::event',
    headers: new Map([...im, ...other]),
    body: eventBody,
  }));

const MIXED: readonly Buffer[] = [
  encodeFrame('', [['Content-Type', 'auth/request']]),
  encodeFrame('', [['Content-Type', 'api/response']], 'grün\n\n💬\r\n\r\nContent-Length: 3\n\n'),
  encodeFrame('', [['Reply-Text', '+OK a: b']]),
  Buffer.from('A: crlf\r\nContent-Length: 2\r\n\r\n\n\n'),
  Buffer.from('\n\r\n'),
  encodeEvent(
    { name: 'CUSTOM', subclass: 'im::hello', headers: new Map([['im-op', 'hello']]), body: '{"ü":1}' },
    'c',
  ),
];

test('a stream cut at every byte, and at every two bytes, gives the same frames', () => {
  const whole = Buffer.concat(MIXED);
  const expected = decode('to-client', [whole]);
  assert.equal(expected.length, 5);
  for (let first = 0; first <= whole.length; first += 1) {
    assert.deepEqual(decode('to-client', [whole.subarray(0, first), whole.subarray(first)]), expected);
    for (let second = first; second <= whole.length; second += 7) {
      const chunks = [whole.subarray(0, first), whole.subarray(first, second), whole.subarray(second)];
      assert.deepEqual(decode('to-client', chunks), expected);
    }
  }
  const bytes = Array.from(whole, (_, index) => whole.subarray(index, index + 1));
  assert.deepEqual(decode('to-client', bytes), expected);
});

test('commands cut anywhere give the same commands', () => {
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      (events, cuts) => {
        const whole = Buffer.concat(
          events.flatMap((one) => [encodeSendEvent(one), encodeFrame('api im sessions', [])]),
        );
        const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length].sort((a, b) => a - b);
        const chunks = at.slice(1).map((end, index) => whole.subarray(at[index], end));
        const frames = decode('to-server', chunks);
        const sent = frames.filter(({ command }) => command === 'sendevent CUSTOM');
        assert.deepEqual(
          sent.map((frame) => decodeEvent('CUSTOM', frame.headers, frame.body)),
          events,
        );
        assert.equal(frames.length, events.length * 2);
      },
    ),
  );
});

test('an event read from its JSON is the event that was written', () => {
  fc.assert(
    fc.property(event, (one) => {
      const [frame] = decode('to-client', [encodeEvent(one, 'core')]);
      assert.deepEqual(decodeEventJson(frame?.body ?? ''), { ...one, coreUuid: 'core' });
    }),
  );
});

test('any bytes give frames or a ParseError, whole or cut alike', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(
        fc.constantFrom('\n', '\r\n', ':', 'A: b', 'Content-Length: ', '3', '0', '\n\n', 'auth x', '\0', 'é'),
      )
      .map((parts) => Buffer.from(parts.join(''))),
  );
  const outcome = (direction: Direction, chunks: readonly Buffer[]): unknown[] => {
    const frames: unknown[] = [];
    const decoder = new FrameDecoder(direction, (frame) => frames.push(frame));
    try {
      for (const chunk of chunks) decoder.feed(chunk);
    } catch (error) {
      assert.ok(error instanceof ParseError);
      frames.push(error.code);
    }
    return frames;
  };
  fc.assert(
    fc.property(noise, fc.constantFrom<Direction>('to-client', 'to-server'), (bytes, direction) => {
      const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
      assert.deepEqual(outcome(direction, single), outcome(direction, [bytes]));
    }),
    { numRuns: 500 },
  );
});

test('a sound stream with some bytes changed gives frames or a ParseError, whole or cut anywhere alike', () => {
  const whole = Buffer.concat([
    ...MIXED,
    encodeSendEvent({ name: 'CUSTOM', subclass: 'im::request', headers: new Map(), body: '{"ü":[1]}' }),
  ]);
  const outcome = (chunks: readonly Buffer[]): unknown[] => {
    const frames: unknown[] = [];
    const decoder = new FrameDecoder('to-client', (frame) => frames.push(frame));
    try {
      for (const chunk of chunks) decoder.feed(chunk);
    } catch (error) {
      assert.ok(error instanceof ParseError);
      frames.push(error.code);
    }
    return frames;
  };
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  const changes = fc.array(change, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(changes, fc.array(fc.nat(whole.length), { maxLength: 6 }), (edits, cuts) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of edits) bytes[at] = value;
      const expected = outcome([bytes]);
      const at = [0, ...cuts, bytes.length].sort((a, b) => a - b);
      assert.deepEqual(outcome(at.slice(1).map((end, index) => bytes.subarray(at[index], end))), expected);
      const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
      assert.deepEqual(outcome(single), expected);
    }),
    { numRuns: 400 },
  );
});

test('a body that is no UTF-8 is told, however it is cut', () => {
  const body = Buffer.from([0x7b, 0xe2, 0x82, 0x7d]);
  const whole = Buffer.concat([Buffer.from('Content-Type: x\nContent-Length: 4\n\n'), body]);
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const [frame] = decode('to-client', [whole.subarray(0, cut), whole.subarray(cut)]);
    assert.equal(frame?.isUtf8, false);
  }
});

test('any text is an event or a CodedError', () => {
  fc.assert(
    fc.property(fc.oneof(text, fc.json()), (json) => {
      try {
        parseImEvent(decodeEventJson(json));
      } catch (error) {
        assert.ok(error instanceof CodedError);
      }
    }),
  );
});

test('pages put together are the text, whatever the page size', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.integer({ min: 4, max: 40 }),
      (whole, pageBytes) => {
        const clean = whole.replaceAll('\0', '').toWellFormed();
        for (const page of splitPages(clean, pageBytes)) assert.ok(Buffer.byteLength(page) <= pageBytes);
        const message = { op: 'o', corr: 'c', from: 'f', to: 't', seq: 1, epoch: 'e', ttlMs: 1 };
        const assembler = new PageAssembler({ maxPages: 1000 });
        const events = formatImEvents('im::request', message, clean, { pageBytes, pages: 1000 });
        const texts = events.map((one) => assembler.accept('im::request', parseImEvent(one), 0));
        assert.equal(texts.at(-1), clean);
        assert.ok(texts.slice(0, -1).every((one) => one === null));
      },
    ),
  );
});
