/** One participant's place in a room: what the focus said of it, and its connection while it has one. */

import { parseCpimAddress } from '../../documents/cpim.ts';
import type { LegSnapshot } from '../../switch-control/protocol.ts';
import { formatPaths } from '../protocol/encode.ts';
import { acceptsMediaType } from '../protocol/media-type.ts';
import { parseMsrpPath } from '../protocol/uri.ts';
import type { Dialling } from './active-side.ts';
import { canonicalAddress } from './address.ts';
import { Backlog, type BacklogLimits } from './backlog.ts';
import { AS_SENT, type Form, NOT_FOR_THEM, UNWRAPPED, WRAPPED } from './chunk.ts';
import type { Peer } from './peer.ts';
import type { Room } from './room.ts';
import type { Transfer } from './transfer.ts';

const CPIM = 'message/cpim';
const PLAIN = 'text/plain';
/** Answers to what the recipient itself asked for (RFC 5438): no list of types keeps them away. */
export const IMDN = 'message/imdn+xml';

export class Leg {
  readonly room: Room;
  readonly name: string;
  snapshot: LegSnapshot;
  peer: Peer | null = null;
  /** To-Path and From-Path of our own requests, while bound or dialling. */
  paths = '';
  /** To-Path and From-Path of our responses, while bound. */
  replyPaths = '';
  /** To-Path and From-Path of the request that bound this leg, as text: the next one is compared with them first. */
  boundTo = '';
  boundFrom = '';
  /** Bound before the focus knew the client's path: to be checked when it comes. */
  isProvisional = false;
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
  nickname = '';
  dialling: Dialling | null = null;
  readonly transfers = new Map<string, Transfer>();
  readonly backlog: Backlog;
  #lastType = '';
  #lastInnerType = '';
  #lastForm: Form | typeof NOT_FOR_THEM = NOT_FOR_THEM;
  #endpointSessionId: string | null = null;

  constructor(room: Room, snapshot: LegSnapshot, limits: BacklogLimits) {
    this.room = room;
    this.name = snapshot.leg;
    this.snapshot = snapshot;
    this.backlog = new Backlog(limits);
    this.update(snapshot);
  }

  get sessionId(): string {
    return this.snapshot.sessionId;
  }

  /** Session-id of the client's own URI, the rightmost of its path; null while the path is not known. */
  get endpointSessionId(): string | null {
    return this.#endpointSessionId;
  }

  update(snapshot: LegSnapshot): void {
    this.snapshot = snapshot;
    this.mayReceive = snapshot.direction === 'sendrecv' || snapshot.direction === 'recvonly';
    this.maySend = snapshot.direction === 'sendrecv' || snapshot.direction === 'sendonly';
    this.maxSizeBytes = snapshot.maxSizeBytes ?? Number.POSITIVE_INFINITY;
    const addresses = new Set(snapshot.identities.map(canonicalAddress));
    this.aliasUri = snapshot.alias === undefined ? '' : parseCpimAddress(snapshot.alias).uri;
    if (this.aliasUri !== '') addresses.add(canonicalAddress(this.aliasUri));
    this.addresses = addresses;
    this.aliasFrom = snapshot.alias === undefined ? '' : asBytes(snapshot.alias);
    this.shownFrom = this.aliasFrom === '' ? asBytes(plainFrom(snapshot)) : this.aliasFrom;
    this.#endpointSessionId =
      snapshot.path === undefined ? null : (parseMsrpPath(snapshot.path.join(' ')).at(-1)?.sessionId ?? null);
    this.#lastType = '';
  }

  bind(peer: Peer, toPath: string, fromPath: string): void {
    this.peer = peer;
    this.boundTo = toPath;
    this.boundFrom = fromPath;
    this.paths = formatPaths(fromPath, toPath);
    this.replyPaths = formatReplyPaths(toPath, fromPath);
    this.isProvisional = this.#endpointSessionId === null;
  }

  unbind(): void {
    this.peer = null;
    this.boundTo = '';
    this.boundFrom = '';
    this.isProvisional = false;
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
      return innerType === PLAIN && acceptsMediaType(accepts, PLAIN) ? UNWRAPPED : NOT_FOR_THEM;
    }
    if (acceptsMediaType(accepts, type)) return AS_SENT;
    if (type === PLAIN && acceptsMediaType(accepts, CPIM) && this.#takesWrapped(PLAIN)) return WRAPPED;
    return NOT_FOR_THEM;
  }

  #takesWrapped(innerType: string): boolean {
    const wrapped = this.snapshot.acceptWrappedTypes;
    if (wrapped.length === 0 || innerType === '' || innerType === IMDN) return true;
    return acceptsMediaType(wrapped, innerType) || acceptsMediaType(this.snapshot.acceptTypes, innerType);
  }
}

/** A response goes to the nearest hop only (RFC 4975 section 7.2). */
export function formatReplyPaths(toPath: string, fromPath: string): string {
  const space = fromPath.indexOf(' ');
  return formatPaths(space < 0 ? fromPath : fromPath.slice(0, space), toPath);
}

function plainFrom(snapshot: LegSnapshot): string {
  const uri = snapshot.identities[0] as string;
  if (snapshot.displayName === undefined) return `<${uri}>`;
  return `"${snapshot.displayName.replace(/["\\]/g, '\\$&').replace(/[\r\n]/g, ' ')}" <${uri}>`;
}

/** UTF-8 as text with one character a byte, the form in which frames are put together. */
export function asBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
