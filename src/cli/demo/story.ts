/** What a demo is made of, as plain data: scenes of steps, each with what was sent, decided and checked. */

/** One message as an agent sent or received it. */
export interface ToldMessage {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly agent: string;
  /** Who it was sent to or came from: the SIP stack or the MSRP switch. */
  readonly peer: 'Kamailio' | 'switch';
  readonly protocol: 'SIP' | 'MSRP';
  readonly direction: 'sent' | 'received';
  /** `INVITE crew`, `200 OK`, `SEND "hello"` */
  readonly what: string;
  /** The interesting headers, most interesting first. */
  readonly about: readonly string[];
  /** Without news for a reader: 100, ACK, 200 to a SEND. */
  readonly isRoutine: boolean;
  /** For finding the decision that it caused; '' for MSRP. */
  readonly callId: string;
  /** SIP method (a response: that of its request), '' for MSRP. */
  readonly method: string;
  /** SIP or MSRP status, 0 in a request. */
  readonly status: number;
  /** The whole message; bytes above 127 read as UTF-8. */
  readonly text: string;
  /** Copies on the wire, the first included. */
  copies: number;
  /** True: a copy of a message that an earlier step has told. */
  readonly isLateCopy: boolean;
}

export interface ToldStep {
  readonly id: string;
  readonly title: string;
  /** `pass`, `done`, `skip`, `stop`, `refuse` */
  readonly verdict: string;
  readonly found: string;
}

/** A decision as the admin serves it (`GET /api/v1/decisions`). */
export interface ToldDecision {
  readonly at: string;
  readonly clause: string;
  readonly procedure: string;
  readonly trigger: string;
  readonly callId: string | null;
  readonly user: string | null;
  readonly target: string | null;
  readonly status: number | null;
  readonly warning: string | null;
  readonly session: string | null;
  readonly steps: readonly ToldStep[];
}

export interface Check {
  readonly what: string;
  readonly ok: boolean;
  /** What was found instead, for a check that did not hold. */
  readonly found?: string;
}

/** Messages and decisions in the order in which they are told. */
export type Happening =
  | { readonly kind: 'message'; readonly message: ToldMessage }
  | {
      readonly kind: 'decision';
      readonly decision: ToldDecision;
      /** `Ada's INVITE`; undefined: no message of an agent, a timer for example. */
      readonly because?: string;
      /** The same steps with the same verdicts were told before. */
      readonly isRepeated: boolean;
    };

export interface Step {
  /** `2.1` */
  readonly number: string;
  readonly text: string;
  /** Messages that are a means only; a transcript counts them. */
  readonly isQuiet: boolean;
  readonly happenings: Happening[];
  readonly checks: Check[];
}

export interface Scene {
  readonly number: number;
  readonly title: string;
  readonly steps: Step[];
}
