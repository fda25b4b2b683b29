/** An INVITE of ours, from the request to the dialogs that it makes (RFC 3261 section 13.2). */
import { deferred, Mailbox, WaitFailed, type WaitOptions, within } from '../waiting.ts';
import type { SipCore } from './core.ts';
import { type Dialog, type DialogHost, dialogFromResponse } from './dialog.ts';
import type { Credentials } from './digest.ts';
import { Exchange, type RequestPlan } from './exchange.ts';
import { type Body, formatMessage, type HeaderField, SipMessage } from './message.ts';
import { newToken } from './responses.ts';

export interface UacInviteOptions {
  readonly core: SipCore;
  readonly host: DialogHost;
  readonly plan: RequestPlan;
  readonly nextCseq: () => number;
  readonly credentials?: Credentials;
  readonly autoAck: boolean;
  /** Present for a re-INVITE. */
  readonly dialog?: Dialog;
  readonly waitMs: number;
}

export class UacInvite {
  /** Every provisional and final response in order (copies of a 2xx too; 100s and answered challenges not). */
  readonly responses: SipMessage[] = [];
  readonly #options: UacInviteOptions;
  readonly #exchange: Exchange;
  readonly #provisionals: Mailbox<SipMessage>;
  readonly #finals: Mailbox<SipMessage>;
  readonly #firstFinal = deferred<SipMessage>();
  readonly #proceeding = deferred<void>();
  readonly #dialogs = new Map<string, Dialog>();
  #confirmed: Dialog | undefined;

  constructor(options: UacInviteOptions) {
    this.#options = options;
    const boxes = {
      describe: (message: SipMessage) => message.summary,
      seen: () => this.#seen(),
      defaultTimeoutMs: options.waitMs,
    };
    this.#provisionals = new Mailbox(boxes);
    this.#finals = new Mailbox(boxes);
    this.#confirmed = options.dialog;
    this.#exchange = new Exchange({
      ...options,
      onResponse: (response) => this.#receive(response),
      onTimeout: () => {
        const error = new WaitFailed(`no response to ${this.request.summary} in 64·T1`);
        this.#firstFinal.reject(error);
        this.#proceeding.reject(error);
        this.#provisionals.close(error);
        this.#finals.close(error);
      },
    });
  }

  /** Statuses of the responses in order, without the copies of a 2xx: one more comes when our ACK takes 500 ms. */
  get statuses(): number[] {
    const isCopy = ({ raw, status }: SipMessage, at: number): boolean =>
      status >= 200 && this.responses.slice(0, at).some((earlier) => raw.equals(earlier.raw));
    return this.responses.filter((response, at) => !isCopy(response, at)).map(({ status }) => status);
  }

  /** The request as last sent (with credentials, when it was challenged). */
  get request(): SipMessage {
    return this.#exchange.request;
  }

  /** Copies of the request on the wire, the first included. */
  get timesSent(): number {
    return this.#exchange.timesSent;
  }

  /** The dialog of the first 2xx. */
  get dialog(): Dialog {
    if (this.#confirmed === undefined)
      throw new Error(`${this.request.summary} made no dialog: ${this.#seen()}`);
    return this.#confirmed;
  }

  /** All dialogs by To tag, early ones and forks too. */
  get dialogs(): ReadonlyMap<string, Dialog> {
    return this.#dialogs;
  }

  /** The next provisional response above 100, of that status if one is given. */
  provisional(status?: number, options: WaitOptions = {}): Promise<SipMessage> {
    return this.#provisionals.take(`${status ?? 'a provisional response'} to ${this.request.summary}`, {
      ...options,
      match: (response) => status === undefined || response.status === status,
    });
  }

  /** The first final response, whatever it is. */
  final(options: WaitOptions = {}): Promise<SipMessage> {
    const what = `the final response to ${this.request.summary}`;
    return within(this.#firstFinal.promise, options.timeoutMs ?? this.#options.waitMs, what, () =>
      this.#seen(),
    );
  }

  /** The dialog, once a 2xx came; a refusal rejects and names the status and the Warning. */
  async answered(options: WaitOptions = {}): Promise<Dialog> {
    const response = await this.final(options);
    if (response.status >= 300) {
      const warning = response.header('Warning') ?? 'no Warning';
      throw new WaitFailed(
        `${this.request.summary} was refused: ${response.status} ${response.reason}; ${warning}`,
      );
    }
    return this.dialog;
  }

  /** Each final response in turn: copies of a 2xx, and 2xx of other forks. */
  nextFinal(options: WaitOptions = {}): Promise<SipMessage> {
    return this.#finals.take(`another final response to ${this.request.summary}`, options);
  }

  /** CANCEL; not before a provisional response (section 9.1). Resolves with the response to the CANCEL. */
  async cancel(options: WaitOptions = {}): Promise<SipMessage> {
    const timeoutMs = options.timeoutMs ?? this.#options.waitMs;
    await within(
      this.#proceeding.promise,
      timeoutMs,
      `a response before CANCEL of ${this.request.summary}`,
      () => this.#seen(),
    );
    const { core } = this.#options;
    const { request, hop } = this.#exchange;
    const fields: HeaderField[] = [
      ['Via', request.values('Via')[0] ?? ''],
      ['Max-Forwards', '70'],
      ...request.headers('Route').map((route): HeaderField => ['Route', route]),
      ['From', request.header('From') ?? ''],
      ['To', request.header('To') ?? ''],
      ['Call-ID', request.callId],
      ['CSeq', `${request.cseq} CANCEL`],
    ];
    const bytes = formatMessage(`CANCEL ${request.requestUri} SIP/2.0`, fields, Buffer.alloc(0));
    const answer = deferred<SipMessage>();
    core.sendRequest(SipMessage.parse(bytes), hop, {
      autoAck: false,
      onResponse: (response) => {
        if (response.status >= 200) answer.resolve(response);
      },
      onTimeout: () => answer.reject(new WaitFailed(`no response to CANCEL ${request.requestUri}`)),
    });
    return within(answer.promise, timeoutMs, `the response to CANCEL ${request.requestUri}`, () =>
      core.tail(),
    );
  }

  /** The ACK that `autoAck: false` withheld; `response` defaults to the first final one. */
  async ack(options: { response?: SipMessage; body?: Body } = {}): Promise<void> {
    const response = options.response ?? (await this.final());
    if (response.status >= 300) this.#options.core.ackFailure(this.request, response, this.#exchange.hop);
    else
      this.#dialogs.get(response.toTag)?.ack(this.request.cseq, this.#exchange.authorization, options.body);
  }

  #receive(response: SipMessage): void {
    this.#proceeding.resolve();
    if (response.status === 100) return;
    this.responses.push(response);
    if (response.status < 200) {
      if (response.toTag !== '') this.#dialogOf(response);
      this.#provisionals.put(response);
      return;
    }
    if (response.status < 300) this.#confirm(response);
    else for (const dialog of this.#dialogs.values()) if (dialog.state === 'early') dialog.end('remote');
    this.#firstFinal.resolve(response);
    this.#finals.put(response);
    const over = new WaitFailed(`the INVITE got its final response ${response.status} ${response.reason}`);
    this.#provisionals.close(over);
  }

  #confirm(response: SipMessage): void {
    const dialog = this.#dialogOf(response);
    const isNew = dialog.state !== 'confirmed';
    if (dialog.state === 'early') {
      dialog.state = 'confirmed';
      // The 2xx sets the route set anew for a dialog that a provisional response began (section 13.2.2.4).
      dialog.routeSet = response.values('Record-Route').reverse();
    }
    if (isNew || this.#options.dialog !== undefined) dialog.refreshTarget(response);
    this.#confirmed ??= dialog;
    const { body } = this.#options.plan;
    if (body?.contentType === 'application/sdp') dialog.localSdp = body.content.toString();
    if (this.#options.autoAck) dialog.ack(this.request.cseq, this.#exchange.authorization);
  }

  #dialogOf(response: SipMessage): Dialog {
    const tag = response.toTag === '' ? newToken() : response.toTag;
    const known = this.#options.dialog ?? this.#dialogs.get(tag);
    if (known === undefined) return this.#make(response);
    this.#dialogs.set(tag, known);
    return known;
  }

  #make(response: SipMessage): Dialog {
    const dialog = dialogFromResponse(this.#options.host, this.request, response);
    this.#dialogs.set(response.toTag, dialog);
    this.#options.host.adopt(dialog);
    return dialog;
  }

  #seen(): string {
    const own = this.responses.map((response) => response.summary).join(', ');
    return own === '' ? this.#options.core.tail() : own;
  }
}
