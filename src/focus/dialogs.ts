/** Dialogs of the focus (RFC 3261 section 12): made from requests and responses, used for requests of ours. */
import { header, listHeader, type SipRequest, type SipResponse } from '../sip/message.ts';
import { formatNameAddr, parseNameAddr } from '../sip/name-addr.ts';
import type { Dialog } from './conference.ts';
import type { HeaderLine } from './decision.ts';
import type { RequestOrigin } from './world.ts';

/** The dialog that our answer to this request makes: Record-Route in the order received (section 12.1.1). */
export function dialogFromRequest(request: SipRequest, origin: RequestOrigin, localTag: string): Dialog {
  const from = parseNameAddr(header(request, 'from') ?? '');
  return {
    callId: header(request, 'call-id') ?? '',
    localTag,
    remoteTag: from.params.get('tag') ?? '',
    local: withoutTag(header(request, 'to') ?? ''),
    remote: withoutTag(header(request, 'from') ?? ''),
    target: contactUri(request) ?? from.uri,
    routeSet: listHeader(request, 'record-route'),
    localCSeq: 0,
    remoteCSeq: cseqNumber(request),
    kam: origin.transaction.kam,
    flow: origin.src,
  };
}

/** What the peer's 2xx settles in a dialog that we asked for: tag, target, reversed Record-Route (section 12.1.2). */
export function dialogFromResponse(dialog: Dialog, response: SipResponse): Dialog {
  return {
    ...dialog,
    remoteTag: remoteTag(response),
    target: contactUri(response) ?? dialog.target,
    routeSet: listHeader(response, 'record-route').reverse(),
  };
}

export function remoteTag(response: SipResponse): string {
  return parseNameAddr(header(response, 'to') ?? '').params.get('tag') ?? '';
}

export function contactUri(message: SipRequest | SipResponse): string | undefined {
  const contact = listHeader(message, 'contact')[0];
  return contact === undefined || contact === '*' ? undefined : parseNameAddr(contact).uri;
}

export function cseqNumber(message: SipRequest | SipResponse): number {
  return Number.parseInt(header(message, 'cseq') ?? '0', 10);
}

export function cseqMethod(message: SipRequest | SipResponse): string {
  return (header(message, 'cseq') ?? '').trim().split(/\s+/)[1] ?? '';
}

function withoutTag(value: string): string {
  const { displayName, uri } = parseNameAddr(value);
  return formatNameAddr({ ...(displayName === undefined ? {} : { displayName }), uri, params: new Map() });
}

export interface InDialogRequest {
  readonly requestUri: string;
  /** The first route, or the peer's own flow when there is no route (RFC 3581, RFC 5923: the way back through NAT). */
  readonly nextHop: string;
  readonly headers: readonly HeaderLine[];
}

/** Start line and dialog header fields of a request of ours; the routes are loose (RFC 3261 section 16.12). */
export function inDialog(dialog: Dialog, method: string, cseq: number): InDialogRequest {
  const firstRoute = dialog.routeSet[0];
  return {
    requestUri: dialog.target,
    nextHop: firstRoute === undefined ? flowUri(dialog) : parseNameAddr(firstRoute).uri,
    headers: [
      ['From', `${dialog.local};tag=${dialog.localTag}`],
      ['To', dialog.remoteTag === '' ? dialog.remote : `${dialog.remote};tag=${dialog.remoteTag}`],
      ['Call-ID', dialog.callId],
      ['CSeq', `${cseq} ${method}`],
      ...dialog.routeSet.map((route) => ['Route', route] as const),
    ],
  };
}

function flowUri(dialog: Dialog): string {
  if (dialog.flow === undefined) return dialog.target;
  const [transport = 'udp', ...address] = dialog.flow.split(':');
  return `sip:${address.join(':')};transport=${transport}`;
}
