/** The pre-defined groups of this server: OMA group documents from files, found by any form of their address. */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { parseGroupDocument } from '../documents/group-document.ts';
import type { GroupDocument } from '../documents/group-model.ts';
import { addressKey } from '../sip/uri.ts';

export class GroupDirectory {
  readonly #byKey = new Map<string, GroupDocument>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Reads every file; a bad document is reported with all its errors and leaves the others alone. @returns groups read */
  load(files: readonly string[]): number {
    for (const file of files) this.#read(file);
    return this.#byKey.size;
  }

  find(address: string): GroupDocument | undefined {
    return this.#byKey.get(addressKey(address));
  }

  list(): GroupDocument[] {
    return [...this.#byKey.values()];
  }

  #read(file: string): void {
    let text: Buffer;
    try {
      text = readFileSync(file);
    } catch (error) {
      this.#log.error({ file, err: error }, 'a group document cannot be read');
      return;
    }
    const result = parseGroupDocument(text);
    if (!result.ok) {
      this.#log.error({ file, errors: result.errors }, 'a group document is invalid and was not taken');
      return;
    }
    for (const group of result.groups) this.#byKey.set(addressKey(group.uri), group);
  }
}
