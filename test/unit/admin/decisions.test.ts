import assert from 'node:assert/strict';
import test from 'node:test';
import { asking } from './asking.ts';
import { DECISION, recordingDecisions } from './fake-view.ts';

test('decisions are shown with their steps', async (t) => {
  const timer = {
    ...DECISION,
    callId: null,
    user: null,
    target: null,
    status: null,
    session: null,
    warning: 'w',
  };
  const { get } = asking(t, { decisions: () => [DECISION, timer] });
  assert.deepEqual((await get('/api/v1/decisions')).body, { items: [DECISION, timer] });
});

const FILTERS: readonly (readonly [query: string, filter: object])[] = [
  ['', { limit: 50 }],
  ['?limit=3', { limit: 3 }],
  ['?callId=a84b4c76e66710%40pc33.example', { callId: 'a84b4c76e66710@pc33.example', limit: 50 }],
  ['?callId=ab+cd%2Bef', { callId: 'ab+cd+ef', limit: 50 }],
  ['?user=alice@EXAMPLE.com', { user: 'sip:alice@example.com', limit: 50 }],
  ['?user=tel:+49-30-123', { user: 'tel:+4930123', limit: 50 }],
  ['?refused=true', { refused: true, limit: 50 }],
  [
    '?clause=7.2.1.4&status=403&session=im-s-1',
    { clause: '7.2.1.4', status: 403, session: 'im-s-1', limit: 50 },
  ],
];
for (const [query, filter] of FILTERS) {
  test(`the view is asked with ${JSON.stringify(filter)} for "${query}"`, async (t) => {
    const { filters, decisions } = recordingDecisions([]);
    const { status } = await asking(t, { decisions }).get(`/api/v1/decisions${query}`);
    assert.equal(status, 200);
    assert.deepEqual(filters, [filter]);
  });
}
