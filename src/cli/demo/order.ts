/** In which order messages and decisions are told: each decision after the message that caused it. Pure. */
import type { Happening, ToldDecision, ToldMessage } from './story.ts';

export interface Before {
  /** Messages of earlier steps: a decision may come to light only after its step. */
  readonly messages: readonly ToldMessage[];
  /** Signatures of the decisions told so far; a call adds its own. */
  readonly signatures: Set<string>;
}

export function inOrder(
  messages: readonly ToldMessage[],
  decisions: readonly ToldDecision[],
  told: Before,
): Happening[] {
  const after = new Map<number, ToldDecision[]>();
  const sorted = decisions.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const causes = new Map<ToldDecision, ToldMessage>();
  for (const decision of sorted) {
    const atMs = Date.parse(decision.at);
    const cause = messages.findLastIndex((message) => message.atMs <= atMs && isCause(message, decision));
    const before = messages.findIndex((message) => message.atMs > atMs);
    const place = cause >= 0 ? cause : before >= 0 ? before - 1 : messages.length - 1;
    const message = messages[cause] ?? told.messages.findLast((earlier) => isCause(earlier, decision));
    if (message !== undefined) causes.set(decision, message);
    after.set(place, [...(after.get(place) ?? []), decision]);
  }
  const tellAfter = (place: number): Happening[] =>
    (after.get(place) ?? []).map((decision) => {
      const cause = causes.get(decision);
      const signature = signatureOf(decision);
      const isRepeated = told.signatures.has(signature);
      told.signatures.add(signature);
      return {
        kind: 'decision',
        decision,
        isRepeated,
        ...(cause === undefined ? {} : { because: nameOf(cause) }),
      };
    });
  const rest = messages.flatMap((message, index): Happening[] => [
    { kind: 'message', message },
    ...tellAfter(index),
  ]);
  return [...tellAfter(-1), ...rest];
}

function isCause(message: ToldMessage, { callId, trigger, target }: ToldDecision): boolean {
  if (message.direction !== 'sent' || message.callId !== callId || message.isLateCopy) return false;
  if (trigger === 'response') return message.status > 0 && target?.startsWith(`${message.status} `) === true;
  return message.status === 0 && message.method === trigger.toUpperCase();
}

/** Whether the focus decides about this message, so that a decision will be found. */
export function asksForDecision({ direction, protocol, method, status, isLateCopy }: ToldMessage): boolean {
  if (direction !== 'sent' || protocol !== 'SIP' || isLateCopy) return false;
  return status === 0 ? DECIDED_METHODS.has(method) : method === 'INVITE' && status >= 180;
}

const DECIDED_METHODS = new Set(['INVITE', 'BYE', 'SUBSCRIBE', 'CANCEL']);

export function isDecided(message: ToldMessage, decisions: readonly ToldDecision[]): boolean {
  return decisions.some((decision) => isCause(message, decision));
}

function nameOf({ agent, method, status }: ToldMessage): string {
  return status === 0 ? `${agent}'s ${method}` : `${agent}'s ${status} to ${method}`;
}

function signatureOf({ clause, procedure, steps }: ToldDecision): string {
  return JSON.stringify([clause, procedure, steps.map(({ id, verdict }) => [id, verdict])]);
}
