/** A dialog as either side sees it (RFC 3261 section 12), and the requests that go in it. */
import { type Deferred, deferred, type WaitOptions } from '../waiting.ts';
import type { RequestPlan } from './exchange.ts';
import { parseNameAddr } from './header-values.ts';
import type { Body, HeaderField, HeaderOverrides, SipMessage } from './message.ts';
import type { Answer, ReceivedRequest } from './received-request.ts';
import type { Subscription } from './subscription.ts';
import type { UacInvite } from './uac-invite.ts';

export interface RequestOptions extends WaitOptions {
  readonly headers?: HeaderOverrides;
  readonly body?: Body;
}

/** What a dialog needs from its agent. */
export interface DialogHost {
  transact(plan: RequestPlan, nextCseq: () => number, options: WaitOptions): Promise<SipMessage>;
  inviteIn(dialog: Dialog, plan: RequestPlan, autoAck: boolean): UacInvite;
  subscribeIn(dialog: Dialog, plan: RequestPlan, event: string, options: WaitOptions): Promise<Subscription>;
  sendAck(plan: RequestPlan, cseq: number, authorization: readonly HeaderField[]): void;
  ownFields(method: string): readonly HeaderField[];
  /** From now on requests in this dialog are known. */
  adopt(dialog: Dialog): void;
  forget(dialog: Dialog): void;
  nextRequest(
    what: string,
    options: WaitOptions & { match: (received: ReceivedRequest) => boolean },
  ): Promise<ReceivedRequest>;
}

export interface DialogState {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From or To of ours, without tag. */
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly routeSet: readonly string[];
  readonly remoteTarget: string;
  readonly localCseq: number;
}

export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly localAddress: string;
  readonly remoteAddress: string;
  routeSet: readonly string[];
  /** The peer's Contact URI; a re-INVITE or UPDATE can change it. */
  remoteTarget: string;
  localCseq: number;
  remoteCseq = -1;
  /** All numbers that the peer has used. */
  readonly remoteCseqs = new Set<number>();
  state: 'early' | 'confirmed' | 'terminated' = 'early';
  /** Our last SDP, which a re-INVITE is answered with unless `onRequest` says otherwise. */
  localSdp: string | undefined;
  /** Decides about requests in this dialog before the agent's own answers do. */
  onRequest: ((received: ReceivedRequest) => Answer | undefined) | undefined;
  readonly #host: DialogHost;
  readonly #ended: Deferred<'local' | 'remote'> = deferred();

  constructor(host: DialogHost, state: DialogState) {
    this.#host = host;
    this.callId = state.callId;
    this.localTag = state.localTag;
    this.remoteTag = state.remoteTag;
    this.localAddress = state.localAddress;
    this.remoteAddress = state.remoteAddress;
    this.routeSet = state.routeSet;
    this.remoteTarget = state.remoteTarget;
    this.localCseq = state.localCseq;
  }

  /** Resolves when a BYE ended the dialog: ours ('local') or the peer's ('remote'). */
  get ended(): Promise<'local' | 'remote'> {
    return this.#ended.promise;
  }

  get key(): string {
    return dialogKey(this.callId, this.localTag, this.remoteTag);
  }

  /** Any request in the dialog; resolves with the final response, whatever it is. */
  request(method: string, options: RequestOptions = {}): Promise<SipMessage> {
    return this.#host.transact(this.plan(method, options), () => this.nextCseq(), options);
  }

  async bye(options: RequestOptions = {}): Promise<SipMessage> {
    const response = await this.request('BYE', options);
    this.end('local');
    return response;
  }

  update(options: RequestOptions = {}): Promise<SipMessage> {
    return this.request('UPDATE', options);
  }

  /** A re-INVITE; `final()` of the result is the answer. */
  reinvite(options: RequestOptions & { autoAck?: boolean } = {}): UacInvite {
    return this.#host.inviteIn(this, this.plan('INVITE', options), options.autoAck ?? true);
  }

  /** REFER in the dialog; the result's `response` is the answer, its NOTIFYs come by `nextNotify()`. */
  refer(referTo: string, options: RequestOptions = {}): Promise<Subscription> {
    const headers: HeaderOverrides = [['Refer-To', referTo], ...(options.headers ?? [])];
    return this.#host.subscribeIn(this, this.plan('REFER', { ...options, headers }), 'refer', options);
  }

  /** SUBSCRIBE in the dialog. */
  subscribe(event: string, options: RequestOptions & { expiresS?: number } = {}): Promise<Subscription> {
    const headers: HeaderOverrides = [
      ['Event', event],
      ['Expires', String(options.expiresS ?? 600)],
      ...(options.headers ?? []),
    ];
    return this.#host.subscribeIn(this, this.plan('SUBSCRIBE', { ...options, headers }), event, options);
  }

  /** The next request in this dialog with that method; it has been answered unless its answer was withheld. */
  nextRequest(method: string, options: WaitOptions = {}): Promise<ReceivedRequest> {
    return this.#host.nextRequest(`${method} in the dialog with ${this.remoteAddress}`, {
      ...options,
      match: (received) => received.dialog === this && received.method === method,
    });
  }

  /** The ACK to a 2xx; `authorization` are the INVITE's credentials. */
  ack(cseq: number, authorization: readonly HeaderField[], body?: Body): void {
    const plan = this.plan('ACK', body === undefined ? {} : { body });
    this.#host.sendAck(plan, cseq, authorization);
  }

  nextCseq(): number {
    this.localCseq += 1;
    return this.localCseq;
  }

  end(by: 'local' | 'remote'): void {
    if (this.state === 'terminated') return;
    this.state = 'terminated';
    this.#host.forget(this);
    this.#ended.resolve(by);
  }

  /** A target refresh: the Contact of a 2xx or of a request (RFC 3261 section 12.2). */
  refreshTarget(message: SipMessage): void {
    const contact = message.values('Contact')[0];
    if (contact !== undefined) this.remoteTarget = parseNameAddr(contact).uri;
  }

  plan(method: string, options: RequestOptions): RequestPlan {
    return {
      method,
      requestUri: this.remoteTarget,
      routes: this.routeSet,
      inDialog: true,
      fields: [
        ['From', `${this.localAddress};tag=${this.localTag}`],
        ['To', `${this.remoteAddress};tag=${this.remoteTag}`],
        ['Call-ID', this.callId],
        ...this.#host.ownFields(method),
      ],
      ...(options.headers === undefined ? {} : { overrides: options.headers }),
      ...(options.body === undefined ? {} : { body: options.body }),
    };
  }
}

export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId} ${localTag} ${remoteTag}`;
}

/** The dialog that a response to our request makes (section 12.1.2). */
export function dialogFromResponse(host: DialogHost, request: SipMessage, response: SipMessage): Dialog {
  return new Dialog(host, {
    callId: request.callId,
    localTag: request.fromTag,
    remoteTag: response.toTag,
    localAddress: withoutTag(request.header('From') ?? ''),
    remoteAddress: withoutTag(request.header('To') ?? ''),
    routeSet: response.values('Record-Route').reverse(),
    remoteTarget: contactOr(response, request.requestUri),
    localCseq: request.cseq,
  });
}

/** The dialog that our answer to a request makes (section 12.1.1). */
export function dialogFromRequest(host: DialogHost, request: SipMessage, localTag: string): Dialog {
  const dialog = new Dialog(host, {
    callId: request.callId,
    localTag,
    remoteTag: request.fromTag,
    localAddress: withoutTag(request.header('To') ?? ''),
    remoteAddress: withoutTag(request.header('From') ?? ''),
    routeSet: request.values('Record-Route'),
    remoteTarget: contactOr(request, parseNameAddr(request.header('From') ?? '').uri),
    localCseq: 0,
  });
  dialog.remoteCseq = request.cseq;
  dialog.remoteCseqs.add(request.cseq);
  return dialog;
}

function contactOr(message: SipMessage, fallback: string): string {
  const contact = message.values('Contact')[0];
  return contact === undefined ? fallback : parseNameAddr(contact).uri;
}

function withoutTag(value: string): string {
  return value.replace(/\s*;\s*tag=[^;]*/i, '');
}
