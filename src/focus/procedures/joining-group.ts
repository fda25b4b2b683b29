/** 7.2.1.4 Joining a pre-defined IM group session: an INVITE to a group whose session is running. */
import { type Procedure, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { answerSteps } from './answering.ts';
import { takeFromCore } from './core-step.ts';
import { anonymityGrant } from './group-set-up.ts';
import { groupIsOwned, mayJoin, seatSteps, takesNewcomers } from './group-steps.ts';
import {
  checkInterval,
  checkOffer,
  isFocusCheck,
  storeAllow,
  useChatAlias,
  useDisplayName,
} from './invite-steps.ts';
import { joiner, nobodyWaitsAlone, noInvitationAnyMore } from './join.ts';
import { buildNotifications, sendNotifications } from './roster-steps.ts';

export const joiningGroup: Procedure<RequestTurn> = {
  clause: '7.2.1.4',
  name: 'Joining a pre-defined IM group session',
  tellsSubscribers: true,
  steps: [
    groupIsOwned('R-7.2.1.3-1'),
    isFocusCheck('R-7.2.1.4-1'),
    mayJoin('R-7.2.1.4-2'),
    takesNewcomers,
    takeFromCore('R-7.2.1.4-ims'),
    ...seatSteps({
      count: 'R-7.2.1.4-3',
      withoutHistory: 'R-7.2.1.4-3-note',
      historyInvoker: 'R-7.2.1.4-3a',
      isFull: 'R-7.2.1.4-3b',
    }),
    storeAllow('R-7.2.1.4-4'),
    useDisplayName('R-7.2.1.4-5'),
    useChatAlias('R-7.2.1.4-6', anonymityGrant),
    checkOffer('R-7.2.1.4-7'),
    checkInterval,
    ...answerSteps(
      {
        build: ['R-7.2.1.4-9', 'R-7.2.1.3-9a'],
        sdp: ['R-7.2.1.4-9a', 'R-7.2.1.3-9b'],
        types: ['R-7.2.1.4-9b', 'R-7.2.1.3-9b-i'],
        send: ['R-7.2.1.4-10', 'R-7.2.1.3-9c'],
        // .4 never mentions the switch.
        media: ['A-23', 'R-7.2.1.3-9d'],
      },
      joiner,
    ),
    nobodyWaitsAlone,
    noInvitationAnyMore,
    step(['R-7.2.1.4-11', 'R-7.2.1.3-9e'], 'build notifications that a user joined', buildNotifications),
    step(['R-7.2.1.4-12', 'R-7.2.1.3-9e'], 'send them', sendNotifications),
  ],
};
