/** 7.2.1.4 Joining a pre-defined IM group session: an INVITE to a group whose session is running. */
import { done, type Procedure, pass, step, stop } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { anonymityGrant } from './group-set-up.ts';
import { groupIsOwned, mayJoin, seatIsFree } from './group-steps.ts';
import {
  checkInterval,
  checkOffer,
  isFocusCheck,
  storeAllow,
  useChatAlias,
  useDisplayName,
} from './invite-steps.ts';
import { joinSession } from './join.ts';

export const joiningGroup: Procedure<RequestTurn> = {
  clause: '7.2.1.4',
  name: 'Joining a pre-defined IM group session',
  steps: [
    groupIsOwned('R-7.2.1.3-1'),
    isFocusCheck('R-7.2.1.4-1'),
    mayJoin('R-7.2.1.4-2'),
    seatIsFree('R-7.2.1.4-3', 'R-7.2.1.4-3b'),
    storeAllow('R-7.2.1.4-4'),
    useDisplayName('R-7.2.1.4-5'),
    useChatAlias('R-7.2.1.4-6', anonymityGrant),
    checkOffer('R-7.2.1.4-7'),
    checkInterval,
    step('R-7.2.1.4-8', 'the group session exists', ({ work }) => pass(work.row.identity)),
    step('R-7.2.1.4-9', 'accept with a 200 by 7.2.1.1 and an SDP answer', (turn) => {
      const types = joinSession(turn, 'joining');
      return done(`accept-types ${types.join(' ')}`);
    }),
    step('R-7.2.1.4-10', 'send the 200', () => done('once the switch has confirmed the leg')),
    step('R-7.2.1.4-11', 'notify conference subscribers', () =>
      stop('after the 200, one NOTIFY for each (R-7.2.1.4-12)'),
    ),
  ],
};
