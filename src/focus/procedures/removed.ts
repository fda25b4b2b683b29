/** 7.2.1.9, second half: the BYE was answered. Any final response and the lack of one do the same. */
import {
  endDialog,
  endSubscriptionsOfLeaver,
  type LegEnd,
  participantLeaves,
  releaseMedia,
} from '../leg-end.ts';
import { done, type Procedure, skip, step } from '../procedure.ts';
import { type Progress, tellReferrers } from '../refer-subscription.ts';
import { releaseAfterRemoval, whoseLeg } from '../removal.ts';
import type { LegTurn } from '../turn.ts';
import { buildNotifications, sendNotifications } from './roster-steps.ts';

export interface RemovedTurn extends LegTurn {
  /** Undefined: none came in time. */
  readonly response: Progress | undefined;
}

export const removed: Procedure<RemovedTurn> = {
  clause: '7.2.1.9',
  name: 'Removing a participant',
  tellsSubscribers: true,
  steps: [
    step(['R-7.2.1.8-2a-ix', 'R-7.2.1.8-3'], 'NOTIFY who referred of the result', (turn) => {
      const { work, world, leg, response } = turn;
      if (response === undefined) return skip('no response came in time');
      const count = tellReferrers(work, world, leg.id, response);
      return count === 0 ? skip('nobody waits for it') : done(`${response.status}`);
    }),
    step('RFC3261-15', 'the dialog is over, and who has no other leg has left', (turn) => {
      endDialog(turn.work, turn.world, turn.leg, endOf(turn));
      participantLeaves(turn.work, turn.leg, endOf(turn));
      return done(turn.response === undefined ? 'no response to the BYE in time' : `${turn.response.status}`);
    }),
    step('R-7.2.1.9-ok-1', 'release the MSRP resources of the leg', ({ work, leg, response }) => {
      releaseMedia(work, leg);
      return done(`${response?.status ?? 'no response'} to the BYE: leg of ${whoseLeg(work, leg)}`);
    }),
    releaseAfterRemoval,
    step('R-7.2.1.12-term', 'the subscriptions of who left end (7.2.2.11)', ({ work, world, leg }) => {
      const count = endSubscriptionsOfLeaver(work, world, leg);
      return count === 0 ? skip('there is none') : done(`${count}`);
    }),
    step('R-7.2.1.9-ok-2', 'build the notification that a user left', buildNotifications),
    step('R-7.2.1.9-ok-3', 'send it to the subscribers', sendNotifications),
  ],
};

function endOf({ leg }: RemovedTurn): LegEnd {
  return {
    method: leg.leaveAs ?? 'departed',
    ...(leg.endReason === undefined ? {} : { reason: leg.endReason }),
  };
}
