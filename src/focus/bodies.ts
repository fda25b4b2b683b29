/** The bodies of a request that a conference reads: the SDP offer and the list of recipients, whichever comes first. */
import { CONTENT_TYPES } from '../documents/content-types.ts';
import { bodyParts, type Part } from '../documents/multipart.ts';
import { parseResourceLists, type ResourceListEntry } from '../documents/resource-lists.ts';
import { header, type SipRequest } from '../sip/message.ts';

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
  return lists.flatMap((part) => parseResourceLists(part.body));
}

function isResourceLists(part: Part): boolean {
  return part.contentType === CONTENT_TYPES.resourceLists;
}
