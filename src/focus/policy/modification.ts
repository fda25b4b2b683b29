/** 7.2.2.6 IM Session modification policy: whether the others are told when one participant changes parameters. */
import type { LegRow } from '../conference.ts';
import { modifyLeg, nextOffer } from '../leg-modification.ts';
import type { Trace } from '../procedure.ts';
import type { Work } from '../work.ts';
import type { World } from '../world.ts';

/**
 * A new offer with the types that all of them take, to every other connected leg, when these have changed. The switch
 * forwards to each what it takes in any case; clients are told so that their users do not write what nobody will see.
 * @returns the types and the legs that are asked; undefined when the types are what they were
 */
export function tellOthers(
  work: Work,
  world: World,
  trace: Trace,
  modified: LegRow,
): { readonly acceptTypes: readonly string[]; readonly count: number } | undefined {
  const permitted = world.settings.media.acceptTypes;
  const before = commonTypes(work.legs.before(), permitted);
  const acceptTypes = commonTypes(work.legs.all(), permitted);
  if (before.join(' ') === acceptTypes.join(' ')) return undefined;
  const others = work.legs.filter(({ id, state }) => state === 'connected' && id !== modified.id);
  for (const other of others) {
    const { leg, sdp } = nextOffer(work, world, other, acceptTypes);
    modifyLeg(work, world, trace, leg, { sdp });
  }
  return { acceptTypes, count: others.length };
}

/** Of the permitted types those that every connected leg takes; all of them when there is none. */
function commonTypes(legs: Iterable<LegRow>, permitted: readonly string[]): readonly string[] {
  let common = permitted;
  for (const { state, media } of legs) {
    if (state !== 'connected' || media === undefined || media.acceptTypes.includes('*')) continue;
    common = common.filter((type) => media.acceptTypes.includes(type));
  }
  return common.length === 0 ? permitted : common;
}
