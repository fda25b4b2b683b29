/** The search for decisions: why was it refused? */
import { html, nothing, type TemplateResult } from 'lit-html';
import { isRefusal } from '../live/happenings.ts';
import type { Decision, SessionPage, SessionSummary } from '../net/shapes.ts';
import { DecisionList } from '../parts/decision-list.ts';
import { fieldsOf } from '../parts/form-fields.ts';
import { countedText, momentText } from '../parts/text.ts';
import type { Context, Screen } from '../shell/context.ts';
import { decisionsHash, sessionHash } from '../shell/routes.ts';
import { FIELD_NAMES, readingsOf, type SearchField, valueOf } from './search-query.ts';
import { nameOf } from './sessions-panel.ts';

const SESSIONS_SHOWN = 8;

export class DecisionsScreen implements Screen {
  readonly title = 'Decisions';
  readonly #context: Context;
  readonly #text: string;
  readonly #isRefusedOnly: boolean;
  readonly #readings: readonly SearchField[];
  readonly #list: DecisionList;
  /** The reading that found something; the first until one did. */
  #field: SearchField | undefined;
  #sessions: readonly SessionSummary[] = [];

  constructor(context: Context, query: URLSearchParams) {
    this.#context = context;
    this.#text = query.get('q')?.trim() ?? '';
    this.#isRefusedOnly = query.get('refused') === 'true';
    const wanted = query.get('as');
    const readings = this.#text === '' ? [] : readingsOf(this.#text);
    this.#readings = wanted !== null && wanted in FIELD_NAMES ? [wanted as SearchField] : readings;
    this.#field = this.#readings[0];
    const id = Number(query.get('id'));
    this.#list = new DecisionList((page) => this.#read(page, id > 0 ? id : undefined), context.redraw);
    if (id > 0) this.#list.open(id);
    void this.#find(id);
  }

  async #find(id: number): Promise<void> {
    await this.#list.refresh();
    // What was looked for is most often the refusal.
    const refused = this.#list.items.find(isRefusal);
    if (this.#text !== '' && !(id > 0) && refused !== undefined) this.#list.open(refused.id);
    await this.#findSessions();
    this.#context.redraw();
  }

  /** Tries one reading after the other until one finds something. */
  async #read(
    page: { limit: number; before: number | undefined },
    id: number | undefined,
  ): Promise<readonly Decision[]> {
    if (this.#readings.length === 0) {
      if (id !== undefined) return this.#ask({ limit: 1, before: id + 1 });
      return this.#ask({ ...page, ...this.#refused });
    }
    const fields = page.before === undefined ? this.#readings : [this.#field ?? ('callId' as const)];
    for (const field of fields) {
      const found = await this.#ask({ ...page, ...this.#refused, [field]: valueOf(field, this.#text) });
      if (found.length > 0) {
        this.#field = field;
        return found;
      }
    }
    return [];
  }

  get #refused(): { readonly refused?: true } {
    return this.#isRefusedOnly ? { refused: true } : {};
  }

  async #ask(
    query: Readonly<Record<string, string | number | boolean | undefined>>,
  ): Promise<readonly Decision[]> {
    return (await this.#context.api.get<{ items: Decision[] }>('/decisions', { query })).items;
  }

  /** Those that the user was in, or that the call made. */
  async #findSessions(): Promise<void> {
    if (this.#field !== 'user' && this.#field !== 'callId') return;
    const query = { [this.#field]: this.#text, ended: true, limit: SESSIONS_SHOWN };
    this.#sessions = (await this.#context.api.get<SessionPage>('/sessions', { query })).items;
  }

  view(): TemplateResult {
    return html`<div class="screen">
      <div class="head"><div><h1 tabindex="-1">Decisions</h1>
        <p class="soft">Every request is decided step by step, by the clause that it falls under. Nothing is refused without a step that says why.</p></div></div>
      ${this.#form()}
      ${this.#sessions.length === 0 ? nothing : this.#sessionsView()}
      <section class="panel" aria-label="Decisions found">
        <header><h2>${this.#heading()}</h2>${this.#others()}</header>
        ${this.#list.view({ withSession: true, empty: this.#empty() })}
      </section>
    </div>`;
  }

  #form(): TemplateResult {
    const search = (form: HTMLFormElement) => {
      const { q = '', as = '', refused } = fieldsOf(form);
      const query = {
        ...(q === '' ? {} : { q }),
        ...(q === '' || as === '' ? {} : { as }),
        ...(refused === undefined ? {} : { refused }),
      };
      this.#context.go(Object.keys(query).length === 0 ? '#/decisions' : decisionsHash(query));
    };
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      search(event.currentTarget as HTMLFormElement);
    };
    const chosen = this.#readings.length === 1 ? this.#readings[0] : '';
    return html`<form class="panel search-form" role="search" @submit=${submit}>
      <label class="field">Call-ID, user, status or clause
        <input name="q" type="search" .value=${this.#text} autocomplete="off" spellcheck="false"
          placeholder="a84b4c76e66710@pc33.example.com · sip:eve@example.net · 403 · 7.2.1.4"></label>
      <label class="field">Search as
        <select name="as"><option value="">what it looks like</option>${Object.entries(FIELD_NAMES).map(
          ([field, name]) => html`<option value=${field} ?selected=${field === chosen}>${name}</option>`,
        )}</select></label>
      <label class="check"><input type="checkbox" name="refused" value="true" .checked=${this.#isRefusedOnly}
        @change=${(event: Event) => search((event.currentTarget as HTMLInputElement).form as HTMLFormElement)}>Refusals only</label>
      <button class="primary">Search</button>
    </form>`;
  }

  #heading(): string {
    if (this.#text === '') return this.#isRefusedOnly ? 'Newest refusals' : 'Newest';
    if (!this.#list.isRead) return 'Searching …';
    if (this.#list.length === 0) return 'Nothing found';
    const count = countedText(this.#list.length, this.#isRefusedOnly ? 'refusal' : 'decision');
    return this.#field === undefined ? count : `${count} for ${FIELD_NAMES[this.#field]} “${this.#text}”`;
  }

  /** It may have been meant otherwise. */
  #others(): TemplateResult | typeof nothing {
    const others = this.#readings.filter((field) => field !== this.#field);
    if (others.length === 0 || this.#list.length === 0) return nothing;
    return html`<span class="small soft">or as ${others.map(
      (field) => html`<a href=${decisionsHash({ q: this.#text, as: field })}>${FIELD_NAMES[field]}</a> `,
    )}</span>`;
  }

  #empty(): TemplateResult {
    if (this.#isRefusedOnly) {
      return html`<div class="empty"><b>Nothing was refused${this.#text === '' ? '' : html` for “${this.#text}”`}.</b>
        <p>As far back as decisions are kept.</p></div>`;
    }
    if (this.#text === '') {
      return html`<div class="empty"><b>Nothing has been decided yet.</b><p>Decisions appear here with the first request that Kamailio hands over.
        <code>parley doctor</code> tells whether it does.</p></div>`;
    }
    const names = this.#readings.map((field) => FIELD_NAMES[field]).join(' or ');
    return html`<div class="empty"><b>No decision for “${this.#text}” as ${names}.</b>
      <p>A request that never reached the focus leaves none: look into Kamailio's log for this Call-ID, or <a href="#/explain">explain</a> the request.
      A user is searched as the whole address, such as <code>sip:eve@example.net</code>. Old decisions are dropped with time.</p></div>`;
  }

  #sessionsView(): TemplateResult {
    return html`<section class="panel" aria-labelledby="found-sessions"><header><h2 id="found-sessions">Sessions</h2></header>
      <div class="scrolls"><table><tbody>${this.#sessions.map(
        (
          session,
        ) => html`<tr><td><a href=${sessionHash(session.id)}>${nameOf(session)}</a></td><td class="clause">${session.id}</td>
          <td><span class="badge ${session.phase === 'active' ? 'is-good' : ''}">${session.phase}</span></td>
          <td class="soft">${momentText(session.createdAt)}</td></tr>`,
      )}</tbody></table></div></section>`;
  }
}
