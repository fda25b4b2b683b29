/** What any correct SIP message has; a fault is reported, not hidden, because these agents stand in for strict clients. */
import { parseNameAddr, parseVia } from './header-values.ts';
import type { SipMessage } from './message.ts';

const ONCE = [
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Max-Forwards',
  'Content-Length',
  'Content-Type',
  'Expires',
  'Session-Expires',
  'Event',
];

/** The faults of a received message against RFC 3261 section 8.1.1 and 8.2.6; empty when there are none. */
export function messageFaults(message: SipMessage, transport: 'udp' | 'tcp'): string[] {
  const faults: string[] = [];
  const fault = (text: string): void => {
    faults.push(`${message.summary}: ${text}`);
  };
  for (const name of ['From', 'To', 'Call-ID', 'CSeq', 'Via']) {
    if (message.header(name) === undefined) fault(`no ${name}`);
  }
  for (const name of ONCE) {
    if (message.headers(name).length > 1) fault(`${name} ${message.headers(name).length} times`);
  }
  if (message.isRequest && message.header('Max-Forwards') === undefined) fault('no Max-Forwards');
  if (message.isRequest && !(message.header('CSeq') ?? '').endsWith(` ${message.method}`)) {
    fault('CSeq names another method');
  }
  if (transport === 'tcp' && message.header('Content-Length') === undefined)
    fault('no Content-Length on TCP');
  if (message.bodyBytes.length > 0 && message.header('Content-Type') === undefined)
    fault('a body without Content-Type');
  try {
    if (message.fromTag === '') fault('From without tag');
    if (!message.isRequest && message.status > 100 && message.toTag === '') fault('To without tag');
    for (const via of message.values('Via')) {
      if (!(parseVia(via).params.get('branch') ?? '').startsWith('z9hG4bK'))
        fault('Via without an RFC 3261 branch');
    }
    for (const contact of message.values('Contact')) if (contact !== '*') parseNameAddr(contact);
  } catch (error) {
    fault((error as Error).message);
  }
  const formsDialog =
    message.method === 'INVITE' || message.method === 'SUBSCRIBE' || message.method === 'UPDATE';
  const contacts = message.values('Contact').length;
  if (
    formsDialog &&
    (message.isRequest || (message.status >= 200 && message.status < 300)) &&
    contacts !== 1
  ) {
    fault(`${contacts} Contacts, one expected`);
  }
  return faults;
}

/** The faults of a response against the request that it answers. */
export function responseFaults(response: SipMessage, request: SipMessage): string[] {
  const faults: string[] = [];
  if (response.callId !== request.callId) faults.push(`${response.summary}: Call-ID is not the request's`);
  if (response.cseq !== request.cseq) faults.push(`${response.summary}: CSeq is not the request's`);
  if (response.fromTag !== request.fromTag) faults.push(`${response.summary}: From tag is not the request's`);
  if (response.values('Via').length !== 1) faults.push(`${response.summary}: more than our Via came back`);
  if (request.toTag !== '' && response.toTag !== request.toTag) {
    faults.push(`${response.summary}: To tag is not the dialog's`);
  }
  return faults;
}
