/** The SIP messages of a user agent that lives in the focus's own process, and speaks for a user of a FreeSWITCH. Pure. */
import type { Effect, SipReply } from '../focus/decision.ts';
import type { SipHeader, SipRequest, SipResponse } from '../sip/message.ts';
import { formatNameAddr, NO_PARAMS } from '../sip/name-addr.ts';
import { type FreeSwitchEnd, LOCAL_SUFFIX, pathOfEnd } from './end.ts';
import { MAX_TEXT_BYTES } from './text.ts';

export type RequestEffect = Extract<Effect, { readonly kind: 'request' }>;

/** Calls of ours, and nobody else's, are known to the gateway by these. */
export const CALL_ID_SUFFIX = '@freeswitch.invalid';
export const TRANSACTION_PREFIX = 'fs-';

export interface DialogState {
  readonly end: FreeSwitchEnd;
  readonly callId: string;
  readonly displayName?: string;
  /** Ours. */
  readonly tag: string;
  /** The focus's; empty until its 200. */
  readonly focusTag: string;
  /** Request-URI: the group, then the session's identity. */
  readonly target: string;
}

const METHODS = 'INVITE, ACK, BYE, CANCEL, UPDATE, NOTIFY, OPTIONS';

export function inviteOf(dialog: DialogState, cseq: number, sdp: string, instance: string): SipRequest {
  return request(
    dialog,
    'INVITE',
    cseq,
    [
      ['Contact', `${contactOf(dialog)};+sip.instance="<urn:uuid:${instance}>"`],
      ['Allow', METHODS],
      ['Supported', 'timer'],
      ['Content-Type', 'application/sdp'],
    ],
    sdp,
  );
}

/** A refresh of the session timer (RFC 4028): it changes nothing. */
export function updateOf(dialog: DialogState, cseq: number, expiresS: number): SipRequest {
  return request(dialog, 'UPDATE', cseq, [
    ['Contact', contactOf(dialog)],
    ['Allow', METHODS],
    ['Supported', 'timer'],
    ['Session-Expires', `${expiresS};refresher=uac`],
  ]);
}

export function ackOf(dialog: DialogState, cseq: number): SipRequest {
  return request(dialog, 'ACK', cseq, []);
}

/** Our INVITE that the focus has not answered yet is given up. */
export function cancelOf(dialog: DialogState): SipRequest {
  return request(dialog, 'CANCEL', 1, []);
}

export function byeOf(dialog: DialogState, cseq: number, reason: string): SipRequest {
  return request(dialog, 'BYE', cseq, [['Reason', `SIP;cause=200;text="${reason}"`]]);
}

/** The user is to be invited (7.2.1.7), or removed (7.2.1.8); how it went nobody waits for. */
export function referOf(dialog: DialogState, cseq: number, user: string, isRemoval: boolean): SipRequest {
  return request(dialog, 'REFER', cseq, [
    ['Contact', contactOf(dialog)],
    ['Refer-To', isRemoval ? `<${user};method=BYE>` : `<${user}>`],
    ['Refer-Sub', 'false'],
    ['Supported', 'norefersub'],
  ]);
}

/** Our 200 to whatever the focus asks within the dialog. */
export function responseTo(
  effect: RequestEffect,
  dialog: DialogState,
  status: number,
  sdp?: string,
): SipResponse {
  const value = (name: string) =>
    effect.headers.find(([header]) => header.toLowerCase() === name.toLowerCase())?.[1];
  const expires = value('Session-Expires');
  return {
    kind: 'response',
    status,
    reason: status === 200 ? 'OK' : 'Call/Transaction Does Not Exist',
    headers: fields([
      ['From', value('From') ?? ''],
      ['To', value('To') ?? ''],
      ['Call-ID', effect.callId],
      ['CSeq', `${effect.cseq} ${effect.method}`],
      ['Contact', contactOf(dialog)],
      ['Allow', METHODS],
      ...(expires === undefined
        ? []
        : ([
            ['Require', 'timer'],
            ['Session-Expires', expires],
          ] as const)),
      ...(sdp === undefined ? [] : ([['Content-Type', 'application/sdp']] as const)),
    ]),
    body: Buffer.from(sdp ?? '', 'utf8'),
  };
}

/** The focus connects to us: in the switch's process our end of the line is opened when it is dialled. */
export function sdpOf(
  { end }: DialogState,
  { password, isTls, maxBytes }: { password: string; isTls: boolean; maxBytes: number },
  version: number,
): string {
  const host = `${end.node}${LOCAL_SUFFIX}`;
  const direction = end.kind === 'room' ? 'inactive' : 'sendrecv';
  return [
    'v=0',
    `o=- 1 ${version} IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=message 2855 TCP/${isTls ? 'TLS/' : ''}MSRP *`,
    'a=accept-types:message/cpim text/plain',
    'a=accept-wrapped-types:text/plain',
    `a=max-size:${Math.min(maxBytes, MAX_TEXT_BYTES)}`,
    `a=path:${pathOfEnd(end, password, isTls)}`,
    'a=setup:passive',
    `a=${direction}`,
    '',
  ].join('\r\n');
}

export function replyHeader(reply: SipReply, name: string): string | undefined {
  return reply.headers.find(([header]) => header.toLowerCase() === name.toLowerCase())?.[1];
}

function request(
  dialog: DialogState,
  method: string,
  cseq: number,
  headers: readonly (readonly [string, string])[],
  body = '',
): SipRequest {
  const { end, callId, displayName, tag, focusTag, target } = dialog;
  const from = formatNameAddr({
    ...(displayName === undefined ? {} : { displayName }),
    uri: end.identity,
    params: NO_PARAMS,
  });
  return {
    kind: 'request',
    method,
    uri: target,
    headers: fields([
      ['Via', `SIP/2.0/TCP ${end.node}${LOCAL_SUFFIX};branch=z9hG4bK${tag}${cseq}`],
      ['Max-Forwards', '70'],
      ['From', `${from};tag=${tag}`],
      ['To', `<${end.group}>${focusTag === '' ? '' : `;tag=${focusTag}`}`],
      ['Call-ID', callId],
      ['CSeq', `${cseq} ${method}`],
      ...headers,
    ]),
    body: Buffer.from(body, 'utf8'),
  };
}

function contactOf({ end }: DialogState): string {
  return `<sip:${end.kind}@${end.node}${LOCAL_SUFFIX};transport=tcp>`;
}

function fields(lines: readonly (readonly [string, string])[]): SipHeader[] {
  return lines.map(([name, value]) => ({ name, value }));
}
