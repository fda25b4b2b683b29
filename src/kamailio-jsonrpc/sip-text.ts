import { RpcError } from './errors.ts';
import type { HeaderLine, SipReply } from './types.ts';

/** RFC 3261 §25.1 token. */
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
const BREAKS_LINE = /[\r\n\0]/;
/** Stands for `!`; im-routes.cfg knows it too. */
const EXCLAMATION_MARK = '~im21~';
/** Headers that tm.t_uac_start does not copy with the rest. */
const UNTOUCHED = new Set(['from', 'f', 'to', 't', 'call-id', 'i', 'cseq']);

/** CRLF-ended lines. Throws `RPC_BAD_HEADER` on anything that could begin a line of its own. */
export function formatHeaders(headers: readonly HeaderLine[]): string {
  let text = '';
  for (const [name, value] of headers) {
    checkHeader(name, value);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

/**
 * As `formatHeaders`, for requests. There Kamailio (5.6 to date) replaces `!!` by its own address and port, cuts a header
 * off behind a single `!`, and can crash on two. So each `!` travels as a mark that the script takes back; From, To, Call-ID
 * and CSeq take another way and stay. Throws `RPC_BAD_HEADER` when a text holds the mark itself.
 */
export function formatRequestHeaders(headers: readonly HeaderLine[], body: string): string {
  const isMarked = headers.some(([name, value]) => value.includes('!') && !UNTOUCHED.has(name.toLowerCase()));
  if (isMarked && body.includes(EXCLAMATION_MARK)) {
    throw new RpcError('RPC_BAD_BODY', `the body holds ${EXCLAMATION_MARK}`);
  }
  const marked = headers.map(([name, value]): HeaderLine => {
    if (value.includes(EXCLAMATION_MARK)) {
      throw new RpcError('RPC_BAD_HEADER', `${name} holds ${EXCLAMATION_MARK}`);
    }
    return UNTOUCHED.has(name.toLowerCase())
      ? [name, value]
      : [name, value.replaceAll('!', EXCLAMATION_MARK)];
  });
  return formatHeaders([...marked, ['X-IM-Uac', isMarked ? 'marks' : 'plain']]);
}

/** `[code, reason, tid, toTag, headers, body]` as the script hands it to tm.reply. Throws `RPC_BAD_HEADER`, `RPC_BAD_BODY`. */
export function formatReply(tid: string, reply: SipReply): [number, string, string, string, string, string] {
  if (!Number.isInteger(reply.code) || reply.code < 101 || reply.code > 699) {
    throw new RpcError('RPC_BAD_HEADER', `status ${reply.code} is none that can be sent`);
  }
  if (reply.reason === '' || BREAKS_LINE.test(reply.reason)) {
    throw new RpcError('RPC_BAD_HEADER', 'the reason phrase is empty or breaks its line');
  }
  if (!TOKEN.test(reply.toTag)) throw new RpcError('RPC_BAD_HEADER', 'the To-tag is not a token');
  const body = reply.body ?? '';
  checkBody(reply.headers, body);
  return [reply.code, reply.reason, tid, reply.toTag, formatHeaders(reply.headers), body];
}

/** A body needs its Content-Type and may not hold NUL; Kamailio writes the Content-Length. */
export function checkBody(headers: readonly HeaderLine[], body: string): void {
  if (body.includes('\0')) throw new RpcError('RPC_BAD_BODY', 'the body holds a NUL');
  let hasType = false;
  for (const [name] of headers) {
    const lower = name.toLowerCase();
    if (lower === 'content-length' || lower === 'l') {
      throw new RpcError('RPC_BAD_HEADER', 'Content-Length is written by Kamailio');
    }
    if (lower === 'content-type' || lower === 'c') hasType = true;
  }
  if (body !== '' && !hasType) throw new RpcError('RPC_BAD_BODY', 'a body without Content-Type');
}

/** Throws `RPC_BAD_HEADER` unless the text fits into one line without spaces, as a method, URI or socket does. */
export function checkWord(what: string, text: string): void {
  if (text === '' || /[\s\0]/.test(text))
    throw new RpcError('RPC_BAD_HEADER', `${what} is empty or holds a space`);
}

function checkHeader(name: string, value: string): void {
  if (!TOKEN.test(name) || name.includes('!')) {
    throw new RpcError('RPC_BAD_HEADER', 'a header name is not a token');
  }
  if (BREAKS_LINE.test(value)) throw new RpcError('RPC_BAD_HEADER', `${name} breaks its line`);
}
