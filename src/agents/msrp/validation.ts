/** What RFC 4975 asks of every frame that a peer sends us; each fault becomes one line of text. */
import type { Frame } from './frame.ts';
import { parseByteRange } from './reassembly.ts';

export interface Expected {
  readonly ownPath: string;
  /** Empty while not known. */
  readonly remotePath: readonly string[];
  readonly acceptTypes?: readonly string[] | undefined;
}

/** The faults of one frame, request or response; empty when there are none. */
export function frameFaults(frame: Frame, expected: Expected): string[] {
  const faults: string[] = [];
  const name = frame.method === '' ? `response ${frame.status}` : frame.method;
  const fault = (text: string): void => {
    faults.push(`${name} ${frame.transactionId}: ${text}`);
  };
  // The two paths come first, To-Path before From-Path (section 9, ABNF "headers").
  if (frame.fields[0]?.[0].toLowerCase() !== 'to-path') fault('To-Path is not the first header');
  if (frame.fields[1]?.[0].toLowerCase() !== 'from-path') fault('From-Path is not the second header');
  const toPath = frame.header('To-Path') ?? '';
  if (toPath !== expected.ownPath) fault(`To-Path is ${toPath}, not our own ${expected.ownPath}`);
  const fromPath = frame.header('From-Path') ?? '';
  const isResponse = frame.method === '';
  // A response comes from the next hop only; a request names the whole way back (section 7.2).
  const wanted = isResponse ? (expected.remotePath[0] ?? '') : expected.remotePath.join(' ');
  if (wanted !== '' && fromPath !== wanted) fault(`From-Path is ${fromPath}, not the session's ${wanted}`);
  const seen = new Set<string>();
  for (const [field] of frame.fields) {
    if (seen.has(field.toLowerCase())) fault(`${field} twice`);
    seen.add(field.toLowerCase());
  }
  if (isResponse) {
    if (frame.flag !== '$') fault(`continuation flag ${frame.flag} in a response`);
    return faults;
  }
  if (frame.method !== 'SEND' && frame.method !== 'REPORT') return faults;
  if (frame.header('Message-ID') === undefined) fault('no Message-ID');
  if (frame.method === 'REPORT' && !/^000 \d{3}/.test(frame.header('Status') ?? '')) fault('no good Status');
  if (frame.method === 'REPORT' && frame.header('Byte-Range') === undefined) fault('no Byte-Range');
  if (frame.body === undefined) return faults;
  checkBody(frame, frame.body, expected.acceptTypes, fault);
  return faults;
}

function checkBody(
  frame: Frame,
  body: Buffer,
  acceptTypes: readonly string[] | undefined,
  fault: (text: string) => void,
): void {
  const contentType = frame.header('Content-Type')?.split(';')[0]?.trim().toLowerCase();
  if (contentType === undefined) fault('a body without Content-Type');
  else if (acceptTypes !== undefined && !acceptTypes.includes('*') && !acceptTypes.includes(contentType)) {
    fault(`${contentType} is not among our accept-types ${acceptTypes.join(' ')}`);
  }
  if (frame.fields.at(-1)?.[0].toLowerCase() !== 'content-type') fault('Content-Type is not the last header');
  const range = parseByteRange(frame.header('Byte-Range'));
  if (range === undefined) {
    fault('malformed Byte-Range');
    return;
  }
  const end = range.start - 1 + body.length;
  if (range.end !== undefined && frame.flag !== '#' && end !== range.end) {
    fault(`Byte-Range ends at ${range.end}, the body at ${end}`);
  }
  if (range.total !== undefined && end > range.total)
    fault(`body goes to ${end}, Byte-Range total is ${range.total}`);
  if (range.total !== undefined && frame.flag === '$' && end !== range.total) {
    fault(`the last chunk ends at ${end}, Byte-Range total is ${range.total}`);
  }
  if (body.length > 2048 && range.end !== undefined)
    fault('a chunk above 2048 bytes without * as range end (7.1.1)');
}
