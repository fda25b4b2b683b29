/** Who gets a message, and in which forms: the checks of RFC 7701 section 6 and RFC 3862 on its CPIM head. */
import { type CpimHead, formatCpimHead, parseCpim } from '../../documents/cpim.ts';
import { ParseError } from '../../lib/errors.ts';
import { baseMediaType } from '../protocol/media-type.ts';
import { ANONYMOUS, canonicalAddress, telForm } from './address.ts';
import { AS_SENT, type Form, type FormSpec, NOT_FOR_THEM, UNWRAPPED, WRAPPED } from './chunk.ts';
import type { SwitchContext } from './context.ts';
import { COMPOSING } from './inbound.ts';
import { asBytes, IMDN, type Leg } from './leg.ts';

export interface Audience {
  readonly targets: readonly Leg[];
  readonly type: string;
  /** Type of what a CPIM message wraps; '' for none. */
  readonly innerType: string;
  readonly contentType: string;
  readonly head: CpimHead | null;
  /** For single participants, not for the room. */
  readonly isPrivate: boolean;
  /** Of no worth a moment later (RFC 3994): it goes to who is connected, and is kept for nobody. */
  readonly isMomentary: boolean;
  /** By form; filled when the first recipient needs one. */
  readonly forms: (FormSpec | null)[];
}

export const CPIM = 'message/cpim';
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['binary', '8bit', '7bit']);
const OK = 200;
const BAD_REQUEST = 400;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const TOO_LARGE = 413;
const UNSUPPORTED_TYPE = 415;
const NO_PRIVATE_MESSAGES = 428;

/** What IMDNs of an aliased sender must be, for its address in them to be found (RFC 5438: recipient-uri). */
const NOT_READABLE = 413;

/**
 * @param bytes the message, or as much as has come
 * @param isWhole nothing more of it comes
 * @returns the audience, the status of a refusal, or null when the CPIM head is not complete yet
 */
export function findAudience(
  context: SwitchContext,
  sender: Leg,
  contentType: string,
  type: string,
  bytes: Buffer,
  isWhole: boolean,
): Audience | number | null {
  if (type !== CPIM) {
    const isReport = type === IMDN && sender.aliasFrom !== '';
    if (isReport && !isWhole) return NOT_READABLE;
    const asSent = isReport ? scrubbed(sender, contentType, bytes) : { contentType, cutBytes: 0, prefix: '' };
    return {
      targets: sender.room.members,
      type,
      innerType: '',
      contentType,
      head: null,
      isPrivate: false,
      isMomentary: type === COMPOSING,
      forms: [asSent, null, null],
    };
  }
  let head: CpimHead | null;
  try {
    head = parseCpim(bytes);
  } catch (error) {
    if (error instanceof ParseError) return BAD_REQUEST;
    throw error;
  }
  if (head === null) return null;
  if (head.from === null) return BAD_REQUEST;
  if (!isOwnAddress(sender, head.from.uri)) return FORBIDDEN;
  const targets = targetsOf(context, sender, head);
  if (typeof targets === 'number') return targets;
  const innerType = head.contentType === null ? '' : baseMediaType(head.contentType);
  let asSent: FormSpec = { contentType, cutBytes: 0, prefix: '' };
  if (sender.aliasFrom !== '') {
    if (innerType === IMDN && !(isWhole && PLAIN_ENCODINGS.has(head.contentTransferEncoding ?? 'binary')))
      return NOT_READABLE;
    asSent = aliased(sender, contentType, head, bytes, innerType);
  }
  const forms = [asSent, null, null];
  const isPrivate = targets !== sender.room.members;
  return {
    targets,
    type,
    innerType,
    contentType,
    head,
    isPrivate,
    isMomentary: innerType === COMPOSING,
    forms,
  };
}

/** Why none of those whom a private message names could get it, or 200: its sender is not told that it arrived. */
export function refusalOfAll(audience: Audience, sender: Leg, bodyBytes: number): number {
  let refusal = NOT_FOUND;
  for (const leg of audience.targets) {
    if (leg === sender || !leg.mayReceive) continue;
    if (formFor(audience, leg) === NOT_FOR_THEM) refusal = UNSUPPORTED_TYPE;
    else if (bodyBytes > leg.maxSizeBytes) refusal = TOO_LARGE;
    else return OK;
  }
  return refusal;
}

/** In which form a recipient gets this message, if it can take it at all. */
export function formFor(audience: Audience, leg: Leg): Form | typeof NOT_FOR_THEM {
  const form = leg.formFor(audience.type, audience.innerType);
  if (form !== UNWRAPPED) return form;
  // Encoded content would need more than its head taken off.
  const encoding = audience.head?.contentTransferEncoding ?? 'binary';
  return PLAIN_ENCODINGS.has(encoding) ? form : NOT_FOR_THEM;
}

/** Makes sure that the audience has this form; its first chunk starts with `forms[form].prefix`. */
export function prepareForm(context: SwitchContext, sender: Leg, audience: Audience, form: Form): void {
  if (form === AS_SENT || audience.forms[form] !== null) return;
  if (form === UNWRAPPED) {
    audience.forms[UNWRAPPED] = {
      contentType: asBytes(audience.head?.contentType ?? 'text/plain'),
      cutBytes: audience.head?.contentStart ?? 0,
      prefix: '',
    };
    return;
  }
  audience.forms[WRAPPED] = {
    contentType: CPIM,
    cutBytes: 0,
    prefix: formatCpimHead({
      from: sender.shownFrom,
      to: asBytes(`<${sender.room.ownAddress}>`),
      dateTime: new Date(context.clock.nowMs()).toISOString(),
      contentType: audience.contentType,
    }),
  };
}

function isKnownAs(leg: Leg, uri: string): boolean {
  return leg.addresses.has(canonicalAddress(uri)) || leg.addresses.has(telForm(uri));
}

function isOwnAddress(leg: Leg, uri: string): boolean {
  return isKnownAs(leg, uri) || (leg.aliasFrom !== '' && canonicalAddress(uri) === ANONYMOUS);
}

function targetsOf(context: SwitchContext, sender: Leg, head: CpimHead): readonly Leg[] | number {
  const room = sender.room;
  if (head.to.length === 0) return room.members;
  const wanted: string[] = [];
  for (const to of head.to) {
    const address = canonicalAddress(to.uri);
    if (room.addresses.has(address) || address === ANONYMOUS) return room.members;
    wanted.push(address, telForm(to.uri));
  }
  if (!context.policy.privateMessages) return NO_PRIVATE_MESSAGES;
  if (sender.snapshot.mayWritePrivately === false) {
    context.counters.privateRefused++;
    return FORBIDDEN;
  }
  const found = room.members.filter((leg) => wanted.some((address) => leg.addresses.has(address)));
  return found.length === 0 ? NOT_FOUND : found;
}

/**
 * The sender's own CPIM From never leaves the switch when an alias stands for it, nor does its address in another field
 * of the head (imdn.Original-To) or in an IMDN; all else stays.
 */
function aliased(
  sender: Leg,
  contentType: string,
  head: CpimHead,
  bytes: Buffer,
  innerType: string,
): FormSpec {
  const from = head.headers.find((header) => header.name.toLowerCase() === 'from');
  if (from === undefined) throw new Error('a CPIM head without From got this far');
  const before = bytes.toString('latin1', 0, from.start);
  const end = innerType === IMDN ? bytes.length : head.contentStart;
  const after = bytes.toString('latin1', from.end, end);
  return {
    contentType,
    cutBytes: end,
    prefix: `${withAlias(sender, before)}From: ${sender.aliasFrom}${withAlias(sender, after)}`,
  };
}

/** A whole body in which the sender's address gives way to the alias. */
function scrubbed(sender: Leg, contentType: string, bytes: Buffer): FormSpec {
  return {
    contentType,
    cutBytes: bytes.length,
    prefix: withAlias(sender, bytes.toString('latin1')),
  };
}

const URIS = /\b(?:sips?|im|pres|tel):[^\s<>"',&]+/gi;

function withAlias(sender: Leg, text: string): string {
  return text.replace(URIS, (uri) => {
    const asSip = uri.replace(/^(?:im|pres|sips):/i, 'sip:');
    return isKnownAs(sender, uri) || isKnownAs(sender, asSip) ? sender.aliasUri : uri;
  });
}
