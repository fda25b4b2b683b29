/** Pre-defined groups: found by address or name. */
import { html, nothing, type TemplateResult } from 'lit-html';
import type { GroupPage, ListedGroup } from '../net/shapes.ts';
import { faultView } from '../parts/fault.ts';
import { addressText, countText, momentText } from '../parts/text.ts';
import { type Context, needs, type Screen } from '../shell/context.ts';
import { groupHash } from '../shell/routes.ts';

const PAGE_ITEMS = 100;
const TYPING_MS = 200;

export class GroupsScreen implements Screen {
  readonly title = 'Groups';
  readonly #context: Context;
  #text = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #page: GroupPage | undefined;
  #items: readonly ListedGroup[] = [];
  #fault: unknown;
  /** Of the newest question: an older one that is answered later says nothing. */
  #asked = 0;

  constructor(context: Context) {
    this.#context = context;
    void this.#read();
  }

  leave(): void {
    clearTimeout(this.#timer);
  }

  async #read(cursor?: string): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const page = await this.#context.api.get<GroupPage>('/groups', {
        query: { q: this.#text, limit: PAGE_ITEMS, cursor },
      });
      if (asked !== this.#asked) return;
      this.#items = cursor === undefined ? page.items : [...this.#items, ...page.items];
      this.#page = page;
      this.#fault = undefined;
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#fault = error;
    }
    this.#context.redraw();
  }

  readonly #typed = (event: Event) => {
    this.#text = (event.currentTarget as HTMLInputElement).value.trim();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#read(), TYPING_MS);
  };

  view(): TemplateResult {
    const why = needs(this.#context, 'admin');
    const counts = this.#page?.counts;
    return html`<div class="screen">
      <div class="head"><div><h1 tabindex="-1">Groups</h1>
        <p class="soft">Pre-defined groups, each with an address of its own. Managed ones are edited here; those of files are read-only until they are adopted.</p></div>
        <div class="acts">${
          why === ''
            ? html`<a class="button primary" href="#/new-group">New group</a>`
            : html`<button class="primary" disabled title=${why}>New group</button>`
        }</div></div>
      <section class="panel" aria-label="Groups found">
        <header><h2>${counts === undefined ? 'Groups' : `${countText(counts.matching)} found`}</h2>
          ${counts === undefined ? nothing : html`<span class="small soft">${countText(counts.managed)} managed, ${countText(counts.file)} in files</span>`}
          <input type="search" aria-label="Find groups by address or name" placeholder="Address or name" autocomplete="off" spellcheck="false" @input=${this.#typed}></header>
        ${this.#body()}
      </section>
    </div>`;
  }

  #body(): TemplateResult {
    if (this.#fault !== undefined) return faultView(this.#fault, () => void this.#read());
    if (this.#page === undefined) return html`<p class="loading" role="status">Reading the groups …</p>`;
    if (this.#items.length === 0) {
      return this.#text === ''
        ? html`<div class="empty"><b>There is no group yet.</b><p>Make one with <a href="#/new-group">New group</a>, name files in <code>groups</code> of the configuration, or put documents over XCAP.</p></div>`
        : html`<div class="empty"><b>No group has “${this.#text}” in its address or name.</b></div>`;
    }
    const { nextCursor } = this.#page;
    return html`<div class="scrolls"><table>
      <thead><tr><th scope="col">Group</th><th scope="col">Name</th><th scope="col">Members</th><th scope="col">At most</th><th scope="col">Kept</th><th scope="col">Changed</th></tr></thead>
      <tbody>${this.#items.map(groupRow)}</tbody></table></div>
      ${nextCursor === null ? nothing : html`<div class="more"><button @click=${() => void this.#read(nextCursor)}>More groups</button></div>`}`;
  }
}

function groupRow({
  uri,
  displayName,
  members,
  maxParticipants,
  source,
  file,
  version,
  updatedAt,
}: ListedGroup): TemplateResult {
  return html`<tr>
    <td><a href=${groupHash(uri)}>${addressText(uri)}</a></td>
    <td>${displayName ?? ''}</td>
    <td>${countText(members)}</td>
    <td>${maxParticipants ?? html`<span class="soft">–</span>`}</td>
    <td>${source === 'managed' ? html`<span class="badge is-accent">here, version ${version}</span>` : html`<span class="badge" title=${file ?? ''}>file</span>`}</td>
    <td class="soft nowrap">${updatedAt === null ? '' : momentText(updatedAt)}</td>
  </tr>`;
}
