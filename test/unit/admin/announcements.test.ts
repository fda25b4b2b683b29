/** Announcements over REST: what the focus is told, who may, and that the words are kept nowhere. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Announcement, AnnouncementResult } from '../../../src/admin/control.ts';
import { AuditLog } from '../../../src/admin/records/audit.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { CodedError } from '../../../src/lib/errors.ts';
import { asking } from './asking.ts';
import { fakeControl } from './fake-control.ts';
import { session } from './fake-view.ts';

const PATH = '/api/v1/sessions/im-s-1/announcements';
const REACH = { sent: 2, waiting: 1, unable: 0 };

function bench(
  t: TestContext,
  result: AnnouncementResult | Error = { kind: 'done', reach: REACH },
  withoutToken: 'viewer' | 'operator' = 'operator',
) {
  const told: Announcement[] = [];
  const announce = (announcement: Announcement) => {
    told.push(announcement);
    if (result instanceof Error) throw result;
    return result;
  };
  const records = openRecords(':memory:');
  const view = { session: (id: string) => (id === 'im-s-1' ? session(id) : undefined) };
  const { ask, lines } = asking(t, view, { control: fakeControl({ announce }), records, withoutToken });
  const say = (text: unknown, path = PATH) =>
    ask('POST', path, { 'content-type': 'application/json' }, JSON.stringify({ text }));
  const audited = () => new AuditLog(records, () => 0).find({ limit: 10 });
  return { say, told, lines, audited };
}

describe('POST /api/v1/sessions/:id/announcements', () => {
  test('the focus is told who speaks and what; the answer says how many it got to', async (t) => {
    const { say, told, audited, lines } = bench(t);
    const { status, body } = await say('back at noon\nplease wait');
    assert.deepEqual([status, body], [200, REACH]);
    assert.deepEqual(told, [{ session: 'im-s-1', by: 'loopback', text: 'back at noon\nplease wait' }]);
    const [entry] = audited();
    assert.deepEqual(
      [entry?.who, entry?.action, entry?.target, entry?.after],
      ['loopback', 'session.announce', 'im-s-1', { chars: 24, ...REACH }],
    );
    assert.doesNotMatch(JSON.stringify([audited(), lines]), /noon/);
  });

  for (const text of ['', '  \n ', 'x'.repeat(2_001), 'a\u0000b', 'a\u001b[31mb', null]) {
    test(`refused, and nobody is told: ${JSON.stringify(text).slice(0, 24)}`, async (t) => {
      const { say, told } = bench(t);
      assert.equal((await say(text)).status, 400);
      assert.deepEqual(told, []);
    });
  }

  for (const [kind, path, status, code] of [
    ['ending', PATH, 409, 'ADMIN_CONFLICT'],
    ['no-session', PATH, 409, 'ADMIN_CONFLICT'],
    ['no-session', '/api/v1/sessions/im-s-2/announcements', 404, 'ADMIN_SESSION_NOT_FOUND'],
  ] as const) {
    test(`${kind} of ${path}: ${status}, and no audit entry`, async (t) => {
      const { say, audited } = bench(t, { kind });
      const answer = await say('hello', path);
      assert.deepEqual([answer.status, (answer.body as { code: string }).code], [status, code]);
      assert.deepEqual(audited(), []);
    });
  }

  test('a switch that does not answer: 503; a viewer may not speak', async (t) => {
    const silent = bench(t, new CodedError('ESL_TIMEOUT', 'no reply'));
    const answer = await silent.say('hello');
    assert.deepEqual([answer.status, (answer.body as { code: string }).code], [503, 'ADMIN_SWITCH_SILENT']);
    const viewer = bench(t, { kind: 'done', reach: REACH }, 'viewer');
    assert.equal((await viewer.say('hello')).status, 403);
    assert.deepEqual(viewer.told, []);
  });
});
