/** Asks REST, while somebody types, whether the document is as it should be. */
import { html, nothing, type TemplateResult } from 'lit-html';
import type { GroupJson } from '../groups/group-json.ts';
import type { Ask } from '../net/api.ts';
import { problemIn } from '../net/problem.ts';
import type { Fault } from '../net/shapes.ts';
import type { Context } from '../shell/context.ts';

export const GROUP_XML = 'application/vnd.oma.poc.groups+xml';
/** After the last key. */
const TYPING_MS = 250;

export interface ValidGroup {
  readonly json: GroupJson;
  readonly xml: string;
  readonly warnings: readonly string[];
}

export interface Content extends Pick<Ask, 'body' | 'text' | 'headers'> {
  /** What the form found itself. */
  readonly own?: readonly Fault[];
}

type State = 'unknown' | 'asking' | 'valid' | 'faulty' | 'unanswered';

export class GroupCheck {
  readonly #context: Context;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #state: State = 'unknown';
  #why = '';
  #asked = 0;
  faults: readonly Fault[] = [];
  warnings: readonly string[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  get isFaulty(): boolean {
    return this.#state !== 'valid';
  }

  soon(content: () => Content): void {
    clearTimeout(this.#timer);
    this.#state = 'asking';
    // An answer to what was typed before says nothing any more.
    this.#asked += 1;
    this.#timer = setTimeout(() => void this.now(content()), TYPING_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#asked += 1;
  }

  /** Undefined: it has faults, or something else was asked meanwhile. */
  async now({ own = [], ...content }: Content): Promise<ValidGroup | undefined> {
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const valid = await this.#context.api.get<ValidGroup>('/groups/validate', {
        method: 'POST',
        ...content,
      });
      if (asked !== this.#asked) return undefined;
      this.#tell(own.length === 0 ? 'valid' : 'faulty', own, valid.warnings);
      return own.length === 0 ? valid : undefined;
    } catch (error) {
      if (asked !== this.#asked) return undefined;
      const problem = problemIn(error);
      if (problem.status === 0 || problem.status >= 500) {
        this.#why = `${problem.message}. ${problem.advice}`;
        this.#tell('unanswered', [], []);
      } else {
        const { faults } = problem;
        const found = faults.length > 0 ? faults : [{ path: '/', message: problem.message }];
        this.#tell('faulty', [...own, ...found], []);
      }
      return undefined;
    }
  }

  #tell(state: State, faults: readonly Fault[], warnings: readonly string[]): void {
    this.#state = state;
    this.faults = faults;
    this.warnings = warnings;
    this.#context.redraw();
  }

  stateView(isToBeShown: boolean): TemplateResult | typeof nothing {
    if (!isToBeShown) return nothing;
    switch (this.#state) {
      case 'unknown':
        return nothing;
      case 'asking':
        return html`<span class="soft">checking …</span>`;
      case 'valid':
        return html`<span class="good">✓ no fault${this.warnings.length === 0 ? nothing : html`, <span class="warn">${this.warnings.length} to think about</span>`}</span>`;
      case 'faulty':
        return html`<span class="bad">✕ ${this.faults.length === 1 ? 'a fault' : `${this.faults.length} faults`}</span>`;
      case 'unanswered':
        return html`<span class="warn">not checked: ${this.#why}</span>`;
    }
  }
}

/** With the way to their lines. */
export function faultList(
  faults: readonly Fault[],
  toLine: (line: number) => void,
): TemplateResult | typeof nothing {
  if (faults.length === 0) return nothing;
  return html`<ul class="fault-list">${faults.map(
    ({ path, line, message }) => html`<li class="fault">
      ${line === undefined ? nothing : html`<button type="button" class="quiet tight" @click=${() => toLine(line)}>line ${line}</button>`}
      <span class="mono">${path}</span>: ${message}</li>`,
  )}</ul>`;
}
