/** What is kept of a decision for the operator. */
import type { Decision } from '../focus/decide.ts';
import type { Effect } from '../focus/decision.ts';
import { authenticatedOriginator } from '../focus/originator.ts';
import type { DecisionRecord } from '../focus/ports.ts';
import type { RequestOrigin } from '../focus/world.ts';
import { header, type SipMessage, type SipRequest } from '../sip/message.ts';
import { isProbe } from '../sip/probe.ts';

export type About = Pick<DecisionRecord, 'trigger'> &
  Partial<Pick<DecisionRecord, 'callId' | 'user' | 'target'>>;

export function aboutRequest(request: SipRequest, origin: RequestOrigin): About {
  const user = authenticatedOriginator(origin.asserted)?.primary;
  return {
    ...aboutMessage(isProbe(request) ? 'probe' : request.method, request),
    target: request.uri,
    ...(user === undefined ? {} : { user }),
  };
}

export function aboutMessage(trigger: string, message: SipMessage): About {
  const callId = header(message, 'call-id');
  return { trigger, ...(callId === undefined ? {} : { callId }) };
}

export function isReplyTo(effect: Effect, origin: RequestOrigin | undefined): boolean {
  return (
    effect.kind === 'reply' &&
    origin !== undefined &&
    effect.reply.code >= 200 &&
    effect.transaction.tid === origin.transaction.tid &&
    effect.transaction.kam === origin.transaction.kam
  );
}

export function recordOf(
  decision: Decision,
  about: About,
  effects: readonly Effect[],
  origin: RequestOrigin | undefined,
  atMs: number,
): DecisionRecord {
  const sent =
    decision.reply ??
    effects.flatMap((effect) =>
      isReplyTo(effect, origin) && effect.kind === 'reply' ? [effect.reply] : [],
    )[0];
  const session = decision.conference?.row.id;
  const events = decision.changes?.events ?? [];
  return {
    atMs,
    clause: decision.clause,
    procedure: decision.procedure,
    ...about,
    ...(sent === undefined ? {} : { status: sent.code }),
    ...(decision.refusal === undefined ? {} : { warning: decision.refusal.warning }),
    ...(session === undefined ? {} : { session }),
    steps: decision.trace,
    ...(events.length === 0 ? {} : { events }),
  };
}
