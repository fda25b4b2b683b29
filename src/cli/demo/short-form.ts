/** Messages as one line: what it is, and the headers that a reader wants, most interesting first. Pure. */
import { partsOf, readConferenceInfo, readCpim, readResourceLists } from '../../agents/documents.ts';
import type { Frame } from '../../agents/msrp/frame.ts';
import { readSdp } from '../../agents/sdp.ts';
import { parseNameAddr } from '../../agents/sip/header-values.ts';
import type { SipMessage } from '../../agents/sip/message.ts';

export interface ShortForm {
  readonly what: string;
  readonly about: readonly string[];
  readonly isRoutine: boolean;
}

const SHOWN_ID_CHARS = 6;

/** `sip:ada@example.net` → `ada`; of a session identity's random part the first characters are enough. */
export function shortUri(uri: string): string {
  const user = /^(?:sips?:)?(?:([^@;]*)@)?([^;?]*)/i.exec(uri);
  return shortId(user?.[1] ?? user?.[2] ?? uri);
}

/** `im-s-0123456789abcdef0123` → `im-s-012345…`; so too a random word that stands alone. */
export function shortId(text: string): string {
  return text.replace(RANDOM_WORD, (whole, prefix: string | undefined, id: string) =>
    // A long word of a language has no digit.
    prefix !== undefined || /\d/.test(id) ? `${prefix ?? ''}${id.slice(0, SHOWN_ID_CHARS)}…` : whole,
  );
}

const RANDOM_WORD = /\b(im-s-)?([a-z0-9]{14,})\b/gi;

/** Every SIP URI in a text by its user part alone: in a demo all are of one domain. */
export function shortText(text: string): string {
  return shortId(text.replace(/\bsips?:([^\s@;>,"]+)@[^\s;:>,")]+(?::\d+)?/g, '$1'));
}

export function shortSip(message: SipMessage): ShortForm {
  const what = message.isRequest
    ? `${message.method} ${shortUri(message.requestUri)}`
    : `${message.status} ${message.reason.split(' -- ')[0]}`; // Kamailio's 100 is chatty.
  const isRoutine =
    message.method === 'ACK' ||
    message.status === 100 ||
    (message.status >= 200 && message.status < 300 && message.method !== 'INVITE');
  return { what, about: aboutSip(message).filter((part) => part !== ''), isRoutine };
}

function aboutSip(message: SipMessage): string[] {
  const warning = warningText(message);
  if (!message.isRequest) {
    const of = message.status === 100 ? '' : `to ${message.method}`;
    if (message.status >= 300) return [of, warning];
    if (message.status === 100 || message.method !== 'INVITE') return [of, named(message, 'Expires')];
    return [of, focusOf(message), ...bodiesOf(message), named(message, 'Session-Expires')];
  }
  switch (message.method) {
    case 'INVITE':
      return [
        named(message, 'Require'),
        ...bodiesOf(message),
        focusOf(message),
        personOf(message, 'P-Asserted-Identity'),
        personOf(message, 'Referred-By'),
        named(message, 'Subject'),
      ];
    case 'SUBSCRIBE':
      return [named(message, 'Event'), named(message, 'Expires')];
    case 'NOTIFY':
      return [endOfSubscription(message), ...bodiesOf(message)];
    case 'REGISTER':
      return [`Contact: ${parseNameAddr(message.values('Contact')[0] ?? '').uri}`];
    case 'BYE':
    case 'CANCEL':
      return [reasonOf(message)];
    default:
      return [];
  }
}

function named(message: SipMessage, name: string): string {
  const value = message.header(name);
  return value === undefined ? '' : `${name}: ${value}`;
}

/** Display name or address in a header such as Referred-By. */
function personOf(message: SipMessage, name: string): string {
  const value = message.values(name)[0];
  if (value === undefined) return '';
  const { displayName, uri } = parseNameAddr(value);
  return `${name}: ${displayName === '' ? shortUri(uri) : displayName}`;
}

function focusOf(message: SipMessage): string {
  const contact = parseNameAddr(message.values('Contact')[0] ?? '');
  return contact.params.has('isfocus') ? `Contact: ${shortUri(contact.uri)};isfocus` : '';
}

/** `terminated;reason=noresource`; '' while the subscription goes on. */
function endOfSubscription(message: SipMessage): string {
  const state = message.header('Subscription-State') ?? '';
  return /^terminated/i.test(state) ? state : '';
}

/** The text of a Reason, the part that people read. */
function reasonOf(message: SipMessage): string {
  const value = message.header('Reason');
  return value === undefined ? '' : `Reason: ${/;text=(".*")/.exec(value)?.[1] ?? value}`;
}

/** The text of the Warning, in quotes as it stands. */
function warningText(message: SipMessage): string {
  const value = message.header('Warning');
  return value === undefined ? '' : `Warning: ${/^\d{3} \S+ (.*)$/.exec(value)?.[1] ?? value}`;
}

function bodiesOf(message: SipMessage): string[] {
  if (message.bodyBytes.length === 0) return [];
  const parts = partsOf(message.header('Content-Type') ?? '', message.bodyBytes).map(
    ({ contentType, content }) =>
      bodyOf(contentType.split(';')[0]?.trim().toLowerCase() ?? '', content.toString('utf8')),
  );
  // Of several only the names, so that they find room.
  return [
    parts.length === 1 ? parts.join('') : parts.map((part) => part.replace(/^SDP .*/, 'SDP')).join(' + '),
  ];
}

function bodyOf(type: string, text: string): string {
  switch (type) {
    case 'application/sdp': {
      const { media, setup } = readSdp(text);
      const protocol =
        media.find(({ kind, port }) => kind === 'message' && port !== 0)?.protocol ?? 'no MSRP';
      return `SDP ${protocol}${setup === undefined ? '' : ` ${setup}`}`;
    }
    case 'application/resource-lists+xml':
      return `list of ${readResourceLists(text).length}`;
    case 'application/conference-info+xml': {
      const { users, state, version } = readConferenceInfo(text);
      const shown = users.map((user) => {
        const name = user.displayText === '' ? shortUri(user.entity) : user.displayText;
        return user.status === 'connected' ? name : `${name} (${user.status || user.state})`;
      });
      return `roster ${version} ${state}: ${shown.join(', ')}`;
    }
    default:
      return type;
  }
}

export function shortMsrp(frame: Frame): ShortForm {
  if (frame.method === '') {
    return { what: `${frame.status} ${frame.comment}`.trim(), about: [], isRoutine: frame.status === 200 };
  }
  const session = /\/([^/;]+);/.exec(frame.header('To-Path')?.split(' ').at(-1) ?? '')?.[1] ?? '';
  if (frame.body === undefined || frame.body.length === 0) {
    const about = frame.method === 'SEND' ? [`binds the connection to session ${shortId(session)}`] : [];
    return { what: frame.method, about, isRoutine: false };
  }
  const type = frame.header('Content-Type') ?? '';
  return { ...sendOf(frame, type), isRoutine: false };
}

function sendOf(frame: Frame, type: string): { what: string; about: string[] } {
  const body = frame.body ?? Buffer.alloc(0);
  const range = `Byte-Range: ${frame.header('Byte-Range') ?? 'none'}`;
  if (type.toLowerCase() !== 'message/cpim' || frame.flag !== '$') {
    const isText = type.toLowerCase().startsWith('text/plain');
    return {
      what: isText ? `${frame.method} "${body.toString('utf8')}"` : frame.method,
      about: [type, range],
    };
  }
  const cpim = readCpim(body);
  return {
    what: `${frame.method} "${cpim.body.toString('utf8')}"`,
    about: [`${type} from ${parseNameAddr(cpim.from).displayName || shortUri(cpim.fromUri)}`],
  };
}
