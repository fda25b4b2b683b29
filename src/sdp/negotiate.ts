import { intersectTypes } from './media-types.ts';
import { type MsrpMedia, msrpMedia } from './msrp-media.ts';
import { parseMsrpUri } from './msrp-uri.ts';
import type { SdpMedia, SdpSession } from './session.ts';

/** What the server is able and allowed to do. */
export interface MsrpAbilities {
  /** Upper case, e.g. `['TCP/MSRP', 'TCP/TLS/MSRP']`. */
  readonly protocols: readonly string[];
  /** Types that may be SENT directly, lower case; `*` and `type/*` allowed. */
  readonly acceptTypes: readonly string[];
  /** Types inside message/cpim, lower case; `*` and `type/*` allowed. */
  readonly acceptWrappedTypes: readonly string[];
}

export type MsrpRefusal =
  | 'no-message-media'
  | 'port-zero'
  | 'protocol'
  | 'format'
  | 'file-transfer'
  | 'no-path'
  | 'bad-path'
  | 'no-accept-types'
  | 'no-common-type';

export type MsrpNegotiation =
  | {
      readonly ok: true;
      /** Position of the chosen m= line in the offer. */
      readonly index: number;
      readonly view: MsrpMedia;
      /** Of the offer's types those that we take, in the offer's order. Not empty. */
      readonly acceptTypes: readonly string[];
      readonly acceptWrappedTypes: readonly string[];
    }
  | {
      readonly ok: false;
      readonly reason: MsrpRefusal;
      /** For the Warning of the 488 (RFC 3261 20.43). */
      readonly warningCode: number;
      readonly text: string;
    };

const REFUSALS: Readonly<Record<MsrpRefusal, readonly [code: number, text: string]>> = {
  'no-message-media': [304, 'No message media offered'],
  'port-zero': [304, 'The offered message media is disabled'],
  protocol: [302, 'MSRP transport not supported'],
  format: [305, 'Message media needs format *'],
  'file-transfer': [304, 'File transfer is not supported in a conference'],
  'no-path': [399, 'Message media without a path'],
  'bad-path': [399, 'Message media with a malformed path'],
  'no-accept-types': [399, 'Message media without accept-types'],
  'no-common-type': [305, 'None of the accept-types is supported'],
};

/** The first m=message line that we can serve (case 71: file transfers are passed over), or why there is none. */
export function negotiateMsrp(offer: SdpSession, abilities: MsrpAbilities): MsrpNegotiation {
  let refusal: MsrpRefusal = 'no-message-media';
  for (const [index, section] of offer.media.entries()) {
    if (section.kind.toLowerCase() !== 'message') continue;
    const view = msrpMedia(section, offer);
    const fault = faultOf(section, view, abilities);
    if (fault === undefined) {
      return {
        ok: true,
        index,
        view,
        acceptTypes: intersectTypes(view.acceptTypes, abilities.acceptTypes),
        acceptWrappedTypes: intersectTypes(view.acceptWrappedTypes, abilities.acceptWrappedTypes),
      };
    }
    if (refusal === 'no-message-media') refusal = fault;
  }
  const [warningCode, text] = REFUSALS[refusal];
  return { ok: false, reason: refusal, warningCode, text };
}

function faultOf(section: SdpMedia, view: MsrpMedia, abilities: MsrpAbilities): MsrpRefusal | undefined {
  if (section.port === 0) return 'port-zero';
  if (!abilities.protocols.includes(view.protocol)) return 'protocol';
  if (!section.formats.includes('*')) return 'format';
  if (view.hasFileSelector) return 'file-transfer';
  if (view.path.length === 0) return 'no-path';
  if (!isUsablePath(view.path)) return 'bad-path';
  if (view.acceptTypes.length === 0) return 'no-accept-types';
  if (intersectTypes(view.acceptTypes, abilities.acceptTypes).length === 0) return 'no-common-type';
  return undefined;
}

/** Every URI well-formed, and the peer's own, the last, with a session-id. */
export function isUsablePath(path: readonly string[]): boolean {
  try {
    return path.map(parseMsrpUri).at(-1)?.sessionId !== undefined;
  } catch {
    return false;
  }
}
