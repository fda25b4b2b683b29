/** An initial INVITE that came in: ring, accept, reject, or see it cancelled (RFC 3261 section 13.3). */
import { type Deferred, deferred, type WaitOptions, within } from '../waiting.ts';
import { type Dialog, type DialogHost, dialogFromRequest } from './dialog.ts';
import type { Body, HeaderOverrides, SipMessage } from './message.ts';
import type { ReceivedRequest } from './received-request.ts';

export interface AnswerOptions {
  readonly headers?: HeaderOverrides;
  readonly body?: Body;
}

export interface UasInviteOptions {
  readonly received: ReceivedRequest;
  readonly host: DialogHost;
  readonly waitMs: number;
  readonly seen: () => string;
}

export class UasInvite {
  readonly received: ReceivedRequest;
  readonly #options: UasInviteOptions;
  readonly #cancelled: Deferred<SipMessage> = deferred();
  #dialog: Dialog | undefined;
  /** False: a CANCEL gets its 200, but the INVITE's 487 is left to the test. */
  answersCancel = true;

  constructor(options: UasInviteOptions) {
    this.#options = options;
    this.received = options.received;
  }

  get request(): SipMessage {
    return this.received.request;
  }

  /** Resolves with the CANCEL, if one comes; by then it has its 200 and (see `answersCancel`) the INVITE its 487. */
  get cancelled(): Promise<SipMessage> {
    return this.#cancelled.promise;
  }

  /** As `cancelled`, with a deadline. */
  nextCancel(options: WaitOptions = {}): Promise<SipMessage> {
    return within(
      this.#cancelled.promise,
      options.timeoutMs ?? this.#options.waitMs,
      `CANCEL of ${this.request.summary}`,
      this.#options.seen,
    );
  }

  /** The ACK to our final response. */
  get acked(): Promise<SipMessage> {
    return this.received.acked;
  }

  /** The dialog: early after `ring`, confirmed after the ACK. */
  get dialog(): Dialog {
    if (this.#dialog === undefined) {
      this.#dialog = dialogFromRequest(this.#options.host, this.request, this.received.localTag);
      this.#options.host.adopt(this.#dialog);
    }
    return this.#dialog;
  }

  ring(options: AnswerOptions = {}): void {
    this.progress(180, 'Ringing', options);
  }

  progress(status: number, reason?: string, options: AnswerOptions = {}): void {
    if (status > 100) void this.dialog;
    this.received.reply(status, reason, options);
  }

  /** Sends 200 at once; resolves with the dialog when the ACK came. */
  accept(options: AnswerOptions = {}): Promise<Dialog> {
    const dialog = this.dialog;
    if (options.body?.contentType === 'application/sdp') dialog.localSdp = options.body.content.toString();
    this.received.reply(200, 'OK', options);
    const confirmed = within(
      this.acked.then(() => {
        if (dialog.state === 'early') dialog.state = 'confirmed';
        return dialog;
      }),
      this.#options.waitMs,
      `ACK to our 200 to ${this.request.summary}`,
      this.#options.seen,
    );
    confirmed.catch(() => {});
    return confirmed;
  }

  /** A final refusal; resolves with its ACK. */
  reject(status: number, reason?: string, headers: HeaderOverrides = []): Promise<SipMessage> {
    this.received.reply(status, reason, { headers });
    this.#dialog?.end('local');
    const what = `ACK to our ${status} to ${this.request.summary}`;
    const acked = within(this.acked, this.#options.waitMs, what, this.#options.seen);
    acked.catch(() => {});
    return acked;
  }

  /** For the agent: a CANCEL for this INVITE arrived. */
  cancel(message: SipMessage): void {
    if (this.answersCancel && this.received.status === 0) {
      this.received.reply(487, 'Request Terminated');
      this.#dialog?.end('remote');
    }
    this.#cancelled.resolve(message);
  }
}
