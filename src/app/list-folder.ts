/** The folder of resource-lists documents that group documents refer to. What was read stays in force until it is mended. */
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { ListFault } from '../documents/external-lists.ts';
import { readXml, type XmlElement, XmlParseError } from '../xml/reader.ts';
import { fingerprintOf, readDocumentFile } from './document-file.ts';

interface KnownList {
  fingerprint: string;
  bytes?: Buffer;
  fault?: string;
}

/** Parsed list documents kept for the groups that are read next. */
const MAX_PARSED = 32;

export class ListFolder {
  readonly #folder: string | undefined;
  readonly #log: Logger;
  readonly #known = new Map<string, KnownList>();
  readonly #parsed = new LRUCache<string, XmlElement>({ max: MAX_PARSED });
  /** Versions of list documents that were not taken. */
  refused = 0;

  /** Without a folder every reference is a fault. */
  constructor(folder: string | undefined, log: Logger) {
    this.#folder = folder;
    this.#log = log;
  }

  /** The root of a document, by its path below the folder, with or without `.xml`. */
  load(document: string): XmlElement | ListFault {
    if (this.#folder === undefined) {
      return { fault: `${document} is a list kept elsewhere: set groupLists to the folder that has it` };
    }
    let known = this.#known.get(document);
    if (known === undefined) {
      known = { fingerprint: '' };
      this.#known.set(document, known);
      this.#read(document, known);
    }
    if (known.bytes === undefined) return { fault: known.fault ?? `${document} was not read` };
    let root = this.#parsed.get(document);
    if (root === undefined) {
      root = readXml(known.bytes);
      this.#parsed.set(document, root);
    }
    return root;
  }

  /** Looks at every document that was asked for so far. @returns those with new content, or that are there now */
  refresh(): ReadonlySet<string> {
    const changed = new Set<string>();
    for (const [document, known] of this.#known) {
      const file = this.#fileOf(document);
      if (fingerprintOf(file) !== known.fingerprint && this.#read(document, known)) changed.add(document);
    }
    return changed;
  }

  #read(document: string, known: KnownList): boolean {
    const file = this.#fileOf(document);
    const read = readDocumentFile(file);
    known.fingerprint = read.fingerprint;
    const fault = 'fault' in read ? `${file} ${read.fault}` : this.#parse(document, file, read.bytes);
    if (fault === undefined && 'bytes' in read) {
      known.bytes = read.bytes;
      delete known.fault;
      return true;
    }
    this.refused += 1;
    known.fault = fault ?? '';
    if (known.bytes !== undefined)
      this.#log.error({ file, fault }, 'a list cannot be taken; the one read before stays in force');
    return false;
  }

  #parse(document: string, file: string, bytes: Buffer): string | undefined {
    try {
      this.#parsed.set(document, readXml(bytes));
      return undefined;
    } catch (error) {
      if (!(error instanceof XmlParseError)) throw error;
      return `${file}:${error.line}:${error.column}: ${error.path}: ${error.reason}`;
    }
  }

  #fileOf(document: string): string {
    const file = join(this.#folder ?? '', document);
    return fingerprintOf(file) === '' || document.endsWith('.xml') ? withXml(file) : file;
  }
}

function withXml(file: string): string {
  return file.endsWith('.xml') ? file : `${file}.xml`;
}
