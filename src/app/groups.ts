/**
 * The pre-defined groups of this server: OMA group documents from files, found by any form of their address. Every
 * document is read and checked at start; of many only the most recently used stay parsed in memory.
 */
import { readFileSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { parseGroupDocument } from '../documents/group-document.ts';
import type { GroupDocument } from '../documents/group-model.ts';
import { addressKey } from '../sip/uri.ts';

/** Parsed documents kept; others are read again when asked for. */
const DEFAULT_MAX_PARSED = 5_000;

export class GroupDirectory {
  readonly #fileByKey = new Map<string, string>();
  readonly #parsed: LRUCache<string, GroupDocument>;
  readonly #log: Logger;

  constructor(log: Logger, maxParsed = DEFAULT_MAX_PARSED) {
    this.#log = log;
    this.#parsed = new LRUCache({ max: maxParsed });
  }

  /** A bad document is reported with all its errors and leaves the others alone. @returns how many groups there are */
  load(files: readonly string[]): number {
    for (const file of files) {
      for (const group of this.#read(file)) {
        const key = addressKey(group.uri);
        const other = this.#fileByKey.get(key);
        if (other !== undefined && other !== file) {
          this.#log.warn(
            { group: group.uri, file, other },
            'two files have the same group; the later one counts',
          );
        }
        this.#fileByKey.set(key, file);
        this.#parsed.set(key, group);
      }
    }
    return this.#fileByKey.size;
  }

  find(address: string): GroupDocument | undefined {
    return this.#byKey(addressKey(address));
  }

  list(): GroupDocument[] {
    return [...this.#fileByKey.keys()].flatMap((key) => this.#byKey(key) ?? []);
  }

  #byKey(key: string): GroupDocument | undefined {
    const parsed = this.#parsed.get(key);
    const file = this.#fileByKey.get(key);
    if (parsed !== undefined || file === undefined) return parsed;
    for (const group of this.#read(file)) this.#parsed.set(addressKey(group.uri), group);
    return this.#parsed.get(key);
  }

  #read(file: string): readonly GroupDocument[] {
    let text: Buffer;
    try {
      text = readFileSync(file);
    } catch (error) {
      this.#log.error({ file, err: error }, 'a group document cannot be read');
      return [];
    }
    const result = parseGroupDocument(text);
    if (result.ok) return result.groups;
    this.#log.error({ file, errors: result.errors }, 'a group document is invalid and was not taken');
    return [];
  }
}
