import type { Params } from './json-rpc.ts';
import type { AskedAgain, SipNotice, SipRequestCall, Trust } from './types.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const TID = /^\d{1,10}:\d{1,10}$/;
const TEXT_MAX_CHARS = 256;
const ASSERTED_MAX = 16;

/** The parameters of `sip.request`, or undefined when they are not of that shape. */
export function readRequestCall(params: Params): SipRequestCall | undefined {
  const { kam, epoch, tid, src, rcv, asserted, trust } = params;
  const message = readMessage(params['msg']);
  if (!isText(kam) || !isText(epoch) || !isText(src) || !isText(rcv) || message === undefined)
    return undefined;
  if (typeof tid !== 'string' || !TID.test(tid) || !isTrust(trust) || !Array.isArray(asserted))
    return undefined;
  const identities: string[] = [];
  for (const value of asserted) {
    if (typeof value !== 'string') return undefined;
    identities.push(...splitNameAddrs(value));
  }
  if (identities.length > ASSERTED_MAX) return undefined;
  return { kam, epoch, tid, src, rcv, asserted: trust === 'none' ? [] : identities, trust, message };
}

/** The parameters of `sip.again`, or undefined when they are not of that shape. */
export function readAskedAgain({ kam, epoch, tid }: Params): AskedAgain | undefined {
  if (!isText(kam) || !isText(epoch) || typeof tid !== 'string' || !TID.test(tid)) return undefined;
  return { kam, epoch, tid };
}

/** The parameters of `sip.ack`, `sip.cancel`, `uac.reply`, or undefined when they are not of that shape. */
export function readNotice(params: Params): SipNotice | undefined {
  const { kam, epoch, src, tid } = params;
  const message = readMessage(params['msg']);
  if (!isText(kam) || !isText(epoch) || !isText(src) || message === undefined) return undefined;
  if (tid === undefined) return { kam, epoch, src, message };
  if (typeof tid !== 'string' || !TID.test(tid)) return undefined;
  return { kam, epoch, src, tid, message };
}

/** Splits a header value at its commas, but not at those in quoted strings or angle brackets (RFC 3325 §9.1 allows a list). */
export function splitNameAddrs(value: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  let isBracketed = false;
  for (let at = 0; at < value.length; at++) {
    const char = value[at];
    if (isQuoted) {
      if (char === '\\') at++;
      else if (char === '"') isQuoted = false;
    } else if (char === '"' && !isBracketed) isQuoted = true;
    else if (char === '<') isBracketed = true;
    else if (char === '>') isBracketed = false;
    else if (char === ',' && !isBracketed) {
      parts.push(value.slice(start, at).trim());
      start = at + 1;
    }
  }
  parts.push(value.slice(start).trim());
  return parts.filter((part) => part !== '');
}

function readMessage(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value === '' || !BASE64.test(value)) return undefined;
  return Buffer.from(value, 'base64');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= TEXT_MAX_CHARS;
}

function isTrust(value: unknown): value is Trust {
  return value === 'core' || value === 'digest' || value === 'none';
}
