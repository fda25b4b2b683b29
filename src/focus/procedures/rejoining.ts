/** 7.2.1.5 Rejoining: an INVITE to an IM Session Identity. */
import { contacts } from '../../sip/contact.ts';
import { parseUri } from '../../sip/uri.ts';
import { forbidden, refusal } from '../decision.ts';
import { retireLostLegs } from '../old-legs.ts';
import { anonymityInAdHoc } from '../policy/group-policy.ts';
import { done, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { Work } from '../work.ts';
import { answerSteps } from './answering.ts';
import { takeFromCore } from './core-step.ts';
import { anonymityGrant } from './group-set-up.ts';
import { mayJoin, seatIsFree, takesNewcomers } from './group-steps.ts';
import { checkInterval, checkOffer, storeAllow, useChatAlias, useDisplayName } from './invite-steps.ts';
import { joiner, nobodyWaitsAlone, noInvitationAnyMore } from './join.ts';
import { buildNotifications, sendNotifications } from './roster-steps.ts';
import { sessionOf } from './target.ts';

export const rejoining: Procedure<RequestTurn> = {
  clause: '7.2.1.5',
  name: 'Rejoining an IM group session',
  tellsSubscribers: true,
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
    // Not the check of isfocus that .3 and .4 have: a REFER of the focus to itself would end here.
    step('A-30', 'who calls is no session of this server', ({ request, world }) =>
      contacts(request).some(({ uri }) => parseUri(uri).user?.startsWith(world.settings.sessionPrefix))
        ? refuse(forbidden('isfocus already assigned'), 'Contact is an IM session identity')
        : pass('Contact is no session identity'),
    ),
    mayJoin('R-7.2.1.5-2'),
    takesNewcomers,
    takeFromCore('R-7.2.1.5-ims'),
    seatIsFree('R-7.2.1.5-3'),
    storeAllow('R-7.2.1.5-4'),
    useDisplayName('R-7.2.1.5-5'),
    useChatAlias('R-7.2.1.5-6', (turn) =>
      turn.work.row.kind === 'ad-hoc' ? anonymityInAdHoc(turn.world.settings) : anonymityGrant(turn),
    ),
    checkOffer('R-7.2.1.5-7'),
    checkInterval,
    ...answerSteps(
      {
        build: 'R-7.2.1.5-8',
        sdp: 'R-7.2.1.5-9',
        types: 'R-7.2.1.5-9a',
        send: 'R-7.2.1.5-10',
        media: 'R-7.2.1.5-11',
      },
      joiner,
    ),
    nobodyWaitsAlone,
    noInvitationAnyMore,
    step('R-7.2.1.5-11', 'the old MSRP session of who rejoins is gone', ({ work, world, trace, answer }) => {
      const count = answer === undefined ? 0 : retireLostLegs(work, world, trace, answer.leg);
      return count === 0 ? skip('none was left') : done(`${count}`);
    }),
    step('R-7.2.1.5-12', 'build notifications that a user joined', buildNotifications),
    step('R-7.2.1.5-13', 'send them', sendNotifications),
  ],
};
