/** The list of those who were invited together, for the invited to see (RFC 5366, RFC 5364). */
import { CONTENT_TYPES } from '../documents/content-types.ts';
import { formatMultipart } from '../documents/multipart.ts';
import { formatResourceListsHistory, type ResourceListEntry } from '../documents/resource-lists.ts';
import type { ConferenceRow, LegRow } from './conference.ts';
import type { FocusSettings } from './world.ts';

/** Every invitation has the list: a larger one is left out, it is optional. */
const MAX_LIST_BYTES = 16_000;

/** The list as the invited may see it; undefined when they are not to be told, or nobody in it may be shown. */
export function visibleRecipients(
  list: readonly ResourceListEntry[],
  when: FocusSettings['adHoc']['recipientListHistory'],
): string | undefined {
  const isMarked = list.some(({ copyControl }) => copyControl !== undefined);
  if (when === 'never' || (when === 'when-marked' && !isMarked)) return undefined;
  if (list.every(({ copyControl }) => copyControl === 'bcc')) return undefined;
  const text = formatResourceListsHistory(list);
  return Buffer.byteLength(text) <= MAX_LIST_BYTES ? text : undefined;
}

/** The offer, and with it the list for those who are invited by it: who is added later was not in it. */
export function invitationBody(
  { recipientList, phase }: ConferenceRow,
  { localSdp = '' }: LegRow,
): { readonly contentType: string; readonly body: string } {
  if (recipientList === undefined || phase !== 'forming')
    return { contentType: CONTENT_TYPES.sdp, body: localSdp };
  const { contentType, body } = formatMultipart([
    { contentType: CONTENT_TYPES.sdp, body: localSdp },
    {
      contentType: CONTENT_TYPES.resourceLists,
      disposition: 'recipient-list-history;handling=optional',
      body: recipientList,
    },
  ]);
  return { contentType, body: body.toString('utf8') };
}
