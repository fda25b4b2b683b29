/** What an agent is told at its start, and the header fields that say who and what it is. */
import type { TraceEntry } from './core.ts';
import type { RequestOptions } from './dialog.ts';
import { formatNameAddr, parseSipUri } from './header-values.ts';
import type { HeaderField, SipMessage } from './message.ts';
import type { Hop, TransportKind } from './transport.ts';

export interface SipAgentOptions {
  readonly uri: string;
  readonly displayName?: string;
  /** Outbound proxy; without one requests go where their URI's IPv4 address says. */
  readonly proxy?: Hop;
  /** Default 'udp'. */
  readonly transport?: TransportKind;
  /** Address to bind and to send from, default 127.0.0.1; all of 127/8 works on Linux. */
  readonly localAddress?: string;
  /** TCP: false never listens; everything comes on the agent's own connection to the proxy. Default true. */
  readonly listen?: boolean;
  /** With it challenges are answered; `username` defaults to the URI's user part. */
  readonly password?: string;
  readonly username?: string;
  /** Adds `P-Asserted-Identity: <this>` to each request: for tests that act from a trusted peer. */
  readonly assertedIdentity?: string;
  /** Contact header parameters, default `+g.oma.sip-im`. */
  readonly contactParams?: string;
  /** Default `norefersub`. */
  readonly supported?: string;
  readonly allow?: string;
  readonly userAgent?: string;
  /** RFC 3261 T1, default 500 ms. */
  readonly t1Ms?: number;
  /** Deadline of every wait that names none, default 10,000 ms. */
  readonly waitMs?: number;
  /** Trace entries kept, default 20,000. */
  readonly maxTrace?: number;
  readonly onTrace?: (entry: TraceEntry) => void;
}

export interface OutOfDialogOptions extends RequestOptions {
  readonly to: string;
  /** Default: `to`. */
  readonly requestUri?: string;
}

const DEFAULT_ALLOW = 'INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, SUBSCRIBE, REFER, UPDATE, INFO, MESSAGE';
const DEFAULT_USER_AGENT = 'IM-client/OMA1.0 parley-agent/0.1';
const WITH_CONTACT = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE', 'NOTIFY']);

/** The Contact URI at this `host:port`. */
export function contactUriAt(options: SipAgentOptions, address: string): string {
  return `sip:${parseSipUri(options.uri).user}@${address}${options.transport === 'tcp' ? ';transport=tcp' : ''}`;
}

function contact(options: SipAgentOptions, address: string): string {
  const params = options.contactParams ?? '+g.oma.sip-im';
  return `<${contactUriAt(options, address)}>${params === '' ? '' : `;${params}`}`;
}

/** Contact, Allow, Supported, P-Asserted-Identity and User-Agent of a request. */
export function requestFields(options: SipAgentOptions, address: string, method: string): HeaderField[] {
  const { assertedIdentity, supported = 'norefersub', allow = DEFAULT_ALLOW, displayName } = options;
  const fields: HeaderField[] = [['User-Agent', options.userAgent ?? DEFAULT_USER_AGENT]];
  if (WITH_CONTACT.has(method)) fields.push(['Contact', contact(options, address)]);
  if (method === 'INVITE' || method === 'UPDATE' || method === 'OPTIONS') fields.push(['Allow', allow]);
  if (method !== 'ACK' && method !== 'BYE' && supported !== '') fields.push(['Supported', supported]);
  if (method !== 'ACK' && assertedIdentity !== undefined) {
    const isUri = /^[a-z]+:/i.test(assertedIdentity);
    fields.push([
      'P-Asserted-Identity',
      isUri ? formatNameAddr(assertedIdentity, displayName) : assertedIdentity,
    ]);
  }
  return fields;
}

/** Contact, Allow, Expires and User-Agent of a response. */
export function responseFields(
  options: SipAgentOptions,
  address: string,
  request: SipMessage,
  status: number,
): HeaderField[] {
  if (status === 100) return [];
  const { method } = request;
  const fields: HeaderField[] = [['User-Agent', options.userAgent ?? DEFAULT_USER_AGENT]];
  if (WITH_CONTACT.has(method) && method !== 'NOTIFY' && status < 300)
    fields.push(['Contact', contact(options, address)]);
  if ((method === 'INVITE' || method === 'OPTIONS') && status >= 200)
    fields.push(['Allow', options.allow ?? DEFAULT_ALLOW]);
  if (method === 'SUBSCRIBE' && status < 300) fields.push(['Expires', request.header('Expires') ?? '600']);
  return fields;
}
