/** Replies that the focus makes: what every response of ours carries, and refusals as SIP. */
import { formatWarning } from '../sip/warning.ts';
import type { ConferenceRow } from './conference.ts';
import type { HeaderLine, Refusal, SipReply } from './decision.ts';
import type { FocusSettings } from './world.ts';

/** The methods the focus answers or sends (R-7.2.1.1-2). */
export const SUPPORTED_METHODS = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'UPDATE',
  'REFER',
  'SUBSCRIBE',
  'NOTIFY',
  'OPTIONS',
] as const;
export const ALLOW: HeaderLine = ['Allow', SUPPORTED_METHODS.join(', ')];

/** Option tags that we understand in Require; anything else is answered 420 (RFC 3261 section 8.2.2.3). */
export const SUPPORTED_OPTIONS = ['timer', 'norefersub', 'recipient-list-invite', 'multiple-refer'] as const;
export const SUPPORTED: HeaderLine = ['Supported', SUPPORTED_OPTIONS.join(', ')];

export function serverHeader(settings: FocusSettings): HeaderLine {
  return ['Server', settings.release];
}

/** The Warning agent is the server's host, without a port that some clients cannot read there. */
export function warningHeader(settings: FocusSettings, text: string): HeaderLine {
  return ['Warning', formatWarning(399, settings.domain, text)];
}

export function replyToRefusal(settings: FocusSettings, refusal: Refusal, toTag: string): SipReply {
  return {
    code: refusal.code,
    reason: refusal.reason,
    toTag,
    headers: [warningHeader(settings, refusal.warning), ...refusal.headers, serverHeader(settings)],
    ...(refusal.body === undefined ? {} : { body: refusal.body }),
  };
}

/** RCC.07: the service of a CPM group session, as its feature tag is written in header fields. */
const CPM_GROUP_SESSION = '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session.group"';

/** R-7.2.1.1-5: the IM Session Identity with the feature tags of a focus of the IM service. */
export function focusContact(row: ConferenceRow, settings: FocusSettings): HeaderLine {
  return ['Contact', `<${row.identity}>;isfocus;${imFeatures(settings)}`];
}

/** The feature tags of the IM service, for Contact and Accept-Contact. */
export function imFeatures({ readings }: FocusSettings): string {
  return readings.cpmFeatureTag ? `+g.oma.sip-im;${CPM_GROUP_SESSION}` : '+g.oma.sip-im';
}
