/** OPTIONS that `parley doctor` asks by: they are told apart from what clients ask. */
import { header, type SipRequest } from './message.ts';

export const PROBE_USER_AGENT = 'parley-doctor';

/** Anybody may say so. OPTIONS changes nothing, and all that follows is another word in the list of decisions. */
export function isProbe(request: SipRequest): boolean {
  return request.method === 'OPTIONS' && header(request, 'user-agent') === PROBE_USER_AGENT;
}
