/**
 * A decision: what is answered, what changes, what is done afterwards, and the clause steps that led there.
 * Refusals are values. Effects are data; the engine commits them with the state and performs them in stages.
 */
import type { Transaction } from './conference.ts';

export type HeaderLine = readonly [name: string, value: string];

export interface SipReply {
  readonly code: number;
  readonly reason: string;
  readonly toTag: string;
  readonly headers: readonly HeaderLine[];
  readonly body?: string;
}

/** `refuse` ended the procedure with an error reply, `stop` ended it for another reason that the step names. */
export type Verdict = 'pass' | 'done' | 'skip' | 'stop' | 'refuse';

/** One line of the decision trace. `id` is a requirement id, or `RFC3261-8.2.2.3`-like for what a referenced RFC demands. */
export interface TraceStep {
  readonly id: string;
  readonly title: string;
  readonly verdict: Verdict;
  /** What was looked at and found, in words for an operator; never message content. */
  readonly found: string;
  /** The policy rules behind the verdict, where a group document decides. */
  readonly rule?: DecidingRule;
}

/** What a group document says of one right of a user. */
export interface DecidingRule {
  /** Element of the right, such as `join-handling`. */
  readonly right: string;
  /** Ids of the rules that grant it; empty: none does. */
  readonly grantedBy: readonly string[];
  /** Ids of all rules whose conditions the user meets, in document order. */
  readonly applied: readonly string[];
}

export interface Refusal {
  readonly kind: 'refusal';
  readonly code: number;
  readonly reason: string;
  /** Text of the Warning header (A-48: on every refusal of ours). */
  readonly warning: string;
  readonly headers: readonly HeaderLine[];
  readonly body?: string;
}

/** In which order effects leave: all of one stage are settled before the next begins. */
export type Stage = 0 | 1 | 2 | 3 | 4 | 5;
/**
 * Stages by what they are for: the switch confirms, then answers leave, then what must be told in a dialog before
 * anything ends it, then requests, then notifications.
 */
export const STAGE = { switch: 0, reply: 1, progress: 2, requests: 3, notifications: 4, release: 5 } as const;

export type Effect = { readonly stage: Stage } & EffectBody;

export type EffectBody =
  /** A final or provisional reply; repeats freely. */
  | {
      readonly kind: 'reply';
      readonly transaction: Transaction;
      readonly leg?: string;
      /** It answers the INVITE that the leg came with: without it there is no dialog that could be ended. */
      readonly makesDialog?: true;
      readonly reply: SipReply;
    }
  /** A request sent through Kamailio's tm. */
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly callId: string;
      readonly cseq: number;
      /** The leg or subscription whose dialog it belongs to, for recovery. */
      readonly of: { readonly row: 'leg' | 'subscription'; readonly id: string } | { readonly row: 'none' };
      readonly kam: string;
      readonly requestUri: string;
      /** Where it goes when that is not the first Route or the Request-URI. */
      readonly nextHop?: string;
      readonly headers: readonly HeaderLine[];
      readonly body?: string;
    }
  /** CANCEL of an INVITE of ours. */
  | {
      readonly kind: 'cancel';
      readonly callId: string;
      readonly cseq: number;
      readonly kam: string;
      readonly leg: string;
    }
  /** A command to the switch. With `isGate` the later stages wait for its success; its failure is an event. */
  | {
      readonly kind: 'switch';
      readonly switchId: string;
      readonly op: 'session.put' | 'session.drop' | 'leg.put' | 'leg.drop';
      readonly body: unknown;
      readonly isGate: boolean;
      /** Somebody is expelled by it: were it lost, they would be heard on. */
      readonly isExpulsion?: true;
    };

/** Something that happened, for the live view, records and webhooks. */
export type DomainEvent =
  | {
      readonly kind: 'session-created' | 'session-moved' | 'session-ended';
      readonly session: string;
      readonly reason?: string;
    }
  | {
      readonly kind:
        | 'participant-invited'
        | 'participant-joined'
        | 'participant-left'
        | 'invitation-failed'
        /** Its client has followed the session to another switch, or has not and is out. */
        | 'leg-moved'
        | 'leg-lost';
      readonly session: string;
      readonly participant: string;
      readonly reason?: string;
    };

export function refusal(
  code: number,
  reason: string,
  warning: string,
  headers: readonly HeaderLine[] = [],
  body?: string,
): Refusal {
  return { kind: 'refusal', code, reason, warning, headers, ...(body === undefined ? {} : { body }) };
}

export const forbidden = (warning: string): Refusal => refusal(403, 'Forbidden', warning);
