/** 7.2.1.11, second half: the session timer of a leg has expired. */
import { done, type Procedure, step } from '../procedure.ts';
import { sendBye } from '../removal.ts';
import type { LegTurn } from '../turn.ts';

export const sessionExpiry: Procedure<LegTurn> = {
  clause: '7.2.1.11',
  name: 'Session expiry',
  steps: [
    step('R-7.2.1.11-exp', 'the leg was not refreshed: disconnect it by 7.2.1.9', (turn) => {
      const { work, world, trace, leg } = turn;
      sendBye(work, world, trace, leg, { method: 'booted', reason: 'the session timer expired' });
      return done(`not refreshed within ${leg.expiresS} s`);
    }),
  ],
};
