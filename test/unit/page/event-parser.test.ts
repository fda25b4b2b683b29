import assert from 'node:assert/strict';
import test from 'node:test';
import { EventParser, type ServerEvent } from '../../../src/page/net/event-parser.ts';

const STREAM =
  'retry: 1000\nid: 7\nevent: hello\ndata: {"version":"1"}\n\n:\nid: 9\n\nevent: decision\ndata: {"a":"å"}\nid: 10\n\ndata: x\r\ndata: y\r\n\r\n';
const EVENTS: readonly ServerEvent[] = [
  { name: 'hello', data: '{"version":"1"}', lastId: '7' },
  { name: 'decision', data: '{"a":"å"}', lastId: '10' },
  { name: 'message', data: 'x\ny', lastId: '10' },
];

function parsed(chunks: readonly Uint8Array[]): ServerEvent[] {
  const events: ServerEvent[] = [];
  const parser = new EventParser((event) => events.push(event));
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

test('events are the same wherever the bytes are cut', () => {
  const bytes = Buffer.from(STREAM);
  assert.deepEqual(parsed([bytes]), EVENTS);
  for (let at = 0; at <= bytes.length; at += 1) {
    assert.deepEqual(parsed([bytes.subarray(0, at), bytes.subarray(at)]), EVENTS, `cut at ${at}`);
  }
  assert.deepEqual(parsed([...bytes].map((byte) => Buffer.of(byte))), EVENTS, 'byte by byte');
});

test('a beat moves the number without being an event', () => {
  const parser = new EventParser(() => assert.fail('no event'));
  parser.push(Buffer.from(':\nid: 12\n\n'));
  assert.equal(parser.lastId, '12');
});

test('a line without an end is not collected for ever', () => {
  const parser = new EventParser(() => assert.fail('no event'));
  assert.throws(() => {
    for (let part = 0; part < 20; part += 1) parser.push(Buffer.alloc(100_000, 'x'));
  }, RangeError);
});
