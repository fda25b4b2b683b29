/** A chat as one of its members has it: say, hear, watch who is there, leave. */

import type { MsrpSession } from './msrp/session.ts';
import type { ReceivedMessage, SendOptions } from './msrp/session-types.ts';
import { Roster } from './roster.ts';
import { type ReadSdp, sdpBody, sdpOf } from './sdp.ts';
import type { SipAgent } from './sip/agent.ts';
import type { Dialog } from './sip/dialog.ts';
import { parseNameAddr } from './sip/header-values.ts';
import type { SipMessage } from './sip/message.ts';
import type { Answer, ReceivedRequest } from './sip/received-request.ts';
import { DEFAULT_WAIT_MS, Mailbox, type WaitOptions } from './waiting.ts';

export interface RoomParts {
  readonly sip: SipAgent;
  readonly dialog: Dialog;
  readonly msrp: MsrpSession;
  /** The other side's SDP. */
  readonly peer: ReadSdp;
  /** The peer's Contact: the IM Session Identity when it is a focus. */
  readonly uri: string;
  readonly isFocus: boolean;
  /** Our name-addr for CPIM From. */
  readonly ownAddress: string;
  /** The 200 (when we called) or the INVITE (when we were invited). */
  readonly setUpBy: SipMessage;
}

export interface Heard {
  /** URI of CPIM From; without CPIM the MSRP From-Path. */
  readonly from: string;
  /** Display name of CPIM From, '' if none. */
  readonly name: string;
  readonly text: string;
  readonly message: ReceivedMessage;
}

export class Room {
  readonly dialog: Dialog;
  readonly msrp: MsrpSession;
  readonly uri: string;
  readonly isFocus: boolean;
  readonly peer: ReadSdp;
  readonly setUpBy: SipMessage;
  readonly #sip: SipAgent;
  readonly #ownAddress: string;
  readonly #moves: Mailbox<number>;

  constructor(parts: RoomParts) {
    this.#sip = parts.sip;
    this.dialog = parts.dialog;
    this.msrp = parts.msrp;
    this.uri = parts.uri;
    this.isFocus = parts.isFocus;
    this.peer = parts.peer;
    this.setUpBy = parts.setUpBy;
    this.#ownAddress = parts.ownAddress;
    this.#moves = new Mailbox({
      describe: (status) => `bound with ${status}`,
      seen: () => this.msrp.tail(),
      defaultTimeoutMs: parts.sip.options.waitMs ?? DEFAULT_WAIT_MS,
    });
    this.dialog.onRequest = (received) => this.#answerOffer(received);
  }

  /**
   * Sends text, in message/cpim when the other side takes it. `to` (a URI or name-addr) makes it private. Resolves
   * with the MSRP status.
   */
  say(text: string, options: SendOptions & { to?: string } = {}): Promise<number> {
    const { to, ...rest } = options;
    const types = this.peer.acceptTypes;
    const wraps = options.cpim !== undefined || types.includes('message/cpim') || types.includes('*');
    if (!wraps) return this.msrp.send(text, rest);
    return this.msrp.send(text, { cpim: { from: this.#ownAddress, to: to ?? this.uri }, ...rest });
  }

  /** The next message from anybody in the room. */
  async hear(options: WaitOptions = {}): Promise<Heard> {
    const message = await this.msrp.nextMessage(options);
    const cpim = message.cpim;
    const name = cpim === undefined ? '' : parseNameAddr(cpim.from).displayName;
    return { from: cpim?.fromUri ?? message.from, name, text: message.text, message };
  }

  /** BYE, then the MSRP connection is closed; resolves with the answer to the BYE. */
  async leave(): Promise<SipMessage> {
    const response = await this.dialog.bye();
    await this.msrp.close();
    return response;
  }

  /** Subscribes to the conference package at the room's URI. A refusal rejects. */
  async watch(options: { expiresS?: number } & WaitOptions = {}): Promise<Roster> {
    const subscription = await this.#sip.subscribe({
      ...options,
      to: this.uri,
      event: 'conference',
      accept: 'application/conference-info+xml',
    });
    return new Roster(subscription);
  }

  /** Waits until an offer of the peer has moved our MSRP connection; resolves with the status of the new binding. */
  nextMove(options: WaitOptions = {}): Promise<number> {
    return this.#moves.take('an offer that moves the MSRP connection', options);
  }

  /** A re-INVITE or UPDATE with another path (a session that moves to another switch): answer, then follow it. */
  #answerOffer(received: ReceivedRequest): Answer | undefined {
    if (received.method !== 'INVITE' && received.method !== 'UPDATE') return undefined;
    const offer = sdpOf(received.request);
    const own = this.dialog.localSdp;
    if (own === undefined || offer === undefined || offer.path.length === 0) return undefined;
    const active = offer.setup === 'actpass' || offer.setup === 'passive';
    // An answer is active or passive, even where our last SDP was an offer of actpass (RFC 6135).
    const roled = own.replace(/^a=setup:.*$/m, `a=setup:${active ? 'active' : 'passive'}`);
    const version = (line: string): string =>
      line.replace(/ (\d+) IN /, (_, old) => ` ${Number(old) + 1} IN `);
    const answer = roled === own ? own : roled.replace(/^o=.*$/m, version);
    this.dialog.localSdp = answer;
    if (offer.path.join(' ') === this.msrp.remotePath.join(' '))
      return { status: 200, body: sdpBody(answer) };
    this.msrp.drop({ readsOn: true });
    const moved = active ? this.msrp.connect(offer.path) : this.#awaitPeer(offer.path);
    moved.then(
      (status) => this.#moves.put(status),
      (error: Error) => this.#moves.close(error),
    );
    return { status: 200, body: sdpBody(answer) };
  }

  async #awaitPeer(path: readonly string[]): Promise<number> {
    this.msrp.accept(path);
    await this.msrp.bound();
    return 200;
  }

  /** Resolves when a BYE ended the dialog, with who sent it. */
  get ended(): Promise<'local' | 'remote'> {
    return this.dialog.ended;
  }
}
