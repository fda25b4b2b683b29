/**
 * CANCELs that have overtaken their INVITE: Kamailio's workers tell us of each by themselves, so that of two messages
 * shortly after one another the second may come first. Of the latest only; a CANCEL that came too late is among them,
 * and matches nothing any more.
 */
import { parseCSeq } from '../sip/cseq.ts';
import { header, type SipRequest } from '../sip/message.ts';
import { tagOf } from '../sip/name-addr.ts';

const MAX_CANCELS = 1_024;

export class EarlyCancels {
  readonly #keys = new Set<string>();

  add(cancel: SipRequest): void {
    this.#keys.add(keyOf(cancel));
    const [oldest] = this.#keys;
    if (this.#keys.size > MAX_CANCELS && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** Whether this INVITE was cancelled before it came; only once. */
  take(request: SipRequest): boolean {
    return request.method === 'INVITE' && this.#keys.size > 0 && this.#keys.delete(keyOf(request));
  }
}

/** An INVITE and its CANCEL have Call-ID, From tag and CSeq number in common (RFC 3261 section 9.1). */
function keyOf(request: SipRequest): string {
  const { number } = parseCSeq(header(request, 'cseq') ?? '');
  return `${header(request, 'call-id')} ${tagOf(header(request, 'from') ?? '')} ${number}`;
}
