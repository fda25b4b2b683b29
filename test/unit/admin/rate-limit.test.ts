import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from '../../../src/admin/rate-limit.ts';
import { asking } from './asking.ts';

test('so many a second, a burst of twice as many, and each address by itself', () => {
  let nowMs = 0;
  const limit = new RateLimit({ perS: 10, nowMs: () => nowMs });
  const taken = (address: string) => {
    let count = 0;
    while (limit.take(address) === undefined) count += 1;
    return count;
  };
  assert.equal(taken('a'), 20);
  assert.equal(limit.take('a'), 1);
  assert.equal(taken('b'), 20);
  nowMs += 500;
  assert.equal(taken('a'), 5);
  nowMs += 60_000;
  assert.equal(taken('a'), 20);
  assert.equal(new RateLimit({ perS: 0, nowMs: () => 0 }).take('a'), undefined);
});

test('guessing tokens is slow', () => {
  let nowMs = 0;
  const limit = new RateLimit({ perS: 10, nowMs: () => nowMs });
  for (let guess = 0; guess < 5; guess += 1) {
    if (limit.take('a') === undefined) limit.penalise('a');
  }
  assert.equal(limit.take('a'), 1);
  nowMs += 1_000;
  assert.equal(limit.take('a'), undefined);
});

test('addresses that are remembered have a bound', () => {
  const limit = new RateLimit({ perS: 1, nowMs: () => 0, maxAddresses: 2 });
  for (const address of ['a', 'a', 'b', 'c']) limit.take(address);
  assert.equal(limit.take('a'), undefined, 'it was forgotten');
});

test('429 with Retry-After, a body is not waited for, and probes are always answered', async (t) => {
  const { get, ask } = asking(t, {}, { limits: { requestsPerS: 2 } });
  const statuses = [];
  for (let n = 0; n < 5; n += 1) statuses.push((await get('/api/v1/version')).status);
  assert.deepEqual(statuses, [200, 200, 200, 200, 429]);
  const refused = await ask(
    'POST',
    '/api/v1/explain',
    { 'content-type': 'application/json' },
    '{"message":"x"}',
  );
  assert.deepEqual(
    [refused.status, refused.headers['retry-after'], refused.headers['connection']],
    [429, '1', 'close'],
  );
  assert.equal((refused.body as { code: string }).code, 'ADMIN_TOO_MANY_REQUESTS');
  assert.equal((await get('/livez')).status, 200);
});

test('wrong tokens use it up', async (t) => {
  const { get } = asking(t, {}, { limits: { requestsPerS: 20 } });
  const statuses = [];
  for (let n = 0; n < 4; n += 1) {
    statuses.push((await get('/api/v1/version', { authorization: `Bearer wrong${n}` })).status);
  }
  assert.deepEqual(statuses, [401, 401, 429, 429]);
});
