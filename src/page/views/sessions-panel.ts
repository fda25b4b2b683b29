/** All sessions that run, however many, with a filter. */
import { html, nothing, type TemplateResult } from 'lit-html';
import type { SessionPhase, SessionSummary } from '../net/shapes.ts';
import { faultView } from '../parts/fault.ts';
import { addressText, ageText, countText } from '../parts/text.ts';
import { VirtualList } from '../parts/virtual-list.ts';
import type { Context } from '../shell/context.ts';
import { sessionHash } from '../shell/routes.ts';

const TONES: Readonly<Record<SessionPhase, string>> = {
  forming: 'is-warn',
  active: 'is-good',
  ending: '',
  ended: '',
};

export class SessionsPanel {
  readonly #context: Context;
  readonly #list: VirtualList<SessionSummary>;
  #filter = '';

  constructor(context: Context) {
    this.#context = context;
    this.#list = new VirtualList(context.redraw);
  }

  view(): TemplateResult {
    const { book } = this.#context.live;
    const all = book.sessions;
    const text = this.#filter.trim().toLowerCase();
    const shown = text === '' ? all : all.filter((one) => matches(one, text));
    return html`<section class="panel sessions" aria-labelledby="sessions-title">
      <header>
        <h2 id="sessions-title">Sessions <span class="soft" role="status">${countOf(shown.length, all.length)}</span></h2>
        <input type="search" aria-label="Filter sessions" placeholder="Filter: name, address, id, switch" autocomplete="off"
          spellcheck="false" .value=${this.#filter} @input=${this.#typed}>
      </header>
      ${
        book.isCut
          ? html`<p class="hint notice">The newest ${countText(all.length)} are listed; the search above finds the others.</p>`
          : nothing
      }
      ${this.#body(all.length, shown)}
    </section>`;
  }

  #body(count: number, shown: readonly SessionSummary[]): TemplateResult {
    const { live } = this.#context;
    if (shown.length > 0) {
      const nowMs = live.nowMs();
      return this.#list.view({
        label: 'Sessions',
        items: shown,
        keyOf: ({ id }) => id,
        columns: ['Conversation', 'Id', 'People', 'Age', 'Switch'],
        cells: (session, tabIndex) => cellsOf(session, tabIndex, nowMs),
      });
    }
    if (count > 0)
      return html`<div class="empty"><b>No session matches “${this.#filter}”.</b><p>Those that have ended are found through Decisions, by user or Call-ID.</p></div>`;
    if (live.listFault !== undefined) return faultView(live.listFault, () => void live.book.load());
    if (!live.book.isComplete) return html`<p class="loading" role="status">Reading the sessions …</p>`;
    return html`<div class="empty"><b>No conversation runs at the moment.</b>
      <p>One starts when somebody sends an INVITE to a group, or to the conference factory with a list of people.
      Does none arrive? <a href="#/explain">Explain</a> tells what an INVITE would get, and <code>parley doctor</code> looks at Kamailio.</p></div>`;
  }

  readonly #typed = (event: Event) => {
    this.#filter = (event.currentTarget as HTMLInputElement).value;
    this.#context.redraw();
  };
}

function countOf(shown: number, all: number): string {
  return shown === all ? countText(all) : `${countText(shown)} of ${countText(all)}`;
}

function matches({ id, address, subject, kind, phase, switchId }: SessionSummary, text: string): boolean {
  return [id, address, subject ?? '', kind, phase, switchId].some((value) =>
    value.toLowerCase().includes(text),
  );
}

function cellsOf(session: SessionSummary, tabIndex: number, nowMs: number): readonly unknown[] {
  const { id, phase, participants, createdAt, switchId } = session;
  const { connected, invited } = participants;
  return [
    html`<span class="dot ${TONES[phase]}" title=${phase}></span><a class="cut" href=${sessionHash(id)} tabindex=${tabIndex}>${nameOf(session)}</a>
      ${phase === 'active' ? nothing : html`<span class="badge ${TONES[phase]}">${phase}</span>`}`,
    html`<span class="clause cut">${id}</span>`,
    html`${connected}${invited === 0 ? nothing : html` <span class="soft">+${invited} invited</span>`}`,
    ageText(createdAt, nowMs),
    html`<span class="soft">${switchId}</span>`,
  ];
}

/** An ad-hoc session has no name of its own: its factory is that of all others. */
export function nameOf({
  kind,
  address,
  subject,
}: Pick<SessionSummary, 'kind' | 'address' | 'subject'>): string {
  if (subject !== null && subject !== '')
    return kind === 'group' ? `${addressText(address)} · ${subject}` : subject;
  return kind === 'group' ? addressText(address) : 'ad-hoc conversation';
}
