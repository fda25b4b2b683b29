/** Puts the pages of messages together again; one assembler a connection, which keeps pages in order. Pure. */
import { ParseError } from '../lib/errors.ts';
import { DEFAULT_PAGE_LIMITS, type ReceivedImMessage } from './im-message.ts';

interface Partial {
  readonly count: number;
  readonly expiresAtMs: number;
  readonly texts: string[];
}

export interface PageAssemblerOptions {
  /** Most of one page in bytes; default the agreed 64 KiB. */
  readonly maxPageBytes?: number;
  /** Pages of one message. Default 64. */
  readonly maxPages?: number;
  /** Messages under way at once; the oldest gives way. Default 4. */
  readonly maxPartials?: number;
}

export class PageAssembler {
  readonly #maxPageBytes: number;
  readonly #maxPages: number;
  readonly #maxPartials: number;
  readonly #partials = new Map<string, Partial>();

  constructor(options: PageAssemblerOptions = {}) {
    this.#maxPageBytes = options.maxPageBytes ?? 65_536;
    this.#maxPages = options.maxPages ?? DEFAULT_PAGE_LIMITS.pages;
    this.#maxPartials = options.maxPartials ?? 4;
  }

  /**
   * The whole text when this was the last page, else null. A first page starts the message anew (a retry).
   * Throws `ESL_TOO_MANY_PAGES` over the bound and `ESL_BAD_PAGE` out of order; what had come is dropped then.
   */
  accept(subclass: string, message: ReceivedImMessage, nowMs: number): string | null {
    const { page, text } = message;
    if (Buffer.byteLength(text, 'utf8') > this.#maxPageBytes) {
      throw new ParseError('ESL_BODY_TOO_LONG', `page over ${this.#maxPageBytes} bytes`);
    }
    if (page.count === 1) return text;
    const key = `${subclass} ${message.from} ${message.corr}`;
    if (page.count > this.#maxPages) {
      this.#partials.delete(key);
      throw new ParseError('ESL_TOO_MANY_PAGES', `${page.count} pages, limit ${this.#maxPages}`);
    }
    if (page.number === 1) this.#begin(key, page.count, nowMs + message.ttlMs, nowMs);
    const partial = this.#partials.get(key);
    if (partial === undefined || partial.count !== page.count || partial.texts.length !== page.number - 1) {
      this.#partials.delete(key);
      throw new ParseError('ESL_BAD_PAGE', 'page out of order', -1, `${page.number}.${page.count}`);
    }
    partial.texts.push(text);
    if (page.number < page.count) return null;
    this.#partials.delete(key);
    return partial.texts.join('');
  }

  clear(): void {
    this.#partials.clear();
  }

  #begin(key: string, count: number, expiresAtMs: number, nowMs: number): void {
    this.#partials.delete(key);
    for (const [other, partial] of this.#partials) {
      if (partial.expiresAtMs <= nowMs) this.#partials.delete(other);
    }
    for (const other of this.#partials.keys()) {
      if (this.#partials.size < this.#maxPartials) break;
      this.#partials.delete(other);
    }
    this.#partials.set(key, { count, expiresAtMs, texts: [] });
  }
}
