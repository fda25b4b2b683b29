/** One participant's place in a room: what the focus said of it, and its connection while it has one. */

import { parseCpimAddress } from '../../documents/cpim.ts';
import type { LegSnapshot } from '../../switch-control/protocol.ts';
import { formatOk, formatPaths } from '../protocol/encode.ts';
import { acceptsMediaType } from '../protocol/media-type.ts';
import { parseMsrpPath } from '../protocol/uri.ts';
import type { Dialling } from './active-side.ts';
import { canonicalAddress } from './address.ts';
import { Allowance } from './allowance.ts';
import { Backlog, type BacklogLimits } from './backlog.ts';
import { AS_SENT, type Form, NOT_FOR_THEM, UNWRAPPED, WRAPPED } from './chunk.ts';
import { COMPOSING } from './inbound.ts';
import type { Peer } from './peer.ts';
import type { Room } from './room.ts';
import type { Transfer } from './transfer.ts';

const CPIM = 'message/cpim';
const PLAIN = 'text/plain';
const NOTHING = Buffer.alloc(0);
/** Answers to what the recipient itself asked for (RFC 5438): no list of types keeps them away. */
export const IMDN = 'message/imdn+xml';

export class Leg {
  readonly room: Room;
  readonly name: string;
  snapshot: LegSnapshot;
  peer: Peer | null = null;
  /** To-Path and From-Path of our own requests, while bound: what is its own in a SEND to many. */
  pathBytes = NOTHING;
  /** What stands between the two transaction ids of a response to it when all is well, while bound. */
  okBytes = NOTHING;
  /** To-Path and From-Path of the request that bound this leg, as text: the next one is compared with them first. */
  boundTo = '';
  boundFrom = '';
  /** Bound before the focus knew the client's path: to be checked when it comes. */
  isProvisional = false;
  /** On a connection that we opened. */
  isDialled = false;
  mayReceive = true;
  maySend = true;
  maxSizeBytes = Number.POSITIVE_INFINITY;
  /** Canonical addresses that are this participant. */
  addresses: ReadonlySet<string> = new Set();
  /** What others see in CPIM From when the switch writes it; one character a byte. */
  shownFrom = '';
  /** The same when an alias replaces what the sender wrote, else empty. */
  aliasFrom = '';
  aliasUri = '';
  messagesIn = 0;
  messagesOut = 0;
  /** Of content, as received; of frames, as sent. */
  bytesIn = 0;
  bytesOut = 0;
  /** Reserved in the room, as names are compared. */
  nickname = '';
  #nicknameShown = '';
  dialling: Dialling | null = null;
  readonly transfers = new Map<string, Transfer>();
  readonly backlog: Backlog;
  readonly allowance = new Allowance();
  #lastType = '';
  #lastInnerType = '';
  #lastForm: Form | typeof NOT_FOR_THEM = NOT_FOR_THEM;
  #endpointSessionId: string | null = null;

  constructor(room: Room, snapshot: LegSnapshot, limits: BacklogLimits) {
    this.room = room;
    this.name = snapshot.leg;
    this.snapshot = snapshot;
    this.backlog = new Backlog(limits, (transfer) => transfer.stopFor(this));
    this.update(snapshot);
  }

  get sessionId(): string {
    return this.snapshot.sessionId;
  }

  /** Whether it is in the room: who has not answered its invitation yet is not, and what is said before is not for it. */
  get isIn(): boolean {
    return this.#endpointSessionId !== null || this.snapshot.isMoving === true;
  }

  /** Session-id of the client's own URI, the rightmost of its path; null while the path is not known. */
  get endpointSessionId(): string | null {
    return this.#endpointSessionId;
  }

  update(snapshot: LegSnapshot): void {
    this.snapshot = snapshot;
    this.mayReceive = snapshot.direction === 'sendrecv' || snapshot.direction === 'recvonly';
    this.maySend =
      snapshot.muted !== true && (snapshot.direction === 'sendrecv' || snapshot.direction === 'sendonly');
    this.maxSizeBytes = snapshot.maxSizeBytes ?? Number.POSITIVE_INFINITY;
    const addresses = new Set(snapshot.identities.map(canonicalAddress));
    this.aliasUri = snapshot.alias === undefined ? '' : parseCpimAddress(snapshot.alias).uri;
    if (this.aliasUri !== '') addresses.add(canonicalAddress(this.aliasUri));
    this.addresses = addresses;
    this.aliasFrom = snapshot.alias === undefined ? '' : asBytes(snapshot.alias);
    this.#showFrom();
    this.#endpointSessionId =
      snapshot.path === undefined ? null : (parseMsrpPath(snapshot.path.join(' ')).at(-1)?.sessionId ?? null);
    this.#lastType = '';
  }

  /** The nickname that stands for the display name where the switch says who speaks; '' for none (RFC 7701 section 7). */
  showNickname(nickname: string): void {
    this.#nicknameShown = nickname;
    this.#showFrom();
  }

  /** As it was given; '' for none. */
  get shownNickname(): string {
    return this.#nicknameShown;
  }

  #showFrom(): void {
    this.shownFrom =
      this.aliasFrom === '' ? asBytes(plainFrom(this.snapshot, this.#nicknameShown)) : this.aliasFrom;
  }

  bind(peer: Peer, toPath: string, fromPath: string): void {
    this.peer = peer;
    this.boundTo = toPath;
    this.boundFrom = fromPath;
    const paths = formatPaths(fromPath, toPath);
    const ok = formatOk(toPath, fromPath);
    // Not of a pool: they stay, and would hold on to what else is in there.
    const lines = Buffer.allocUnsafeSlow(paths.length + ok.length);
    lines.write(paths + ok, 'latin1');
    this.pathBytes = lines.subarray(0, paths.length);
    this.okBytes = lines.subarray(paths.length);
    this.isProvisional = this.#endpointSessionId === null;
    this.isDialled = false;
  }

  unbind(): void {
    this.peer = null;
    this.boundTo = '';
    this.boundFrom = '';
    this.isProvisional = false;
  }

  /**
   * We connected to the relay of this client (RFC 4976). Relays do not all answer on the same connection: what the client sends may come
   * on one that its relay opens.
   */
  get isBehindDialledRelay(): boolean {
    return this.isDialled && (this.snapshot.path?.length ?? 0) > 1;
  }

  /** Whether a From-Path is this client's: the session-id of its last URI tells (RFC 6714 section 5). */
  isFrom(fromPath: string): boolean {
    const sessionId = parseMsrpPath(fromPath).at(-1)?.sessionId ?? '';
    return this.#endpointSessionId === null ? sessionId !== '' : sessionId === this.#endpointSessionId;
  }

  /** In which form this client can take content of a type, wrapping a type ('' for none). */
  formFor(type: string, innerType: string): Form | typeof NOT_FOR_THEM {
    if (type !== this.#lastType || innerType !== this.#lastInnerType) {
      this.#lastType = type;
      this.#lastInnerType = innerType;
      this.#lastForm = this.#chooseForm(type, innerType);
    }
    return this.#lastForm;
  }

  #chooseForm(type: string, innerType: string): Form | typeof NOT_FOR_THEM {
    const accepts = this.snapshot.acceptTypes;
    if (type === CPIM) {
      if (acceptsMediaType(accepts, CPIM)) return this.#takesWrapped(innerType) ? AS_SENT : NOT_FOR_THEM;
      // A report without its head would be about nothing.
      const isBare = innerType !== '' && innerType !== IMDN && acceptsMediaType(accepts, innerType);
      return isBare ? UNWRAPPED : NOT_FOR_THEM;
    }
    const { acceptWrappedTypes } = this.snapshot;
    const mayWrap = type === PLAIN ? this.#takesWrapped(PLAIN) : acceptsMediaType(acceptWrappedTypes, type);
    // Without a CPIM head nobody could tell who speaks, or types: who lists both types gets the one with an author.
    const prefersCpim = (type === PLAIN || type === COMPOSING) && accepts.includes(CPIM) && mayWrap;
    if (acceptsMediaType(accepts, type) && !prefersCpim) return AS_SENT;
    return mayWrap && acceptsMediaType(accepts, CPIM) ? WRAPPED : NOT_FOR_THEM;
  }

  #takesWrapped(innerType: string): boolean {
    const wrapped = this.snapshot.acceptWrappedTypes;
    if (wrapped.length === 0 || innerType === '' || innerType === IMDN) return true;
    return acceptsMediaType(wrapped, innerType) || acceptsMediaType(this.snapshot.acceptTypes, innerType);
  }
}

function plainFrom({ identities, displayName }: LegSnapshot, nickname: string): string {
  const uri = identities[0] as string;
  const name = nickname === '' ? displayName : nickname;
  if (name === undefined) return `<${uri}>`;
  return `"${name.replace(/["\\]/g, '\\$&').replace(/[\r\n]/g, ' ')}" <${uri}>`;
}

/** UTF-8 as text with one character a byte, the form in which frames are put together. */
export function asBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
