/** Webhooks over REST: made, edited with If-Match, deleted; secrets shown once and in no log or audit entry. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { AuditLog } from '../../../src/admin/records/audit.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { asking } from './asking.ts';

const BASE = '/api/v1/webhooks';
const SECRET = 'a-secret-of-forty-two-letters';
const URL_TEXT = 'https://hooks.example.net/in?key=of-the-receiver';

function bench(t: TestContext, role: 'operator' | 'admin' = 'admin') {
  const records = openRecords(':memory:');
  const { ask, get, lines } = asking(t, {}, { records, withoutToken: role, webhooks: { maxWebhooks: 2 } });
  const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(method, `${BASE}${path}`, { 'content-type': 'application/json', ...headers }, JSON.stringify(body));
  const make = async (body: object) => {
    const { body: made, headers } = await send('POST', '', body);
    const { id, secret } = made as { id: string; secret: string };
    return { id, secret, etag: String(headers['etag']) };
  };
  const audited = () => new AuditLog(records, () => 0).find({ limit: 50 });
  return { ask, get, send, make, audited, lines, records };
}

describe('webhooks', () => {
  test('made with a secret that is shown this once', async (t) => {
    const { get, send, audited, lines } = bench(t);
    const { status, body } = await send('POST', '', { url: URL_TEXT, secret: SECRET });
    assert.equal(status, 201);
    const { id, secret, ...shown } = body as { id: string; secret: string };
    assert.equal(secret, SECRET);
    assert.deepEqual(shown, {
      url: URL_TEXT,
      events: [
        'session.created',
        'session.moved',
        'session.ended',
        'participant.invited',
        'participant.joined',
        'participant.left',
        'participant.lost',
        'invitation.failed',
      ],
      isEnabled: true,
      createdAt: '2026-11-22T10:00:00.000Z',
      queued: 0,
      delivered: 0,
      failed: 0,
      dropped: 0,
      lastError: null,
      nextAttemptAt: null,
    });
    assert.deepEqual((await get(`${BASE}/${id}`)).body, { id, ...shown });
    assert.deepEqual((await get(BASE)).body, { items: [{ id, ...shown }] });
    const kept = JSON.stringify([audited(), lines]);
    assert.doesNotMatch(kept, /forty-two|of-the-receiver/);
    assert.match(kept, /webhook\.create.*hooks\.example\.net\/in"/);
  });

  test('a random secret where none is given', async (t) => {
    const { make } = bench(t);
    const [one, two] = [await make({ url: URL_TEXT }), await make({ url: URL_TEXT })];
    assert(one.secret.length >= 32 && one.secret !== two.secret);
  });

  test('edited and deleted by who has seen what it is now', async (t) => {
    const { ask, get, send, make, audited } = bench(t);
    const { id, etag } = await make({ url: URL_TEXT, secret: SECRET });
    for (const [headers, status] of [
      [{}, 428],
      [{ 'if-match': '"other"' }, 412],
    ] as const) {
      assert.equal((await send('PATCH', `/${id}`, { isEnabled: false }, headers)).status, status);
      assert.equal((await ask('DELETE', `${BASE}/${id}`, headers)).status, status);
    }
    const edited = await send(
      'PATCH',
      `/${id}`,
      { events: ['session.ended'], secret: 'another-secret-0123' },
      { 'if-match': etag },
    );
    assert.equal(edited.status, 200);
    assert.deepEqual((edited.body as { events: string[] }).events, ['session.ended']);
    assert.notEqual(edited.headers['etag'], etag);
    const deleted = await ask('DELETE', `${BASE}/${id}`, { 'if-match': String(edited.headers['etag']) });
    assert.equal(deleted.status, 204);
    assert.equal((await get(`${BASE}/${id}`)).status, 404);
    assert.deepEqual(
      audited().map(({ action }) => action),
      ['webhook.delete', 'webhook.edit', 'webhook.create'],
    );
    assert.doesNotMatch(JSON.stringify(audited()), /another-secret/);
  });

  for (const url of [
    'hooks.example.net',
    'ftp://hooks.example.net/',
    'javascript:alert(1)',
    'http://',
    'https://user:pass@hooks.example.net/',
    'https://hooks.example.net/#x',
    'https://hooks example.net/',
    '',
    'https://x/'.padEnd(1025, 'x'),
  ]) {
    test(`no URL to send to: ${url.slice(0, 40)}`, async (t) => {
      const { send, get, audited } = bench(t);
      const { status, text } = await send('POST', '', { url });
      assert.equal(status, 400);
      assert.doesNotMatch(text, /user:pass/);
      assert.deepEqual([(await get(BASE)).body, audited()], [{ items: [] }, []]);
    });
  }

  for (const body of [
    { secret: SECRET },
    { url: URL_TEXT, secret: 'short' },
    { url: URL_TEXT, secret: 'with blanks in between it' },
    { url: URL_TEXT, events: [] },
    { url: URL_TEXT, events: ['message.sent'] },
    { url: URL_TEXT, headers: { authorization: 'x' } },
  ]) {
    test(`refused: ${JSON.stringify(body)}`, async (t) => {
      const { send, get } = bench(t);
      assert.equal((await send('POST', '', body)).status, 400);
      assert.deepEqual((await get(BASE)).body, { items: [] });
    });
  }

  test('only so many; and for admins alone', async (t) => {
    const { make, send } = bench(t);
    await make({ url: URL_TEXT });
    await make({ url: URL_TEXT });
    assert.equal((await send('POST', '', { url: URL_TEXT })).status, 409);
    const operator = bench(t, 'operator');
    assert.equal((await operator.get(BASE)).status, 403);
    assert.equal((await operator.send('POST', '', { url: URL_TEXT })).status, 403);
  });
});
