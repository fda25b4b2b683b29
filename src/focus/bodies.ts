/** The bodies of a request that a conference reads: the SDP offer and the list of recipients, whichever comes first. */
import { CONTENT_TYPES } from '../documents/content-types.ts';
import { bodyParts, type Part } from '../documents/multipart.ts';
import { parseResourceLists, type ResourceListEntry } from '../documents/resource-lists.ts';
import { ParseError } from '../lib/errors.ts';
import { header, type SipRequest } from '../sip/message.ts';
import { readReplaces } from '../sip/replaces.ts';
import { parseUri } from '../sip/uri.ts';

/** @throws ParseError for a malformed multipart body */
function parts(request: SipRequest): Part[] {
  return bodyParts(header(request, 'content-type'), request.body);
}

/** @throws ParseError */
export function sdpOf(request: SipRequest): string | undefined {
  return parts(request)
    .find((part) => part.contentType === CONTENT_TYPES.sdp)
    ?.body.toString('utf8');
}

export function hasResourceLists(request: SipRequest): boolean {
  try {
    return parts(request).some(isResourceLists);
  } catch {
    return false;
  }
}

/**
 * Undefined when there is no list at all. Of several lists `contentId` chooses one; a single list is the one
 * that was meant, also from clients that give it no Content-ID. @throws ParseError for a malformed one
 */
export function resourceListsOf(request: SipRequest, contentId?: string): ResourceListEntry[] | undefined {
  const all = parts(request).filter(isResourceLists);
  const lists =
    contentId === undefined || all.length < 2 ? all : all.filter((part) => part.contentId === contentId);
  if (lists.length === 0) return undefined;
  return lists.flatMap((part) => parseResourceLists(part.body)).map(invitable);
}

/** What an entry's URI asks to be sent to it (RFC 5368 section 9); undefined where it says nothing. @throws ParseError */
export function methodOf({ uri }: Pick<ResourceListEntry, 'uri'>): string | undefined {
  return parseUri(uri).params.get('method');
}

/** @throws ParseError */
function invitable(entry: ResourceListEntry): ResourceListEntry {
  checkInvitable(entry.uri);
  return entry.replaces === undefined ? entry : { ...entry, replaces: readReplaces(entry.replaces) };
}

/** Only SIP URIs and telephone numbers can be sent an INVITE. @throws ParseError */
export function checkInvitable(uri: string): void {
  if (!/^(?:sips?|tel)$/.test(parseUri(uri).scheme))
    throw new ParseError('SIP_BAD_URI', 'a URI that cannot be invited: only sip, sips and tel can', 0, uri);
}

function isResourceLists(part: Part): boolean {
  return part.contentType === CONTENT_TYPES.resourceLists;
}
