/** 7.2.1.5 Rejoining: an INVITE to an IM Session Identity. */
import { refusal } from '../decision.ts';
import { done, type Procedure, pass, refuse, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { Work } from '../work.ts';
import { anonymityGrant } from './group-set-up.ts';
import { mayJoin, seatIsFree } from './group-steps.ts';
import { checkInterval, checkOffer, storeAllow, useChatAlias, useDisplayName } from './invite-steps.ts';
import { joinSession } from './join.ts';
import { sessionOf } from './target.ts';

export const rejoining: Procedure<RequestTurn> = {
  clause: '7.2.1.5',
  name: 'Rejoining an IM group session',
  steps: [
    step('R-7.2.1.5-1', 'the session exists', (turn) => {
      const conference = sessionOf(turn.request, turn.world);
      if (conference === undefined || conference.row.phase === 'ending') {
        const { goneSession } = turn.world.settings.readings;
        return refuse(
          refusal(
            goneSession,
            goneSession === 403 ? 'Forbidden' : 'Not Found',
            'the session does not exist any more',
          ),
          `no session has the identity ${turn.request.uri}`,
        );
      }
      turn.work = Work.on(conference);
      turn.group = conference.row.group;
      return pass(conference.row.identity);
    }),
    mayJoin('R-7.2.1.5-2'),
    seatIsFree('R-7.2.1.5-3', 'R-7.2.1.5-3'),
    storeAllow('R-7.2.1.5-4'),
    useDisplayName('R-7.2.1.5-5'),
    useChatAlias('R-7.2.1.5-6', (turn) =>
      turn.work.row.kind === 'ad-hoc'
        ? { isAllowed: true, by: 'operator policy allows it in ad-hoc sessions' }
        : anonymityGrant(turn),
    ),
    checkOffer('R-7.2.1.5-7'),
    checkInterval,
    step('R-7.2.1.5-8', 'accept with a 200 by 7.2.1.1 (A-28) and an SDP answer', (turn) => {
      const types = joinSession(turn, 'rejoining');
      return done(`accept-types ${types.join(' ')} (R-7.2.1.5-9a)`);
    }),
    step('R-7.2.1.5-10', 'send the 200', () => done('once the switch has confirmed the leg (R-7.2.1.5-11)')),
    step('R-7.2.1.5-12', 'notify conference subscribers', () => done('after the 200 (R-7.2.1.5-13)')),
  ],
};
