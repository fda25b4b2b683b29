/** What both REFER procedures share: who refers in which session, and the 2xx (RFC 3515, RFC 4488). */

import type { SipRequest } from '../../sip/message.ts';
import { header } from '../../sip/message.ts';
import { wantsReferSubscription } from '../../sip/refer.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { hasKey, type LegRow, type ParticipantRow } from '../conference.ts';
import { forbidden, type HeaderLine, type Refusal, STAGE } from '../decision.ts';
import { cseqNumber } from '../dialogs.ts';
import type { Trace } from '../procedure.ts';
import { focusContact, serverHeader } from '../responses.ts';
import { RequestTurn } from '../turn.ts';
import { Work } from '../work.ts';
import type { RequestOrigin, World } from '../world.ts';
import { findOriginator, NOT_AUTHENTICATED } from './invite-steps.ts';
import { ownSessionOfFactory, sessionOf } from './target.ts';

export class ReferTurn extends RequestTurn {
  /** The leg in whose dialog the REFER came; undefined outside a dialog. */
  readonly inLeg: LegRow | undefined;
  /** The sender as a participant. */
  sender: ParticipantRow | undefined;
  readonly wantsProgress: boolean;

  constructor(
    world: World,
    request: SipRequest,
    origin: RequestOrigin,
    trace: Trace,
    inLeg: LegRow | undefined,
  ) {
    super(world, request, origin, trace);
    this.inLeg = inLeg;
    this.sender = undefined;
    this.wantsProgress = wantsReferSubscription(request);
  }

  /** Found by the first step. */
  get referrer(): ParticipantRow {
    if (this.sender === undefined) throw new Error('The referrer was not verified before this step.');
    return this.sender;
  }
}

/** The session that the REFER is about, and its sender as a connected participant. @returns why not */
export function findReferrer(turn: ReferTurn): Refusal | undefined {
  const originator = findOriginator(turn);
  if (originator === undefined) return NOT_AUTHENTICATED;
  const conference = turn.workIfAny === undefined ? addressedSession(turn) : undefined;
  if (turn.workIfAny === undefined) {
    if (conference === undefined) return forbidden('the request names no session that is running here');
    turn.work = Work.on(conference);
  }
  turn.sender = turn.work.participants.find(
    (candidate) => candidate.presence === 'connected' && hasKey(candidate, originator.keys),
  );
  if (turn.sender === undefined) return forbidden('the user does not take part in the session');
  if (turn.inLeg !== undefined && turn.inLeg.participant !== turn.sender.id) {
    return forbidden('the dialog belongs to another participant');
  }
  return undefined;
}

/** Outside a dialog the Request-URI is the session identity, or the group whose session is meant. */
function addressedSession({ request, world, verified }: ReferTurn) {
  const session = sessionOf(request, world);
  if (session !== undefined && session.row.phase !== 'ending') return session;
  return (
    world.findConferenceOfGroup(addressKey(canonicalAddress(request.uri))) ??
    ownSessionOfFactory(request, world, verified.keys)
  );
}

/** R-…-5 to -8: 202 with Supported: norefersub and, where it was asked for, Refer-Sub: false. */
export function acceptRefer(turn: ReferTurn): void {
  const { work, world, request, origin, inLeg } = turn;
  const headers: HeaderLine[] = [
    focusContact(work.row, world.settings),
    ['Supported', 'norefersub'],
    ...(turn.wantsProgress ? [] : ([['Refer-Sub', 'false']] as const)),
    serverHeader(world.settings),
  ];
  if (inLeg !== undefined) {
    const leg = work.legs.get(inLeg.id) ?? inLeg;
    work.legs.put({ ...leg, dialog: { ...leg.dialog, remoteCSeq: cseqNumber(request) } });
  }
  work.effect({
    stage: STAGE.reply,
    kind: 'reply',
    transaction: origin.transaction,
    reply: { code: 202, reason: 'Accepted', toTag: replyTag(turn), headers },
  });
}

export function replyTag(turn: ReferTurn): string {
  return turn.inLeg?.dialog.localTag ?? turn.toTag;
}

export function referSubHeader(request: SipRequest): string {
  return header(request, 'refer-sub') ?? 'absent';
}
