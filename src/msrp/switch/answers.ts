/** What a recipient's answer to one of our SENDs does (RFC 4975 sections 7.1.1 and 10). */
import type { FrameHead } from '../protocol/frame-head.ts';
import { releaseLeg } from './binding.ts';
import type { SwitchContext } from './context.ts';
import type { Peer } from './peer.ts';

const OK = 200;
const BAD_REQUEST = 400;
const TIMEOUT = 408;
const STOP_SENDING = 413;
const UNSUPPORTED_TYPE = 415;
const NO_SESSION = 481;

export function takeAnswer(context: SwitchContext, peer: Peer, head: FrameHead): void {
  const number = context.transactions.numberAt(head.bytes, head.tidStart, head.tidEnd);
  if (number < 0) return;
  if (head.status === OK && peer.outstanding.takeFirst(number)) return;
  if (peer.onBindAnswer !== null && number === peer.bindNumber) {
    peer.onBindAnswer(head.status);
    return;
  }
  const sent = peer.outstanding.take(number);
  if (sent === null || head.status === OK) return;
  context.counters.deliveryFailures++;
  switch (head.status) {
    case NO_SESSION:
    case TIMEOUT:
      if (sent.leg.peer === peer) releaseLeg(context, sent.leg, 'peer-refused');
      break;
    case STOP_SENDING:
    case UNSUPPORTED_TYPE:
    case BAD_REQUEST:
      sent.transfer?.stopFor(sent.leg);
      break;
    default:
    // 403 and 423 speak of this message alone; it is not sent again.
  }
}
