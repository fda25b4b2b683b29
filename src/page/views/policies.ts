/** The policy that decisions go by: edited with every fault shown, tried on what was decided lately, put in force, taken back. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { type Problem, problemIn } from '../net/problem.ts';
import type { Fault } from '../net/shapes.ts';
import { faultView } from '../parts/fault.ts';
import { fieldView } from '../parts/field.ts';
import { momentText } from '../parts/text.ts';
import { type Context, carryOut, needs, type Screen } from '../shell/context.ts';
import { type ActivePolicy, type Changes, changesView, type Shadow, shadowView } from './policy-changes.ts';

interface Version {
  readonly version: number;
  readonly at: string;
  readonly who: string;
  readonly comment: string | null;
}

const TYPING_MS = 300;
const VERSIONS_SHOWN = 20;

export class PoliciesScreen implements Screen {
  readonly title = 'Policy';
  readonly #context: Context;
  #active: ActivePolicy | undefined;
  #etag = '';
  #versions: readonly Version[] = [];
  #text = '';
  #faults: readonly Fault[] = [];
  #checked: { changes: Changes; warnings: readonly string[] } | undefined;
  #shadow: Shadow | undefined;
  #fault: unknown;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(context: Context) {
    this.#context = context;
    void this.#load();
  }

  leave(): void {
    clearTimeout(this.#timer);
    this.#asked += 1;
  }

  mayLeave(): boolean {
    return this.#active === undefined || this.#text === textOf(this.#active.policy);
  }

  async #load(): Promise<void> {
    const { api } = this.#context;
    try {
      const { body, headers } = await api.ask<ActivePolicy>('/policies/active');
      this.#active = body;
      this.#etag = headers.get('etag') ?? '';
      this.#versions = (
        await api.get<{ items: Version[] }>('/policies/versions', { query: { limit: VERSIONS_SHOWN } })
      ).items;
      this.#edit(textOf(body.policy));
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error;
    }
    this.#context.redraw();
  }

  #edit(text: string): void {
    this.#text = text;
    this.#checked = undefined;
    this.#shadow = undefined;
    this.#asked += 1;
    clearTimeout(this.#timer);
    const parsed = parse(text);
    this.#faults = 'fault' in parsed ? [parsed.fault] : [];
    if ('policy' in parsed) this.#timer = setTimeout(() => void this.#check(parsed.policy), TYPING_MS);
    this.#context.redraw();
  }

  async #check(policy: unknown): Promise<void> {
    const asked = this.#asked;
    try {
      const checked = await this.#context.api.get<{ changes: Changes; warnings: string[] }>(
        '/policies/validate',
        {
          method: 'POST',
          body: { policy },
        },
      );
      if (asked === this.#asked) this.#checked = checked;
    } catch (error) {
      if (asked === this.#asked) this.#faults = faultsOf(problemIn(error));
    }
    this.#context.redraw();
  }

  view(): TemplateResult {
    const active = this.#active;
    return html`<div class="screen">
      <div class="head"><div><h1 tabindex="-1">Policy</h1>
        <p class="soft">What decisions go by beside the group documents: limits, readings of the specification, factories. A change is in force with the next decision; no session is lost.</p></div>
        ${active === undefined ? nothing : this.#acts()}</div>
      ${this.#fault === undefined ? nothing : html`<section class="panel">${faultView(this.#fault, () => void this.#load())}</section>`}
      ${active === undefined ? nothing : html`${this.#editor(active)}${this.#shadow === undefined ? nothing : shadowView(this.#shadow)}${this.#versionsView(active)}`}
    </div>`;
  }

  #acts(): TemplateResult {
    const admin = needs(this.#context, 'admin');
    const operator = needs(this.#context, 'operator');
    const isChanged = (this.#checked?.changes.length ?? 0) > 0;
    return html`<div class="acts">
      <button ?disabled=${operator !== '' || !isChanged} title=${operator === '' ? nothing : operator} @click=${() => void this.#try()}>Try on recent requests</button>
      <button class="primary" ?disabled=${admin !== '' || !isChanged} title=${admin === '' ? nothing : admin} @click=${() => void this.#save()}>Put in force</button></div>`;
  }

  #editor({ version, activatedAt, activatedBy, effective }: ActivePolicy): TemplateResult {
    return html`<section class="panel" aria-label="Policy as JSON"><header>
        <h2>${version === 0 ? 'The configuration alone is in force' : `Version ${version} is in force`}</h2>
        ${activatedAt === null ? nothing : html`<span class="small soft">since ${momentText(activatedAt)}${activatedBy === null ? nothing : ` by ${activatedBy}`}</span>`}
        <span class="check-state" role="status">${this.#state()}</span></header>
      <div class="body editor">
        ${fieldView({
          id: 'policy-json',
          label: 'What differs from the configuration file, as JSON',
          hint: 'Keys are those of docs/configuration.md, such as {"adHoc": {"maxParticipants": 50}}. What is not here is as in the file.',
          faults: this.#faults.map(({ path, message }) => (path === '' ? message : `${path} ${message}`)),
          input: ({
            id,
            invalid,
            describedBy,
          }) => html`<textarea id=${id} class="mono" rows="12" spellcheck="false" aria-invalid=${invalid}
            aria-describedby=${describedBy} .value=${this.#text} @input=${(event: Event) => this.#edit((event.currentTarget as HTMLTextAreaElement).value)}></textarea>`,
        })}
        ${this.#checked?.warnings.map((warning) => html`<p class="warn">⚠ ${warning}</p>`) ?? nothing}
        ${this.#checked === undefined ? nothing : changesView(this.#checked.changes)}
        <details><summary class="soft">All that is in force</summary><pre class="before-after">${textOf(effective)}</pre></details>
      </div></section>`;
  }

  #state(): TemplateResult {
    if (this.#faults.length > 0)
      return html`<span class="bad">✕ ${this.#faults.length === 1 ? 'a fault' : `${this.#faults.length} faults`}</span>`;
    if (this.#checked === undefined) return html`<span class="soft">checking …</span>`;
    const { length } = this.#checked.changes;
    return length === 0
      ? html`<span class="soft">as in force</span>`
      : html`<span class="good">✓ no fault; ${length === 1 ? 'one change' : `${length} changes`}</span>`;
  }

  #versionsView({ version: inForce }: ActivePolicy): TemplateResult | typeof nothing {
    if (this.#versions.length === 0) return nothing;
    const why = needs(this.#context, 'admin');
    return html`<section class="panel" aria-labelledby="policy-versions"><header><h2 id="policy-versions">Versions</h2>
        <button class="tight" ?disabled=${why !== ''} title=${why === '' ? nothing : why} @click=${() => void this.#rollBack()}>Roll back</button></header>
      <div class="scrolls"><table><tbody>${this.#versions.map(
        ({
          version,
          at,
          who,
          comment,
        }) => html`<tr><td>${version} ${version === inForce ? html`<span class="badge is-good">in force</span>` : nothing}</td>
          <td class="soft nowrap">${momentText(at)}</td><td>${who}</td><td>${comment ?? ''}</td>
          <td class="acts"><button class="tight" @click=${() => void this.#show(version)}>Edit from this</button></td></tr>`,
      )}</tbody></table></div></section>`;
  }

  get #policy(): unknown {
    const parsed = parse(this.#text);
    return 'policy' in parsed ? parsed.policy : undefined;
  }

  async #try(): Promise<void> {
    try {
      this.#shadow = await this.#context.api.get<Shadow>('/policies/shadow', {
        method: 'POST',
        body: { policy: this.#policy },
      });
    } catch (error) {
      const problem = problemIn(error);
      this.#context.say(`${problem.message}. ${problem.advice}`, true);
    }
    this.#context.redraw();
  }

  async #save(): Promise<void> {
    const given = await this.#context.ask({
      title: 'Put this policy in force?',
      text: 'It counts from the next decision on. The version before is one click away.',
      action: 'Put in force',
      fields: [{ name: 'comment', label: 'Why (optional)', hint: 'Kept with the version.', maxLength: 512 }],
    });
    if (given === undefined) return;
    const comment = given['comment'] ?? '';
    const isDone = await carryOut(this.#context, 'The policy is in force.', async () => {
      const { version } = await this.#context.api.get<{ version: number }>('/policies/versions', {
        method: 'POST',
        body: { policy: this.#policy, ...(comment === '' ? {} : { comment }) },
      });
      await this.#context.api.ask(`/policies/versions/${version}/activate`, {
        method: 'POST',
        headers: { 'if-match': this.#etag },
      });
    });
    if (isDone) await this.#load();
  }

  async #rollBack(): Promise<void> {
    const given = await this.#context.ask({
      title: 'Put back in force what was before?',
      text: 'It counts from the next decision on.',
      action: 'Roll back',
    });
    if (given === undefined) return;
    const isDone = await carryOut(this.#context, 'The policy of before is in force again.', () =>
      this.#context.api.ask('/policies/rollback', { method: 'POST', headers: { 'if-match': this.#etag } }),
    );
    if (isDone) await this.#load();
  }

  async #show(version: number): Promise<void> {
    try {
      const { policy } = await this.#context.api.get<{ policy: object }>(`/policies/versions/${version}`);
      this.#edit(textOf(policy));
    } catch (error) {
      this.#context.say(problemIn(error).message, true);
    }
  }
}

function textOf(policy: object): string {
  return JSON.stringify(policy, null, 2);
}

function parse(text: string): { readonly policy: object } | { readonly fault: Fault } {
  try {
    const policy: unknown = JSON.parse(text);
    if (typeof policy === 'object' && policy !== null && !Array.isArray(policy)) return { policy };
    return { fault: { path: '', message: 'It is an object: {…}' } };
  } catch (error) {
    return { fault: { path: '', message: `It is no JSON: ${(error as Error).message}` } };
  }
}

function faultsOf({ message, faults }: Problem): readonly Fault[] {
  return faults.length > 0 ? faults : [{ path: '', message }];
}
