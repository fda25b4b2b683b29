/**
 * Frames as text with one character a byte (latin1): joining strings and writing them once is cheaper than copying
 * small buffers. Bodies go in as latin1 text too, or stay buffers when they are large.
 */
import { END_LINE_DASHES } from './wire.ts';

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Timeout',
  413: 'Stop Sending',
  415: 'Unsupported Media Type',
  423: 'Interval Out Of Bounds',
  424: 'Malformed Nickname',
  425: 'Nickname Reserved Or Already In Use',
  428: 'Private Messages Not Supported',
  481: 'Session Does Not Exist',
  501: 'Unknown Method',
  506: 'Session Already Bound',
};

export function reasonOf(status: number): string {
  return REASONS[status] ?? 'Failure';
}

/** `To-Path` and `From-Path` lines with their CRLFs. */
export function formatPaths(toPath: string, fromPath: string): string {
  return `To-Path: ${toPath}\r\nFrom-Path: ${fromPath}\r\n`;
}

/** @param toPath of the request @param fromPath of the request */
export function formatResponse(tid: string, status: number, toPath: string, fromPath: string): string {
  return `MSRP ${tid}${betweenIds(status, toPath, fromPath)}${tid}$\r\n`;
}

/** What stands between the two transaction ids of a response 200: the same for all requests with these paths. */
export function formatOk(toPath: string, fromPath: string): string {
  return betweenIds(200, toPath, fromPath);
}

/** A response goes to the nearest hop only (RFC 4975 section 7.2). */
function betweenIds(status: number, toPath: string, fromPath: string): string {
  const space = fromPath.indexOf(' ');
  const paths = formatPaths(space < 0 ? fromPath : fromPath.slice(0, space), toPath);
  return ` ${status} ${reasonOf(status)}\r\n${paths}${END_LINE_DASHES}`;
}

/** A SEND without content: binds a connection, or asks whether the peer lives. */
export function formatEmptySend(tid: string, paths: string, messageId: string): string {
  return `MSRP ${tid} SEND\r\n${paths}Message-ID: ${messageId}\r\nByte-Range: 1-0/0\r\n${END_LINE_DASHES}${tid}$\r\n`;
}

/** Success report of a whole message of `totalBytes` (RFC 4975 section 7.1.2). */
export function formatReport(
  tid: string,
  paths: string,
  messageId: string,
  totalBytes: number,
  status: number,
): string {
  return (
    `MSRP ${tid} REPORT\r\n${paths}Message-ID: ${messageId}\r\n` +
    `Byte-Range: 1-${totalBytes}/${totalBytes}\r\nStatus: 000 ${status} ${reasonOf(status)}\r\n` +
    `${END_LINE_DASHES}${tid}$\r\n`
  );
}
