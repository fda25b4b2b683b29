/** Requests of one dialog leave in the order of their CSeq (RFC 3261 section 12.2.1.1), whatever each is for. Pure. */
import type { Effect } from './decision.ts';

/**
 * A request whose number comes before that of one in an earlier stage goes along in that stage: a refresh that was decided on
 * before the progress of a REFER, which does not wait.
 */
export function inDialogOrder(effects: readonly Effect[]): readonly Effect[] {
  const ordered = [...effects];
  /** By Call-ID and node, the earliest stage of the requests further down. */
  const earliest = new Map<string, Effect['stage']>();
  for (let at = ordered.length - 1; at >= 0; at -= 1) {
    const effect = ordered[at];
    if (effect?.kind !== 'request') continue;
    const key = `${effect.kam} ${effect.callId}`;
    const stage = earliest.get(key) ?? effect.stage;
    if (stage < effect.stage) ordered[at] = { ...effect, stage };
    else earliest.set(key, effect.stage);
  }
  return ordered;
}
