import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODY_JSON, parseBoundedJson } from '../../../src/event-socket/bounded-json.ts';
import { decodeEventJson } from '../../../src/event-socket/event.ts';

const code = (wanted: string) => (error: unknown) => (error as { code: string }).code === wanted;
const BOUNDS = { depth: 4, members: 1000 };
const PADDING = `"${'x'.repeat(600)}"`;

test('what nests deeper or has more members than allowed is refused before it is built', () => {
  const nested = (depth: number): string => `${'['.repeat(depth - 1)}[${PADDING}]${']'.repeat(depth - 1)}`;
  assert.ok(parseBoundedJson(nested(4), BOUNDS));
  assert.throws(() => parseBoundedJson(nested(5), BOUNDS), code('ESL_JSON_BOUNDS'));
  const long = (members: number): string => `[${Array.from({ length: members }, () => '1').join(',')}]`;
  assert.equal((parseBoundedJson(long(1000), BOUNDS) as unknown[]).length, 1000);
  assert.throws(() => parseBoundedJson(long(1001), BOUNDS), code('ESL_JSON_BOUNDS'));
  const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`k${n}`, 1])));
  assert.throws(() => parseBoundedJson(wide, BOUNDS), code('ESL_JSON_BOUNDS'));
  assert.throws(() => parseBoundedJson('['.repeat(4_000_000), BODY_JSON), code('ESL_JSON_BOUNDS'));
});

test('brackets, commas and quotes inside of strings do not count', () => {
  const text = JSON.stringify([`${'[{,'.repeat(600)}`, '\\', '\\"[[[[[[', 'a\\\\"', PADDING]);
  assert.deepEqual(parseBoundedJson(text, BOUNDS), JSON.parse(text));
  for (const broken of [`["${'['.repeat(600)}`, `[${PADDING}\\`, `${PADDING}]`, PADDING.slice(0, -1)]) {
    assert.throws(() => parseBoundedJson(broken, BOUNDS), code('ESL_BAD_JSON'));
  }
});

test('an event with hundreds of headers, or with values that nest, is refused', () => {
  const headers = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, 'y']));
  const event = (part: object): string => JSON.stringify({ 'Event-Name': 'CUSTOM', ...part, pad: PADDING });
  assert.equal(decodeEventJson(event(headers(500))).headers.size, 501);
  assert.throws(() => decodeEventJson(event(headers(520))), code('ESL_JSON_BOUNDS'));
  assert.throws(() => decodeEventJson(event({ a: [['x']] })), code('ESL_JSON_BOUNDS'));
  assert.equal(decodeEventJson(event({ a: ['x', 'y'] })).headers.has('a'), false, 'lists are left out');
});
