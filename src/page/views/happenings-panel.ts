/** Joins, departures and refusals as they happen, newest first. It stands still while somebody points at it. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { type Happening, MAX_HAPPENINGS, warningWords } from '../live/happenings.ts';
import type { ChangeName, DecisionSummary, SessionChange } from '../net/shapes.ts';
import { clauseText } from '../parts/clauses.ts';
import { phraseOf } from '../parts/status.ts';
import { addressText, timeText } from '../parts/text.ts';
import type { Context } from '../shell/context.ts';
import { decisionsHash, sessionHash } from '../shell/routes.ts';
import { nameOf } from './sessions-panel.ts';

const SHOWN = 80;

const WORDS: Readonly<Record<ChangeName, string>> = {
  created: 'session set up',
  invited: 'is invited',
  joined: 'joined',
  failed: 'could not be reached',
  left: 'left',
  moved: 'session moved to another switch',
  lost: 'did not follow to another switch',
  ended: 'session ended',
};

export class HappeningsPanel {
  readonly #context: Context;
  #onlyRefusals = false;
  /** What is shown while it stands still. */
  #still: readonly Happening[] | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  view(): TemplateResult {
    const now = this.#now();
    const shown = this.#still ?? now;
    const waiting =
      shown === now
        ? 0
        : Math.max(
            0,
            now.findIndex(({ key }) => key === shown[0]?.key),
          );
    return html`<section class="panel happenings" aria-labelledby="happenings-title">
      <header>
        <h2 id="happenings-title">As it happens</h2>
        ${waiting > 0 ? html`<span class="badge is-accent">${waiting} new, when you look away</span>` : nothing}
        <label class="check small"><input type="checkbox" .checked=${this.#onlyRefusals} @change=${this.#chosen}>Refusals only</label>
      </header>
      ${
        shown.length === 0
          ? html`<div class="empty"><b>${this.#onlyRefusals ? 'Nothing was refused' : 'Nothing has happened'} yet.</b>
            <p>Older decisions are under <a href="#/decisions">Decisions</a>.</p></div>`
          : html`<ol class="feed" @pointerenter=${this.#pause} @pointerleave=${this.#resume} @focusin=${this.#pause} @focusout=${this.#resume}>
            ${repeat(
              shown,
              ({ key }) => key,
              (happening) => this.#item(happening),
            )}</ol>`
      }
    </section>`;
  }

  #now(): readonly Happening[] {
    const { happenings } = this.#context.live;
    return (this.#onlyRefusals ? happenings.refusals : happenings.all).newest(
      Math.min(SHOWN, MAX_HAPPENINGS),
    );
  }

  #item(happening: Happening): TemplateResult {
    return happening.kind === 'refusal'
      ? refusalItem(happening.decision)
      : this.#changeItem(happening.change);
  }

  #changeItem({ change, session, participant, reason, at }: SessionChange): TemplateResult {
    const known = this.#context.live.book.get(session);
    const name = known === undefined ? session : nameOf(known);
    return html`<li class="feed-item is-${change} arrives">
      <time class="soft" datetime=${at}>${timeText(at)}</time>
      <span class="cut">${participant === null ? nothing : html`<b>${addressText(participant)}</b> `}${WORDS[change]}${reason === null ? nothing : html` <span class="soft">(${reason})</span>`}
        <a class="soft" href=${sessionHash(session)}>${name}</a></span>
    </li>`;
  }

  readonly #chosen = (event: Event) => {
    this.#onlyRefusals = (event.currentTarget as HTMLInputElement).checked;
    this.#still = undefined;
    this.#context.redraw();
  };

  readonly #pause = () => {
    this.#still ??= this.#now();
  };

  readonly #resume = (event: Event) => {
    const list = event.currentTarget as HTMLElement;
    if (list.matches(':hover') || list.contains((event as FocusEvent).relatedTarget as Node | null)) return;
    this.#still = undefined;
    this.#context.redraw();
  };
}

function refusalItem({
  id,
  at,
  status,
  trigger,
  user,
  callId,
  warning,
  clause,
}: DecisionSummary): TemplateResult {
  const words = warningWords(warning) ?? phraseOf(status);
  const query: Record<string, string> = callId === null ? { id: String(id) } : { q: callId, id: String(id) };
  return html`<li class="feed-item is-refusal">
    <time class="soft" datetime=${at}>${timeText(at)}</time>
    <div><div class="refusal-head"><span class="badge is-bad">${status}</span> <b class="cut">${user === null ? 'somebody' : addressText(user)}</b>
        <span class="soft">${trigger}</span></div>
      <div class="bad">${words}</div>
      <div class="small"><span class="soft">clause ${clauseText(clause)}</span> · <a href=${decisionsHash(query)}>Why?</a></div></div>
  </li>`;
}
