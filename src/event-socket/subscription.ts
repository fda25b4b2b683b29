/** What one connection has asked for with `event json …`. Pure. */
import type { EslEvent } from './event.ts';

const WORD = /^[A-Za-z0-9._:~-]{1,128}$/;
const MAX_ENTRIES = 256;

export class Subscription {
  #isAll = false;
  readonly #names = new Set<string>();
  readonly #subclasses = new Set<string>();

  /** Words after `event json`: event names, and after `CUSTOM` subclasses. Returns the error text, or null. */
  add(words: readonly string[]): string | null {
    const refusal = check(words);
    if (refusal !== null) return refusal;
    if (this.#names.size + this.#subclasses.size + words.length > MAX_ENTRIES) return 'too many keywords';
    let isCustom = false;
    for (const word of words) {
      const name = word.toUpperCase();
      if (isCustom) this.#subclasses.add(word);
      else if (name === 'ALL') this.#isAll = true;
      else if (name === 'CUSTOM') isCustom = true;
      else this.#names.add(name);
    }
    return null;
  }

  /** The reverse, as `nixevent` does; `ALL` removes everything. */
  remove(words: readonly string[]): string | null {
    const refusal = check(words);
    if (refusal !== null) return refusal;
    let isCustom = false;
    for (const word of words) {
      const name = word.toUpperCase();
      if (isCustom) this.#subclasses.delete(word);
      else if (name === 'ALL') this.clear();
      else if (name === 'CUSTOM') isCustom = true;
      else this.#names.delete(name);
    }
    return null;
  }

  clear(): void {
    this.#isAll = false;
    this.#names.clear();
    this.#subclasses.clear();
  }

  get isEmpty(): boolean {
    return !this.#isAll && this.#names.size === 0 && this.#subclasses.size === 0;
  }

  wants(event: Pick<EslEvent, 'name' | 'subclass'>): boolean {
    if (this.#isAll) return true;
    return event.name === 'CUSTOM' ? this.#subclasses.has(event.subclass) : this.#names.has(event.name);
  }
}

function check(words: readonly string[]): string | null {
  if (words.length === 0) return 'no keywords supplied';
  return words.every((word) => WORD.test(word)) ? null : 'malformed keyword';
}
