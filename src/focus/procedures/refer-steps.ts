/** What both REFER procedures share: who refers in which session, and the 2xx (RFC 3515, RFC 4488). */

import type { SipRequest } from '../../sip/message.ts';
import { header } from '../../sip/message.ts';
import { wantsReferSubscription } from '../../sip/refer.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { hasKey, type LegRow, type ParticipantRow } from '../conference.ts';
import { forbidden, type HeaderLine, type Refusal, STAGE } from '../decision.ts';
import { cseqNumber } from '../dialogs.ts';
import { done, type Step, type StepIds, skip, step, type Trace } from '../procedure.ts';
import { focusContact, serverHeader } from '../responses.ts';
import { RequestTurn } from '../turn.ts';
import { Work } from '../work.ts';
import type { RequestOrigin, World } from '../world.ts';
import { takeFromCore } from './core-step.ts';
import { findOriginator, NOT_AUTHENTICATED } from './invite-steps.ts';
import { ownSessionOfFactory, sessionOf } from './target.ts';

export class ReferTurn extends RequestTurn {
  /** The leg in whose dialog the REFER came; undefined outside a dialog. */
  readonly inLeg: LegRow | undefined;
  /** The sender as a participant. */
  sender: ParticipantRow | undefined;
  /** The 2xx that is being built. */
  accepted: HeaderLine[] | undefined = undefined;
  wantsProgress = true;

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

export interface AcceptIds {
  readonly core: StepIds;
  readonly build: StepIds;
  readonly norefersub: StepIds;
  readonly referSub: StepIds;
  readonly send: StepIds;
}

/** The 2xx to a REFER (RFC 3515, RFC 4488): built, completed by what the request asks for, and sent. */
export function accepting(ids: AcceptIds): readonly Step<ReferTurn>[] {
  return [
    takeFromCore<ReferTurn>(ids.core, ({ inLeg }) => inLeg?.dialog.routeSet),
    step(ids.build, 'a 2xx (RFC 3515)', (turn) => {
      const { settings } = turn.world;
      turn.accepted = [focusContact(turn.work.row, settings), serverHeader(settings), ...turn.charging];
      return done('202');
    }),
    step(ids.norefersub, 'Supported: norefersub outside a dialog', ({ accepted, inLeg }) => {
      accepted?.push(['Supported', 'norefersub']);
      return done(inLeg === undefined ? 'outside a dialog' : 'in a dialog, where it does no harm');
    }),
    step(ids.referSub, 'Refer-Sub: false is echoed', ({ accepted, request }) => {
      const asked = header(request, 'refer-sub') ?? 'absent';
      if (wantsReferSubscription(request)) return skip(`Refer-Sub ${asked}`);
      accepted?.push(['Refer-Sub', 'false']);
      return done(`Refer-Sub ${asked}`);
    }),
    step(ids.send, 'send the 2xx to the client', (turn) => {
      const { work, request, origin, inLeg, accepted } = turn;
      if (accepted === undefined) return skip('there is no 2xx');
      if (inLeg !== undefined) {
        const leg = work.legs.get(inLeg.id) ?? inLeg;
        work.legs.put({ ...leg, dialog: { ...leg.dialog, remoteCSeq: cseqNumber(request) } });
      }
      work.effect({
        stage: STAGE.reply,
        kind: 'reply',
        transaction: origin.transaction,
        reply: { code: 202, reason: 'Accepted', toTag: replyTag(turn), headers: accepted },
      });
      return done('before any request that follows from it');
    }),
  ];
}

/** A REFER subscribes to its own progress, unless the client does not want that (RFC 4488). */
export function wantsProgress(ids: StepIds): Step<ReferTurn> {
  return step(ids, 'Refer-Sub: false: no NOTIFY on the progress', (turn) => {
    if (wantsReferSubscription(turn.request)) return skip('the client wants to know');
    turn.wantsProgress = false;
    return done('none is sent');
  });
}

export function replyTag(turn: ReferTurn): string {
  return turn.inLeg?.dialog.localTag ?? turn.toTag;
}
