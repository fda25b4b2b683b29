import { attributeOf, readXml, type XmlElement, XmlParseError, type XmlReadOptions } from '../xml/reader.ts';
import { optionalAttribute, optionalElement, XML_DECLARATION, type XmlMarkup, xml } from '../xml/writer.ts';

export const RESOURCE_LISTS_NS = 'urn:ietf:params:xml:ns:resource-lists';
/** RFC 5364. */
const COPY_CONTROL_NS = 'urn:ietf:params:xml:ns:copycontrol';

export type CopyControl = 'to' | 'cc' | 'bcc';

/** One recipient of a list (RFC 4826 section 3, with the attributes of RFC 5364). */
export interface ResourceListEntry {
  /** As written, without URI header fields. */
  readonly uri: string;
  readonly displayName?: string;
  /** Absent where the list says nothing: then it counts as `to`. */
  readonly copyControl?: CopyControl;
  /** The address is not to be shown to the other recipients. */
  readonly anonymize: boolean;
  /** The Replaces header field of the entry's URI, decoded: the invitation to this user carries it. */
  readonly replaces?: string;
}

/**
 * The entries of a resource-lists document, those of lists inside lists in document order. Duplicates stay: who counts
 * or invites knows how addresses compare. A list without entries gives none.
 *
 * @throws {XmlParseError} `XML_INVALID` for another kind of document or a bad entry, `XML_UNSUPPORTED` for entry-ref
 *   and external (they name lists elsewhere: leaving them out in silence would leave out people), and the codes of
 *   `readXml`
 */
export function parseResourceLists(
  source: string | Uint8Array,
  options: XmlReadOptions = {},
): ResourceListEntry[] {
  const root = readXml(source, options);
  if (root.ns !== RESOURCE_LISTS_NS || root.local !== 'resource-lists') {
    throw invalid(root, `the root is not resource-lists in ${RESOURCE_LISTS_NS}`);
  }
  const entries: ResourceListEntry[] = [];
  for (const list of root.children) {
    if (list.ns !== RESOURCE_LISTS_NS) continue;
    if (list.local !== 'list') throw invalid(list, 'only list may stand here');
    readList(list, entries);
  }
  return entries;
}

function readList(list: XmlElement, entries: ResourceListEntry[]): void {
  for (const child of list.children) {
    // Elements of other namespaces are extensions that RFC 4826 has us ignore.
    if (child.ns !== RESOURCE_LISTS_NS) continue;
    switch (child.local) {
      case 'entry':
        entries.push(readEntry(child));
        break;
      case 'list':
        readList(child, entries);
        break;
      case 'entry-ref':
      case 'external':
        throw new XmlParseError('XML_UNSUPPORTED', `${child.local} is not supported`, child);
      case 'display-name':
        break;
      default:
        throw invalid(child, 'not an element of a list');
    }
  }
}

function readEntry(element: XmlElement): ResourceListEntry {
  const written = attributeOf(element, 'uri')?.trim() ?? '';
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+$/.test(written)) {
    throw invalid(element, written === '' ? 'entry has no uri' : 'the uri of an entry is not a URI');
  }
  const { uri, replaces } = splitReplaces(written);
  const displayName = element.children
    .find((child) => child.ns === RESOURCE_LISTS_NS && child.local === 'display-name')
    ?.text.trim();
  const copyControl = copyAttribute(element, 'copyControl');
  if (copyControl !== undefined && copyControl !== 'to' && copyControl !== 'cc' && copyControl !== 'bcc') {
    throw invalid(element, 'copyControl is not to, cc or bcc');
  }
  const anonymize = copyAttribute(element, 'anonymize') ?? 'false';
  if (!/^(true|false|1|0)$/.test(anonymize)) throw invalid(element, 'anonymize is not a boolean');
  return {
    uri,
    ...(displayName !== undefined && displayName !== '' && { displayName }),
    ...(copyControl !== undefined && { copyControl }),
    anonymize: anonymize === 'true' || anonymize === '1',
    ...(replaces !== undefined && { replaces }),
  };
}

/** Some clients leave out the prefix of RFC 5364's attributes or change the case of the namespace. */
function copyAttribute(element: XmlElement, local: string): string | undefined {
  return element.attributes
    .find(
      (attribute) =>
        attribute.local === local && (attribute.ns === '' || attribute.ns.toLowerCase() === COPY_CONTROL_NS),
    )
    ?.value.trim();
}

/** Takes the header fields off a SIP URI (RFC 3261 section 19.1.1); a `?` before the `@` belongs to the user part. */
function splitReplaces(written: string): { uri: string; replaces?: string } {
  if (!/^sips?:/i.test(written)) return { uri: written };
  const question = written.indexOf('?', written.indexOf('@') + 1);
  if (question < 0) return { uri: written };
  const uri = written.slice(0, question);
  for (const header of written.slice(question + 1).split('&')) {
    const equals = header.indexOf('=');
    if (equals > 0 && header.slice(0, equals).toLowerCase() === 'replaces') {
      return { uri, replaces: decodePercent(header.slice(equals + 1)) };
    }
  }
  return { uri };
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray percent sign: some clients send the value unescaped.
    return text;
  }
}

/** Writes a list with everything the entries say, as a client sends it (RFC 5366). */
export function formatResourceLists(entries: readonly ResourceListEntry[]): string {
  return formatList(
    entries.map((entry) => {
      const uri =
        entry.replaces === undefined
          ? entry.uri
          : `${entry.uri}?Replaces=${encodeURIComponent(entry.replaces)}`;
      const attributes = xml`${optionalAttribute('cp:copyControl', entry.copyControl)}${optionalAttribute('cp:anonymize', entry.anonymize || undefined)}`;
      return formatEntry(uri, attributes, entry.displayName);
    }),
  );
}

/**
 * Writes the list of those invited for the invitees to see (recipient-list-history, RFC 5366 with
 * RFC 5364): bcc entries are left out, and those to be anonymous are merged to one entry per copy control.
 */
export function formatResourceListsHistory(entries: readonly ResourceListEntry[]): string {
  const hidden = new Map<CopyControl, number>();
  const lines: XmlMarkup[] = [];
  for (const entry of entries) {
    const { uri, displayName, copyControl = 'to' } = entry;
    if (copyControl === 'bcc') continue;
    if (entry.anonymize) hidden.set(copyControl, (hidden.get(copyControl) ?? 0) + 1);
    else lines.push(formatEntry(uri, xml` cp:copyControl="${copyControl}"`, displayName));
  }
  for (const [copyControl, count] of hidden) {
    lines.push(
      formatEntry(
        ANONYMOUS_URI,
        xml` cp:copyControl="${copyControl}" cp:anonymize="true" cp:count="${count}"`,
        undefined,
      ),
    );
  }
  return formatList(lines);
}

/** The address that stands for those who stay unnamed (RFC 3323, RFC 5364). */
export const ANONYMOUS_URI = 'sip:anonymous@anonymous.invalid';

function formatEntry(uri: string, attributes: XmlMarkup, displayName: string | undefined): XmlMarkup {
  return displayName === undefined
    ? xml`<entry uri="${uri}"${attributes}/>\n`
    : xml`<entry uri="${uri}"${attributes}>${optionalElement('display-name', displayName)}</entry>\n`;
}

function formatList(entries: readonly XmlMarkup[]): string {
  return `${XML_DECLARATION}${xml`<resource-lists xmlns="${RESOURCE_LISTS_NS}" xmlns:cp="${COPY_CONTROL_NS}">
<list>
${entries}</list>
</resource-lists>
`}`;
}

function invalid(element: XmlElement, message: string): XmlParseError {
  return new XmlParseError('XML_INVALID', message, element);
}
