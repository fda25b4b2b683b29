import { RpcError } from './errors.ts';
import type { HeaderLine, SipReply } from './types.ts';

/** RFC 3261 §25.1 token. */
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
const BREAKS_LINE = /[\r\n\0]/;
/** Headers of free text (TEXT-UTF8-TRIM or comment), in which an invisible character may stand. */
const FREE_TEXT = new Set(['subject', 's', 'organization', 'user-agent', 'server']);
const WORD_JOINER = '\u2060';

/** CRLF-ended lines. Throws `RPC_BAD_HEADER` on anything that could begin a line of its own. */
export function formatHeaders(headers: readonly HeaderLine[]): string {
  let text = '';
  for (const [name, value] of headers) {
    checkHeader(name, value);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** As `formatHeaders`, for requests: there Kamailio 5.x replaces every `!!` by its own address and port. */
export function formatRequestHeaders(headers: readonly HeaderLine[]): string {
  return formatHeaders(headers.map(([name, value]) => [name, breakDoubleMarks(name, value)]));
}

/**
 * Writes a value that holds `!!` so that it holds none and means the same: a quoted-pair in a quoted string, %21 in a URI
 * in angle brackets (equal by RFC 3261 §19.1.4), an invisible U+2060 in free text. Elsewhere it throws `RPC_BAD_HEADER`.
 */
export function breakDoubleMarks(name: string, value: string): string {
  if (!value.includes('!!')) return value;
  if (FREE_TEXT.has(name.toLowerCase())) return value.replaceAll(/(?<=!)!/g, `${WORD_JOINER}!`);
  let out = '';
  let isQuoted = false;
  let isBracketed = false;
  for (let at = 0; at < value.length; at++) {
    const char = value[at] as string;
    if (char === '!' && out.endsWith('!')) {
      if (isQuoted) out += '\\!';
      else if (isBracketed) out += '%21';
      else throw new RpcError('RPC_BAD_HEADER', `${name} holds !! where it cannot be written otherwise`);
      continue;
    }
    out += char;
    if (isQuoted) {
      if (char === '\\' && at + 1 < value.length) {
        at++;
        out += value[at] as string;
      } else if (char === '"') isQuoted = false;
    } else if (char === '"' && !isBracketed) isQuoted = true;
    else if (char === '<') isBracketed = true;
    else if (char === '>') isBracketed = false;
  }
  return out;
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
  if (!TOKEN.test(name) || name.includes('!!')) {
    throw new RpcError('RPC_BAD_HEADER', 'a header name is not a token');
  }
  if (BREAKS_LINE.test(value)) throw new RpcError('RPC_BAD_HEADER', `${name} breaks its line`);
}
