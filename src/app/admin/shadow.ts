/** Recent requests decided again, by two policies, on the state as it is now. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PolicyDocument, ShadowedRequest, Verdict } from '../../admin/policies/ports.ts';
import type { Config } from '../../config/config.ts';
import { withPolicy } from '../../config/policy.ts';
import type { LegRow } from '../../focus/conference.ts';
import { decideRequest } from '../../focus/decide.ts';
import { cseqNumber } from '../../focus/dialogs.ts';
import type { World } from '../../focus/world.ts';
import { header, parseSipMessage, type SipRequest } from '../../sip/message.ts';
import { tagOf } from '../../sip/name-addr.ts';
import type { RecentRequest } from '../recent-requests.ts';
import { focusSettings } from '../settings.ts';

export interface ShadowParts {
  readonly recent: readonly RecentRequest[];
  /** By the policy in force; `base` is what was configured. */
  readonly active: Config;
  readonly base: Config;
  readonly world: () => World;
}

/** The thread serves others in between. */
export async function shadow(policy: PolicyDocument, parts: ShadowParts): Promise<ShadowedRequest[]> {
  const checked = withPolicy(parts.base, policy);
  if (!checked.ok) return [];
  const settings = { active: focusSettings(parts.active), candidate: focusSettings(checked.config) };
  const results: ShadowedRequest[] = [];
  for (const { atMs, bytes, origin, decided } of parts.recent) {
    const request = parseSipMessage(Buffer.from(bytes));
    if (request.kind !== 'request') continue;
    const world = worldBefore(parts.world(), request);
    const decide = (by: keyof typeof settings): Verdict => {
      const decision = decideRequest({ ...world, settings: settings[by] }, request, origin);
      const replies = (decision.changes?.effects ?? []).flatMap((effect) =>
        effect.kind === 'reply' && effect.transaction.tid === origin.transaction.tid ? [effect.reply] : [],
      );
      const final = decision.reply ?? replies.find(({ code }) => code >= 200);
      return {
        clause: decision.clause,
        step: decision.refusal === undefined ? null : (decision.trace.at(-1)?.id ?? null),
        status: final?.code ?? null,
        warning: decision.refusal?.warning ?? null,
      };
    };
    results.push({
      at: new Date(atMs).toISOString(),
      method: request.method,
      target: request.uri,
      user: decided.user ?? null,
      callId: header(request, 'call-id') ?? null,
      decided: {
        clause: decided.clause,
        step: decided.warning === undefined ? null : (decided.step ?? null),
        status: decided.status ?? null,
        warning: decided.warning ?? null,
      },
      active: decide('active'),
      candidate: decide('candidate'),
    });
    await nextTurn();
  }
  return results;
}

/** As it is now, but for what the request itself has left behind. */
function worldBefore(world: World, request: SipRequest): World {
  // What it has made is there now: it would be taken for its own copy.
  if (tagOf(header(request, 'to') ?? '') === undefined) return { ...world, findDialogs: () => [] };
  // Its number is counted: it would be refused as late (RFC 3261 section 12.2.2).
  const before = cseqNumber(request) - 1;
  const callId = header(request, 'call-id');
  const uncounted = (leg: LegRow): LegRow => {
    const { dialog } = leg;
    if (dialog.callId !== callId || (dialog.remoteCSeq ?? 0) <= before) return leg;
    return { ...leg, dialog: { ...dialog, remoteCSeq: before } };
  };
  return {
    ...world,
    findConference: (id) => {
      const found = world.findConference(id);
      if (found === undefined) return undefined;
      return { ...found, legs: new Map([...found.legs].map(([key, leg]) => [key, uncounted(leg)])) };
    },
  };
}
