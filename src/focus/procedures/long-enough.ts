/** 7.2.2.8: the session has lasted, or has been without a message, as long as sessions of its kind may. */
import { done, type Procedure, step } from '../procedure.ts';
import { release } from '../removal.ts';
import type { LegTurn } from '../turn.ts';

export const longEnough: Procedure<Pick<LegTurn, 'work' | 'world' | 'trace'>> = {
  clause: '7.2.2.8',
  name: 'The longest that a session may last',
  steps: [
    step(
      '7.2.2.8-length',
      'it is over: everybody who is there is removed (7.2.1.9)',
      ({ work, world, trace }) => {
        const { createdMs } = work.row;
        release(work, world, trace, 'the session is released: it has lasted as long as it may');
        return done(
          `set up at ${new Date(createdMs).toISOString()}, and its time (release.maxLengthS) has passed`,
        );
      },
    ),
  ],
};

export interface IdleTurn extends Pick<LegTurn, 'work' | 'world' | 'trace'> {
  readonly idleS: number;
}

export const idleTooLong: Procedure<IdleTurn> = {
  clause: '7.2.2.8',
  name: 'The longest that a session may be without a message',
  steps: [
    step('7.2.2.8-idle', 'it is over: everybody who is there is removed (7.2.1.9)', (turn) => {
      const { work, world, trace, idleS } = turn;
      release(work, world, trace, 'the session is released: nobody has written for too long');
      return done(`its switch has seen no message for ${idleS} s (release.idleS)`);
    }),
  ],
};
