import type { XmlElement } from './reader.ts';

/** Text that is markup already and goes into a document as it stands. Only `xml`, `rawXml` and `formatElement` make it. */
export class XmlMarkup {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }

  toString(): string {
    return this.markup;
  }
}

/** What may stand between the parts of an `xml` template; undefined and false write nothing. */
export type XmlValue = string | number | boolean | bigint | XmlMarkup | undefined | readonly XmlValue[];

export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Marks a string as markup. Only for text that this project wrote or checked. */
export function rawXml(markup: string): XmlMarkup {
  return new XmlMarkup(markup);
}

/**
 * Template tag that writes XML: values are escaped for text and for quoted attributes alike, markup and arrays of
 * markup go in as they are, undefined writes nothing, true and false are written as words.
 *
 *     xml`<user entity="${uri}">${name === undefined ? undefined : xml`<display-text>${name}</display-text>`}</user>`
 */
export function xml(parts: TemplateStringsArray, ...values: readonly XmlValue[]): XmlMarkup {
  let markup = parts[0] ?? '';
  for (let index = 0; index < values.length; index += 1) {
    markup += valueOf(values[index]) + (parts[index + 1] ?? '');
  }
  return new XmlMarkup(markup);
}

function valueOf(value: XmlValue): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return escapeXml(value);
  if (value instanceof XmlMarkup) return value.markup;
  if (typeof value === 'object') {
    let markup = '';
    for (const item of value) markup += valueOf(item);
    return markup;
  }
  return String(value);
}

/** One element with text, or nothing when there is no text. */
export function optionalElement(
  name: string,
  text: string | number | boolean | undefined,
): XmlMarkup | undefined {
  return text === undefined ? undefined : new XmlMarkup(`<${name}>${valueOf(text)}</${name}>`);
}

/** One attribute with a space before it, or nothing when there is no value. */
export function optionalAttribute(
  name: string,
  value: string | number | boolean | undefined,
): XmlMarkup | undefined {
  return value === undefined ? undefined : new XmlMarkup(` ${name}="${valueOf(value)}"`);
}

// In this mode the surrogate range matches lone surrogates only.
const NEEDS_CARE = /[&<>"'\u0000-\u001f\ufffe\uffff\ud800-\udfff]/u;
const NEEDS_CARE_EACH = new RegExp(NEEDS_CARE, 'gu');

/**
 * Escapes text for element content and for attribute values. Characters that XML 1.0 section 2.2 does not allow in
 * any form are dropped; tab, LF and CR become references, which survive attribute and line-end normalisation.
 */
export function escapeXml(text: string): string {
  return NEEDS_CARE.test(text) ? text.replace(NEEDS_CARE_EACH, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '&':
      return '&amp;';
    case '<':
      return '&lt;';
    case '>':
      return '&gt;';
    case '"':
      return '&quot;';
    case "'":
      return '&apos;';
    case '\t':
      return '&#9;';
    case '\n':
      return '&#10;';
    case '\r':
      return '&#13;';
    default:
      return '';
  }
}

/** What is left of a text after a trip through a document: characters illegal in XML 1.0 are gone. */
export function legalXmlText(text: string): string {
  return NEEDS_CARE.test(text)
    ? text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\ud800-\udfff]/gu, '')
    : text;
}

const XML_NS = 'http://www.w3.org/XML/1998/namespace';

/**
 * Writes an element that was read, with its content, so that it can stand in any document: it declares each namespace
 * itself. Reading the result and writing it again gives the same text. Prefixes are not kept, therefore a qualified
 * name inside a value (such as xsi:type) loses its meaning.
 */
export function formatElement(element: XmlElement): string {
  return formatInScope(element, '\u0000');
}

/** Line ends and indentation of a read element stay readable; only CR would not survive the next reading. */
function escapeContent(text: string): string {
  return escapeXml(text).replaceAll('&#10;', '\n').replaceAll('&#9;', '\t');
}

function formatInScope(element: XmlElement, defaultNs: string): string {
  let start = `<${element.local}`;
  if (element.ns !== defaultNs) start += ` xmlns="${escapeXml(element.ns)}"`;
  const prefixes = new Map<string, string>();
  for (const { ns, local, value } of element.attributes) {
    let prefix = '';
    if (ns === XML_NS) {
      prefix = 'xml:';
    } else if (ns !== '') {
      let known = prefixes.get(ns);
      if (known === undefined) {
        known = `a${prefixes.size + 1}`;
        prefixes.set(ns, known);
        start += ` xmlns:${known}="${escapeXml(ns)}"`;
      }
      prefix = `${known}:`;
    }
    start += ` ${prefix}${local}="${escapeXml(value)}"`;
  }
  if (element.content.length === 0) return `${start}/>`;
  let inner = '';
  for (const item of element.content) {
    inner += typeof item === 'string' ? escapeContent(item) : formatInScope(item, element.ns);
  }
  return `${start}>${inner}</${element.local}>`;
}
