/**
 * A SIP user agent for tests, the demo and load: RFC 3261 over UDP or TCP on loopback, behind an outbound proxy.
 * Everything that is awaited has a deadline whose error tells what was seen instead.
 */
import { DEFAULT_WAIT_MS, deferred, WaitFailed, type WaitOptions, within } from '../waiting.ts';
import {
  contactUriAt,
  type OutOfDialogOptions,
  requestFields,
  responseFields,
  type SipAgentOptions,
} from './agent-options.ts';
import { SipCore, type TraceEntry, type Unexpected } from './core.ts';
import { type Dialog, type DialogHost, dialogFromResponse } from './dialog.ts';
import type { Credentials } from './digest.ts';
import { buildRequest, Exchange, type RequestPlan } from './exchange.ts';
import { formatNameAddr, parseSipUri } from './header-values.ts';
import { Incoming } from './incoming.ts';
import type { HeaderOverrides, SipMessage } from './message.ts';
import type { Answer, ReceivedRequest } from './received-request.ts';
import { newToken } from './responses.ts';
import { Subscription } from './subscription.ts';
import type { Hop } from './transport.ts';
import { UacInvite } from './uac-invite.ts';
import type { UasInvite } from './uas-invite.ts';

export class SipAgent {
  readonly uri: string;
  readonly options: SipAgentOptions;
  readonly #core: SipCore;
  readonly #waitMs: number;
  readonly #credentials: Credentials | undefined;
  readonly #incoming: Incoming;
  readonly #host: DialogHost;
  readonly #registrationCallId = newToken();
  #registerCseq = 0;
  #isRegistered = false;

  static async start(options: SipAgentOptions): Promise<SipAgent> {
    const agent = new SipAgent(options);
    await agent.#core.open();
    return agent;
  }

  private constructor(options: SipAgentOptions) {
    this.options = options;
    this.uri = options.uri;
    this.#waitMs = options.waitMs ?? DEFAULT_WAIT_MS;
    const user = options.username ?? parseSipUri(options.uri).user;
    this.#credentials =
      options.password === undefined ? undefined : { username: user, password: options.password };
    this.#core = new SipCore(
      {
        transport: options.transport ?? 'udp',
        localAddress: options.localAddress ?? '127.0.0.1',
        listen: options.listen ?? true,
        ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
        ownUser: parseSipUri(options.uri).user,
        t1Ms: options.t1Ms ?? 500,
        maxTrace: options.maxTrace ?? 20_000,
        ...(options.onTrace === undefined ? {} : { onTrace: options.onTrace }),
      },
      {
        request: (transaction) => this.#incoming.receive(transaction),
        cancel: (cancel, transaction) => this.#incoming.cancel(cancel, transaction),
      },
    );
    this.#host = {
      nextRequest: (what, wait) => this.#incoming.requests.take(what, wait),
      transact: (plan, nextCseq, wait) => this.#transact(plan, nextCseq, wait),
      inviteIn: (dialog, plan, autoAck) => this.#invite(plan, () => dialog.nextCseq(), autoAck, dialog),
      subscribeIn: (dialog, plan, event, wait) =>
        this.#subscribe(plan, () => dialog.nextCseq(), event, wait, dialog),
      sendAck: (plan, cseq, authorization) => {
        const request = buildRequest(this.#core, plan, cseq, authorization);
        this.#core.sendBytes(request.raw, this.#core.nextHop(plan.requestUri, plan.routes, true));
      },
      ownFields: (method) => requestFields(this.options, this.address, method),
      adopt: (dialog) => this.#incoming.dialogs.set(dialog.key, dialog),
      forget: (dialog) => this.#incoming.dialogs.delete(dialog.key),
    };
    this.#incoming = new Incoming({
      core: this.#core,
      host: this.#host,
      waitMs: this.#waitMs,
      isUdp: options.transport !== 'tcp',
      responseFields: (request, status) => responseFields(this.options, this.address, request, status),
      ownUser: parseSipUri(this.options.uri).user,
    });
  }

  // --- what was seen -----------------------------------------------------------------------------

  /** Every message sent and received, in order. */
  get trace(): readonly TraceEntry[] {
    return this.#core.trace;
  }

  /** What nobody asked for: malformed bytes, stray responses, ACKs, CANCELs, requests in unknown dialogs. */
  get unexpected(): readonly Unexpected[] {
    return this.#core.unexpected;
  }

  /** Faults of received messages against RFC 3261, as text. */
  get violations(): readonly string[] {
    return this.#core.violations;
  }

  /** Initial INVITEs that came and that nobody has taken yet. */
  get waitingInvites(): readonly UasInvite[] {
    return this.#incoming.invites.waiting;
  }

  /** The messages received so far that match; of a request that was repeated the first. */
  received(match: (message: SipMessage) => boolean): SipMessage[] {
    return this.trace.flatMap((entry) =>
      entry.direction === 'received' &&
      entry.message !== undefined &&
      entry.isCopy !== true &&
      match(entry.message)
        ? [entry.message]
        : [],
    );
  }

  /** The first received message that matches: one in the trace already, or else the next. */
  async sees(
    what: string,
    match: (message: SipMessage) => boolean,
    options: WaitOptions = {},
  ): Promise<SipMessage> {
    const found = this.received(match)[0];
    if (found !== undefined) return found;
    const seen = deferred<SipMessage>();
    const unwatch = this.#core.watch((entry) => {
      if (entry.direction === 'received' && entry.message !== undefined && match(entry.message))
        seen.resolve(entry.message);
    });
    try {
      return await within(seen.promise, options.timeoutMs ?? this.#waitMs, `${this.uri}: ${what}`, () =>
        this.#seen(),
      );
    } finally {
      unwatch();
    }
  }

  /** `host:port` that the agent sends from (Via and Contact). */
  get address(): string {
    return this.#core.address;
  }

  get contactUri(): string {
    return contactUriAt(this.options, this.address);
  }

  // --- requests of ours ---------------------------------------------------------------------------

  /** REGISTER; rejects unless the answer is 2xx. */
  async register(
    options: { expiresS?: number; headers?: HeaderOverrides; timeoutMs?: number } = {},
  ): Promise<SipMessage> {
    const { host } = parseSipUri(this.uri);
    const expiresS = options.expiresS ?? 600;
    const plan: RequestPlan = {
      method: 'REGISTER',
      requestUri: `sip:${host}`,
      routes: [],
      inDialog: false,
      fields: [
        ['From', `${formatNameAddr(this.uri)};tag=${newToken()}`],
        ['To', formatNameAddr(this.uri)],
        ['Call-ID', this.#registrationCallId],
        ['Contact', `<${this.contactUri}>;expires=${expiresS}`],
        ['Expires', String(expiresS)],
        ...requestFields(this.options, this.address, 'REGISTER'),
      ],
      ...(options.headers === undefined ? {} : { overrides: options.headers }),
    };
    const response = await this.#transact(plan, () => ++this.#registerCseq, options);
    if (response.status >= 300)
      throw new WaitFailed(`REGISTER of ${this.uri}: ${response.status} ${response.reason}`);
    this.#isRegistered = expiresS > 0;
    return response;
  }

  unregister(): Promise<SipMessage> {
    return this.register({ expiresS: 0 });
  }

  /** An initial INVITE; headers given replace ours of that name, null removes. ACKs go by themselves unless `autoAck: false`. */
  invite(options: OutOfDialogOptions & { autoAck?: boolean }): UacInvite {
    const cseq = counter();
    return this.#invite(this.#plan('INVITE', options), cseq, options.autoAck ?? true);
  }

  /** Any request outside a dialog (OPTIONS, MESSAGE, …); resolves with the final response, whatever it is. */
  request(method: string, options: OutOfDialogOptions): Promise<SipMessage> {
    return this.#transact(this.#plan(method, options), counter(), options);
  }

  /** Resolves when the final response came; see `response.status`. `terminated`, `nextNotify()` follow. */
  subscribe(
    options: OutOfDialogOptions & { event: string; expiresS?: number; accept?: string },
  ): Promise<Subscription> {
    const headers: HeaderOverrides = [
      ['Event', options.event],
      ['Expires', String(options.expiresS ?? 600)],
      ...(options.accept === undefined ? [] : [['Accept', options.accept] as const]),
      ...(options.headers ?? []),
    ];
    return this.#subscribe(
      this.#plan('SUBSCRIBE', { ...options, headers }),
      counter(),
      options.event,
      options,
    );
  }

  /** REFER outside a dialog; NOTIFYs of its implicit subscription come by `nextNotify()`. */
  refer(options: OutOfDialogOptions & { referTo: string }): Promise<Subscription> {
    const headers: HeaderOverrides = [['Refer-To', options.referTo], ...(options.headers ?? [])];
    return this.#subscribe(this.#plan('REFER', { ...options, headers }), counter(), 'refer', options);
  }

  /**
   * An OPTIONS round trip through the proxy: what the proxy had sent us before it is here afterwards (surely so on
   * TCP). Goes to ourselves when registered, else to the proxy; `to` chooses somebody else, such as the focus.
   */
  async sync(options: { to?: string; timeoutMs?: number } = {}): Promise<SipMessage> {
    const { proxy } = this.options;
    const ownOrProxy =
      this.#isRegistered || proxy === undefined ? this.uri : `sip:${proxy.host}:${proxy.port}`;
    return this.request('OPTIONS', { ...options, to: options.to ?? ownOrProxy });
  }

  /** Bytes as they are, to the proxy unless `hop` says otherwise. Answers show in `unexpected` and by `sees()`. */
  sendRaw(bytes: Buffer | string, hop?: Hop): void {
    const target = hop ?? this.options.proxy;
    if (target === undefined) throw new Error('sendRaw needs a hop when there is no proxy');
    this.#core.sendBytes(Buffer.from(bytes as string), target);
  }

  /** A Via line for raw requests, so that answers come back here. */
  newVia(): string {
    return this.#core.newVia(`z9hG4bK${newToken()}`);
  }

  // --- requests of others -------------------------------------------------------------------------

  nextInvite(options: WaitOptions & { match?: (invite: UasInvite) => boolean } = {}): Promise<UasInvite> {
    return this.#incoming.invites.take(`${this.uri} waits for an INVITE`, options);
  }

  /** The next request that is no initial INVITE; answered already (200) unless `answer` or `onRequest` withheld it. */
  nextRequest(method: string, options: WaitOptions = {}): Promise<ReceivedRequest> {
    return this.#incoming.requests.take(`${this.uri} waits for ${method}`, {
      ...options,
      match: (received) => received.method === method,
    });
  }

  /** How requests of this method are answered from now on (initial INVITEs are never answered by themselves). */
  answer(method: string, answer: Answer | ((received: ReceivedRequest) => Answer)): void {
    this.#incoming.answers.set(method, typeof answer === 'function' ? answer : () => answer);
  }

  /** Makes the dialog of a received SUBSCRIBE or REFER after `received.reply(2xx)`: to send NOTIFYs. */
  dialogOf(received: ReceivedRequest): Dialog {
    return this.#incoming.dialogOf(received);
  }

  /** Cuts the agent's TCP connections, as a network change does. */
  dropConnections(): void {
    this.#core.transport.dropConnections();
  }

  async stop(): Promise<void> {
    const error = new Error('the agent was stopped');
    this.#incoming.invites.close(error);
    this.#incoming.requests.close(error);
    await this.#core.close();
  }

  // --- inside ---------------------------------------------------------------------------------------

  #plan(method: string, options: OutOfDialogOptions): RequestPlan {
    return {
      method,
      requestUri: options.requestUri ?? options.to,
      routes: [],
      inDialog: false,
      fields: [
        ['From', `${formatNameAddr(this.uri, this.options.displayName)};tag=${newToken()}`],
        ['To', formatNameAddr(options.to)],
        ['Call-ID', newToken()],
        ...requestFields(this.options, this.address, method),
      ],
      ...(options.headers === undefined ? {} : { overrides: options.headers }),
      ...(options.body === undefined ? {} : { body: options.body }),
    };
  }

  async #transact(plan: RequestPlan, nextCseq: () => number, options: WaitOptions): Promise<SipMessage> {
    const final = deferred<SipMessage>();
    new Exchange({
      core: this.#core,
      plan,
      nextCseq,
      ...(this.#credentials === undefined ? {} : { credentials: this.#credentials }),
      onResponse: (response) => {
        if (response.status >= 200) final.resolve(response);
      },
      onTimeout: () =>
        final.reject(new WaitFailed(`no response to ${plan.method} ${plan.requestUri} in 64·T1`)),
    });
    const what = `${this.uri}: the final response to ${plan.method} ${plan.requestUri}`;
    return within(final.promise, options.timeoutMs ?? this.#waitMs, what, () => this.#seen());
  }

  #invite(plan: RequestPlan, nextCseq: () => number, autoAck: boolean, dialog?: Dialog): UacInvite {
    return new UacInvite({
      core: this.#core,
      host: this.#host,
      plan,
      nextCseq,
      autoAck,
      ...(this.#credentials === undefined ? {} : { credentials: this.#credentials }),
      ...(dialog === undefined ? {} : { dialog }),
      waitMs: this.#waitMs,
    });
  }

  async #subscribe(
    plan: RequestPlan,
    nextCseq: () => number,
    event: string,
    options: WaitOptions,
    dialog?: Dialog,
  ): Promise<Subscription> {
    const from = plan.fields.find(([name]) => name === 'From')?.[1] ?? '';
    const callId = plan.fields.find(([name]) => name === 'Call-ID')?.[1] ?? '';
    const subscription = new Subscription({
      event,
      callId,
      localTag: /;tag=(.*)$/.exec(from)?.[1] ?? '',
      waitMs: this.#waitMs,
      seen: () => this.#seen(),
      forget: () => this.#incoming.subscriptions.delete(subscription),
    });
    this.#incoming.subscriptions.add(subscription);
    let lastCseq = 0;
    const response = await this.#transact(
      plan,
      () => {
        lastCseq = nextCseq();
        return lastCseq;
      },
      options,
    );
    // A dialog that an early NOTIFY made has not seen our SUBSCRIBE's number.
    if (subscription.hasDialog) {
      subscription.dialog.localCseq = Math.max(subscription.dialog.localCseq, lastCseq);
    }
    if (response.status >= 300 || dialog !== undefined || subscription.hasDialog) {
      subscription.established(response, dialog);
      return subscription;
    }
    const request = buildRequest(this.#core, plan, lastCseq, []);
    const made = dialogFromResponse(this.#host, request, response);
    made.state = 'confirmed';
    this.#host.adopt(made);
    subscription.established(response, made);
    return subscription;
  }

  #seen(): string {
    return this.#core.tail();
  }
}

function counter(): () => number {
  let cseq = 0;
  return () => ++cseq;
}
