/** Dialogs of the focus: the arithmetic of RFC 3261 section 12 (src/sip/dialog.ts), with the way back through NAT. */
import { ParseError } from '../lib/errors.ts';
import { firstContact } from '../sip/contact.ts';
import { parseCSeq } from '../sip/cseq.ts';
import { dialogFromUac, dialogFromUas, inDialogRequest } from '../sip/dialog.ts';
import {
  listHeader,
  requiredHeader,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../sip/message.ts';
import { parseNameAddr, tagOf } from '../sip/name-addr.ts';
import { parseUri } from '../sip/uri.ts';
import type { Dialog } from './conference.ts';
import type { HeaderLine } from './decision.ts';
import type { RequestOrigin } from './world.ts';

/** The dialog that our answer to this request makes. @throws ParseError */
export function dialogFromRequest(request: SipRequest, origin: RequestOrigin, localTag: string): Dialog {
  newTarget(request);
  return usable({ ...dialogFromUas(request, localTag), kam: origin.transaction.kam, flow: origin.src });
}

/**
 * What the peer's 2xx settles in a dialog that we asked for: tag, target, route set. A 2xx without the Contact it must
 * have leaves the target where it was, so that its sender can still be sent a BYE. @throws ParseError
 */
export function dialogFromResponse(dialog: Dialog, response: SipResponse): Dialog {
  const complete =
    firstContact(response) === undefined
      ? {
          ...response,
          headers: [...response.headers, { name: 'Contact', value: `<${dialog.remoteTarget}>` }],
        }
      : response;
  return usable({ ...dialog, ...dialogFromUac({ ...dialog, cseq: dialog.localCSeq }, complete) });
}

/** Refuses at once what would fail later, when somebody else's decision sends a request in this dialog. */
function usable(dialog: Dialog): Dialog {
  for (const route of dialog.routeSet) parseUri(parseNameAddr(route).uri);
  parseUri(dialog.remoteTarget);
  return dialog;
}

export function remoteTag(response: SipResponse): string {
  return tagOf(requiredHeader(response, 'To')) ?? '';
}

/** The target stands in every request of the dialog, and in the store. */
const MAX_TARGET_CHARACTERS = 1_024;

/**
 * Where a request has us send what follows in its dialog; undefined without a Contact. Only a SIP URI without header
 * fields can become a Request-URI (RFC 3261 sections 8.1.1.8 and 19.1.1). @throws ParseError
 */
export function newTarget(request: SipRequest): string | undefined {
  if (listHeader(request, 'Contact').includes('*'))
    throw new ParseError('SIP_BAD_FIELD', 'Contact: * is for REGISTER alone');
  const uri = firstContact(request)?.uri;
  if (uri === undefined) return undefined;
  if (uri.length > MAX_TARGET_CHARACTERS)
    throw new ParseError('SIP_TOO_LARGE', 'the URI in Contact is too long');
  const { scheme, headers } = parseUri(uri);
  if (!/^sips?$/.test(scheme) || headers.size > 0)
    throw new ParseError('SIP_BAD_URI', 'Contact is no SIP URI to send requests to', 0, uri);
  return uri;
}

export function cseqNumber(message: SipMessage): number {
  return parseCSeq(requiredHeader(message, 'CSeq')).number;
}

export function cseqMethod(message: SipMessage): string {
  return parseCSeq(requiredHeader(message, 'CSeq')).method;
}

export interface InDialogRequest {
  readonly requestUri: string;
  /** The first route, or the peer's own flow when there is no route (the way back through NAT). */
  readonly nextHop: string;
  readonly headers: readonly HeaderLine[];
}

/** Start line and dialog header fields of a request of ours. */
export function inDialog(dialog: Dialog, method: string, cseq: number): InDialogRequest {
  const { requestUri, nextHop, headers } = inDialogRequest(dialog, method, cseq);
  const isDirect = dialog.routeSet.length === 0 && dialog.flow !== undefined;
  return { requestUri, nextHop: isDirect ? flowUri(dialog.flow) : nextHop, headers };
}

function flowUri(flow: string): string {
  const [transport = 'udp', ...address] = flow.split(':');
  return `sip:${address.join(':')};transport=${transport}`;
}
