/** Why a document was not taken over XCAP: application/xcap-error+xml (RFC 4825 section 11). */
import type { XmlParseError } from '../../xml/reader.ts';
import { XML_DECLARATION, xml } from '../../xml/writer.ts';

export const XCAP_ERROR_TYPE = 'application/xcap-error+xml';

export type XcapConflict =
  | {
      readonly kind: 'not-well-formed' | 'not-utf-8' | 'schema-validation-error' | 'constraint-failure';
      readonly phrase: string;
    }
  /** Another document has what must be there once. */
  | { readonly kind: 'uniqueness-failure'; readonly field: string; readonly phrase: string };

/** Thrown by XCAP routes: 409 with this body. */
export class XcapConflictError extends Error {
  readonly conflict: XcapConflict;

  constructor(conflict: XcapConflict) {
    super(conflict.phrase);
    this.name = 'XcapConflictError';
    this.conflict = conflict;
  }
}

export function formatXcapError(conflict: XcapConflict): string {
  return `${XML_DECLARATION}${xml`<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error">${elementOf(conflict)}</xcap-error>\n`}`;
}

function elementOf(conflict: XcapConflict) {
  const { kind, phrase } = conflict;
  switch (kind) {
    case 'not-well-formed':
      return xml`<not-well-formed phrase="${phrase}"/>`;
    case 'not-utf-8':
      return xml`<not-utf-8 phrase="${phrase}"/>`;
    case 'schema-validation-error':
      return xml`<schema-validation-error phrase="${phrase}"/>`;
    case 'constraint-failure':
      return xml`<constraint-failure phrase="${phrase}"/>`;
    case 'uniqueness-failure':
      return xml`<uniqueness-failure phrase="${phrase}"><exists field="${conflict.field}"/></uniqueness-failure>`;
  }
}

/** What the XML reader gave up on. */
export function readingConflict({ code, message }: XmlParseError): XcapConflict {
  if (code === 'XML_ENCODING') return { kind: 'not-utf-8', phrase: message };
  if (code === 'XML_LIMIT' || code === 'XML_DOCTYPE') return { kind: 'constraint-failure', phrase: message };
  return { kind: 'not-well-formed', phrase: message };
}
