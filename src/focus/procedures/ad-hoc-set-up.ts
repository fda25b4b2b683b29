/** 7.2.1.2 Ad-hoc IM group set-up: an initial INVITE to a conference-factory URI. */
import { header, type SipRequest } from '../../sip/message.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { hasResourceLists, resourceListsOf } from '../bodies.ts';
import type { PassedOn } from '../conference.ts';
import { refusal } from '../decision.ts';
import { inviteUser, PASSED_ON } from '../invitation.ts';
import { done, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { putSession } from '../user-plane.ts';
import { Work } from '../work.ts';
import {
  admitSender,
  checkInterval,
  checkOffer,
  findOriginator,
  NOT_AUTHENTICATED,
  newConference,
  storeAllow,
  useChatAlias,
  useDisplayName,
} from './invite-steps.ts';
import { answerAlone } from './nobody-to-invite.ts';
import { placeOnSwitch } from './placement.ts';

const TOO_MANY = refusal(486, 'Busy Here', 'too many participants');

export const adHocSetUp: Procedure<RequestTurn> = {
  clause: '7.2.1.2',
  name: 'Ad-hoc IM group set-up',
  steps: [
    step('R-7.2.1.2-1', 'the conference-factory URI is allocated', ({ request, world }) => {
      const { factories } = world.settings;
      const dialled = canonicalAddress(request.uri);
      return factories.some((factory) => canonicalAddress(factory) === dialled)
        ? pass(dialled)
        : refuse(
            refusal(404, 'Not Found', 'Conference-factory URI does not exist'),
            `${dialled} is not allocated (11.1)`,
          );
    }),
    step('R-7.2.1.2-2', 'the originator is authenticated and authorised', (turn) => {
      const originator = findOriginator(turn);
      if (originator === undefined) return refuse(NOT_AUTHENTICATED);
      return pass(
        `${originator.primary} (${turn.origin.trust}); ad-hoc sessions are open to every authenticated user`,
      );
    }),
    storeAllow('R-7.2.1.2-3'),
    useDisplayName('R-7.2.1.2-4'),
    // Not asked for by the clause at set-up, but later clauses take an alias as the participant's own.
    useChatAlias('7.2.3.2', () => ({ isAllowed: true, by: 'operator policy allows it in ad-hoc sessions' })),
    step('R-7.2.1.2-5', 'establish the session with its identity', (turn) => {
      const subject = header(turn.request, 'subject');
      turn.work = Work.create(
        newConference(
          turn,
          {
            kind: 'ad-hoc',
            address: canonicalAddress(turn.request.uri),
            ...(subject === undefined ? {} : { subject }),
          },
          passedOn(turn.request),
        ),
      );
      // Tentative: steps 6 and 7 may still refuse, and nothing of it has left by then.
      return done(turn.work.row.identity);
    }),
    checkOffer('R-7.2.1.2-6'),
    checkInterval,
    step('R-7.2.1.2-7', 'the list does not exceed the ad-hoc maximum', (turn) => {
      const { adHoc, limits } = turn.world.settings;
      const list = resourceListsOf(turn.request) ?? [];
      if (list.length > limits.maxListEntries)
        return refuse(TOO_MANY, `${list.length} entries, at most ${limits.maxListEntries} are read`);
      turn.list = distinct(list, turn.verified.keys);
      // Also a list of the inviter alone: nobody would ever come.
      if (turn.list.length === 0) {
        if (adHoc.allowEmptyList) return pass('an empty list makes a room with its creator');
        return refuse(
          refusal(400, 'Bad Request', 'the request names no users to invite in a resource-lists body'),
        );
      }
      const { inviterCounts } = turn.world.settings.readings;
      const count = turn.list.length + (inviterCounts ? 1 : 0);
      const found = `${count} ${inviterCounts ? 'with' : 'without'} the inviter, at most ${adHoc.maxParticipants}`;
      return count > adHoc.maxParticipants ? refuse(TOO_MANY, found) : pass(found);
    }),
    placeOnSwitch,
    step('R-7.2.1.2-8', 'invite the users of the list', (turn) => {
      const { work, world, origin } = turn;
      const sender = admitSender(turn);
      work.row = { ...work.row, initiator: sender.participant };
      work.event({ kind: 'session-created', session: work.row.id });
      if (turn.list.length === 0) return answerAlone(turn, 'the list is empty');
      const inviter = work.participants.get(sender.participant);
      if (inviter === undefined) throw new Error('The inviter was not admitted.');
      for (const entry of turn.list) {
        const participant = work.participants.put({
          id: `user-${world.ids.token(60)}`,
          keys: [addressKey(entry.uri)],
          address: canonicalAddress(entry.uri),
          ...(entry.displayName === undefined ? {} : { displayName: entry.displayName }),
          role: 'user',
          presence: 'invited',
          joined: 'dialed-out',
          isExpelled: false,
        });
        inviteUser(work, world, { participant, inviter, kam: origin.transaction.kam });
      }
      putSession(work, true);
      return done(turn.list.map(({ uri }) => uri).join(', '));
    }),
    step('R-7.2.1.2-0', 'a list of one is a 1-1 session', (turn) =>
      turn.list.length === 1 ? done('set up like any other') : skip(`${turn.list.length} invited`),
    ),
  ],
};

/** Who dials what looks like a factory asks with a list; told by this when the URI is nobody's (11.1 or 11.2). */
export function looksLikeFactoryRequest(request: SipRequest): boolean {
  return hasResourceLists(request);
}

export function passedOn(request: SipRequest): PassedOn {
  return PASSED_ON.flatMap((name) => {
    const value = header(request, name);
    return value === undefined ? [] : [[name, value] as const];
  });
}

/** Each user once, in list order, without the inviter. */
function distinct<T extends { readonly uri: string }>(list: readonly T[], without: readonly string[]): T[] {
  const seen = new Set(without);
  return list.filter(({ uri }) => {
    const key = addressKey(uri);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
