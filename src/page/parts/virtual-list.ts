/** A long list of which only what can be seen is drawn. Arrow keys, Home, End and the page keys walk through it. */
import { html, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { place } from './place.ts';

export interface ListParts<T> {
  readonly label: string;
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  readonly columns: readonly string[];
  /** Cells of a row; the first has the link, with the `tabindex` that it is given. */
  readonly cells: (item: T, tabIndex: number) => readonly unknown[];
}

/** As in style/4-live.css. */
const ROW_PX = 34;
const SPARE_ROWS = 6;

export class VirtualList<T> {
  readonly #redraw: () => void;
  #top = 0;
  #currentKey: string | undefined;

  constructor(redraw: () => void) {
    this.#redraw = redraw;
  }

  view(parts: ListParts<T>): TemplateResult {
    const { label, items, keyOf, columns, cells } = parts;
    // A list is never higher than the window.
    const shown = Math.ceil(innerHeight / ROW_PX) + 2 * SPARE_ROWS;
    const first = Math.min(
      Math.max(0, Math.floor(this.#top / ROW_PX) - SPARE_ROWS),
      Math.max(0, items.length - shown),
    );
    const slice = items.slice(first, first + shown).map((item, index) => ({ item, index: first + index }));
    const current = slice.find(({ item }) => keyOf(item) === this.#currentKey) ?? slice[0];
    return html`<div class="list" role="table" aria-label=${label} aria-rowcount=${items.length + 1}
        @scroll=${this.#scrolled} @keydown=${(event: KeyboardEvent) => this.#key(event, parts)}>
      <div class="list-head" role="row" aria-rowindex="1">${columns.map(
        (column) => html`<div role="columnheader">${column}</div>`,
      )}</div>
      <div class="list-all" role="presentation" ${place({ height: `${items.length * ROW_PX}px` })}>
        <div class="list-shown" role="presentation" ${place({ transform: `translateY(${first * ROW_PX}px)` })}>${repeat(
          slice,
          ({ item }) => keyOf(item),
          ({ item, index }) =>
            html`<div class="list-row" role="row" aria-rowindex=${index + 2} data-index=${index}>${cells(
              item,
              item === current?.item ? 0 : -1,
            ).map((cell) => html`<div role="cell">${cell}</div>`)}</div>`,
        )}</div>
      </div>
    </div>`;
  }

  readonly #scrolled = (event: Event) => {
    this.#top = (event.currentTarget as HTMLElement).scrollTop;
    this.#redraw();
  };

  #key(event: KeyboardEvent, { items, keyOf }: ListParts<T>): void {
    const list = event.currentTarget as HTMLElement;
    const row = (event.target as HTMLElement).closest<HTMLElement>('[data-index]');
    if (row === null) return;
    const page = Math.max(1, Math.floor(list.clientHeight / ROW_PX) - 2);
    const at = Number(row.dataset['index']);
    const to = destination(event.key, at, page, items.length - 1);
    if (to === undefined) return;
    event.preventDefault();
    const item = items[to];
    if (item === undefined) return;
    this.#currentKey = keyOf(item);
    // The head covers the first row's height.
    const above = to * ROW_PX;
    if (above < list.scrollTop) list.scrollTop = above;
    else if (above + 2 * ROW_PX > list.scrollTop + list.clientHeight) {
      list.scrollTop = above + 2 * ROW_PX - list.clientHeight;
    }
    this.#top = list.scrollTop;
    this.#redraw();
    // After the frame that draws it.
    requestAnimationFrame(() =>
      list.querySelector<HTMLElement>(`[data-index="${to}"] a`)?.focus({ preventScroll: true }),
    );
  }
}

function destination(key: string, at: number, page: number, last: number): number | undefined {
  const within = (to: number) => Math.min(Math.max(to, 0), last);
  switch (key) {
    case 'ArrowDown':
      return within(at + 1);
    case 'ArrowUp':
      return within(at - 1);
    case 'PageDown':
      return within(at + page);
    case 'PageUp':
      return within(at - page);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return undefined;
  }
}
