/** The client side of one transaction (RFC 3261 section 17.1). */
import type { SipMessage } from './message.ts';
import type { SipTimes, Timers } from './timers.ts';

export interface ClientTransactionOptions {
  readonly request: SipMessage;
  readonly times: SipTimes;
  readonly timers: Timers;
  /** Puts the request (again) on the wire. */
  readonly send: () => void;
  /** Acknowledges a non-2xx final response on the same branch (17.1.1.3); called for each copy of it. */
  readonly sendAck: (response: SipMessage) => void;
  /** Provisionals, every 2xx to INVITE (copies and forks included), the first of any other final response. */
  readonly onResponse: (response: SipMessage) => void;
  /** Timer B or F: no final (for INVITE: no) response in 64·T1. */
  readonly onTimeout: () => void;
}

export class ClientTransaction {
  readonly request: SipMessage;
  readonly #options: ClientTransactionOptions;
  #stopRetransmission = () => {};
  #stopDeadline = () => {};
  /** The first final status received, 0 before. */
  finalStatus = 0;
  /** Requests put on the wire so far, retransmissions included. */
  sent = 0;

  constructor(options: ClientTransactionOptions) {
    this.#options = options;
    this.request = options.request;
  }

  start(): void {
    const { times, timers } = this.#options;
    this.#send();
    if (!times.reliable) {
      const cap = this.request.method === 'INVITE' ? Number.POSITIVE_INFINITY : times.t2Ms;
      this.#stopRetransmission = timers.backoff(times.t1Ms, cap, () => this.#send());
    }
    this.#stopDeadline = timers.after(64 * times.t1Ms, () => {
      this.#stopRetransmission();
      if (this.finalStatus === 0) this.#options.onTimeout();
    });
  }

  receive(response: SipMessage): void {
    const invite = this.request.method === 'INVITE';
    if (response.status < 200) {
      if (this.finalStatus !== 0) return;
      if (invite) {
        this.#stopRetransmission();
        this.#stopDeadline();
      }
      this.#options.onResponse(response);
      return;
    }
    const first = this.finalStatus === 0;
    this.finalStatus = response.status;
    this.#stopRetransmission();
    this.#stopDeadline();
    if (invite && response.status >= 300) this.#options.sendAck(response);
    if (first || (invite && response.status < 300)) this.#options.onResponse(response);
  }

  #send(): void {
    this.sent += 1;
    this.#options.send();
  }
}
