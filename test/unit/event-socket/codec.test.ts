import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FrameDirection,
  type FrameLimits,
} from '../../../src/event-socket/codec.ts';
import { CodedError, ParseError } from '../../../src/lib/errors.ts';

function decode(text: string, direction: FrameDirection = 'to-client', limits?: FrameLimits): Frame[] {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder(direction, (frame) => frames.push(frame), limits);
  decoder.feed(Buffer.from(text, 'utf8'));
  return frames;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof CodedError);
    return error.code;
  }
  return 'none';
}

test('the greeting is a frame without a body', () => {
  const [frame, ...more] = decode('Content-Type: auth/request\n\n');
  assert.deepEqual(more, []);
  assert.deepEqual([...(frame?.headers ?? [])], [['content-type', 'auth/request']]);
  assert.equal(frame?.body, '');
});

test('a frame with a body, then one without', () => {
  const frames = decode(
    'Content-Length: 5\nContent-Type: api/response\n\nh\n\nloContent-Type: command/reply\nReply-Text: +OK a: b: c\n\n',
  );
  assert.deepEqual(
    frames.map(({ body }) => body),
    ['h\n\nlo', ''],
  );
  assert.equal(frames[1]?.headers.get('reply-text'), '+OK a: b: c');
});

test('a command has its own first line, and headers and a body where it wants', () => {
  const frames = decode(
    'api im sessions\n\nsendevent CUSTOM\nIm-Op: x\nContent-Length: 2\n\n{}exit\n\n',
    'to-server',
  );
  assert.deepEqual(
    frames.map(({ command, headers, body }) => [command, headers.get('im-op'), body]),
    [
      ['api im sessions', undefined, ''],
      ['sendevent CUSTOM', 'x', '{}'],
      ['exit', undefined, ''],
    ],
  );
});

test('CR LF and empty lines between frames are understood', () => {
  const frames = decode('\r\n\n\r\nauth x\r\nA: b\r\n\r\n\n\nexit\n\r\n', 'to-server');
  assert.deepEqual(
    frames.map(({ command, headers }) => [command, headers.get('a')]),
    [
      ['auth x', 'b'],
      ['exit', undefined],
    ],
  );
});

test('Content-Length counts bytes, not characters', () => {
  const frame = encodeFrame('', [['Content-Type', 'api/response']], 'Grüße 💬');
  assert.match(frame.toString(), /Content-Length: 12\n/);
  assert.equal(decode(frame.toString())[0]?.body, 'Grüße 💬');
});

for (const [what, text, code] of [
  ['a header line without a colon', 'nonsense\n\n', 'ESL_BAD_HEADER'],
  ['a header line without a name', ': x\n\n', 'ESL_BAD_HEADER'],
  ['a control character', 'A: b\u0000c\n\n', 'ESL_BAD_HEADER'],
  ['a bare CR inside a line', 'A: b\rc: d\n\n', 'ESL_BAD_HEADER'],
  ['a Content-Length that is negative', 'Content-Length: -1\n\n', 'ESL_BAD_CONTENT_LENGTH'],
  ['a Content-Length that is hexadecimal', 'Content-Length: 0x10\n\n', 'ESL_BAD_CONTENT_LENGTH'],
  ['an empty Content-Length', 'Content-Length: \n\n', 'ESL_BAD_CONTENT_LENGTH'],
  ['two Content-Lengths that differ', 'Content-Length: 1\nContent-Length: 2\n\n', 'ESL_BAD_CONTENT_LENGTH'],
  ['a body over the limit', 'Content-Length: 101\n\n', 'ESL_BODY_TOO_LONG'],
  ['a Content-Length over all numbers', 'Content-Length: 99999999999999999999\n\n', 'ESL_BAD_CONTENT_LENGTH'],
  ['too many lines', `${'A: b\n'.repeat(5)}\n`, 'ESL_TOO_MANY_LINES'],
  ['a header block over the limit', `A: ${'b'.repeat(100)}\n\n`, 'ESL_HEADER_TOO_LONG'],
  ['a line that never ends', 'x'.repeat(101), 'ESL_HEADER_TOO_LONG'],
] as const) {
  test(`refused: ${what}`, () => {
    const limits = { headerBytes: 100, lines: 4, bodyBytes: 100 };
    assert.equal(
      codeOf(() => decode(text, 'to-client', limits)),
      code,
    );
  });
}

test('at the limits a frame still passes', () => {
  const limits = { headerBytes: 23, lines: 2, bodyBytes: 3 };
  const frames = decode('Content-Length: 3\nA: b\n\nxyz', 'to-client', limits);
  assert.equal(frames[0]?.body, 'xyz');
});

test('after a fault the decoder is silent, and what came before it has been given out', () => {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder('to-client', (frame) => frames.push(frame));
  assert.throws(() => decoder.feed(Buffer.from('A: 1\n\nbroken\n\nA: 2\n\n')), ParseError);
  decoder.feed(Buffer.from('A: 3\n\n'));
  assert.deepEqual(
    frames.map(({ headers }) => headers.get('a')),
    ['1'],
  );
});

test('limits can be raised between two frames of one chunk', () => {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder(
    'to-server',
    (frame) => {
      frames.push(frame);
      decoder.setLimits({ headerBytes: 100, lines: 4, bodyBytes: 10 });
    },
    { headerBytes: 10, lines: 1, bodyBytes: 0 },
  );
  decoder.feed(Buffer.from('auth x\n\nsendevent CUSTOM\nContent-Length: 3\n\nabc'));
  assert.equal(frames[1]?.body, 'abc');
});

for (const [what, command, headers] of [
  ['a newline in a value', '', [['A', 'b\nEvent-Name: x']]],
  ['a newline in the command', 'api x\n\nexit', []],
  ['a NUL', '', [['A', 'b\0']]],
  ['a colon in a name', '', [['A: b', 'c']]],
  ['an empty name', '', [['', 'c']]],
] as const) {
  test(`never sent: ${what}`, () => {
    assert.equal(
      codeOf(() => encodeFrame(command, headers)),
      'ESL_BAD_VALUE',
    );
  });
}
