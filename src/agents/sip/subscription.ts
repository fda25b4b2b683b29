/** The subscriber's side of SUBSCRIBE or REFER and its NOTIFYs (RFC 6665, RFC 3515). */
import { type Deferred, deferred, Mailbox, type WaitOptions, within } from '../waiting.ts';
import type { Dialog, RequestOptions } from './dialog.ts';
import { parseParams, splitOutside } from './header-values.ts';
import type { SipMessage } from './message.ts';
import type { Answer, ReceivedRequest } from './received-request.ts';

export interface SubscriptionOptions {
  readonly event: string;
  /** Call-ID and our tag: a NOTIFY may come before the response that tells the peer's tag. */
  readonly callId: string;
  readonly localTag: string;
  readonly waitMs: number;
  readonly seen: () => string;
  readonly forget: () => void;
}

export class Subscription {
  readonly event: string;
  readonly callId: string;
  readonly localTag: string;
  /** Every NOTIFY in order. */
  readonly notifies: SipMessage[] = [];
  /** The value of the last Subscription-State without parameters; '' before the first NOTIFY. */
  state = '';
  /** How NOTIFYs are answered; default 200. */
  answer: Answer = { status: 200 };
  readonly #options: SubscriptionOptions;
  readonly #mailbox: Mailbox<SipMessage>;
  readonly #terminated: Deferred<string> = deferred();
  #response: SipMessage | undefined;
  #dialog: Dialog | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.event = options.event;
    this.callId = options.callId;
    this.localTag = options.localTag;
    this.#mailbox = new Mailbox({
      describe: (message) => `${message.summary} ${message.header('Subscription-State') ?? ''}`,
      seen: options.seen,
      defaultTimeoutMs: options.waitMs,
    });
  }

  /** The final response to the SUBSCRIBE or REFER, a refusal too. */
  get response(): SipMessage {
    if (this.#response === undefined) throw new Error('the subscription has no response yet');
    return this.#response;
  }

  /** Deadline of every wait that names none. */
  get waitMs(): number {
    return this.#options.waitMs;
  }

  get dialog(): Dialog {
    if (this.#dialog === undefined) throw new Error(`the ${this.event} subscription has no dialog`);
    return this.#dialog;
  }

  /** The next NOTIFY; it has been answered already. */
  nextNotify(options: WaitOptions = {}): Promise<SipMessage> {
    return this.#mailbox.take(`NOTIFY for event ${this.event}`, options);
  }

  /** Resolves with the reason parameter ('' if none) once a NOTIFY says terminated. */
  get terminated(): Promise<string> {
    return this.#terminated.promise;
  }

  /** As `terminated`, with a deadline. */
  untilTerminated(options: WaitOptions = {}): Promise<string> {
    const what = `NOTIFY that terminates the ${this.event} subscription`;
    return within(
      this.#terminated.promise,
      options.timeoutMs ?? this.#options.waitMs,
      what,
      this.#options.seen,
    );
  }

  refresh(expiresS: number, options: RequestOptions = {}): Promise<SipMessage> {
    return this.dialog.request('SUBSCRIBE', {
      ...options,
      headers: [['Event', this.event], ['Expires', String(expiresS)], ...(options.headers ?? [])],
    });
  }

  /** SUBSCRIBE with Expires 0; the terminating NOTIFY follows. */
  unsubscribe(): Promise<SipMessage> {
    return this.refresh(0);
  }

  /** For the agent: the response came, and with it (or with a NOTIFY before it) the dialog. */
  established(response: SipMessage | undefined, dialog: Dialog | undefined): void {
    this.#response ??= response;
    this.#dialog ??= dialog;
    if (response !== undefined && response.status >= 300) this.#options.forget();
  }

  get hasDialog(): boolean {
    return this.#dialog !== undefined;
  }

  matches(request: SipMessage): boolean {
    const eventOf = (value: string): string => value.split(';')[0]?.trim().toLowerCase() ?? '';
    return (
      request.callId === this.callId &&
      request.toTag === this.localTag &&
      eventOf(request.header('Event') ?? '') === eventOf(this.event)
    );
  }

  /** For the agent: a NOTIFY of ours arrived. */
  notified(received: ReceivedRequest): void {
    const { request } = received;
    const [state = '', ...params] = splitOutside(request.header('Subscription-State') ?? '', ';');
    this.state = state.toLowerCase();
    this.notifies.push(request);
    received.give(this.answer);
    this.#mailbox.put(request);
    if (this.state !== 'terminated') return;
    this.#terminated.resolve(parseParams(params).get('reason') ?? '');
    this.#options.forget();
  }
}
