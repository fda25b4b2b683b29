/** Legs that one decision tells the switch of go in one command: each is a round trip that the answer waits for. Pure. */
import type { LegSnapshot } from '../switch-control/protocol.ts';
import type { Effect } from './decision.ts';

type SwitchEffect = Extract<Effect, { readonly kind: 'switch' }>;

interface LegPut {
  readonly session: string;
  readonly base: number;
  readonly revision: number;
  readonly legs: readonly LegSnapshot[];
}

/** Of one command (switch-control/protocol.ts). */
const MAX_LEGS = 512;

/** Each `leg.put` that is built on the `leg.put` before it is joined to it; everything else stays as and where it is. */
export function joinLegPuts(effects: readonly Effect[]): readonly Effect[] {
  const joined: Effect[] = [];
  /** Where in `joined` the last command to the switch is, when that is a `leg.put`. */
  let last = -1;
  for (const effect of effects) {
    const before = joined[last];
    const both = isLegPut(effect) && isLegPut(before) ? join(before, effect) : undefined;
    if (both !== undefined) {
      joined[last] = both;
      continue;
    }
    joined.push(effect);
    if (effect.kind === 'switch') last = isLegPut(effect) ? joined.length - 1 : -1;
  }
  return joined;
}

function isLegPut(effect: Effect | undefined): effect is SwitchEffect {
  return effect?.kind === 'switch' && effect.op === 'leg.put';
}

function join(first: SwitchEffect, second: SwitchEffect): SwitchEffect | undefined {
  const [a, b] = [first.body as LegPut, second.body as LegPut];
  if (first.switchId !== second.switchId || first.stage !== second.stage || b.base !== a.revision)
    return undefined;
  const again = new Set(b.legs.map(({ leg }) => leg));
  const legs = [...a.legs.filter(({ leg }) => !again.has(leg)), ...b.legs];
  if (legs.length > MAX_LEGS) return undefined;
  const body: LegPut = { session: a.session, base: a.base, revision: b.revision, legs };
  return { ...second, body, isGate: first.isGate || second.isGate };
}
