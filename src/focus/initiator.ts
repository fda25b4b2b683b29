/**
 * The one who set the session up is answered when the first other user is there (the "-ok-" lists of 7.2.1.2 and
 * 7.2.1.3), or refused when nobody is left who could come (the "-fail-" lists).
 */
import type { LegRow } from './conference.ts';
import { acceptInvite } from './general.ts';
import { type AcceptableOffer, chooseAcceptTypes, readOffer } from './media.ts';
import type { Trace } from './procedure.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** The initiator's leg while its INVITE has no final response. */
export function pendingInitiator(work: Work): LegRow | undefined {
  return work.legs.find((leg) => leg.participant === work.row.initiator && leg.state === 'offered');
}

/** The initiator's offer again, as it was accepted before the others were invited. */
export function offerOf(leg: LegRow, world: World): AcceptableOffer {
  const offer = leg.remoteSdp === undefined ? undefined : readOffer(leg.remoteSdp, world.settings.media);
  if (offer === undefined || !offer.ok) throw new Error('The initiator has no acceptable offer.');
  return offer;
}

/**
 * Answers the initiator if that is still open.
 * @returns the accept-types of the answer, or undefined when the initiator was answered before
 */
export function acceptPendingInitiator(
  work: Work,
  world: World,
  trace: Trace,
  typesOfOther: readonly string[],
): readonly string[] | undefined {
  const leg = pendingInitiator(work);
  if (leg === undefined) return undefined;
  const offer = offerOf(leg, world);
  const acceptTypes = chooseAcceptTypes(
    offer.media.acceptTypes,
    typesOfOther,
    world.settings.media.acceptTypes,
  );
  // The core that charges for the session finds its vector in the answer too.
  const echoed = work.row.passedOn.filter(([name]) => name === 'P-Charging-Vector');
  acceptInvite(work, world, trace, { leg, offer, acceptTypes, echoed });
  return acceptTypes;
}
