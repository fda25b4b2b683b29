import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Frame, FrameDecoder } from '../../../src/event-socket/codec.ts';
import {
  decodeEvent,
  decodeEventJson,
  type EslEvent,
  encodeEvent,
  encodeSendEvent,
} from '../../../src/event-socket/event.ts';
import { CodedError } from '../../../src/lib/errors.ts';

const code =
  (expected: string) =>
  (error: unknown): boolean =>
    error instanceof CodedError && error.code === expected;

function event(headers: Record<string, string>, body = ''): EslEvent {
  return { name: 'CUSTOM', subclass: 'im::event', headers: new Map(Object.entries(headers)), body };
}

function oneFrame(bytes: Buffer, direction: 'to-client' | 'to-server'): Frame {
  const frames: Frame[] = [];
  new FrameDecoder(direction, (frame) => frames.push(frame)).feed(bytes);
  assert.equal(frames.length, 1);
  return frames[0] as Frame;
}

test('an event survives as JSON: percent signs, quotes and Unicode are exact', () => {
  const sent = event({ 'im-op': 'leg.bound', 'x-text': '%41 "ü" 💬' }, '{"a":"%41 \\u0000 💬"}');
  const frame = oneFrame(encodeEvent(sent, 'core'), 'to-client');
  assert.equal(frame.headers.get('content-type'), 'text/event-json');
  assert.deepEqual(decodeEventJson(frame.body), { ...sent, coreUuid: 'core' });
});

test('a body in JSON comes with its length in bytes', () => {
  const frame = oneFrame(encodeEvent(event({}, '{"ü":1}'), 'core'), 'to-client');
  const json = JSON.parse(frame.body) as Record<string, string>;
  assert.equal(json['Content-Length'], '8');
  assert.equal(json['Core-UUID'], 'core');
});

test('an event survives sendevent', () => {
  const sent = event({ 'im-op': 'session.put' }, '{"a":1}');
  const frame = oneFrame(encodeSendEvent(sent), 'to-server');
  assert.equal(frame.command, 'sendevent CUSTOM');
  assert.deepEqual(decodeEvent('CUSTOM', frame.headers, frame.body), sent);
});

test('FreeSWITCH writes Content-Length twice into the JSON, and arrays: the event is still read', () => {
  const text =
    '{"Event-Name":"CUSTOM","Event-Subclass":"im::event","Core-UUID":"c","Content-Length":"560","x":["a","b"],' +
    '"Im-Op":"leg.bound","Content-Length":"2","_body":"{}"}';
  const read = decodeEventJson(text);
  assert.deepEqual([...read.headers], [['im-op', 'leg.bound']]);
  assert.equal(read.body, '{}');
});

for (const [what, text, expected] of [
  ['no JSON', '{"Event-Name":', 'ESL_BAD_JSON'],
  ['an array', '["Event-Name"]', 'ESL_BAD_EVENT'],
  ['null', 'null', 'ESL_BAD_EVENT'],
  ['no name', '{"im-op":"x"}', 'ESL_BAD_EVENT'],
  ['a subclass with a line break', '{"Event-Name":"CUSTOM","Event-Subclass":"a\\nb"}', 'ESL_BAD_EVENT'],
  ['an im-* header with a space', '{"Event-Name":"CUSTOM","im-op":"a b"}', 'ESL_BAD_VALUE'],
  ['an im-* header that is empty', '{"Event-Name":"CUSTOM","im-op":""}', 'ESL_BAD_VALUE'],
  ['an im-* header that is a list', '{"Event-Name":"CUSTOM","im-op":["a"]}', 'ESL_BAD_VALUE'],
  ['an im-* header of 129', `{"Event-Name":"CUSTOM","IM-Op":"${'a'.repeat(129)}"}`, 'ESL_BAD_VALUE'],
] as const) {
  test(`refused on receiving: ${what}`, () => {
    assert.throws(() => decodeEventJson(text), code(expected));
  });
}

test('a header called __proto__ stays a header', () => {
  const read = decodeEventJson('{"Event-Name":"CUSTOM","__proto__":"x"}');
  assert.equal(read.headers.get('__proto__'), 'x');
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
});

for (const [what, bad] of [
  ['a space in an im-* header', event({ 'im-op': 'a b' })],
  ['an empty im-* header', event({ 'im-op': '' })],
  ['a newline in an im-* header', event({ 'IM-Op': 'a\nb' })],
  ['a newline in a subclass', { ...event({}), subclass: 'a\nb' }],
  ['a lower-case name', { ...event({}), name: 'custom' }],
  ['a NUL in the body', event({}, 'a\0b')],
] as const) {
  test(`never sent: ${what}`, () => {
    assert.throws(() => encodeEvent(bad, 'core'), code('ESL_BAD_VALUE'));
    assert.throws(() => encodeSendEvent(bad), code('ESL_BAD_VALUE'));
  });
}
