/** RFC 4028 section 7.4, and 7.2.2.6 after a glare: the time has come to ask something of a leg's client. */
import { modifyLeg, sendWanted } from '../leg-modification.ts';
import { done, type Procedure, skip, step } from '../procedure.ts';
import type { LegTurn } from '../turn.ts';

export interface DueTurn extends LegTurn {
  /** `refresh`: half of the session interval is over. `wanted`: the wait after a glare is over. */
  readonly due: 'refresh' | 'wanted';
}

export const legModification: Procedure<DueTurn> = {
  clause: '7.2.2.6',
  name: 'Our re-INVITE or UPDATE is due',
  steps: [
    step('RFC4028-7.4', 'the session is refreshed by us: half of the interval is over', (turn) => {
      const { work, world, trace, due } = turn;
      if (due !== 'refresh') return skip('it was asked for before');
      const { refresh: _, ...deadlines } = turn.leg.deadlines;
      turn.leg = modifyLeg(work, world, trace, { ...turn.leg, deadlines }, {});
      return done(turn.leg.asked === undefined ? 'as soon as the dialog is free' : 'asked');
    }),
    step('RFC3261-14.1', 'the wait after a glare is over', (turn) => {
      const { work, world, trace, due } = turn;
      if (due !== 'wanted') return skip('there was none');
      const { wanted: _, ...deadlines } = turn.leg.deadlines;
      turn.leg = sendWanted(work, world, trace, work.legs.put({ ...turn.leg, deadlines }));
      return done(turn.leg.asked === undefined ? 'as soon as the dialog is free' : 'asked again');
    }),
  ],
};
