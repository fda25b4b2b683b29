/** 7.2.1.3 Pre-defined IM group session set-up: an INVITE to an idle group. */
import { allMembers } from '../../documents/group-model.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { forbidden, refusal } from '../decision.ts';
import { inviteAll } from '../invitation.ts';
import { groupRights, maximumOfGroup } from '../policy/group-policy.ts';
import { by, done, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { Work } from '../work.ts';
import { passedOn } from './ad-hoc-set-up.ts';
import { takeFromCore } from './core-step.ts';
import { groupIsOwned } from './group-steps.ts';
import {
  admitSender,
  checkInterval,
  checkOffer,
  findOriginator,
  isFocusCheck,
  NOT_AUTHENTICATED,
  newConference,
  storeAllow,
  useChatAlias,
  useDisplayName,
} from './invite-steps.ts';
import { answerAlone } from './nobody-to-invite.ts';
import { placeOnSwitch, putOnSwitch } from './placement.ts';

export const groupSetUp: Procedure<RequestTurn> = {
  clause: '7.2.1.3',
  name: 'Pre-defined IM group session set-up',
  steps: [
    groupIsOwned('R-7.2.1.3-1'),
    isFocusCheck('R-7.2.1.3-2'),
    step('R-7.2.1.3-3', 'the originator is authenticated and may initiate (7.2.2.3)', (turn) => {
      const originator = findOriginator(turn);
      if (originator === undefined) return refuse(NOT_AUTHENTICATED);
      const { rights, ruleFor, wordsFor } = groupRights(turn);
      const found = `${originator.primary}: ${wordsFor('initiate')}`;
      const why = forbidden('the user is not allowed to start a session of this group');
      return by(ruleFor('initiate'), rights.initiate ? pass(found) : refuse(why, found));
    }),
    step('A-22', 'the group takes anybody in (max-participant-count)', ({ group, world }) => {
      const maximum = maximumOfGroup(group, world.settings);
      if (maximum === undefined) return pass('no maximum');
      const found = `at most ${maximum}`;
      // Joining looks at the seats; the first one in must find one too.
      return maximum > 0 ? pass(found) : refuse(refusal(486, 'Busy Here', 'Too many participants'), found);
    }),
    takeFromCore('R-7.2.1.3-ims'),
    storeAllow('R-7.2.1.3-4'),
    useDisplayName('R-7.2.1.3-5'),
    useChatAlias('R-7.2.1.3-6', anonymityGrant),
    checkOffer('R-7.2.1.3-7'),
    checkInterval,
    step(
      ['R-7.2.1.3-8', 'R-7.2.1.4-8'],
      'no session is active: create the focus with its session identity',
      (turn) => {
        const { group } = turn;
        if (group === undefined) throw new Error('The group was not found before this step.');
        turn.work = Work.create(
          newConference(
            turn,
            {
              kind: 'group',
              address: canonicalAddress(group.uri),
              groupKey: addressKey(group.uri),
              group,
              ...(group.displayName === undefined ? {} : { subject: group.displayName }),
            },
            passedOn(turn),
          ),
        );
        return done(turn.work.row.identity);
      },
    ),
    placeOnSwitch,
    step(['R-7.2.1.3-8a', 'R-7.2.1.4-8a'], 'invite the members (7.2.2.3, 7.2.2.2)', (turn) => {
      const { work, group } = turn;
      const sender = admitSender(turn);
      work.row = { ...work.row, initiator: sender.participant };
      work.event({ kind: 'session-created', session: work.row.id });
      const members = membersToInvite(turn);
      inviteAll(turn, members);
      if (members.length > 0) return done(members.map(({ uri }) => uri).join(', '));
      return skip(
        group?.inviteMembers === true ? 'there is no other member' : 'the group does not invite its members',
      );
    }),
    putOnSwitch(['R-7.2.1.3-8b', 'R-7.2.1.4-8b']),
    answerAlone,
  ],
};

/** The group's allow-anonymity decides (7.2.3.2). */
export function anonymityGrant(turn: RequestTurn) {
  const { rights, ruleFor, wordsFor } = groupRights(turn);
  return { isAllowed: rights.anonymity, by: wordsFor('anonymity'), rule: ruleFor('anonymity') };
}

/** In list order, without the initiator, up to the group's maximum (the initiator has a seat too). */
function membersToInvite({ group, verified, world }: RequestTurn) {
  if (group === undefined || !group.inviteMembers) return [];
  const others = allMembers(group).filter((member) => !verified.keys.includes(addressKey(member.uri)));
  const seats = maximumOfGroup(group, world.settings) ?? world.settings.limits.maxListEntries;
  return others.slice(0, Math.max(0, seats - 1));
}
