/** What is checked of every request before any clause: whether it can be read, and what it requires of us. */
import { parseCSeq } from '../sip/cseq.ts';
import { listHeader, requiredHeader, type SipRequest } from '../sip/message.ts';
import { requiredTags } from '../sip/option-tags.ts';
import { checkSingleValued } from '../sip/single-valued.ts';
import { type Refusal, refusal } from './decision.ts';
import { SUPPORTED_OPTIONS } from './responses.ts';
import type { FocusSettings } from './world.ts';

export interface Fault {
  readonly id: string;
  readonly title: string;
  readonly why: Refusal;
}

/** The first fault found. @throws ParseError for what cannot be read */
export function generalFault(request: SipRequest, { limits }: FocusSettings): Fault | undefined {
  checkSingleValued(request);
  const cseq = parseCSeq(requiredHeader(request, 'CSeq'));
  if (cseq.method !== request.method) {
    const why = refusal(400, 'Bad Request', `CSeq is of another method than ${request.method}`);
    return { id: 'RFC3261-8.1.1.5', title: 'CSeq has the method of the request', why };
  }
  if (request.body.length > limits.maxBodyBytes) {
    const why = refusal(
      413,
      'Request Entity Too Large',
      `a body may have ${limits.maxBodyBytes} bytes at most`,
    );
    return { id: 'RFC3261-21.4.11', title: 'the body is not too large', why };
  }
  return unsupportedTags(request) ?? unreadableEncoding(request);
}

/** Kamailio, which is the proxy in front of the focus, has no extension that a client could insist on either. */
function unsupportedTags(request: SipRequest): Fault | undefined {
  const tags = [
    ...requiredTags(request, 'Require').filter((tag) => !SUPPORTED_TAGS.has(tag)),
    ...requiredTags(request, 'Proxy-Require'),
  ];
  if (tags.length === 0) return undefined;
  const unsupported = [...new Set(tags)].join(', ');
  const why = refusal(420, 'Bad Extension', `not supported: ${unsupported}`, [['Unsupported', unsupported]]);
  return { id: 'RFC3261-8.2.2.3', title: 'every option tag of Require is supported', why };
}

const SUPPORTED_TAGS: ReadonlySet<string> = new Set(SUPPORTED_OPTIONS);

function unreadableEncoding(request: SipRequest): Fault | undefined {
  const codings = listHeader(request, 'Content-Encoding').filter(
    (coding) => coding.toLowerCase() !== 'identity',
  );
  if (codings.length === 0 || request.body.length === 0) return undefined;
  const why = refusal(415, 'Unsupported Media Type', 'the body has an encoding that is not supported here', [
    ['Accept-Encoding', 'identity'],
  ]);
  return { id: 'RFC3261-8.2.3', title: 'the encoding of the body is supported', why };
}
