/** Tables of requests that are refused, and the group that they are sent to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../../../src/focus/decide.ts';
import { type RequestOptions, sdp, sdpBody, user } from './messages.ts';
import { group, Stage, warningOf } from './stage.ts';

export interface Case {
  readonly name: string;
  /** Step that refuses, its status, and words of its Warning. */
  readonly refused: readonly [step: string, code: number, warning: RegExp];
  readonly request: RequestOptions & { readonly asserted?: readonly string[] };
}

export const NOBODY = { asserted: [] as const };
export const AUDIO = sdp({ media: 'audio' });
export const FOCUS_CONTACT = { contact: '<sip:other@focus.example>;isfocus' };
export const names = (count: number) => Array.from({ length: count }, (_, index) => user(`u${index}`));

export function runCases(cases: readonly Case[], stage: () => Stage): void {
  for (const { name, refused, request } of cases) {
    test(name, () => {
      const on = stage();
      const before = on.sessions.size;
      const decision = on.request(request);
      const [step, code, warning] = refused;
      assert.equal(decision.reply?.code, code, last(decision));
      assert.equal(decision.trace.at(-1)?.id, step);
      assert.equal(decision.trace.at(-1)?.verdict, 'refuse');
      assert.match(warningOf(decision.reply), warning);
      assert.match(warningOf(decision.reply), /^399 im\.example "/);
      // A refusal leaves nothing behind: no state, no effect.
      assert.equal(decision.changes, undefined);
      assert.equal(on.sessions.size, before);
    });
  }
}

export const last = (decision: Decision) => JSON.stringify(decision.trace.at(-1));

export const crew = () =>
  group('crew', ['alice', 'bob', 'carol'], {
    rules: [
      {
        id: 'members',
        conditions: { members: true },
        grant: { initiate: true, join: true, conferenceState: true },
      },
      {
        id: 'guest',
        conditions: { identities: { one: [user('guest')], many: [] } },
        grant: { join: true },
      },
      {
        id: 'host',
        conditions: { identities: { one: [user('host')], many: [] } },
        grant: { initiate: true },
      },
    ],
    maxParticipantCount: 3,
  });
export const CREW = { uri: user('crew') };
export const PRIVATE = [['Privacy', 'id']] as const;

/** alice has set the group up and bob has answered: carol's invitation still takes a seat. */
export function runningCrew(): Stage {
  const stage = new Stage({}, [crew()]);
  const decision = stage.request({ ...CREW, ...sdpBody(), callId: 'alice-1' });
  const [bob] = decision.changes?.effects.filter((effect) => effect.kind === 'request') ?? [];
  assert(bob !== undefined);
  stage.answer(bob);
  return stage;
}
