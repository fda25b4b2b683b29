/** Who changed what. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { faultView } from '../parts/fault.ts';
import { momentText } from '../parts/text.ts';
import type { Context, Screen } from '../shell/context.ts';

interface Change {
  readonly id: number;
  readonly at: string;
  readonly who: string;
  readonly action: string;
  readonly target: string;
  readonly before: unknown;
  readonly after: unknown;
}

const PAGE_ITEMS = 100;

export class AuditScreen implements Screen {
  readonly title = 'Changes';
  readonly #context: Context;
  #items: readonly Change[] = [];
  #hasMore = false;
  #isRead = false;
  #fault: unknown;

  constructor(context: Context) {
    this.#context = context;
    void this.#read();
  }

  async #read(): Promise<void> {
    try {
      const query = { limit: PAGE_ITEMS, before: this.#items.at(-1)?.id };
      const { items } = await this.#context.api.get<{ items: Change[] }>('/audit', { query });
      this.#items = [...this.#items, ...items];
      this.#hasMore = items.length === PAGE_ITEMS;
      this.#isRead = true;
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error;
    }
    this.#context.redraw();
  }

  view(): TemplateResult {
    return html`<div class="screen">
      <div class="head"><div><h1 tabindex="-1">Changes</h1><p class="soft">Everything that somebody changed here, newest first.</p></div></div>
      <section class="panel" aria-label="Changes">${this.#body()}</section>
    </div>`;
  }

  #body(): TemplateResult {
    if (this.#fault !== undefined) return faultView(this.#fault, () => void this.#read());
    if (!this.#isRead) return html`<p class="loading" role="status">Reading the changes …</p>`;
    if (this.#items.length === 0)
      return html`<div class="empty"><b>Nobody has changed anything yet.</b></div>`;
    return html`<div class="scrolls"><table>
      <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">To what</th><th scope="col">Before and after</th></tr></thead>
      <tbody>${this.#items.map(
        ({
          at,
          who,
          action,
          target,
          before,
          after,
        }) => html`<tr><td class="nowrap soft">${momentText(at)}</td><td>${who}</td>
          <td><span class="badge">${action}</span></td><td class="mono">${target}</td>
          <td><details><summary class="small soft">show</summary><pre class="before-after">${text(before)}
${text(after)}</pre></details></td></tr>`,
      )}</tbody></table></div>
      ${this.#hasMore ? html`<div class="more"><button @click=${() => void this.#read()}>Older ones</button></div>` : nothing}`;
  }
}

function text(value: unknown): string {
  return value === null ? '–' : JSON.stringify(value, null, 1);
}
