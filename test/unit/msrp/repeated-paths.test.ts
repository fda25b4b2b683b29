/** Requests with the path lines of the last one are read by a shorter way, and must look the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FROM_PATH, MESSAGE_ID, TO_PATH } from '../../../src/msrp/protocol/frame-head.ts';
import { MsrpParser } from '../../../src/msrp/protocol/parser.ts';

const TO = 'msrp://192.0.2.1:2855/session-1;tcp';
const FROM = 'msrp://192.0.2.9:7777/client-1;tcp';

function send(number: number, lines: string): string {
  const tid = `tid${number}`;
  return `MSRP ${tid} SEND\r\n${lines}Message-ID: m${number}\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------${tid}$\r\n`;
}

const paths = (to: string, from: string): string => `To-Path: ${to}\r\nFrom-Path: ${from}\r\n`;

/** `[paths id, To-Path, From-Path, Message-ID]` of each request. */
function heads(chunks: readonly Buffer[]): (string | number | null)[][] {
  const seen: (string | number | null)[][] = [];
  const parser = new MsrpParser({
    onHead: (head) =>
      void seen.push([head.pathsId, head.value(TO_PATH), head.value(FROM_PATH), head.value(MESSAGE_ID)]),
    onBody() {},
    onEnd() {},
    onFault: (fault) => assert.fail(fault.message),
  });
  for (const chunk of chunks) parser.feed(chunk);
  return seen;
}

test('only the same bytes have the same paths id, wherever a read ends', () => {
  const other = TO.replace('session-1', 'session-2');
  const bytes = Buffer.from(
    [
      paths(TO, FROM),
      paths(TO, FROM),
      paths(other, FROM),
      paths(other, FROM),
      paths(TO, FROM.slice(0, -1)),
      paths(TO, FROM),
    ]
      .map((lines, i) => send(i, lines))
      .join(''),
  );
  const expected = [
    [1, TO, FROM, 'm0'],
    [1, TO, FROM, 'm1'],
    [2, other, FROM, 'm2'],
    [2, other, FROM, 'm3'],
    [3, TO, FROM.slice(0, -1), 'm4'],
    [4, TO, FROM, 'm5'],
  ];
  for (let at = 0; at < bytes.length; at++)
    assert.deepEqual(heads([bytes.subarray(0, at), bytes.subarray(at)]), expected, `split at ${at}`);
});

test('lines that are not the paths are not taken for them', () => {
  const between = `To-Path: ${TO}\r\nX: ${FROM}\r\nFrom-Path: ${FROM}\r\n`;
  const late = `X: y\r\n${paths(TO, FROM)}`;
  const turned = `From-Path: ${FROM}\r\nTo-Path: ${TO}\r\n`;
  const bytes = Buffer.from(
    [between, between, late, late, turned, turned].map((l, i) => send(i, l)).join(''),
  );
  const ids = heads([bytes]).map(([id]) => id);
  assert.deepEqual(ids, [0, 0, 0, 0, 1, 1]);
  assert.deepEqual(
    heads([bytes]).map(([, to, from]) => [to, from]),
    ids.map(() => [TO, FROM]),
  );
});

test('path lines that come again as such later are two of one kind', () => {
  let duplicates = 0;
  const parser = new MsrpParser({
    onHead: (head) => void (duplicates += head.hasDuplicates ? 1 : 0),
    onBody() {},
    onEnd() {},
    onFault: (fault) => assert.fail(fault.message),
  });
  const lines = paths(TO, FROM);
  parser.feed(Buffer.from(send(1, lines) + send(2, `${lines}From-Path: ${FROM}\r\n`)));
  assert.equal(duplicates, 1);
});
