/** The messages of focus and switch as event-socket events: `im-*` headers, and a JSON body in pages. Pure. */
import { CodedError, ParseError } from '../lib/errors.ts';
import { type EslEvent, isImValue } from './event.ts';

export const IM_VERSION = '1';
export const IM_REQUEST = 'im::request';
export const IM_REPLY = 'im::reply';
export const IM_EVENT = 'im::event';
export const IM_HELLO = 'im::hello';
/** `im-to` of what is meant for every focus. */
export const IM_TO_ALL = 'all';

export interface ImMessage {
  readonly op: string;
  /** Names one request; its replies and its retry carry the same. */
  readonly corr: string;
  readonly from: string;
  readonly to: string;
  /** Counts the sender's messages of this class; in `im::hello` the number of the last `im::event`. */
  readonly seq: number;
  /** Changes with every start of the sender. */
  readonly epoch: string;
  /** For how long after its arrival the message is of use. */
  readonly ttlMs: number;
}

export interface ImPage {
  /** 1 … count. */
  readonly number: number;
  readonly count: number;
}

export interface ReceivedImMessage extends ImMessage {
  readonly page: ImPage;
  readonly text: string;
}

export interface PageLimits {
  /** UTF-8 bytes of text in one page. */
  readonly pageBytes: number;
  /** Pages of one message. */
  readonly pages: number;
}

/** 60 KiB of the agreed 64 KiB; 64 pages hold the snapshot of a session with 4,096 legs. */
export const DEFAULT_PAGE_LIMITS: PageLimits = { pageBytes: 61_440, pages: 64 };

const MAX_TTL_MS = 600_000;
const COUNT = /^(0|[1-9][0-9]{0,14})$/;
const PAGE = /^([1-9][0-9]{0,4})\.([1-9][0-9]{0,4})$/;
const ONE_PAGE: ImPage = { number: 1, count: 1 };

/** One event per page of `text`. Throws `ESL_BAD_VALUE` for a header, `ESL_TOO_MANY_PAGES` for a text over the bound. */
export function formatImEvents(
  subclass: string,
  message: ImMessage,
  text: string,
  limits: PageLimits = DEFAULT_PAGE_LIMITS,
): EslEvent[] {
  const pages = splitPages(text, limits.pageBytes);
  if (pages.length > limits.pages) {
    throw new CodedError('ESL_TOO_MANY_PAGES', `${pages.length} pages, limit ${limits.pages}`);
  }
  return pages.map((body, index) => {
    const headers = new Map([
      ['im-v', IM_VERSION],
      ['im-op', message.op],
      ['im-corr', message.corr],
      ['im-from', message.from],
      ['im-to', message.to],
      ['im-seq', String(message.seq)],
      ['im-epoch', message.epoch],
      ['im-ttl-ms', String(message.ttlMs)],
    ]);
    if (pages.length > 1) headers.set('im-page', `${index + 1}.${pages.length}`);
    for (const [name, value] of headers) {
      if (!isImValue(value)) throw new CodedError('ESL_BAD_VALUE', `${name} cannot be sent`);
    }
    return { name: 'CUSTOM', subclass, headers, body };
  });
}

/** Throws `ESL_BAD_EVENT` when a header is missing or not understood. */
export function parseImEvent(event: EslEvent): ReceivedImMessage {
  const read = (name: string): string => {
    const value = event.headers.get(name);
    if (value === undefined || !isImValue(value)) {
      throw new ParseError('ESL_BAD_EVENT', `${name} is missing or malformed`);
    }
    return value;
  };
  if (read('im-v') !== IM_VERSION) {
    throw new ParseError('ESL_BAD_EVENT', 'im-v is not known', -1, read('im-v'));
  }
  const ttlMs = parseCount(read('im-ttl-ms'), 'im-ttl-ms');
  return {
    op: read('im-op'),
    corr: read('im-corr'),
    from: read('im-from'),
    to: read('im-to'),
    seq: parseCount(read('im-seq'), 'im-seq'),
    epoch: read('im-epoch'),
    ttlMs: Math.min(ttlMs, MAX_TTL_MS),
    page: parsePage(event.headers.get('im-page')),
    text: event.body,
  };
}

function parseCount(value: string, name: string): number {
  if (!COUNT.test(value)) throw new ParseError('ESL_BAD_EVENT', `${name} is not a number`, -1, value);
  return Number(value);
}

function parsePage(value: string | undefined): ImPage {
  if (value === undefined) return ONE_PAGE;
  const match = PAGE.exec(value);
  const number = Number(match?.[1]);
  const count = Number(match?.[2]);
  if (match === null || number > count) {
    throw new ParseError('ESL_BAD_EVENT', 'im-page is not n.m', -1, value);
  }
  return { number, count };
}

/** Cuts text into pieces of at most `pageBytes` of UTF-8, never inside a character. At least one piece. */
export function splitPages(text: string, pageBytes: number): string[] {
  if (text.length * 3 <= pageBytes) return [text];
  const bytes = Buffer.from(text, 'utf8');
  const pages: string[] = [];
  let from = 0;
  do {
    let to = Math.min(bytes.length, from + Math.max(pageBytes, 4));
    while (to < bytes.length && ((bytes[to] ?? 0) & 0xc0) === 0x80) to -= 1;
    pages.push(bytes.toString('utf8', from, to));
    from = to;
  } while (from < bytes.length);
  return pages;
}
