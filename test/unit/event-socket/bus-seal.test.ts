import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { ReplayGuard } from '../../../src/event-socket/bus/replay-guard.ts';
import { checkSeal, sealEvent } from '../../../src/event-socket/bus/seal.ts';
import type { EslEvent } from '../../../src/event-socket/event.ts';

const KEY = 'k'.repeat(32);
const OTHER = 'o'.repeat(32);
const HEADERS: Readonly<Record<string, string>> = {
  'im-v': '1',
  'im-op': 'session.list',
  'im-corr': 'c1',
  'im-from': 'f1',
  'im-to': 'sw1',
  'im-seq': '3',
  'im-epoch': 'e1',
  'im-ttl-ms': '2000',
};
const plain: EslEvent = {
  name: 'CUSTOM',
  subclass: 'im::request',
  headers: new Map(Object.entries(HEADERS)),
  body: '{"ü":1}',
};
const code = (wanted: string) => (error: unknown) => (error as { code: string }).code === wanted;

test('the seal is the HMAC that the documentation describes', () => {
  const sealed = sealEvent(plain, [KEY], 1_700_000_000_000, 42);
  const text = [
    'parley event-socket frame 1',
    'im::request',
    ...Object.values(HEADERS),
    '1.1',
    '1700000000000',
    '42',
    '{"ü":1}',
  ].join('\n');
  assert.equal(sealed.headers.get('im-mac'), createHmac('sha256', KEY).update(text).digest('base64url'));
  assert.deepEqual(checkSeal(sealed, [KEY]), {
    from: 'f1',
    epoch: 'e1',
    atMs: 1_700_000_000_000,
    frame: 42,
  });
});

test('a change of any header, of the class or of the body breaks the seal; so does its absence', () => {
  const sealed = sealEvent(
    { ...plain, headers: new Map([...plain.headers, ['im-page', '2.3']]) },
    [KEY],
    5,
    6,
  );
  for (const name of sealed.headers.keys()) {
    const changed = new Map(sealed.headers).set(name, name === 'im-page' ? '3.3' : '7');
    assert.throws(() => checkSeal({ ...sealed, headers: changed }, [KEY]), code('ESL_BAD_SEAL'), name);
    const less = new Map(sealed.headers);
    less.delete(name);
    const wanted = code(name === 'im-mac' ? 'ESL_UNSEALED' : 'ESL_BAD_SEAL');
    assert.throws(() => checkSeal({ ...sealed, headers: less }, [KEY]), wanted, name);
  }
  assert.throws(() => checkSeal({ ...sealed, body: '{"ü":2}' }, [KEY]), code('ESL_BAD_SEAL'));
  assert.throws(() => checkSeal({ ...sealed, subclass: 'im::reply' }, [KEY]), code('ESL_BAD_SEAL'));
});

test('a key is changed while all run: each of the keys is taken, the first seals', () => {
  const old = sealEvent(plain, [KEY], 1, 1);
  const next = sealEvent(plain, [OTHER, KEY], 1, 2);
  assert.throws(() => checkSeal(old, [OTHER]), code('ESL_BAD_SEAL'));
  assert.equal(checkSeal(old, [OTHER, KEY]).frame, 1);
  assert.equal(checkSeal(next, [KEY, OTHER]).frame, 2);
  assert.throws(() => checkSeal(next, [KEY]), code('ESL_BAD_SEAL'));
  assert.throws(() => sealEvent(plain, [], 1, 1), code('ESL_BAD_OPTION'));
});

test('a frame is taken once, also out of order, and not when it is too late to know', () => {
  const guard = new ReplayGuard({ startedAtMs: 0, windowMs: 1000 });
  const accept = (frame: number): string => guard.accept({ from: 'a', epoch: 'e', atMs: 10, frame }, 10);
  assert.deepEqual([5, 5, 3, 4, 3].map(accept), ['fresh', 'replayed', 'fresh', 'fresh', 'replayed']);
  assert.equal(accept(10_000), 'fresh');
  assert.equal(accept(9999), 'fresh');
  assert.equal(accept(9999), 'replayed');
  assert.equal(accept(5000), 'replayed', 'too old to know');
  assert.equal(accept(10_001), 'fresh');
  assert.equal(accept(10_000), 'replayed');
  // A number far ahead clears what lies between.
  assert.deepEqual([20_000, 19_999, 19_999].map(accept), ['fresh', 'fresh', 'replayed']);
});

test('the time window holds both ways, and nothing from before the start is taken', () => {
  const guard = new ReplayGuard({ startedAtMs: 100_000, windowMs: 1000 });
  const at = (atMs: number, nowMs: number, frame: number): string =>
    guard.accept({ from: 'a', epoch: 'e', atMs, frame }, nowMs);
  assert.equal(at(99_999, 100_000, 1), 'early');
  assert.equal(at(100_000, 101_000, 1), 'fresh');
  assert.equal(at(100_000, 101_001, 2), 'stale');
  assert.equal(at(102_001, 101_000, 3), 'stale');
  assert.equal(at(102_000, 101_000, 3), 'fresh');
});

test('a newer epoch ends the older one, whose frames are refused from then on', () => {
  const guard = new ReplayGuard({ startedAtMs: 0, windowMs: 1000 });
  const say = (epoch: string, atMs: number, frame: number): string =>
    guard.accept({ from: 'a', epoch, atMs, frame }, atMs);
  assert.equal(say('old', 10, 900), 'fresh');
  assert.equal(say('new', 20, 1), 'fresh');
  assert.equal(say('old', 15, 901), 'superseded');
  assert.equal(say('old', 20, 902), 'superseded');
  assert.equal(say('new', 30, 2), 'fresh');
  // After a silence longer than any frame is good for, a clock that went back does not lock the sender out.
  assert.equal(guard.accept({ from: 'a', epoch: 'third', atMs: 2100, frame: 1 }, 2500), 'fresh');
});

test('senders are limited', () => {
  const guard = new ReplayGuard({ startedAtMs: 0, windowMs: 1000, maxSenders: 2 });
  for (const from of ['a', 'b', 'c']) guard.accept({ from, epoch: 'e', atMs: 1, frame: 1 }, 1);
  assert.equal(guard.size, 2);
});
