/** How far the identity of a request is to be believed: asserted by the core, proven by digest, or not at all. */
export type Trust = 'core' | 'digest' | 'none';

/** A SIP request that waits for an answer. */
export interface SipRequestCall {
  /** Node id of the Kamailio that holds the transaction. */
  readonly kam: string;
  /** Changes with each start of that Kamailio; compare for equality only. */
  readonly epoch: string;
  /** `index:label`, valid at this Kamailio in this epoch. */
  readonly tid: string;
  /** Where it came from, `proto:address:port`; IPv6 in brackets. */
  readonly src: string;
  /** The local socket it came in on, same form. */
  readonly rcv: string;
  /** name-addr texts that count by `trust`. The message is as received: never read a P-Asserted-Identity in it. */
  readonly asserted: readonly string[];
  readonly trust: Trust;
  readonly message: Buffer;
}

/** Which request is asked about again: Kamailio had no answer to it in time. */
export type AskedAgain = Pick<SipRequestCall, 'kam' | 'epoch' | 'tid'>;

/** An ACK, a CANCEL, or a reply to a request of ours. */
export interface SipNotice {
  readonly kam: string;
  readonly epoch: string;
  readonly src: string;
  /** Of the INVITE transaction that a CANCEL ends. */
  readonly tid?: string;
  readonly message: Buffer;
}

export type HeaderLine = readonly [name: string, value: string];

export interface SipReply {
  /** 101 to 699. */
  readonly code: number;
  readonly reason: string;
  readonly toTag: string;
  readonly headers: readonly HeaderLine[];
  readonly body?: string;
}

export type SipRequestAnswer = { readonly pending: true } | { readonly reply: SipReply };

/** Called one at a time. A throw is logged, counted, and kept from the connection. */
export interface KamailioHandlers {
  /** Answers at once: more than about 500 open questions at once lose answers in janssonrpcc. */
  request(call: SipRequestCall): SipRequestAnswer;
  /**
   * Kamailio asks again about a request that this server has not answered: it was asked of a service before this one, or never
   * arrived. Pending when the service still means to reply. Without this handler: 503 with Retry-After.
   */
  again?(call: AskedAgain): SipRequestAnswer;
  ack(notice: SipNotice): void;
  cancel(notice: SipNotice): void;
  uacReply(notice: SipNotice): void;
  connected?(peer: string): void;
  disconnected?(peer: string): void;
}

/** The part of pino's interface that is used here. */
export interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
  debug(details: object, message: string): void;
}
