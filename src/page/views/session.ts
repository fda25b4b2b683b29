/** One session: who is in it, what was decided about it, and what an operator does to it. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { problemIn } from '../net/problem.ts';
import type { Decision, Session } from '../net/shapes.ts';
import { DecisionList } from '../parts/decision-list.ts';
import { faultView } from '../parts/fault.ts';
import { addressText, ageText, countText, momentText } from '../parts/text.ts';
import { type Context, needs, type Screen } from '../shell/context.ts';
import { groupHash } from '../shell/routes.ts';
import { rosterView } from './roster.ts';
import { announce, endSession, freeze, limit } from './session-orders.ts';
import { nameOf } from './sessions-panel.ts';

/** What several decisions in a row tell is read once. */
const READ_DELAY_MS = 300;

export class SessionScreen implements Screen {
  readonly #context: Context;
  readonly #id: string;
  readonly #decisions: DecisionList;
  #session: Session | undefined;
  #fault: unknown;
  #isStale = false;
  #isFollowing = false;
  #isLeft = false;

  constructor(context: Context, id: string) {
    this.#context = context;
    this.#id = id;
    this.#decisions = new DecisionList(
      async (query) =>
        (await context.api.get<{ items: Decision[] }>(`${this.#path}/decisions`, { query })).items,
      context.redraw,
    );
    void this.#read();
  }

  get title(): string {
    return this.#session === undefined ? this.#id : nameOf(this.#session);
  }

  get #path(): string {
    return `/sessions/${encodeURIComponent(this.#id)}`;
  }

  onSession(id: string): void {
    if (id !== this.#id) return;
    this.#isStale = true;
    void this.#follow();
  }

  /** One reading at a time, however much is told. */
  async #follow(): Promise<void> {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    while (this.#isStale && !this.#isLeft) {
      await new Promise((resolve) => setTimeout(resolve, READ_DELAY_MS));
      this.#isStale = false;
      if (!this.#isLeft) await this.#read();
    }
    this.#isFollowing = false;
  }

  leave(): void {
    this.#isLeft = true;
  }

  readonly #read = async (): Promise<void> => {
    const decisions = this.#decisions.refresh();
    try {
      this.#session = await this.#context.api.get<Session>(this.#path);
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error;
    }
    await decisions;
    this.#context.redraw();
  };

  view(): TemplateResult {
    const session = this.#session;
    const isForgotten = problemIn(this.#fault).status === 404;
    return html`<div class="screen">
      <div class="head">
        <div><p class="crumb"><a href="#/">Live</a> › session</p>
          <h1 tabindex="-1">${this.title}</h1>
          ${session === undefined ? nothing : html`<p class="soft">${phaseText(session, this.#context.live.nowMs())}</p>`}</div>
        ${session === undefined ? nothing : this.#acts(session)}
      </div>
      ${
        session === undefined && this.#fault !== undefined
          ? html`<section class="panel">${isForgotten ? forgotten() : faultView(this.#fault, () => void this.#read())}</section>`
          : nothing
      }
      ${session === undefined ? nothing : html`${factsView(session)}${rosterView(this.#context, session, this.#read)}`}
      <section class="panel" aria-labelledby="timeline-title">
        <header><h2 id="timeline-title">Timeline</h2><span class="small soft">newest first; open one for its steps</span></header>
        ${this.#decisions.view({ withSession: false, empty: html`<div class="empty"><b>No decision of this session is kept.</b></div>` })}
      </section>
    </div>`;
  }

  #acts(session: Session): TemplateResult | typeof nothing {
    if (session.phase === 'ended') return nothing;
    const why = needs(this.#context, 'operator');
    const act = (label: string, order: () => Promise<unknown>, kind = '') =>
      html`<button class=${kind} ?disabled=${why !== '' || session.phase === 'ending'} title=${why === '' ? nothing : why}
        @click=${() => void order().then(this.#read)}>${label}</button>`;
    return html`<div class="acts" role="group" aria-label="Orders">
      ${act('Announce', () => announce(this.#context, session))}
      ${act('Limit', () => limit(this.#context, session))}
      ${act(session.isFrozen ? 'Let newcomers in' : 'Freeze', () => freeze(this.#context, session))}
      ${act('End session', () => endSession(this.#context, session), 'danger')}
    </div>`;
  }
}

function phaseText({ phase, createdAt, endedAt, endReason }: Session, nowMs: number): TemplateResult {
  const tone = { forming: 'is-warn', active: 'is-good', ending: 'is-warn', ended: '' }[phase];
  const when =
    endedAt === null
      ? html`since ${momentText(createdAt)} (${ageText(createdAt, nowMs)})`
      : html`${momentText(createdAt)} to ${momentText(endedAt)}${endReason === null ? nothing : html`: ${endReason}`}`;
  return html`<span class="badge ${tone}">${phase}</span> ${when}`;
}

function factsView(session: Session): TemplateResult {
  const {
    identity,
    kind,
    address,
    participants,
    maxParticipants,
    isFrozen,
    switchId,
    revision,
    subscriptions,
    traffic,
  } = session;
  const fact = (name: string, value: unknown) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<section class="panel" aria-label="Facts"><div class="body"><dl class="facts">
    ${fact(kind === 'group' ? 'group' : 'factory', kind === 'group' ? html`<a href=${groupHash(address)}>${addressText(address)}</a>` : addressText(address))}
    ${fact('people', html`${participants.connected} connected${participants.invited === 0 ? nothing : `, ${participants.invited} invited`}`)}
    ${fact('at most', maxParticipants ?? 'no limit')}
    ${isFrozen ? fact('newcomers', html`<span class="badge is-warn">frozen: nobody new is let in</span>`) : nothing}
    ${traffic === null || traffic === undefined ? nothing : fact('messages', `${countText(traffic.messagesIn)} in, ${countText(traffic.messagesOut)} out`)}
    ${fact('switch', switchId)}
    ${fact('subscribers', subscriptions.length)}
    ${fact('revision', revision)}
    ${fact('IM Session Identity', html`<span class="mono">${identity}</span>`)}
  </dl></div></section>`;
}

function forgotten(): TemplateResult {
  return html`<div class="empty"><b>This session has ended and is not kept any more.</b>
    <p>Its decisions are below for as long as they are kept; others are found under <a href="#/decisions">Decisions</a>.</p></div>`;
}
