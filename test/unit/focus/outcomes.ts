/** Sessions that wait for their invited users, and what a decision sends, in short. */
import assert from 'node:assert/strict';
import type { Decision } from '../../../src/focus/decide.ts';
import { effectsOf, ofKind, Stage } from './stage.ts';

/** Final replies, as `tid code`. */
export const finals = (decision: Decision | undefined) =>
  ofKind(decision, 'reply')
    .filter(({ reply }) => reply.code >= 200)
    .map(({ transaction, reply }) => `${transaction.tid} ${reply.code}`);
export const methods = (decision: Decision | undefined) =>
  effectsOf(decision).flatMap((effect) =>
    effect.kind === 'request' ? [effect.method] : effect.kind === 'cancel' ? ['CANCEL'] : [],
  );
export const clausesOf = (decision: Decision | undefined) => decision?.trace.map(({ id }) => id);

export const alone = () => {
  const stage = new Stage();
  const { invites } = stage.adHoc(['bob']);
  const [invite] = invites;
  assert(invite !== undefined);
  return { stage, invite };
};
export const pair = () => {
  const stage = new Stage();
  const { invites, decision } = stage.adHoc();
  const [bob, carol] = invites;
  assert(bob !== undefined && carol !== undefined);
  return { stage, bob, carol, decision };
};
