import { SaxesParser, type SaxesTagNS } from 'saxes';
import { ParseError } from '../lib/errors.ts';

/** Bounds of one XML document; what is over a bound is refused with `XML_LIMIT`. */
export interface XmlReadOptions {
  /** Bytes of the document in UTF-8 (default 1 MiB). */
  readonly maxBytes?: number;
  /** Elements inside one another, the root counting as 1 (default 32). */
  readonly maxDepth?: number;
  /** Elements in the whole document (default 20,000). */
  readonly maxElements?: number;
  /** Attributes of one element, namespace declarations included (default 64). */
  readonly maxAttributes?: number;
}

export const XML_READ_DEFAULTS: Required<XmlReadOptions> = {
  maxBytes: 1_048_576,
  maxDepth: 32,
  maxElements: 20_000,
  maxAttributes: 64,
};

/** An attribute; `ns` is empty for one without a prefix. */
export interface XmlAttribute {
  readonly ns: string;
  readonly local: string;
  readonly value: string;
}

/** One element of a document that was read; not to be changed. */
export interface XmlElement {
  /** Namespace URI, empty for none. */
  readonly ns: string;
  readonly local: string;
  /** In document order, namespace declarations left out. */
  readonly attributes: readonly XmlAttribute[];
  /** Child elements and character data in document order. */
  readonly content: readonly (XmlElement | string)[];
  /** Child elements alone. */
  readonly children: readonly XmlElement[];
  /** The character data directly inside the element, joined, as written (not trimmed). */
  readonly text: string;
  /** Where it stands, such as `/group/list-service/list/entry[3]`; the number counts siblings of that name. */
  readonly path: string;
  /** Line of the start tag, from 1. */
  readonly line: number;
  /** Column of the start tag's `<` in that line, in characters (UTF-16 units) from 1. */
  readonly column: number;
}

/** Where in a document something stands. */
export interface XmlPlace {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** A document that cannot be read or does not fit its format; `path`, `line` and `column` say where. */
export class XmlParseError extends ParseError {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** What is wrong, without the place. */
  readonly reason: string;

  constructor(code: XmlErrorCode, reason: string, { path, line, column }: XmlPlace) {
    const shownPath = path.length > MAX_SHOWN_PATH_CHARS ? `${path.slice(0, MAX_SHOWN_PATH_CHARS)}…` : path;
    super(code, `${shownPath} (line ${line}, column ${column}): ${reason}`, -1);
    this.name = 'XmlParseError';
    this.path = shownPath;
    this.line = line;
    this.column = column;
    this.reason = reason;
  }
}

/**
 * `XML_MALFORMED` not well-formed · `XML_ENCODING` not UTF-8 · `XML_DOCTYPE` a document type declaration ·
 * `XML_LIMIT` over a bound · `XML_INVALID` well-formed, but not what its format asks ·
 * `XML_UNSUPPORTED` allowed by its format, but not handled here.
 */
export type XmlErrorCode =
  | 'XML_MALFORMED'
  | 'XML_ENCODING'
  | 'XML_DOCTYPE'
  | 'XML_LIMIT'
  | 'XML_INVALID'
  | 'XML_UNSUPPORTED';

const MAX_SHOWN_PATH_CHARS = 256;
const DOCUMENT_START: XmlPlace = { path: '/', line: 1, column: 1 };
const XMLNS_NS = 'http://www.w3.org/2000/xmlns/';

interface OpenElement {
  ns: string;
  local: string;
  attributes: XmlAttribute[];
  content: (XmlElement | string)[];
  children: XmlElement[];
  text: string;
  path: string;
  line: number;
  column: number;
  /** How many children of each name were seen, for the paths of the next ones. */
  siblings: Map<string, number>;
}

/**
 * Reads one XML 1.0 document with its namespaces resolved and returns the root element.
 *
 * A DOCTYPE is refused outright, so that no entity can be declared, and only the five predefined entities and
 * character references are known (RFC 3470 section 4; the formats read here need no more).
 *
 * @throws {XmlParseError} with one of the `XML_*` codes
 */
export function readXml(source: string | Uint8Array, options: XmlReadOptions = {}): XmlElement {
  const bounds = { ...XML_READ_DEFAULTS, ...options };
  const bytes = typeof source === 'string' ? Buffer.byteLength(source) : source.byteLength;
  if (bytes > bounds.maxBytes) {
    throw new XmlParseError(
      'XML_LIMIT',
      `the document has ${bytes} bytes, ${bounds.maxBytes} are allowed`,
      DOCUMENT_START,
    );
  }
  return new TreeReader(bounds, typeof source !== 'string').read(
    typeof source === 'string' ? source.replace(/^\uFEFF/, '') : decodeUtf8(source),
  );
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new XmlParseError('XML_ENCODING', 'the document is not UTF-8', DOCUMENT_START);
  }
}

class TreeReader {
  readonly #bounds: Required<XmlReadOptions>;
  readonly #checkEncoding: boolean;
  readonly #parser = new SaxesParser({ xmlns: true, forceXMLVersion: true, defaultXMLVersion: '1.0' });
  readonly #open: OpenElement[] = [];
  #root: XmlElement | undefined;
  #elementCount = 0;
  #attributeCount = 0;
  #line = 1;
  #column = 1;

  constructor(bounds: Required<XmlReadOptions>, checkEncoding: boolean) {
    this.#bounds = bounds;
    this.#checkEncoding = checkEncoding;
  }

  read(text: string): XmlElement {
    const parser = this.#parser;
    parser.on('error', (error) => {
      // Messages of saxes start with "line:column: ", which this error carries as its line.
      this.#fail('XML_MALFORMED', error.message.replace(/^\d+:\d+: /, '').slice(0, 200));
    });
    parser.on('xmldecl', ({ encoding }) => {
      if (this.#checkEncoding && encoding !== undefined && !/^(utf-?8|us-ascii|ascii)$/i.test(encoding)) {
        this.#fail('XML_ENCODING', 'only UTF-8 is read');
      }
    });
    parser.on('doctype', () => this.#fail('XML_DOCTYPE', 'a document type declaration is not allowed'));
    parser.on('opentagstart', ({ name }) => {
      const start = text.lastIndexOf('<', parser.position - name.length - 1);
      if (parser.columnIndex === 0) {
        // The character after the name is read already, and it was a line end.
        this.#line = parser.line - 1;
        this.#column = start - text.lastIndexOf('\n', start);
      } else {
        this.#line = parser.line;
        this.#column = parser.columnIndex - (parser.position - start) + 1;
      }
      this.#attributeCount = 0;
    });
    parser.on('attribute', () => {
      this.#attributeCount += 1;
      if (this.#attributeCount > this.#bounds.maxAttributes) {
        this.#fail('XML_LIMIT', `more than ${this.#bounds.maxAttributes} attributes on an element`);
      }
    });
    parser.on('opentag', (tag) => this.#openElement(tag));
    parser.on('closetag', () => this.#closeElement());
    parser.on('text', (data) => this.#addText(data));
    parser.on('cdata', (data) => this.#addText(data));
    parser.write(text).close();
    if (this.#root === undefined) this.#fail('XML_MALFORMED', 'the document has no root element');
    return this.#root;
  }

  #openElement(tag: SaxesTagNS): void {
    const { maxDepth, maxElements } = this.#bounds;
    this.#elementCount += 1;
    if (this.#elementCount > maxElements) this.#fail('XML_LIMIT', `more than ${maxElements} elements`);
    if (this.#open.length >= maxDepth) this.#fail('XML_LIMIT', `elements more than ${maxDepth} deep`);
    const attributes: XmlAttribute[] = [];
    for (const { uri, local, value } of Object.values(tag.attributes)) {
      if (uri !== XMLNS_NS) attributes.push({ ns: uri, local, value });
    }
    const parent = this.#open.at(-1);
    this.#open.push({
      ns: tag.uri,
      local: tag.local,
      attributes,
      content: [],
      children: [],
      text: '',
      path: parent === undefined ? `/${tag.local}` : `${parent.path}/${nextStep(parent, tag.local)}`,
      line: this.#line,
      column: this.#column,
      siblings: new Map(),
    });
  }

  #closeElement(): void {
    const closed = this.#open.pop();
    if (closed === undefined) return;
    const { siblings: _, ...element } = closed;
    const parent = this.#open.at(-1);
    if (parent === undefined) {
      this.#root = element;
    } else {
      parent.children.push(element);
      parent.content.push(element);
    }
  }

  #addText(data: string): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) return;
    parent.text += data;
    const last = parent.content.length - 1;
    const previous = parent.content[last];
    // CDATA next to text is one run of characters to a reader.
    if (typeof previous === 'string') parent.content[last] = previous + data;
    else parent.content.push(data);
  }

  #fail(code: XmlErrorCode, message: string): never {
    const { line, columnIndex } = this.#parser;
    throw new XmlParseError(code, message, {
      path: this.#open.at(-1)?.path ?? '/',
      line,
      column: Math.max(1, columnIndex),
    });
  }
}

function nextStep(parent: OpenElement, local: string): string {
  const count = (parent.siblings.get(local) ?? 0) + 1;
  parent.siblings.set(local, count);
  return count === 1 ? local : `${local}[${count}]`;
}

/** The value of an attribute without a namespace (or in `ns`), or undefined. */
export function attributeOf(element: XmlElement, local: string, ns = ''): string | undefined {
  return element.attributes.find((attribute) => attribute.local === local && attribute.ns === ns)?.value;
}

/** The child elements of that name, in document order. */
export function childrenOf(element: XmlElement, ns: string, local: string): XmlElement[] {
  return element.children.filter((child) => child.ns === ns && child.local === local);
}

/** The first child element of that name. */
export function childOf(element: XmlElement, ns: string, local: string): XmlElement | undefined {
  return element.children.find((child) => child.ns === ns && child.local === local);
}
