/** A subscriber: a SIP agent and an MSRP client joined to what a person does with a chat application. */

import { type ListEntry, multipart, resourceLists } from './documents.ts';
import { MsrpSession } from './msrp/session.ts';
import type { MsrpSessionOptions, MsrpTraceEntry } from './msrp/session-types.ts';
import { Room } from './room.ts';
import {
  DEFAULT_ACCEPT_TYPES,
  msrpSdp,
  offererConnects,
  type ReadSdp,
  type Setup,
  sdpBody,
  sdpOf,
} from './sdp.ts';
import { SipAgent } from './sip/agent.ts';
import type { SipAgentOptions } from './sip/agent-options.ts';
import type { Dialog } from './sip/dialog.ts';
import { formatNameAddr, parseNameAddr } from './sip/header-values.ts';
import { type Body, type HeaderOverrides, mergeFields, type SipMessage } from './sip/message.ts';
import type { UacInvite } from './sip/uac-invite.ts';
import type { UasInvite } from './sip/uas-invite.ts';
import { WaitFailed } from './waiting.ts';

export interface SubscriberOptions extends SipAgentOptions {
  readonly onMsrpTrace?: (entry: MsrpTraceEntry) => void;
  /** Value of a=accept-types in our SDP. */
  readonly acceptTypes?: string;
  /** a=setup of our offers, default actpass. */
  readonly offerSetup?: Setup;
  /** Our choice when an offer leaves it to us (actpass), default active. */
  readonly answerSetup?: 'active' | 'passive';
  /** False: MSRP without a listener of our own, always active. */
  readonly msrpListen?: boolean;
  /** Where MSRP differs from SIP: its address, and TLS (then without a listener). */
  readonly msrp?: Pick<MsrpSessionOptions, 'host' | 'tls'>;
}

export interface CallOptions {
  readonly headers?: HeaderOverrides;
  readonly subject?: string;
  /** Lines added to our media in the SDP, without `a=`. */
  readonly attributes?: readonly string[];
  readonly acceptTypes?: string;
  readonly setup?: Setup;
  readonly timeoutMs?: number;
}

export interface AdHocOptions extends CallOptions {
  readonly factory: string;
  readonly invite: readonly (string | ListEntry)[];
}

/** An INVITE on its way: look at it, cancel it, or wait for the room. */
export interface OutgoingCall {
  readonly call: UacInvite;
  readonly msrp: MsrpSession;
  /** The room, once the 200 came and MSRP is bound; a refusal rejects with status and Warning. */
  room(): Promise<Room>;
}

export class Subscriber {
  readonly sip: SipAgent;
  readonly options: SubscriberOptions;
  readonly #rooms = new Set<Room>();
  readonly #sessions = new Set<MsrpSession>();

  static async start(options: SubscriberOptions): Promise<Subscriber> {
    return new Subscriber(options, await SipAgent.start(options));
  }

  private constructor(options: SubscriberOptions, sip: SipAgent) {
    this.options = options;
    this.sip = sip;
  }

  get uri(): string {
    return this.sip.uri;
  }

  get name(): string {
    return this.options.displayName ?? this.sip.uri;
  }

  register(): Promise<SipMessage> {
    return this.sip.register();
  }

  /** INVITE to the conference-factory URI with the list of users (7.2.1.2); resolves with the room. */
  async startAdHoc(options: AdHocOptions): Promise<Room> {
    return (await this.dialAdHoc(options)).room();
  }

  /** As startAdHoc, but hands out the INVITE as soon as it is sent. */
  dialAdHoc(options: AdHocOptions): Promise<OutgoingCall> {
    const list = resourceLists(options.invite);
    const headers = mergeFields([['Require', 'recipient-list-invite']], options.headers);
    return this.dial(options.factory, { ...options, headers }, (sdp) => multipart([sdpBody(sdp), list]));
  }

  /** INVITE to a group, a session or a user; resolves with the room. */
  async join(uri: string, options: CallOptions = {}): Promise<Room> {
    return (await this.dial(uri, options)).room();
  }

  /** As join, but hands out the INVITE as soon as it is sent. */
  async dial(
    uri: string,
    options: CallOptions = {},
    bodyOf: (sdp: string) => Body = sdpBody,
  ): Promise<OutgoingCall> {
    const msrp = await this.#openMsrp(options.acceptTypes);
    const setup =
      options.setup ??
      (this.options.msrpListen === false ? 'active' : (this.options.offerSetup ?? 'actpass'));
    const sdp = msrpSdp({ path: msrp.path, setup, ...this.#sdpExtras(options) });
    const headers: HeaderOverrides = [
      ...(options.subject === undefined ? [] : [['Subject', options.subject] as const]),
      ...(options.headers ?? []),
    ];
    const call = this.sip.invite({ to: uri, headers, body: bodyOf(sdp) });
    const connected = async (): Promise<Room> => {
      try {
        const dialog = await call.answered(
          options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs },
        );
        dialog.localSdp = sdp;
        const response = await call.final();
        const answer = requireMsrp(sdpOf(response), `the ${response.status} to our INVITE`);
        await this.#connect(msrp, answer, offererConnects(setup, answer.setup));
        return this.#enter(dialog, msrp, answer, response);
      } catch (error) {
        await msrp.close();
        throw error;
      }
    };
    let room: Promise<Room> | undefined;
    return {
      call,
      msrp,
      room: () => {
        room ??= connected();
        return room;
      },
    };
  }

  /** Waits for an invitation, rings, answers it, and enters the room. */
  async answerNext(options: CallOptions & { ring?: boolean } = {}): Promise<Room> {
    const invite = await this.sip.nextInvite(
      options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs },
    );
    if (options.ring !== false) invite.ring();
    return this.answer(invite, options);
  }

  /** Answers this invitation and enters the room. */
  async answer(invite: UasInvite, options: CallOptions = {}): Promise<Room> {
    const offer = requireMsrp(sdpOf(invite.request), 'the INVITE');
    const msrp = await this.#openMsrp(options.acceptTypes);
    const wish = options.setup ?? this.options.answerSetup ?? 'active';
    // No setup in the offer means that the offerer connects (RFC 4975); RFC 6135 settles the rest.
    const setup: Setup = offer.setup === 'actpass' ? wish : offer.setup === 'passive' ? 'active' : 'passive';
    const sdp = msrpSdp({
      path: msrp.path,
      ...(offer.setup === undefined ? {} : { setup }),
      ...this.#sdpExtras(options),
    });
    // Listening before the 200 leaves, because the peer may connect at once.
    if (setup === 'passive') msrp.accept(offer.path);
    const dialog = await invite.accept({
      body: sdpBody(sdp),
      ...(options.headers === undefined ? {} : { headers: options.headers }),
    });
    await this.#connect(msrp, offer, setup === 'active');
    return this.#enter(dialog, msrp, offer, invite.request);
  }

  /** Leaves what it is still in and stops. */
  async stop(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()));
    await this.sip.stop();
  }

  /** Everything that this subscriber's strict checks found wrong with what it received. */
  get violations(): string[] {
    return [...this.sip.violations, ...[...this.#sessions].flatMap((session) => session.violations)];
  }

  get rooms(): readonly Room[] {
    return [...this.#rooms];
  }

  async #openMsrp(acceptTypes: string | undefined): Promise<MsrpSession> {
    const session = await MsrpSession.open({
      name: this.name,
      host: this.options.localAddress ?? '127.0.0.1',
      listen: this.options.msrpListen ?? true,
      ...this.options.msrp,
      acceptTypes: (acceptTypes ?? this.options.acceptTypes ?? DEFAULT_ACCEPT_TYPES)
        .toLowerCase()
        .split(/\s+/),
      ...(this.options.waitMs === undefined ? {} : { waitMs: this.options.waitMs }),
      ...(this.options.onMsrpTrace === undefined ? {} : { onTrace: this.options.onMsrpTrace }),
    });
    this.#sessions.add(session);
    return session;
  }

  #sdpExtras(options: CallOptions): { acceptTypes?: string; attributes?: readonly string[] } {
    const acceptTypes = options.acceptTypes ?? this.options.acceptTypes;
    return {
      ...(acceptTypes === undefined ? {} : { acceptTypes }),
      ...(options.attributes === undefined ? {} : { attributes: options.attributes }),
    };
  }

  async #connect(msrp: MsrpSession, peer: ReadSdp, active: boolean): Promise<void> {
    if (!active) {
      msrp.accept(peer.path);
      await msrp.bound();
      return;
    }
    const status = await msrp.connect(peer.path);
    if (status !== 200)
      throw new WaitFailed(`${this.name}: the empty SEND to ${peer.path.join(' ')} got ${status}`);
  }

  #enter(dialog: Dialog, msrp: MsrpSession, peer: ReadSdp, message: SipMessage): Room {
    const contact = parseNameAddr(message.values('Contact')[0] ?? '');
    const room = new Room({
      sip: this.sip,
      dialog,
      msrp,
      peer,
      uri: contact.uri,
      isFocus: contact.params.has('isfocus'),
      ownAddress: formatNameAddr(this.uri, this.options.displayName),
      setUpBy: message,
    });
    this.#rooms.add(room);
    return room;
  }
}

function requireMsrp(sdp: ReadSdp | undefined, where: string): ReadSdp {
  if (sdp === undefined) throw new WaitFailed(`no SDP in ${where}`);
  if (sdp.path.length === 0) throw new WaitFailed(`no MSRP media with a path in ${where}`);
  return sdp;
}
