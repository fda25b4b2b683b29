/** Frames that a session sends, as bytes (RFC 4975 sections 7.1 and 7.2). */
import { randomBytes } from 'node:crypto';
import { cpimMessage } from '../documents.ts';
import { encodeFrame, type Flag, type Frame } from './frame.ts';
import type { Field, SendOptions } from './session-types.ts';

/** RFC 4975 wants at least 64 bits of randomness in a transaction id. */
export function randomToken(): string {
  return randomBytes(9).toString('hex');
}

/** A fresh id that is no end-line of this body (section 7.1). */
export function transactionIdFor(body: Buffer | undefined): string {
  let id = randomToken();
  while (body?.includes(`-------${id}`) === true) id = randomToken();
  return id;
}

export function firstUri(path: string | undefined): string {
  return path?.trim().split(/\s+/)[0] ?? '';
}

export interface Chunk {
  readonly fields: readonly Field[];
  readonly body: Buffer;
  readonly flag: Flag;
}

/** The chunks of a message, header fields after the paths included. */
export function* chunksOf(content: string | Buffer, options: SendOptions): Generator<Chunk> {
  const type = options.contentType;
  const wrapping =
    options.cpim === undefined
      ? undefined
      : { ...options.cpim, ...(type === undefined ? {} : { contentType: type }) };
  const body = wrapping === undefined ? Buffer.from(content as string) : cpimMessage(content, wrapping);
  const contentType = wrapping === undefined ? (type ?? 'text/plain') : 'message/cpim';
  const size = Math.max(1, options.chunkBytes ?? body.length);
  const fields: Field[] = [['Message-ID', options.messageId ?? randomToken()]];
  if (options.successReport !== undefined) fields.push(['Success-Report', options.successReport]);
  if (options.failureReport !== undefined) fields.push(['Failure-Report', options.failureReport]);
  for (let start = 0; start === 0 || start < body.length; start += size) {
    const chunk = body.subarray(start, start + size);
    const end = start + chunk.length;
    // A chunk above 2048 bytes must be interruptible, so its end is not promised (section 7.1.1).
    const range = `${start + 1}-${chunk.length > 2048 ? '*' : end}/${body.length}`;
    yield {
      fields: [...fields, ['Byte-Range', range], ...(options.headers ?? []), ['Content-Type', contentType]],
      body: chunk,
      flag: end < body.length ? '+' : '$',
    };
  }
}

/** Undefined where the sender wants no such response: Failure-Report no silences all, partial the 200 (section 7.2). */
export function responseTo(frame: Frame, status: number, ownPath: string): Buffer | undefined {
  const wanted = frame.header('Failure-Report')?.toLowerCase() ?? 'yes';
  if (wanted === 'no' || (wanted === 'partial' && status === 200)) return undefined;
  return encodeFrame({
    startLine: status === 200 ? '200 OK' : String(status),
    transactionId: frame.transactionId,
    fields: [
      ['To-Path', firstUri(frame.header('From-Path'))],
      ['From-Path', ownPath],
    ],
  });
}

/** A REPORT that the whole message of `frame` arrived (section 7.1.2). */
export function successReport(frame: Frame, bytes: number, ownPath: string): Buffer {
  return encodeFrame({
    startLine: 'REPORT',
    transactionId: randomToken(),
    fields: [
      ['To-Path', frame.header('From-Path') ?? ''],
      ['From-Path', ownPath],
      ['Message-ID', frame.header('Message-ID') ?? ''],
      ['Byte-Range', `1-${bytes}/${bytes}`],
      ['Status', '000 200 OK'],
    ],
  });
}

/** A path as its URIs, leftmost hop first. */
export function asPath(path: string | readonly string[]): readonly string[] {
  return typeof path === 'string' ? path.split(/\s+/) : path;
}
