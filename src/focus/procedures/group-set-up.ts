/** 7.2.1.3 Pre-defined IM group session set-up: an INVITE to an idle group. */
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { forbidden } from '../decision.ts';
import { inviteUser } from '../invitation.ts';
import { groupRights } from '../policy/group-policy.ts';
import { done, type Procedure, pass, refuse, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { putSession } from '../user-plane.ts';
import { Work } from '../work.ts';
import { passedOn } from './ad-hoc-set-up.ts';
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
import { placeOnSwitch } from './placement.ts';

export const groupSetUp: Procedure<RequestTurn> = {
  clause: '7.2.1.3',
  name: 'Pre-defined IM group session set-up',
  steps: [
    groupIsOwned('R-7.2.1.3-1'),
    isFocusCheck('R-7.2.1.3-2'),
    step('R-7.2.1.3-3', 'the originator is authenticated and may initiate (7.2.2.3)', (turn) => {
      const originator = findOriginator(turn);
      if (originator === undefined) return refuse(NOT_AUTHENTICATED);
      const { rights, grantedBy } = groupRights(turn);
      return rights.initiate
        ? pass(`${originator.primary}: allow-initiate-conference by ${grantedBy('initiate')}`)
        : refuse(
            forbidden('the user is not allowed to start a session of this group'),
            `${originator.primary}: no rule grants allow-initiate-conference`,
          );
    }),
    storeAllow('R-7.2.1.3-4'),
    useDisplayName('R-7.2.1.3-5'),
    useChatAlias('R-7.2.1.3-6', anonymityGrant),
    checkOffer('R-7.2.1.3-7'),
    checkInterval,
    step('R-7.2.1.3-8', 'no session is active: create the focus with its session identity', (turn) => {
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
          passedOn(turn.request),
        ),
      );
      return done(turn.work.row.identity);
    }),
    placeOnSwitch,
    step('R-7.2.1.3-8a', 'invite the members (7.2.2.3, 7.2.2.2)', (turn) => {
      const { work, world, origin, group } = turn;
      const sender = admitSender(turn);
      work.row = { ...work.row, initiator: sender.participant };
      work.event({ kind: 'session-created', session: work.row.id });
      const members = membersToInvite(turn);
      if (members.length === 0) {
        return answerAlone(
          turn,
          group?.inviteMembers === true
            ? 'there is no other member'
            : 'the group does not invite its members',
        );
      }
      const inviter = work.participants.get(sender.participant);
      if (inviter === undefined) throw new Error('The initiator was not admitted.');
      for (const member of members) {
        const participant = work.participants.put({
          id: `user-${world.ids.token(60)}`,
          keys: [addressKey(member.uri)],
          address: canonicalAddress(member.uri),
          ...(member.displayName === undefined ? {} : { displayName: member.displayName }),
          role: 'user',
          presence: 'invited',
          joined: 'dialed-out',
          isExpelled: false,
        });
        inviteUser(work, world, { participant, inviter, kam: origin.transaction.kam });
      }
      putSession(work, true);
      return done(members.map(({ uri }) => uri).join(', '));
    }),
    step('R-7.2.1.3-8b', 'the switch is told of the session', ({ work }) =>
      done(`switch ${work.row.switchId}`),
    ),
  ],
};

/** The group's allow-anonymity decides (7.2.3.2). */
export function anonymityGrant(turn: RequestTurn) {
  const { rights, grantedBy } = groupRights(turn);
  return rights.anonymity
    ? { isAllowed: true, by: `allow-anonymity by ${grantedBy('anonymity')}` }
    : { isAllowed: false, by: 'no rule grants allow-anonymity' };
}

/** In list order, without the initiator, up to the group's maximum (the initiator has a seat too). */
function membersToInvite({ group, verified, world }: RequestTurn) {
  if (group === undefined || !group.inviteMembers) return [];
  const others = group.members.filter((member) => !verified.keys.includes(addressKey(member.uri)));
  const seats = group.maxParticipantCount ?? world.settings.limits.maxListEntries;
  return others.slice(0, Math.max(0, seats - 1));
}
