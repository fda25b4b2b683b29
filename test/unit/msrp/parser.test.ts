import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONTENT_TYPE, MESSAGE_ID, TO_PATH } from '../../../src/msrp/protocol/frame-head.ts';
import { DEFAULT_PROTOCOL_LIMITS } from '../../../src/msrp/protocol/limits.ts';
import { MsrpParser } from '../../../src/msrp/protocol/parser.ts';
import { recordFrames } from './record-frames.ts';

const FIXTURES = new URL('../../fixtures/msrp/', import.meta.url);

function vector(name: string): Buffer {
  return Buffer.from(readFileSync(new URL(name, FIXTURES), 'latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
}

test('every vector gives the same frames however it is split in two', () => {
  const names = readdirSync(FIXTURES).filter((name) => name.endsWith('.msrp'));
  assert.ok(names.length > 0);
  for (const name of names) {
    const bytes = vector(name);
    const expected = recordFrames([bytes]);
    assert.equal(expected.fault, '', name);
    assert.ok(expected.frames.length > 0, name);
    for (let cut = 1; cut < bytes.length; cut++) {
      assert.deepEqual(
        recordFrames([bytes.subarray(0, cut), bytes.subarray(cut)]),
        expected,
        `${name} at ${cut}`,
      );
    }
    assert.deepEqual(
      recordFrames([...bytes].map((byte) => Buffer.from([byte]))),
      expected,
      `${name} by bytes`,
    );
  }
});

test('responses that repeat an earlier one, and those that only begin like it, give the same however they are cut', () => {
  const paths = 'To-Path: msrp://a.example:1/s;tcp\r\nFrom-Path: msrp://b.example:1/t;tcp\r\n';
  const stream = [
    `MSRP tid00001 200 OK\r\n${paths}-------tid00001$\r\n`,
    `MSRP tid00002 200 OK\r\n${paths}-------tid00002$\r\n`,
    // Of another status, longer, with an end-line of another one where theirs would be, shorter, and as before.
    `MSRP tid00003 481 OK\r\n${paths}-------tid00003$\r\n`,
    `MSRP tid00004 200 OK\r\n${paths}X: y\r\n-------tid00004$\r\n`,
    `MSRP tid00005 200 OK\r\n${paths}-------tid00004$: z\r\n-------tid00005$\r\n`,
    `MSRP tid00006 200 OK\r\n-------tid00006$\r\n`,
    `MSRP tid7 200 OK\r\n${paths}-------tid7$\r\n`,
    `MSRP tid00008 200 OK\r\n${paths}-------tid00008$\r\n`,
    `MSRP tid00008 200 OK\r\n${paths}-------tid0000a$\r\n-------tid00008$\r\n`,
    `MSRP tid0000b 200 OK\r\n${paths}-------tid0000b$\r\n`,
    `MSRP tid00009 SEND\r\n${paths}-------tid00009$\r\n`,
  ].join('');
  const bytes = Buffer.from(stream);
  const expected = recordFrames([bytes]);
  assert.equal(expected.fault, '');
  assert.deepEqual(
    expected.frames.map(({ tid, status }) => `${tid} ${status}`),
    [
      'tid00001 200',
      'tid00002 200',
      'tid00003 481',
      'tid00004 200',
      'tid00005 200',
      'tid00006 200',
      'tid7 200',
      'tid00008 200',
      'tid00008 200',
      'tid0000b 200',
      'tid00009 0',
    ],
  );
  for (let cut = 1; cut < bytes.length; cut++) {
    assert.deepEqual(recordFrames([bytes.subarray(0, cut), bytes.subarray(cut)]), expected, `cut at ${cut}`);
  }
  const repeated = expected.frames.length;
  const bad = Buffer.from(
    `MSRP tid0000x 200 OK\r\n${paths.replace('\r\nFrom', ' \nFrom')}-------tid0000x$\r\n`,
  );
  const faulty = recordFrames([bytes, bad]);
  assert.deepEqual([faulty.frames.length, faulty.fault], [repeated, 'MSRP_BARE_LF']);
});

test('a head gives its headers without case and its content lines', () => {
  const { frames } = recordFrames([vector('headers-any-case.msrp')], [TO_PATH, MESSAGE_ID, CONTENT_TYPE]);
  assert.deepEqual(frames[0]?.values, ['msrp://a.example:1/s;tcp', 'msg-1', 'text/plain;charset=utf-8']);
  assert.equal(frames[0]?.otherContentLines, 'Content-Disposition: inline\r\nCONTENT-ID: <x@y>\r\n');
});

for (const [name, bytes, code] of [
  ['not MSRP', 'GET ', 'MSRP_BAD_START_LINE'],
  ['short transaction id', 'MSRP abc SEND\r\n', 'MSRP_BAD_START_LINE'],
  ['long transaction id', `MSRP ${'a'.repeat(33)} SEND\r\n`, 'MSRP_BAD_START_LINE'],
  ['transaction id that begins with a dot', 'MSRP .abcd SEND\r\n', 'MSRP_BAD_START_LINE'],
  ['no method', 'MSRP abcd \r\n', 'MSRP_BAD_START_LINE'],
  ['status of four digits', 'MSRP abcd 2000\r\n', 'MSRP_BAD_START_LINE'],
  ['status 000', 'MSRP abcd 000\r\n', 'MSRP_BAD_START_LINE'],
  ['bare LF', 'MSRP abcd SEND\n', 'MSRP_BARE_LF'],
  ['bare LF in a header', 'MSRP abcd SEND\r\nA: b\n', 'MSRP_BARE_LF'],
  ['header without colon', 'MSRP abcd SEND\r\nnonsense\r\n\r\n', 'MSRP_BAD_HEADER'],
  ['start line without end', `MSRP ${'a'.repeat(600)}`, 'MSRP_START_LINE_TOO_LONG'],
  ['long start line', `MSRP abcd 200 ${'a'.repeat(600)}\r\n`, 'MSRP_START_LINE_TOO_LONG'],
  ['header without end', `MSRP abcd SEND\r\nA: ${'a'.repeat(17_000)}`, 'MSRP_HEAD_TOO_LONG'],
  ['long header', `MSRP abcd SEND\r\nA: ${'a'.repeat(17_000)}\r\n`, 'MSRP_HEAD_TOO_LONG'],
  ['many headers', `MSRP abcd SEND\r\n${'A: b\r\n'.repeat(65)}`, 'MSRP_TOO_MANY_HEADERS'],
] as const) {
  test(`fault: ${name}`, () => {
    assert.equal(recordFrames([Buffer.from(bytes)]).fault, code);
    assert.equal(recordFrames([...Buffer.from(bytes)].map((byte) => Buffer.from([byte]))).fault, code);
  });
}

test('limits are options', () => {
  const limits = { ...DEFAULT_PROTOCOL_LIMITS, maxHeaders: 1 };
  const bytes = Buffer.from('MSRP abcd SEND\r\nA: b\r\nC: d\r\n\r\n');
  assert.equal(recordFrames([bytes], [], limits).fault, 'MSRP_TOO_MANY_HEADERS');
});

test('a closed parser ignores what is left of the chunk', () => {
  let heads = 0;
  const parser: MsrpParser = new MsrpParser({
    onHead() {
      heads++;
      parser.close();
    },
    onBody: () => assert.fail('body after close'),
    onEnd: () => assert.fail('end after close'),
    onFault: () => assert.fail('fault after close'),
  });
  const frame = 'MSRP abcd SEND\r\nA: b\r\n\r\nbody\r\n-------abcd$\r\n';
  parser.feed(Buffer.from(frame + frame));
  parser.feed(Buffer.from('nonsense'));
  assert.equal(heads, 1);
});

test('a body that arrives byte by byte is handed on, not piled up', () => {
  const { frames } = recordFrames([
    Buffer.from('MSRP abcd SEND\r\nA: b\r\n\r\n'),
    ...Array.from({ length: 5000 }, () => Buffer.from('x')),
  ]);
  assert.ok((frames[0]?.body.length ?? 0) >= 4980);
});
