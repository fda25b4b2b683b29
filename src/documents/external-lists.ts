/** The users of a list that a group document refers to, with the lists that the list itself refers to. */
import { attributeOf, type XmlElement } from '../xml/reader.ts';
import { type GroupMember, keyOf } from './group-model.ts';
import { type ListStep, parseListAnchor } from './list-anchor.ts';
import { RESOURCE_LISTS_NS } from './resource-lists.ts';

export interface ListBounds {
  /** References from list to list in a row, the first counting as 1. */
  readonly maxDepth: number;
  /** Users of one reference, with all that it leads to. */
  readonly maxMembers: number;
}

export const LIST_BOUNDS: ListBounds = { maxDepth: 8, maxMembers: 10_000 };

/** Gives the root of a document by its path below the folder of lists, or says why there is none. */
export type ListLoader = (document: string) => XmlElement | ListFault;

/** Why a list cannot be read, with what to do about it. */
export interface ListFault {
  readonly fault: string;
}

/**
 * Every user of the list that an anchor points to, each once, in document order; lists inside lists are gone through.
 * A reference that leads nowhere is a fault of the whole: leaving it out in silence would leave out people.
 */
export function readExternalList(
  anchor: string,
  load: ListLoader,
  bounds: ListBounds = LIST_BOUNDS,
): readonly GroupMember[] | ListFault {
  const reading = new ListReading(load, bounds);
  const fault = reading.follow(anchor);
  return fault ?? reading.members;
}

class ListReading {
  readonly members: GroupMember[] = [];
  readonly #keys = new Set<string>();
  readonly #load: ListLoader;
  readonly #bounds: ListBounds;
  readonly #under: string[] = [];
  #visited = 0;

  constructor(load: ListLoader, bounds: ListBounds) {
    this.#load = load;
    this.#bounds = bounds;
  }

  follow(anchor: string): ListFault | undefined {
    const target = parseListAnchor(anchor);
    if (target === undefined) {
      return {
        fault: `${anchor} names no list: write a path below the folder of lists, or an XCAP URI such as http://xcap.example.net/resource-lists/users/sip:ada@example.net/index/~~/resource-lists/list[@name="crew"]`,
      };
    }
    if (this.#under.includes(anchor))
      return { fault: `${anchor} refers to itself (by way of ${this.#under.join(', ')})` };
    if (this.#under.length >= this.#bounds.maxDepth)
      return { fault: `${anchor} is more than ${this.#bounds.maxDepth} references away: name it directly` };
    const root = this.#load(target.document);
    if ('fault' in root) return root;
    if (root.ns !== RESOURCE_LISTS_NS || root.local !== 'resource-lists')
      return { fault: `${target.document} is no resource-lists document` };
    const list = chosen(root, target.steps);
    if (list === undefined) return { fault: `${target.document} has no list at ${anchor}` };
    this.#under.push(anchor);
    const fault = this.#read(list, target.document);
    this.#under.pop();
    return fault;
  }

  #read(list: XmlElement, document: string): ListFault | undefined {
    for (const child of list.children) {
      if (child.ns !== RESOURCE_LISTS_NS) continue;
      // Lists that refer to one another many times over would grow without end.
      this.#visited += 1;
      if (this.#visited > 4 * this.#bounds.maxMembers) return tooMany(document, this.#bounds);
      const fault = this.#readChild(child, document);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #readChild(child: XmlElement, document: string): ListFault | undefined {
    const place = `${document}:${child.line}:${child.column}: ${child.path}`;
    switch (child.local) {
      case 'entry':
        return this.#add(child, place, document);
      case 'list':
        return this.#read(child, document);
      case 'external': {
        const anchor = attributeOf(child, 'anchor')?.trim() ?? '';
        return anchor === '' ? { fault: `${place}: external has no anchor` } : this.follow(anchor);
      }
      case 'display-name':
        return undefined;
      case 'entry-ref':
        return { fault: `${place}: entry-ref is not followed; write the entry itself, or refer by external` };
      default:
        return { fault: `${place}: ${child.local} may not stand in a list` };
    }
  }

  #add(entry: XmlElement, place: string, document: string): ListFault | undefined {
    const uri = attributeOf(entry, 'uri')?.trim() ?? '';
    const key = keyOf(uri);
    if (key === undefined) return { fault: `${place}: the entry has no usable uri` };
    if (this.#keys.has(key)) return undefined;
    if (this.members.length >= this.#bounds.maxMembers) return tooMany(document, this.#bounds);
    this.#keys.add(key);
    const displayName = entry.children
      .find(({ ns, local }) => ns === RESOURCE_LISTS_NS && local === 'display-name')
      ?.text.trim();
    this.members.push({ uri, ...(displayName !== undefined && displayName !== '' && { displayName }) });
    return undefined;
  }
}

function tooMany(document: string, { maxMembers }: ListBounds): ListFault {
  return { fault: `${document} leads to more than ${maxMembers} users: divide the group` };
}

function chosen(root: XmlElement, steps: readonly ListStep[]): XmlElement | undefined {
  let at: XmlElement | undefined = root;
  for (const step of steps) {
    const lists: XmlElement[] = at.children.filter(
      ({ ns, local }) => ns === RESOURCE_LISTS_NS && local === 'list',
    );
    at =
      'name' in step
        ? lists.find((list) => attributeOf(list, 'name') === step.name)
        : lists[step.position - 1];
    if (at === undefined) return undefined;
  }
  return at;
}
