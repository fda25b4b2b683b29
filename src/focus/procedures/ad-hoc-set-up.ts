/** 7.2.1.2 Ad-hoc IM group set-up: an initial INVITE to a conference-factory URI. */
import { ParseError } from '../../lib/errors.ts';
import { header, type SipRequest } from '../../sip/message.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { hasResourceLists, resourceListsOf } from '../bodies.ts';
import type { PassedOn } from '../conference.ts';
import { forbidden, type HeaderLine, type Refusal, refusal } from '../decision.ts';
import { inviteAll, PASSED_ON } from '../invitation.ts';
import { anonymityInAdHoc } from '../policy/group-policy.ts';
import { mayInitiateAdHoc } from '../policy/initiation.ts';
import { done, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import { visibleRecipients } from '../recipient-list.ts';
import type { RequestTurn } from '../turn.ts';
import { Work } from '../work.ts';
import type { World } from '../world.ts';
import { takeFromCore } from './core-step.ts';
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
import { placeOnSwitch, putOnSwitch } from './placement.ts';

const MAY_NOT_INITIATE = forbidden('the user is not allowed to set up ad-hoc sessions');
/** 11.1 "Conference-factory URI does not exist". */
export const factoryMissing = ({ settings }: World): Refusal =>
  refusal(404, 'Not Found', settings.errors.factoryMissing);

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
        : refuse(factoryMissing(world), `${dialled} is not allocated (11.1)`);
    }),
    step('R-7.2.1.2-2', 'the originator is authenticated and may initiate (7.2.2.3)', (turn) => {
      const originator = findOriginator(turn);
      if (originator === undefined) return refuse(NOT_AUTHENTICATED);
      const { isGranted, by } = mayInitiateAdHoc(originator, turn.world.settings);
      const found = `${originator.primary} (${turn.origin.trust}); ${by}`;
      return isGranted ? pass(found) : refuse(MAY_NOT_INITIATE, found);
    }),
    takeFromCore('R-7.2.1.2-ims'),
    storeAllow('R-7.2.1.2-3'),
    useDisplayName('R-7.2.1.2-4'),
    // Not asked for by the clause at set-up, but later clauses take an alias as the participant's own.
    useChatAlias('7.2.3.2', ({ world }) => anonymityInAdHoc(world.settings)),
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
          passedOn(turn),
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
      const inviter = inviterCounts ? 'and the inviter' : '(the inviter does not count)';
      const found = `${turn.list.length} invited ${inviter} for ${adHoc.maxParticipants} seats`;
      return count > adHoc.maxParticipants ? refuse(TOO_MANY, found) : pass(found);
    }),
    placeOnSwitch,
    // A list of one is a 1-1 session and set up like any other (R-7.2.1.2-0).
    step(['R-7.2.1.2-8', 'R-7.2.1.2-0'], 'invite the users of the list', (turn) => {
      const { work } = turn;
      const sender = admitSender(turn);
      work.row = { ...work.row, initiator: sender.participant };
      work.event({ kind: 'session-created', session: work.row.id });
      const recipientList = visibleRecipients(turn.list, turn.world.settings.adHoc.recipientListHistory);
      if (recipientList !== undefined) work.row = { ...work.row, recipientList };
      inviteAll(turn, turn.list);
      return turn.list.length === 0
        ? skip('the list is empty')
        : done(turn.list.map(({ uri }) => uri).join(', '));
    }),
    putOnSwitch('7.2.3'),
    answerAlone,
  ],
};

/** Who dials what looks like a factory asks with a list; told by this when the URI is nobody's (11.1 or 11.2). */
export function looksLikeFactoryRequest(request: SipRequest): boolean {
  return hasResourceLists(request);
}

/** What every invitation repeats must not make each of them too large for a datagram. */
const MAX_PASSED_ON_CHARACTERS = 1_024;

/** @throws ParseError for a field that is too long to be repeated */
export function passedOn({ request, charging }: RequestTurn): PassedOn {
  const own = PASSED_ON.flatMap((name): HeaderLine[] => {
    const value = header(request, name);
    return value === undefined ? [] : [[name, value]];
  });
  const all = [...own, ...charging];
  for (const [name, value] of all) {
    if (value.length > MAX_PASSED_ON_CHARACTERS)
      throw new ParseError('SIP_TOO_LARGE', `${name} has more than ${MAX_PASSED_ON_CHARACTERS} characters`);
  }
  return all;
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
