/** SIP messages as clients of the focus write them, made without a network. */
import { formatMultipart } from '../../../src/documents/multipart.ts';
import { formatResourceLists } from '../../../src/documents/resource-lists.ts';
import type { SipHeader, SipRequest, SipResponse } from '../../../src/sip/message.ts';

export type Lines = readonly (readonly [name: string, value: string])[];

export const DOMAIN = 'im.example';
export const FACTORY = `sip:chat@${DOMAIN}`;
export const user = (name: string): string => `sip:${name}@${DOMAIN}`;

export interface RequestOptions {
  readonly method?: string;
  readonly uri?: string;
  readonly from?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly contact?: string;
  /** Added after the usual fields; a value of `-` drops the usual field of that name. */
  readonly extra?: Lines;
  readonly contentType?: string;
  readonly body?: string | Buffer;
}

export function sipRequest(options: RequestOptions = {}): SipRequest {
  const { method = 'INVITE', uri = FACTORY, from = user('alice'), fromTag = 'from', extra = [] } = options;
  const usual: Lines = [
    ['Via', 'SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1'],
    ['From', `<${from}>;tag=${fromTag}`],
    ['To', `<${uri}>${options.toTag === undefined ? '' : `;tag=${options.toTag}`}`],
    ['Call-ID', options.callId ?? 'call-1'],
    ['CSeq', `${options.cseq ?? 1} ${method}`],
    ['Contact', options.contact ?? `<${from};transport=tcp>`],
    ['Supported', 'timer'],
    ['Allow', 'INVITE, ACK, BYE, CANCEL, UPDATE'],
    ...(options.contentType === undefined ? [] : ([['Content-Type', options.contentType]] as const)),
  ];
  return {
    kind: 'request',
    method,
    uri,
    headers: merged(usual, extra),
    body: Buffer.from(options.body ?? ''),
  };
}

/** The first header field of that name; empty when there is none. */
export function fieldOf({ headers }: SipRequest, name: string): string {
  return headers.find((field) => field.name === name)?.value ?? '';
}

export interface ResponseOptions {
  readonly status: number;
  readonly reason?: string;
  readonly contact?: string;
  readonly toTag?: string;
  readonly extra?: Lines;
  readonly body?: string;
}

/** The answer of a client to a request of the focus, given by its header lines. */
export function sipResponse(request: Lines, options: ResponseOptions): SipResponse {
  const value = (name: string) => request.find(([known]) => known === name)?.[1] ?? '';
  const to = value('To');
  const usual: Lines = [
    ['From', value('From')],
    ['To', options.toTag === undefined || to.includes(';tag=') ? to : `${to};tag=${options.toTag}`],
    ['Call-ID', value('Call-ID')],
    ['CSeq', value('CSeq')],
    ...(options.contact === undefined ? [] : ([['Contact', options.contact]] as const)),
    ...(options.body === undefined ? [] : ([['Content-Type', 'application/sdp']] as const)),
  ];
  return {
    kind: 'response',
    status: options.status,
    reason: options.reason ?? 'Because',
    headers: merged(usual, options.extra ?? []),
    body: Buffer.from(options.body ?? ''),
  };
}

function merged(usual: Lines, extra: Lines): SipHeader[] {
  const replaced = new Set(extra.map(([name]) => name.toLowerCase()));
  return [...usual.filter(([name]) => !replaced.has(name.toLowerCase())), ...extra]
    .filter(([, value]) => value !== '-')
    .map(([name, value]) => ({ name, value }));
}

export interface SdpOptions {
  readonly media?: string;
  readonly port?: number;
  readonly path?: string;
  readonly acceptTypes?: string;
  readonly setup?: string;
  readonly version?: number;
  readonly more?: readonly string[];
}

export function sdp(options: SdpOptions = {}): string {
  const { media = 'message', port = 9, path = 'msrp://192.0.2.9:9/abc;tcp', version = 1 } = options;
  return [
    'v=0',
    `o=- 1 ${version} IN IP4 192.0.2.9`,
    's=-',
    'c=IN IP4 192.0.2.9',
    't=0 0',
    `m=${media} ${port} ${media === 'message' ? 'TCP/MSRP *' : 'RTP/AVP 0'}`,
    ...(media === 'message'
      ? [
          `a=accept-types:${options.acceptTypes ?? 'message/cpim text/plain'}`,
          'a=accept-wrapped-types:*',
          `a=path:${path}`,
          ...(options.setup === undefined ? [] : [`a=setup:${options.setup}`]),
        ]
      : []),
    ...(options.more ?? []),
    '',
  ].join('\r\n');
}

/** Content-Type and body of an ad-hoc INVITE: the offer and the list of who is to be invited. */
export function listBody(
  invited: readonly string[],
  offer: string = sdp(),
): { readonly contentType: string; readonly body: Buffer } {
  return formatMultipart([
    { contentType: 'application/sdp', body: Buffer.from(offer) },
    {
      contentType: 'application/resource-lists+xml',
      body: Buffer.from(
        formatResourceLists(invited.map((uri) => ({ uri, copyControl: 'to' as const, anonymize: false }))),
      ),
    },
  ]);
}

export const sdpBody = (text: string = sdp()) => ({ contentType: 'application/sdp', body: text });
