/** SDP offers for INVITEs that are not meant to carry a chat: good ones, and such as a focus must refuse. */
import { randomBytes } from 'node:crypto';
import { type MsrpSdpOptions, msrpSdp, sdpBody } from '../../../src/agents/sdp.ts';
import type { Body } from '../../../src/agents/sip/message.ts';

const AUDIO = ['m=audio 49170 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000'];

/** An offer whose connection nobody opens. */
export function offer(options: Partial<MsrpSdpOptions> = {}): Body {
  const path = `msrp://127.0.0.1:9/${randomBytes(9).toString('hex')};tcp`;
  return sdpBody(msrpSdp({ path, setup: 'active', ...options }));
}

/** Nothing but audio. */
export function audioOnly(): Body {
  const head = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
  return sdpBody(`${[...head, ...AUDIO].join('\r\n')}\r\n`);
}

export function audioAndMessage(): Body {
  return offer({ mediaBefore: AUDIO });
}

/** MSRP, but none of the types that the focus serves. */
export function picturesOnly(): Body {
  return offer({ acceptTypes: 'image/png image/gif' });
}
