/** The lists kept elsewhere that one group document names, read once each while the document is read. */
import type { XmlElement } from '../xml/reader.ts';
import type { ListFault } from './external-lists.ts';
import type { ExternalList, GroupErrors, GroupMember } from './group-model.ts';

/** Gives the users of the list that an anchor points to, or says why it cannot. */
export type ListResolver = (anchor: string) => readonly GroupMember[] | ListFault;

export class ListReferences {
  readonly #resolve: ListResolver | undefined;
  readonly #errors: GroupErrors;
  readonly #lists = new Map<string, readonly GroupMember[] | undefined>();

  /** Without a resolver references are taken as they are, and nobody is in them. */
  constructor(resolve: ListResolver | undefined, errors: GroupErrors) {
    this.#resolve = resolve;
    this.#errors = errors;
  }

  add(anchor: string, where: XmlElement): void {
    if (this.#resolve === undefined || this.#lists.has(anchor)) return;
    const members = this.#resolve(anchor);
    this.#lists.set(anchor, 'fault' in members ? undefined : members);
    if ('fault' in members) this.#errors.add(where, members.fault);
  }

  /** Undefined when the document names none. */
  lists(): readonly ExternalList[] | undefined {
    const lists = [...this.#lists].flatMap(([anchor, members]) =>
      members === undefined ? [] : [{ anchor, members }],
    );
    return lists.length === 0 ? undefined : lists;
  }
}
