import assert from 'node:assert/strict';
import test from 'node:test';
import { asking } from './asking.ts';

const DEBUG = 20;
const INFO = 30;

test('livez answers 200 even when nothing is ready', async (t) => {
  const { get } = asking(t, { readiness: () => ({ ready: false, reasons: ['no switch'] }) });
  const { status, body } = await get('/livez');
  assert.equal(status, 200);
  assert.deepEqual(body, { live: true });
});

test('readyz is 200 while ready and 503 with the reasons while not', async (t) => {
  let reasons: string[] = [];
  const { get } = asking(t, { readiness: () => ({ ready: reasons.length === 0, reasons }) });
  const ready = await get('/readyz');
  assert.equal(ready.status, 200);
  assert.deepEqual(ready.body, { ready: true, reasons: [] });
  reasons = ['no message switch is up', 'no Kamailio has connected yet'];
  const notReady = await get('/readyz');
  assert.equal(notReady.status, 503);
  assert.deepEqual(notReady.body, { ready: false, reasons });
});

test('a readiness that throws counts as not ready', async (t) => {
  const { get } = asking(t, {
    readiness: () => {
      throw new Error('store closed');
    },
  });
  assert.equal((await get('/readyz')).status, 500);
});

test('version', async (t) => {
  const { get } = asking(t);
  assert.deepEqual((await get('/api/v1/version')).body, { version: '1.2.3' });
});

test('HEAD answers like GET, without a body', async (t) => {
  const { ask } = asking(t);
  const { status, text } = await ask('HEAD', '/livez');
  assert.equal(status, 200);
  assert.equal(text, '');
});

test('probes and scrapes are not logged at info, other requests are, without the names in their URL', async (t) => {
  const { get, lines } = asking(t);
  for (const url of ['/livez', '/readyz', '/metrics']) await get(url);
  await get('/api/v1/sessions?user=sip:alice@example.com');
  const requests = lines.filter(({ msg }) => msg === 'admin request');
  assert.deepEqual(
    requests.map(({ level, route }) => [level, route]),
    [
      [DEBUG, '/livez'],
      [DEBUG, '/readyz'],
      [DEBUG, '/metrics'],
      [INFO, '/api/v1/sessions'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(lines), /alice/);
});

test('every answer carries the security header fields, errors too', async (t) => {
  const { get, ask } = asking(t);
  const answers = [
    await get('/livez'),
    await get('/api/v1/sessions'),
    await get('/api/v1/sessions?limit=0'),
    await get('/nowhere'),
    await get('/api/v1/sessions/%zz'),
    await ask('POST', '/livez'),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 400, 404, 400, 405],
  );
  for (const { headers } of answers) {
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['x-frame-options'], 'DENY');
  }
});
