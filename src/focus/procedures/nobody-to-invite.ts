/**
 * with nobody to invite the sender is answered at once, else they would hang until Timer C. With
 * readings.inviterAnswered `at-once` also while others are being called; if none of them comes, a BYE follows.
 */
import { answerInitiator } from '../initiator.ts';
import { done, type Step, skip, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';

export const answerAlone: Step<RequestTurn> = step(
  'A-18',
  'with nobody to wait for the answer is given at once',
  (turn) => {
    const { work, world, trace, leg } = turn;
    if (leg === undefined) throw new Error('The sender was not admitted before this step.');
    const isCalling = work.legs.find(({ state }) => state === 'inviting') !== undefined;
    const isAtOnce = world.settings.readings.inviterAnswered === 'at-once';
    if (isCalling && !isAtOnce) return skip('somebody may answer');
    answerInitiator({ work, world, trace, leg, echoed: turn.charging });
    return done(isCalling ? 'the sender is answered (readings.inviterAnswered)' : 'the sender is answered');
  },
);
