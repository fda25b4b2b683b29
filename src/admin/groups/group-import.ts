/** Takes group documents over from a folder or from XDM servers, and tells of each what became of it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { formatGroupDocument, parseGroupDocument } from '../../documents/group-document.ts';
import type { GroupError } from '../../documents/group-model.ts';
import { ProblemError } from '../problem.ts';
import type { GroupRow } from '../records/groups.ts';
import type { Edit, GroupBook } from './group-book.ts';
import { contentOfXml, type GroupContent } from './group-content.ts';
import type { GroupPorts } from './ports.ts';
import { XdmsClient } from './xdms-client.ts';

export interface ImportedItem {
  /** The file or the URL. */
  readonly source: string;
  /** Of the group, null when the document could not be read so far. */
  readonly uri: string | null;
  readonly result: 'created' | 'replaced' | 'unchanged' | 'refused';
  /** Why it was refused. */
  readonly reason: string | null;
  readonly errors?: readonly GroupError[];
}

export interface ImportWish {
  readonly caller: Edit['caller'];
  readonly comment?: string | undefined;
  /** True: groups that are managed already, edited here or from elsewhere, are replaced. */
  readonly replace: boolean;
}

/** Documents between two pauses in which other requests are answered. */
const BATCH = 50;

interface Wanted {
  readonly source: string;
  readonly content: GroupContent;
}

export class GroupImporter {
  readonly #book: GroupBook;
  readonly #ports: GroupPorts;
  readonly #xdms: XdmsClient;
  readonly #log: Logger;
  #isBusy = false;

  constructor(book: GroupBook, ports: GroupPorts, log: Logger) {
    this.#book = book;
    this.#ports = ports;
    this.#xdms = new XdmsClient(ports.imports.xdms);
    this.#log = log;
  }

  /** @throws ProblemError ADMIN_CONFLICT without a folder, or while another import runs */
  importFolder(wish: ImportWish): Promise<ImportedItem[]> {
    return this.#alone(async () => {
      const { imports } = this.#ports;
      const files = imports.folderFiles();
      if (files === undefined) {
        throw new ProblemError('ADMIN_CONFLICT', 'managedGroups.importFolder names no folder to import from');
      }
      const items: ImportedItem[] = [];
      for (let at = 0; at < files.length; at += BATCH) {
        const batch = files.slice(at, at + BATCH).map((file) => {
          const read = imports.readFile(file);
          const source = `file:${file}`;
          return 'fault' in read
            ? refused(source, `it ${read.fault}`)
            : this.#documentsIn(source, read.bytes);
        });
        items.push(...(await this.#take(batch.flat(), (source) => this.#editOf(source, wish))));
        await nextTurn();
      }
      return items;
    });
  }

  /** @throws ProblemError ADMIN_CONFLICT while another import runs */
  importUrls(urls: readonly string[], wish: ImportWish): Promise<ImportedItem[]> {
    return this.#alone(async () => {
      const items: ImportedItem[] = [];
      for (const url of urls) {
        const fetched = await this.#xdms.fetch(url);
        const found =
          'fault' in fetched ? [refused(url, fetched.fault)] : this.#documentsIn(url, fetched.bytes);
        items.push(...(await this.#take(found, (source) => this.#editOf(source, wish))));
      }
      return items;
    });
  }

  /**
   * Looks again at every document that came from an XDM server and was not edited since. What is gone there or has a
   * fault now stays as it is here.
   * @returns how many groups have a new version
   */
  revalidate(): Promise<number> {
    return this.#alone(async () => {
      let changed = 0;
      const urls = new Set(this.#book.records.withOrigin('http').map(({ origin }) => origin));
      for (const url of urls) {
        const fetched = await this.#xdms.fetch(url);
        if ('fault' in fetched) {
          this.#log.warn(
            { url, fault: fetched.fault },
            'an imported group document could not be looked at again',
          );
          continue;
        }
        if (fetched.isUnchanged) continue;
        const items = await this.#take(this.#documentsIn(url, fetched.bytes), (source) => ({
          caller: { name: 'revalidation' },
          action: 'group.revalidate',
          origin: source,
          check: (current) => {
            if (current?.origin !== source)
              throw new ProblemError('ADMIN_CONFLICT', 'it is no copy of this any more');
          },
        }));
        changed += items.filter(({ result }) => result === 'replaced').length;
        for (const { uri, reason, errors } of items) {
          if (errors !== undefined)
            this.#log.warn({ url, uri, reason }, 'an imported group document has a fault now');
        }
      }
      return changed;
    });
  }

  async #alone<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isBusy) throw new ProblemError('ADMIN_CONFLICT', 'another import is under way');
    this.#isBusy = true;
    try {
      return await run();
    } finally {
      this.#isBusy = false;
    }
  }

  #editOf(source: string, { caller, comment, replace }: ImportWish): Edit {
    return {
      caller,
      comment: comment ?? `imported from ${source}`,
      action: 'group.import',
      origin: source,
      check: (current: GroupRow | undefined) => {
        if (current === undefined || replace || current.origin === source) return;
        const kept = current.origin === null ? 'it is edited here' : `it comes from ${current.origin}`;
        throw new ProblemError('ADMIN_CONFLICT', `${kept}: say replace to overwrite it`);
      },
    };
  }

  /** A document of several groups is taken apart: each has versions of its own. */
  #documentsIn(source: string, bytes: Uint8Array): (Wanted | ImportedItem)[] {
    const { groups } = { groups: [], ...parseGroupDocument(bytes) };
    const texts =
      groups.length > 1 ? groups.map((group) => Buffer.from(formatGroupDocument(group))) : [bytes];
    return texts.map((text, at) => {
      const result = contentOfXml(text, this.#ports);
      if (result.ok) return { source, content: result.content };
      const { errors } = result;
      return { ...refused(source, errors[0]?.message ?? 'invalid'), uri: groups[at]?.uri ?? null, errors };
    });
  }

  async #take(
    found: readonly (Wanted | ImportedItem)[],
    editOf: (source: string) => Edit,
  ): Promise<ImportedItem[]> {
    const wanted = found.filter((one) => 'content' in one);
    const written = this.#book.saveBatch(
      wanted.map(({ source, content }) => ({ content, edit: editOf(source) })),
    );
    if (written.some((one) => !(one instanceof ProblemError) && one.result !== 'unchanged'))
      await this.#book.tell();
    const outcomes = new Map(wanted.map((one, at) => [one, written[at]]));
    return found.map((one) => {
      if (!('content' in one)) return one;
      const outcome = outcomes.get(one);
      const { source, content } = one;
      return outcome === undefined || outcome instanceof ProblemError
        ? { ...refused(source, outcome?.message ?? ''), uri: content.group.uri }
        : { source, uri: content.group.uri, result: outcome.result, reason: null };
    });
  }
}

function refused(source: string, reason: string): ImportedItem {
  return { source, uri: null, result: 'refused', reason };
}
