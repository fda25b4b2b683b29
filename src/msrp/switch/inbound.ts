/** What a SEND says in its head, checked before its body is looked at (RFC 4975 section 7.3.1). */
import {
  BYTE_RANGE,
  CONTENT_TYPE,
  FAILURE_REPORT,
  type FrameHead,
  MESSAGE_ID,
  SUCCESS_REPORT,
} from '../protocol/frame-head.ts';
import type { SwitchContext } from './context.ts';
import type { Leg } from './leg.ts';

export interface SendMeta {
  readonly messageId: string;
  /** As sent, with parameters; '' without body. */
  readonly contentType: string;
  /** Lower case, without parameters. */
  readonly type: string;
  readonly otherContentLines: string;
  readonly start: number;
  /** −1 when the sender does not say. */
  readonly total: number;
  readonly wantsSuccessReport: boolean;
}

/** When a response is wanted (RFC 4975 section 7.1.1). */
export const RESPOND_ALWAYS = 0;
export const RESPOND_ON_ERROR = 1;
export const RESPOND_NEVER = 2;
export type ResponseWish = typeof RESPOND_ALWAYS | typeof RESPOND_ON_ERROR | typeof RESPOND_NEVER;

export function responseWish(head: FrameHead): ResponseWish {
  const value = head.value(FAILURE_REPORT);
  if (value === null) return RESPOND_ALWAYS;
  const wish = value.toLowerCase();
  if (wish === 'no') return RESPOND_NEVER;
  return wish === 'partial' ? RESPOND_ON_ERROR : RESPOND_ALWAYS;
}

export const HEARTBEAT = 'text/x-msrp-heartbeat';
export const COMPOSING = 'application/im-iscomposing+xml';

const BAD_REQUEST = 400;
const FORBIDDEN = 403;
const STOP_SENDING = 413;
const UNSUPPORTED_TYPE = 415;
/** Longer than the 32 characters of RFC 4975, which not all clients keep to; visible characters only, as it goes on to others. */
const WELL_FORMED_ID = /^[!-~]{1,128}$/;
const WHOLE = { start: 1, end: -1, total: -1 };

/** The SEND's particulars, or the status of the refusal. */
export function readSend(context: SwitchContext, leg: Leg, head: FrameHead): SendMeta | number {
  const messageId = head.value(MESSAGE_ID);
  if (messageId === null || !WELL_FORMED_ID.test(messageId) || head.hasDuplicates) return BAD_REQUEST;
  const parsed = head.has(BYTE_RANGE) ? head.byteRange() : WHOLE;
  // Some clients bind with 0-0/0; nothing depends on the range of nothing.
  if (parsed === null && head.hasBody) return BAD_REQUEST;
  const range = parsed ?? WHOLE;
  const contentType = head.value(CONTENT_TYPE, context.contentTypes.latest) ?? '';
  const { type, isMediaType, isAccepted } = context.contentTypes.of(contentType);
  if (head.hasBody) {
    if (!isMediaType) return BAD_REQUEST;
    // A heartbeat says nothing to anybody: it is for the connection, as a SEND without content is.
    if (type !== HEARTBEAT) {
      if (!leg.maySend) return FORBIDDEN;
      if (!isAccepted) return UNSUPPORTED_TYPE;
    }
    if (range.total > context.limits.maxMessageBytes) {
      context.counters.limitedBySize++;
      return STOP_SENDING;
    }
  }
  return {
    messageId,
    contentType,
    type,
    otherContentLines: head.otherContentLines(),
    start: range.start,
    total: range.total,
    wantsSuccessReport: head.value(SUCCESS_REPORT)?.toLowerCase() === 'yes',
  };
}
