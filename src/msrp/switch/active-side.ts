/** Connecting to a client that answered as the passive side (RFC 6135), and binding with a SEND without content. */
import { formatPaths } from '../protocol/encode.ts';
import { parseMsrpUri } from '../protocol/uri.ts';
import { OUR_OWN } from '../transport/address-limits.ts';
import type { CloseReason } from '../transport/connection.ts';
import { type DialTarget, dial, isDialable } from '../transport/dialler.ts';
import { StreamLink } from '../transport/link.ts';
import { LocalLink } from '../transport/local-link.ts';
import { bindLeg, flushBacklog } from './binding.ts';
import type { SwitchContext } from './context.ts';
import type { Leg } from './leg.ts';
import { adoptLink, type Peer } from './peer.ts';

const OK = 200;
const DEFAULT_PORT = 2855;

export class Dialling {
  peer: Peer | null = null;
  readonly #context: SwitchContext;
  readonly #leg: Leg;
  readonly #path: readonly string[];
  readonly #targets: readonly DialTarget[];
  readonly #isLocal: boolean;
  #attempts = 0;
  #cancelDial: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isOver = false;

  constructor(context: SwitchContext, leg: Leg, path: readonly string[]) {
    this.#context = context;
    this.#leg = leg;
    this.#path = path;
    const uri = parseMsrpUri(path[0] as string);
    const { snapshot } = leg;
    const addresses = snapshot.dial ?? [{ host: uri.host, port: uri.port < 0 ? DEFAULT_PORT : uri.port }];
    this.#isLocal = context.local?.isLocal(uri.host) === true;
    this.#targets = addresses
      .map(({ host, port }) => ({
        host,
        port,
        isSecure: uri.secure || snapshot.tls,
        fingerprint: snapshot.fingerprint,
      }))
      .filter(isDialable);
  }

  start(): void {
    if (this.#isLocal) this.#timer = setTimeout(() => this.#openLocal(), 0);
    else if (this.#targets.length > 0) this.#attempt();
    // The reply to the command goes first.
    else this.#timer = setTimeout(() => this.#guarded(() => this.#giveUp('unreachable')), 0);
  }

  /** The leg is bound, on the connection being opened or on another. */
  settle(peer: Peer): void {
    if (this.peer === peer) this.#finish();
    else this.cancel();
  }

  /** The leg is bound otherwise, or gone. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelDial?.();
    if (this.#timer !== null) clearTimeout(this.#timer);
    const peer = this.peer;
    this.peer = null;
    if (peer !== null && peer.legs.size === 0) peer.connection.destroy('closed');
  }

  /** Nothing is dialled for a host in this process, whatever else stands in the SDP. */
  #openLocal(): void {
    const path = this.#path[0] as string;
    const line = this.#context.local?.open(path);
    if (line === undefined) {
      this.#giveUp('unreachable');
      return;
    }
    this.#attempts = this.#context.limits.dialAttempts;
    const link = new LocalLink(line, this.#leg.snapshot.tls);
    this.#bind(adoptLink(this.#context, link, OUR_OWN));
  }

  #attempt(): void {
    // Turn by turn where there are two.
    const target = this.#targets[this.#attempts % this.#targets.length] as DialTarget;
    this.#attempts++;
    const { limits, identity } = this.#context;
    this.#cancelDial = dial(target, limits.dialTimeoutMs, identity, {
      onConnected: ({ socket, reads }) =>
        this.#guarded(() => this.#bind(adoptLink(this.#context, new StreamLink(socket, reads), OUR_OWN))),
      onFailed: () => this.#guarded(() => this.#retry('unreachable')),
    });
  }

  #bind(peer: Peer): void {
    const context = this.#context;
    const leg = this.#leg;
    this.peer = peer;
    const fromPath = this.#path.join(' ');
    const toPath = context.uriOf(leg.sessionId, leg.snapshot.tls);
    peer.onGone = () => this.#guarded(() => this.#lost(peer));
    peer.onBindAnswer = (status) => {
      peer.onBindAnswer = null;
      peer.onGone = null;
      if (this.#isOver) return;
      if (status !== OK) {
        this.peer = null;
        peer.connection.destroy('peer-refused');
        this.#giveUp('peer-refused');
        return;
      }
      this.#finish();
      bindLeg(context, leg, peer, toPath, fromPath);
      leg.isDialled = true;
      flushBacklog(context, leg);
    };
    this.#timer = setTimeout(() => peer.connection.destroy('stalled'), context.limits.dialTimeoutMs);
    peer.bindNumber = peer.sendEmpty(formatPaths(fromPath, toPath));
  }

  #lost(peer: Peer): void {
    peer.onGone = null;
    peer.onBindAnswer = null;
    if (this.#isOver || this.peer !== peer) return;
    this.peer = null;
    this.#retry('unreachable');
  }

  #retry(reason: CloseReason): void {
    if (this.#isOver) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const { limits } = this.#context;
    if (this.#attempts >= limits.dialAttempts) {
      this.#giveUp(reason);
      return;
    }
    const waitMs = limits.dialBackoffMs * 2 ** (this.#attempts - 1);
    this.#timer = setTimeout(() => this.#guarded(() => this.#attempt()), waitMs);
  }

  #guarded(step: () => void): void {
    this.#context.guarded(this.#leg.room.name, step);
  }

  #finish(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #giveUp(reason: CloseReason): void {
    if (this.#isOver) return;
    this.#finish();
    const leg = this.#leg;
    if (leg.dialling === this) leg.dialling = null;
    if (leg.peer !== null) return;
    this.#context.emit({
      op: 'leg.unbound',
      session: leg.room.name,
      leg: leg.name,
      reason,
      messagesIn: leg.messagesIn,
      messagesOut: leg.messagesOut,
    });
  }
}

/** Starts connecting when the leg's snapshot asks for it and nothing is there yet. */
export function dialIfActive(context: SwitchContext, leg: Leg): void {
  const { role, path } = leg.snapshot;
  if (role !== 'active' || path === undefined || leg.peer !== null || leg.dialling !== null) return;
  leg.dialling = new Dialling(context, leg, path);
  leg.dialling.start();
}
