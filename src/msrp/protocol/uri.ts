/** MSRP URIs and paths (RFC 4975 sections 6 and 9). */
import { ParseError } from '../../lib/errors.ts';

export interface MsrpUri {
  readonly secure: boolean;
  readonly userinfo: string;
  /** As written; IPv6 with its brackets. */
  readonly host: string;
  /** −1 when the URI names none. */
  readonly port: number;
  readonly sessionId: string;
  readonly transport: string;
  /** Further parameters as written, with their semicolons. */
  readonly parameters: string;
}

const MAX_URI_CHARS = 1024;
const NO_PORT = -1;
const FORM =
  /^(msrps?):\/\/(?:([A-Za-z0-9\-._~!$&'()*+,;=%:]+)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~]+)(?::(\d{1,5}))?(?:\/([A-Za-z0-9\-._~+=/]*))?;([A-Za-z0-9]+)((?:;[A-Za-z0-9\-._~%!$&'()*+=:]+)*)$/i;

/** @throws ParseError MSRP_BAD_URI */
export function parseMsrpUri(text: string): MsrpUri {
  const match = text.length > MAX_URI_CHARS ? null : FORM.exec(text);
  if (match === null) throw new ParseError('MSRP_BAD_URI', 'not an MSRP URI', 0, text);
  const port = match[4] === undefined ? NO_PORT : Number(match[4]);
  if (port > 65_535) throw new ParseError('MSRP_BAD_URI', 'port over 65535', 0, text);
  return {
    secure: (match[1] as string).length === 5,
    userinfo: match[2] ?? '',
    host: match[3] as string,
    port,
    sessionId: match[5] ?? '',
    transport: match[6] as string,
    parameters: match[7] ?? '',
  };
}

export function formatMsrpUri(uri: MsrpUri): string {
  const userinfo = uri.userinfo === '' ? '' : `${uri.userinfo}@`;
  const port = uri.port === NO_PORT ? '' : `:${uri.port}`;
  const sessionId = uri.sessionId === '' ? '' : `/${uri.sessionId}`;
  return `${uri.secure ? 'msrps' : 'msrp'}://${userinfo}${uri.host}${port}${sessionId};${uri.transport}${uri.parameters}`;
}

/** RFC 4975 section 6.1: session-id with case, the rest without; userinfo and parameters do not count. */
export function isSameMsrpUri(a: MsrpUri, b: MsrpUri): boolean {
  return (
    a.secure === b.secure &&
    a.host.toLowerCase() === b.host.toLowerCase() &&
    a.port === b.port &&
    a.sessionId === b.sessionId &&
    a.transport.toLowerCase() === b.transport.toLowerCase()
  );
}

const MAX_PATH_URIS = 16;

/** The URIs of a To-Path, From-Path or a=path, leftmost first. @throws ParseError MSRP_BAD_URI */
export function parseMsrpPath(text: string): readonly MsrpUri[] {
  const parts = text.split(' ');
  if (parts.length > MAX_PATH_URIS) throw new ParseError('MSRP_BAD_URI', 'path too long', 0, text);
  return parts.map(parseMsrpUri);
}
