/** Decisions, newest first, of which any may be open; older ones are read when they are asked for. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import type { Decision } from '../net/shapes.ts';
import { decisionView } from './decision-view.ts';
import { faultView } from './fault.ts';

export type ReadDecisions = (query: {
  limit: number;
  before: number | undefined;
}) => Promise<readonly Decision[]>;

const PAGE_ITEMS = 50;
/** More than anybody reads through; the search narrows it. */
const MAX_ITEMS = 1_000;

export class DecisionList {
  readonly #read: ReadDecisions;
  readonly #redraw: () => void;
  readonly #open = new Set<number>();
  #items: readonly Decision[] = [];
  #hasMore = false;
  #isReading = false;
  #isRead = false;
  #fault: unknown;

  constructor(read: ReadDecisions, redraw: () => void) {
    this.#read = read;
    this.#redraw = redraw;
  }

  get length(): number {
    return this.#items.length;
  }

  get isRead(): boolean {
    return this.#isRead;
  }

  get items(): readonly Decision[] {
    return this.#items;
  }

  open(id: number): void {
    this.#open.add(id);
  }

  /** The newest ones again; those that are shown stay. */
  async refresh(): Promise<void> {
    await this.#reading(async () => {
      const newest = await this.#read({ limit: PAGE_ITEMS, before: undefined });
      const oldest = newest.at(-1)?.id ?? 0;
      // A gap would be taken for all that was decided.
      const isOverlap = this.#items.some(({ id }) => id >= oldest);
      const older = isOverlap ? this.#items.filter(({ id }) => id < oldest) : [];
      if (!this.#isRead || !isOverlap) this.#hasMore = newest.length === PAGE_ITEMS;
      this.#items = [...newest, ...older].slice(0, MAX_ITEMS);
      this.#isRead = true;
    });
  }

  async #older(): Promise<void> {
    await this.#reading(async () => {
      const older = await this.#read({ limit: PAGE_ITEMS, before: this.#items.at(-1)?.id });
      this.#hasMore = older.length === PAGE_ITEMS && this.#items.length < MAX_ITEMS;
      this.#items = [...this.#items, ...older];
    });
  }

  async #reading(work: () => Promise<void>): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#fault = undefined;
    try {
      await work();
    } catch (error) {
      this.#fault = error;
    } finally {
      this.#isReading = false;
      this.#redraw();
    }
  }

  view({ empty, withSession }: { empty: TemplateResult; withSession: boolean }): TemplateResult {
    if (this.#fault !== undefined) return faultView(this.#fault, () => void this.refresh());
    if (!this.#isRead) return html`<p class="loading" role="status">Reading the decisions …</p>`;
    if (this.#items.length === 0) return empty;
    return html`<div class="decisions">${repeat(
      this.#items,
      ({ id }) => id,
      (decision) =>
        decisionView(decision, {
          withSession,
          isOpen: this.#open.has(decision.id),
          toggle: () => {
            if (!this.#open.delete(decision.id)) this.#open.add(decision.id);
            this.#redraw();
          },
        }),
    )}
    ${this.#hasMore ? html`<div class="more"><button @click=${() => void this.#older()}>Older ones</button></div>` : nothing}</div>`;
  }
}
