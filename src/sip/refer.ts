import { ParseError } from '../lib/errors.ts';
import { header, listHeader, type SipMessage } from './message.ts';
import { type NameAddr, parseNameAddr } from './name-addr.ts';
import { isToken, type Params } from './scan.ts';
import { formatUri, parseUri, unescapeUri } from './uri.ts';

/** What a REFER points at (RFC 3515, RFC 5368). */
export type ReferTarget =
  | {
      readonly kind: 'uri';
      readonly displayName?: string;
      /** Without the `method` parameter and without URI headers. */
      readonly uri: string;
      /** As received; INVITE when nothing says otherwise (RFC 3515 2.1). */
      readonly method: string;
      /** URI headers with escapes undone: `Replaces`, `Call-ID` … (RFC 3891), names as received. */
      readonly uriHeaders: ReadonlyMap<string, string>;
      readonly params: Params;
    }
  | {
      /** `cid:`: the body part with this Content-ID (no angle brackets) holds the list of targets. */
      readonly kind: 'cid';
      readonly contentId: string;
      readonly method: string;
      readonly params: Params;
    };

/**
 * One Refer-To value. The method stands in the URI (`<sip:x;method=BYE>`) or, as some clients write it, in the
 * header field (`<sip:x>;method=INVITE`, and any form without brackets); the URI's wins.
 * Throws SIP_BAD_NAME_ADDR, SIP_BAD_PARAMETER or SIP_BAD_URI.
 */
export function parseReferTo(text: string): ReferTarget {
  const address = parseNameAddr(text);
  const uri = parseUri(address.uri);
  if (uri.scheme === 'cid') {
    return {
      kind: 'cid',
      contentId: unescapeUri(uri.opaque ?? ''),
      method: methodOf(text, address.params),
      params: address.params,
    };
  }
  const params = new Map(uri.params);
  params.delete('method');
  const uriHeaders = new Map(
    [...uri.headers].map(([name, value]) => [unescapeUri(name), unescapeUri(value)]),
  );
  return {
    kind: 'uri',
    ...(address.displayName === undefined ? {} : { displayName: address.displayName }),
    uri: formatUri({ ...uri, params, headers: new Map() }),
    method: methodOf(text, uri.params.has('method') ? uri.params : address.params),
    uriHeaders,
    params: address.params,
  };
}

function methodOf(text: string, params: Params): string {
  if (!params.has('method')) return 'INVITE';
  const method = params.get('method') ?? '';
  if (!isToken(method))
    throw new ParseError('SIP_BAD_PARAMETER', 'Refer-To with a method that is none', 0, text);
  return method;
}

/** The one Refer-To of a REFER. Throws SIP_BAD_FIELD when there is not exactly one (RFC 3515 2.4.1), else as `parseReferTo`. */
export function referTo(message: SipMessage): ReferTarget {
  const values = listHeader(message, 'Refer-To');
  const only = values[0];
  if (only === undefined || values.length > 1) {
    throw new ParseError(
      'SIP_BAD_FIELD',
      `${values.length} Refer-To values instead of one`,
      -1,
      values.join(','),
    );
  }
  return parseReferTo(only);
}

/**
 * Refer-Sub (RFC 4488): whether the sender wants the implicit subscription; true without the field. Throws
 * SIP_BAD_FIELD for anything but true and false.
 */
export function wantsReferSubscription(message: SipMessage): boolean {
  const field = header(message, 'Refer-Sub');
  if (field === undefined) return true;
  const value = field.split(';', 1)[0]?.trim().toLowerCase();
  if (value !== 'true' && value !== 'false') {
    throw new ParseError('SIP_BAD_FIELD', 'Refer-Sub is neither true nor false', 0, field);
  }
  return value === 'true';
}

/** Referred-By (compact form b, RFC 3892), with or without brackets; `undefined` without the field. Throws as `parseNameAddr`. */
export function referredBy(message: SipMessage): NameAddr | undefined {
  const value = header(message, 'Referred-By');
  return value === undefined ? undefined : parseNameAddr(value);
}
