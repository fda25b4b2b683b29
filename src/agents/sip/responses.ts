/** What every response has, whatever it answers. */
import { randomBytes } from 'node:crypto';
import { formatMessage, type HeaderField, type SipMessage } from './message.ts';

/** The headers that every response mirrors (RFC 3261 section 8.2.6.2); `tag` goes into To unless it has one. */
export function mirroredFields(request: SipMessage, tag: string): HeaderField[] {
  const to = request.header('To') ?? '';
  return [
    ...request.headers('Via').map((via): HeaderField => ['Via', via]),
    ['From', request.header('From') ?? ''],
    ['To', request.toTag === '' ? `${to};tag=${tag}` : to],
    ['Call-ID', request.callId],
    ['CSeq', request.header('CSeq') ?? ''],
  ];
}

/** A response with nothing but the mirrored headers. */
export function plainResponse(request: SipMessage, status: number, reason: string, tag = newToken()): Buffer {
  return formatMessage(
    `SIP/2.0 ${status} ${reason}`,
    mirroredFields(request, tag === '' ? newToken() : tag),
    Buffer.alloc(0),
  );
}

/** A random token for tags, branches and Call-IDs. */
export function newToken(): string {
  return randomBytes(9).toString('hex');
}

/** The reason phrase of a status that the caller gave none for. */
export function reasonOf(status: number): string {
  return REASONS[status] ?? (status < 300 ? 'OK' : 'Refused');
}

const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  415: 'Unsupported Media Type',
  420: 'Bad Extension',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  603: 'Decline',
};
