/**
 * The one who set the session up is answered when the first other user is there (the "-ok-" lists of 7.2.1.2 and
 * 7.2.1.3), or refused when nobody is left who could come (the "-fail-" lists).
 */
import type { ConferenceRow, LegRow } from './conference.ts';
import type { HeaderLine } from './decision.ts';
import type { Caller } from './general.ts';
import { type AcceptableOffer, readOffer } from './media.ts';
import { runSteps, type Step } from './procedure.ts';
import { type AnsweringTurn, answerSteps } from './procedures/answering.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** The initiator's leg while its INVITE has no final response. */
export function pendingInitiator(work: Work): LegRow | undefined {
  return work.legs.find((leg) => leg.participant === work.row.initiator && leg.state === 'offered');
}

/** The initiator's offer again, as it was accepted before the others were invited; undefined: there was none. */
function offerOf(leg: LegRow, world: World): AcceptableOffer | undefined {
  if (leg.remoteSdp === undefined) return undefined;
  const offer = readOffer(leg.remoteSdp, world.settings.media);
  if (!offer.ok) throw new Error('The initiator has no acceptable offer.');
  return offer;
}

/** A turn in which somebody comes: `leg` is theirs. */
interface ArrivalTurn extends AnsweringTurn {
  readonly leg: LegRow;
  /** Where the initiator's request is at hand: what its core wants back. */
  readonly echoed?: readonly HeaderLine[];
}

function callerOf({ work, world, leg, echoed }: ArrivalTurn): Caller | undefined {
  const pending = pendingInitiator(work);
  if (pending === undefined) return undefined;
  return {
    leg: pending,
    offer: offerOf(pending, world),
    typesOfOther: leg.media?.acceptTypes ?? [],
    // The core that charges for the session finds its vector in the answer too, however late that is.
    echoed: echoed ?? pending.echoed ?? [],
  };
}

/** The "-ok-" lists: a first user is there, so whoever set the session up is answered. */
export const initiatorAnswered: Readonly<Record<ConferenceRow['kind'], readonly Step<ArrivalTurn>[]>> = {
  'ad-hoc': answerSteps<ArrivalTurn>(
    {
      build: 'R-7.2.1.2-ok-1',
      sdp: 'R-7.2.1.2-ok-2',
      types: 'R-7.2.1.2-ok-2a',
      attributes: 'R-7.2.1.2-ok-2b',
      send: 'R-7.2.1.2-ok-3',
      media: 'R-7.2.1.2-ok-4',
    },
    callerOf,
  ),
  group: answerSteps<ArrivalTurn>(
    {
      build: 'R-7.2.1.3-ok-1',
      sdp: 'R-7.2.1.3-ok-2',
      types: 'R-7.2.1.3-ok-2a',
      send: 'R-7.2.1.3-ok-3',
      media: 'R-7.2.1.3-ok-4',
    },
    callerOf,
  ),
};

/**
 * Runs the "-ok-" list for an arrival that is no invitee's answer: of who joins, or of nobody but the initiator.
 * @returns false when the initiator has its final response
 */
export function answerInitiator(turn: ArrivalTurn): boolean {
  const { work, trace } = turn;
  if (pendingInitiator(work) === undefined) return false;
  runSteps(initiatorAnswered[work.row.kind], turn, trace);
  return true;
}
