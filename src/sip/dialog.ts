import { ParseError } from '../lib/errors.ts';
import { firstContact } from './contact.ts';
import { formatCSeq, parseCSeq } from './cseq.ts';
import { listHeader, requiredHeader, type SipMessage, type SipRequest, type SipResponse } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { formatUri, parseUri } from './uri.ts';

/** Dialog state (RFC 3261 12). Plain data: the focus keeps it in a row, and every function here gives a new value. */
export interface SipDialog {
  readonly callId: string;
  readonly localTag: string;
  /** Empty for a peer of RFC 2543 that sent no tag. */
  readonly remoteTag: string;
  readonly localUri: string;
  readonly remoteUri: string;
  /** The peer's Contact URI. */
  readonly remoteTarget: string;
  /** Route values as name-addr text (`<sip:p;lr>`), first hop first. */
  readonly routeSet: readonly string[];
  /** Number of the last request we sent; 0 before the first. */
  readonly localCSeq: number;
  readonly remoteCSeq?: number;
}

/**
 * The dialog that our answer with `localTag` makes (RFC 3261 12.1.1): Record-Route in the order received.
 * Throws SIP_MISSING_HEADER (no Contact included), SIP_BAD_NAME_ADDR, SIP_BAD_FIELD.
 */
export function dialogFromUas(request: SipRequest, localTag: string): SipDialog {
  const from = parseNameAddr(requiredHeader(request, 'From'));
  return {
    callId: requiredHeader(request, 'Call-ID'),
    localTag,
    remoteTag: from.params.get('tag') ?? '',
    localUri: parseNameAddr(requiredHeader(request, 'To')).uri,
    remoteUri: from.uri,
    remoteTarget: contactUri(request),
    routeSet: listHeader(request, 'Record-Route'),
    localCSeq: 0,
    remoteCSeq: parseCSeq(requiredHeader(request, 'CSeq')).number,
  };
}

/** What we put into the request that asks for a dialog. */
export interface SentRequest {
  readonly callId: string;
  readonly localTag: string;
  readonly localUri: string;
  readonly remoteUri: string;
  readonly cseq: number;
}

/**
 * The dialog that a response to our request makes (RFC 3261 12.1.2): Record-Route reversed. Taken anew from the 2xx
 * where a provisional made an early dialog (13.2.2.4). Throws SIP_MISSING_HEADER, SIP_BAD_NAME_ADDR.
 */
export function dialogFromUac(sent: SentRequest, response: SipResponse): SipDialog {
  return {
    callId: sent.callId,
    localTag: sent.localTag,
    remoteTag: parseNameAddr(requiredHeader(response, 'To')).params.get('tag') ?? '',
    localUri: sent.localUri,
    remoteUri: sent.remoteUri,
    remoteTarget: contactUri(response),
    routeSet: listHeader(response, 'Record-Route').reverse(),
    localCSeq: sent.cseq,
  };
}

/** What identifies a dialog in one string; spaces cannot stand in a Call-ID or a tag. */
export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId} ${localTag} ${remoteTag}`;
}

/**
 * The key of the dialog that a received message belongs to, `undefined` when it has no tag of ours.
 * Throws SIP_MISSING_HEADER, SIP_BAD_NAME_ADDR.
 */
export function dialogKeyOf(message: SipMessage): string | undefined {
  const fromTag = parseNameAddr(requiredHeader(message, 'From')).params.get('tag');
  const toTag = parseNameAddr(requiredHeader(message, 'To')).params.get('tag');
  const [localTag, remoteTag] = message.kind === 'request' ? [toTag, fromTag] : [fromTag, toTag];
  return localTag === undefined
    ? undefined
    : dialogKey(requiredHeader(message, 'Call-ID'), localTag, remoteTag ?? '');
}

export interface InDialogRequest {
  /** The dialog with its new number: keep it before the request leaves. */
  readonly dialog: SipDialog;
  readonly method: string;
  readonly requestUri: string;
  /** URI to send to: the first route, else the target. A flow behind NAT is the caller's to put here. */
  readonly nextHop: string;
  /** From, To, Call-ID, CSeq and the Route fields, in this order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/**
 * A request of ours in the dialog (RFC 3261 12.2.1.1). The number goes up by one; `cseq` gives it instead for the
 * ACK of that number (which leaves the dialog's number alone) or to go past a request of unknown fate.
 * Throws SIP_BAD_URI or SIP_BAD_NAME_ADDR when a stored route or target is none.
 */
export function inDialogRequest(
  dialog: SipDialog,
  method: string,
  cseq = dialog.localCSeq + 1,
): InDialogRequest {
  const { requestUri, nextHop, routes } = routing(dialog);
  return {
    dialog: { ...dialog, localCSeq: Math.max(dialog.localCSeq, cseq) },
    method,
    requestUri,
    nextHop,
    headers: [
      ['From', withTag(dialog.localUri, dialog.localTag)],
      ['To', withTag(dialog.remoteUri, dialog.remoteTag)],
      ['Call-ID', dialog.callId],
      ['CSeq', formatCSeq({ number: cseq, method })],
      ...routes.map((route) => ['Route', route] as const),
    ],
  };
}

function routing(dialog: SipDialog): { requestUri: string; nextHop: string; routes: readonly string[] } {
  const first = dialog.routeSet[0];
  if (first === undefined)
    return { requestUri: dialog.remoteTarget, nextHop: dialog.remoteTarget, routes: [] };
  const firstUri = parseNameAddr(first).uri;
  const parsed = parseUri(firstUri);
  if (parsed.params.has('lr'))
    return { requestUri: dialog.remoteTarget, nextHop: firstUri, routes: dialog.routeSet };
  // A strict router wants itself in the Request-URI, without what may not stand there, and the target as last route.
  const params = new Map(parsed.params);
  params.delete('method');
  const requestUri = formatUri({ ...parsed, params, headers: new Map() });
  return {
    requestUri,
    nextHop: requestUri,
    routes: [...dialog.routeSet.slice(1), `<${dialog.remoteTarget}>`],
  };
}

export type Arrival =
  | { readonly outcome: 'in-order'; readonly dialog: SipDialog }
  /** To be answered 500 (RFC 3261 12.2.2). */
  | { readonly outcome: 'out-of-order' };

/**
 * A request of the peer in the dialog: its number must exceed the last, and a target refresh request moves the
 * target. ACK and CANCEL carry the number of their INVITE and are always in order. Throws as `dialogFromUas`.
 */
export function receiveInDialog(dialog: SipDialog, request: SipRequest): Arrival {
  if (request.method === 'ACK' || request.method === 'CANCEL') return { outcome: 'in-order', dialog };
  const { number } = parseCSeq(requiredHeader(request, 'CSeq'));
  if (dialog.remoteCSeq !== undefined && number <= dialog.remoteCSeq) return { outcome: 'out-of-order' };
  return {
    outcome: 'in-order',
    dialog: refreshTarget({ ...dialog, remoteCSeq: number }, request.method, request),
  };
}

/** Methods whose Contact moves the target (RFC 3261, 3311, 6665). */
const TARGET_REFRESH = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER']);

/** Takes the target from a target refresh request, or from a 2xx to one of that `method`; without Contact nothing moves. */
export function refreshTarget(dialog: SipDialog, method: string, message: SipMessage): SipDialog {
  const isRefused = message.kind === 'response' && (message.status < 200 || message.status > 299);
  if (isRefused || !TARGET_REFRESH.has(method)) return dialog;
  const contact = firstContact(message);
  return contact === undefined ? dialog : { ...dialog, remoteTarget: contact.uri };
}

function contactUri(message: SipMessage): string {
  const contact = firstContact(message);
  if (contact === undefined) throw new ParseError('SIP_MISSING_HEADER', 'no Contact header field');
  return contact.uri;
}

function withTag(uri: string, tag: string): string {
  return tag === '' ? `<${uri}>` : `<${uri}>;tag=${tag}`;
}
