/** What would be answered to a SIP request, and why: pasted from a trace. Nothing is sent. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { Problem } from '../net/problem.ts';
import { problemIn } from '../net/problem.ts';
import type { Explanation } from '../net/shapes.ts';
import { clauseText } from '../parts/clauses.ts';
import { stepsView } from '../parts/decision-view.ts';
import { fieldView } from '../parts/field.ts';
import { phraseOf, toneOf } from '../parts/status.ts';
import type { Context, Screen } from '../shell/context.ts';

type Trust = '' | 'core' | 'digest' | 'none';

export class ExplainScreen implements Screen {
  readonly title = 'Explain';
  readonly #context: Context;
  #message = '';
  #src = '';
  #trust: Trust = '';
  #isBusy = false;
  #problem: Problem | undefined;
  #answer: Explanation | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  view(): TemplateResult {
    return html`<div class="screen">
      <div class="head"><div><h1 tabindex="-1">Explain</h1>
        <p class="soft">Paste a SIP request as it stands in a trace. You are told what would be answered to it now, why, and what would let it pass.
        Nothing is sent and nothing changes.</p></div></div>
      <div class="explain">
        <form class="panel" @submit=${this.#submit}>
          <div class="body">
            ${fieldView({
              id: 'explain-message',
              label: 'SIP request',
              hint: 'Bare line feeds and a wrong Content-Length are mended.',
              input: ({
                id,
                describedBy,
              }) => html`<textarea id=${id} class="mono" rows="18" required maxlength="65536" spellcheck="false"
                aria-describedby=${describedBy} .value=${live(this.#message)} @input=${this.#typed('message')}
                placeholder="INVITE sip:im-g-crew@example.net SIP/2.0&#10;Via: …&#10;From: …"></textarea>`,
            })}
            <div class="explain-row">
              <label class="field">Comes from <input name="src" placeholder="127.0.0.1:5060" .value=${live(this.#src)} @input=${this.#typed('src')}></label>
              <label class="field">Trust
                <select name="trust" @change=${this.#typed('trust')}>
                  <option value="">as sip.trustedPeers says</option>
                  <option value="core">core: its P-Asserted-Identity counts</option>
                  <option value="digest">digest: its From counts</option>
                  <option value="none">none</option>
                </select></label>
            </div>
            <div class="acts"><button class="primary" ?disabled=${this.#isBusy}>${this.#isBusy ? 'Asking …' : 'Explain'}</button>
              <button type="button" class="quiet" @click=${this.#example}>Fill in an example</button></div>
          </div>
        </form>
        <section class="panel" aria-live="polite" aria-label="Answer">${this.#result()}</section>
      </div>
    </div>`;
  }

  #result(): TemplateResult {
    if (this.#problem !== undefined) {
      const { message, faults, advice } = this.#problem;
      return html`<div class="body"><h2 class="bad">It cannot be explained</h2>
        ${faults.length === 0 ? html`<p>${message}. ${advice}</p>` : faults.map((fault) => html`<p>${fault.message}</p>`)}
        <p class="soft">A request begins with a line such as <code>INVITE sip:… SIP/2.0</code>; header fields follow, then an empty line and the body.</p></div>`;
    }
    if (this.#answer === undefined) {
      return html`<div class="empty"><b>The answer appears here.</b><p>It is made by the state as it is now: sessions, group documents, configuration.</p></div>`;
    }
    return answerView(this.#answer);
  }

  #typed(name: 'message' | 'src' | 'trust') {
    return (event: Event) => {
      const { value } = event.currentTarget as HTMLInputElement;
      if (name === 'message') this.#message = value;
      else if (name === 'src') this.#src = value.trim();
      else this.#trust = value as Trust;
    };
  }

  readonly #submit = (event: SubmitEvent) => {
    event.preventDefault();
    void this.#ask();
  };

  readonly #example = () => {
    this.#message = EXAMPLE;
    this.#context.redraw();
  };

  async #ask(): Promise<void> {
    this.#isBusy = true;
    this.#context.redraw();
    try {
      this.#answer = await this.#context.api.get<Explanation>('/explain', {
        method: 'POST',
        body: {
          message: this.#message,
          ...(this.#src === '' ? {} : { src: this.#src }),
          ...(this.#trust === '' ? {} : { trust: this.#trust }),
        },
      });
      this.#problem = undefined;
    } catch (error) {
      this.#answer = undefined;
      this.#problem = problemIn(error);
    }
    this.#isBusy = false;
    this.#context.redraw();
  }
}

function answerView(answer: Explanation): TemplateResult {
  const { status, method, target, src, originator, clause, procedure, details, remedies, rule, steps } =
    answer;
  const fields = (answer.reply?.headers ?? []).map(({ name, value }) => `${name}: ${value}`);
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? nothing
      : html`<div><h3>${title}</h3><ul>${lines.map((line) => html`<li>${line}</li>`)}</ul></div>`;
  return html`<div class="body answer">
    <div class="answer-head">${status === null ? nothing : html`<span class="badge big ${toneOf(status)}">${status} ${phraseOf(status)}</span>`}
      <span class="soft">${method} to ${target}${originator === null ? nothing : ` as ${originator}`}, from ${src}</span></div>
    <p class="lead">${answer.answer}</p>
    ${list('In detail', details)}
    ${list('What would let it pass', remedies)}
    ${list('Answered before, by its Call-ID (the above is how it would be now)', answer.earlier)}
    ${list('The answer also says', fields)}
    ${list('What would follow', answer.actions)}
    ${rule === null ? nothing : html`<p class="soft">${rule}</p>`}
    <h3>Clause ${clauseText(clause)}: ${procedure}</h3>
    ${stepsView(steps)}
  </div>`;
}

const EXAMPLE = `INVITE sip:im-conference-factory@example.net SIP/2.0
Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKexample
Max-Forwards: 70
From: <sip:ada@example.net>;tag=1
To: <sip:im-conference-factory@example.net>
Call-ID: example-1@192.0.2.7
CSeq: 1 INVITE
Contact: <sip:ada@192.0.2.7:5060>
P-Asserted-Identity: <sip:ada@example.net>
Content-Type: application/sdp
Content-Length: 0

v=0
o=- 1 1 IN IP4 192.0.2.7
s=-
c=IN IP4 192.0.2.7
t=0 0
m=message 2855 TCP/MSRP *
a=path:msrp://192.0.2.7:2855/s1;tcp
a=accept-types:message/cpim text/plain
`;
