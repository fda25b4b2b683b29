/** Where a group document's reference to a list points: a resource-lists document, and a list inside it. */
export interface ListAnchor {
  /** Path of the document below the folder of lists, such as `resource-lists/users/sip:ada@example.net/index`. */
  readonly document: string;
  /** The lists to go down through, each by its name or its place among its siblings; none: the whole document. */
  readonly steps: readonly ListStep[];
}

export type ListStep = { readonly name: string } | { readonly position: number };

/**
 * Reads the anchor of an `external` (RFC 4826 section 3.3: an XCAP URI, RFC 4825 section 6) or of an `external-list`.
 * A full URI counts from its `resource-lists` segment on, so that a tree that was copied from an XDM server is found
 * as it stands; a relative one is a path as it is written. Behind `/~~/` a list may be chosen by name or position.
 *
 * @returns undefined for what cannot be a path here: empty and dot segments, other selectors
 */
export function parseListAnchor(anchor: string): ListAnchor | undefined {
  const [path = '', selector, ...more] = anchor.split('/~~');
  if (more.length > 0) return undefined;
  const document = documentPath(path);
  const steps = selector === undefined ? [] : selectorSteps(selector);
  return document === undefined || steps === undefined ? undefined : { document, steps };
}

const LISTS_ROOT = 'resource-lists';

function documentPath(path: string): string | undefined {
  const isFull = /^https?:\/\//i.test(path);
  const segments = path
    .replace(/^https?:\/\/[^/]*\/?/i, '')
    .replace(/^\//, '')
    .split('/')
    .map(decoded);
  const root = isFull ? segments.indexOf(LISTS_ROOT) : 0;
  const own = segments.slice(Math.max(0, root));
  const isPath = own.every((segment) => segment !== undefined && isPlainSegment(segment));
  return isPath ? own.join('/') : undefined;
}

function isPlainSegment(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..' && !/[/\\\u0000-\u001f]/.test(segment);
}

function selectorSteps(selector: string): ListStep[] | undefined {
  const text = decoded(selector);
  if (text === undefined) return undefined;
  const steps: ListStep[] = [];
  for (const [at, step] of text.replace(/^\//, '').split('/').entries()) {
    if (at === 0 && /^(?:[\w.-]+:)?resource-lists$/.test(step)) continue;
    const match = /^(?:[\w.-]+:)?list(?:\[@name=(?:"([^"]*)"|'([^']*)')\]|\[([1-9]\d{0,5})\])?$/.exec(step);
    if (match === null) return undefined;
    const name = match[1] ?? match[2];
    steps.push(name === undefined ? { position: Number(match[3] ?? 1) } : { name });
  }
  return steps;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
