import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect, Stage } from '../../../src/focus/decision.ts';
import { inDialogOrder } from '../../../src/focus/dialog-order.ts';

const request = (method: string, cseq: number, stage: Stage, callId = 'one'): Effect => ({
  stage,
  kind: 'request',
  method,
  callId,
  cseq,
  of: { row: 'leg', id: 'leg' },
  kam: 'k1',
  requestUri: 'sip:bob@x',
  headers: [],
});

const CASES: Record<string, [made: Effect[], stages: number[]]> = {
  'a refresh before the progress of a REFER goes along with it': [
    [request('UPDATE', 4, 3), request('NOTIFY', 5, 2)],
    [2, 2],
  ],
  'so do all that come before it': [
    [request('INVITE', 3, 3), request('NOTIFY', 4, 4), request('NOTIFY', 5, 2), request('BYE', 6, 3)],
    [2, 2, 2, 3],
  ],
  'what comes after it waits for its own stage': [
    [request('NOTIFY', 4, 2), request('BYE', 5, 3)],
    [2, 3],
  ],
  'requests of another dialog, and of another node, stay where they are': [
    [
      request('UPDATE', 4, 3, 'other'),
      { ...request('UPDATE', 4, 3), kam: 'k2' } as Effect,
      request('NOTIFY', 5, 2),
    ],
    [3, 3, 2],
  ],
};

for (const [name, [made, stages]] of Object.entries(CASES)) {
  test(`RFC3261-12.2.1.1 ${name}`, () => {
    assert.deepEqual(
      inDialogOrder(made).map(({ stage }) => stage),
      stages,
    );
  });
}
