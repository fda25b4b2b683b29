/** One group: its document as a form or as XML, with every fault while it is typed; who may do what; its versions. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { draftOf, faultsByField, formFaults, type GroupDraft, jsonOf, newDraft } from '../groups/draft.ts';
import type { GroupJson } from '../groups/group-json.ts';
import { type Problem, problemIn } from '../net/problem.ts';
import type { SavedGroup } from '../net/shapes.ts';
import { faultView } from '../parts/fault.ts';
import { addressText } from '../parts/text.ts';
import { type Context, carryOut, mayAct, needs, type Screen } from '../shell/context.ts';
import { groupHash, sessionHash } from '../shell/routes.ts';
import { type Content, faultList, GROUP_XML, GroupCheck } from './group-check.ts';
import { groupForm } from './group-form.ts';
import { GroupHistory } from './group-history.ts';

type Face = 'form' | 'xml';

export class GroupScreen implements Screen {
  readonly #context: Context;
  /** Undefined: a new one. */
  readonly #uri: string | undefined;
  readonly #check: GroupCheck;
  readonly #history: GroupHistory | undefined;
  #draft: GroupDraft = newDraft();
  #xml = '';
  #face: Face = 'form';
  #etag: string | undefined;
  #isOfFile = false;
  #isLoaded: boolean;
  #isChanged = false;
  #isSaving = false;
  #fault: unknown;
  #saveProblem: Problem | undefined;

  constructor(context: Context, uri: string | undefined) {
    this.#context = context;
    this.#uri = uri;
    this.#isLoaded = uri === undefined;
    this.#check = new GroupCheck(context);
    this.#history = uri === undefined ? undefined : new GroupHistory(context, uri, () => this.#load());
    if (uri !== undefined) void this.#load();
  }

  get title(): string {
    return this.#uri === undefined ? 'New group' : addressText(this.#uri);
  }

  mayLeave(): boolean {
    return !this.#isChanged;
  }

  leave(): void {
    this.#check.stop();
  }

  get #path(): string {
    return `/groups/${encodeURIComponent(this.#uri ?? '')}`;
  }

  async #load(): Promise<void> {
    try {
      const { body, headers } = await this.#context.api.ask<GroupJson>(this.#path);
      this.#draft = draftOf(body);
      this.#etag = headers.get('etag') ?? undefined;
      this.#isOfFile = headers.get('parley-source') === 'file';
      this.#xml = await this.#context.api.get<string>(this.#path, { headers: { accept: GROUP_XML } });
      this.#isChanged = false;
      this.#isLoaded = true;
      this.#fault = undefined;
      this.#saveProblem = undefined;
      void this.#check.now(this.#content());
      void this.#history?.load(!this.#isOfFile);
    } catch (error) {
      this.#fault = error;
    }
    this.#context.redraw();
  }

  /** As it is sent. */
  #content(): Content {
    return this.#face === 'form'
      ? { body: jsonOf(this.#draft), own: formFaults(this.#draft) }
      : { text: this.#xml, headers: { 'content-type': GROUP_XML } };
  }

  readonly #changed = () => {
    this.#isChanged = true;
    this.#saveProblem = undefined;
    this.#check.soon(() => this.#content());
    this.#context.redraw();
  };

  view(): TemplateResult {
    return html`<div class="screen">
      <div class="head"><div><p class="crumb"><a href="#/groups">Groups</a> ›</p><h1 tabindex="-1">${this.title}</h1>${this.#running()}</div>
        ${this.#acts()}</div>
      ${this.#fault === undefined ? nothing : html`<section class="panel">${faultView(this.#fault, () => void this.#load())}</section>`}
      ${this.#isLoaded ? this.#editor() : this.#fault === undefined ? html`<p class="loading" role="status">Reading the group …</p>` : nothing}
      ${this.#isLoaded && this.#history !== undefined ? this.#history.view(this.#etag) : nothing}
    </div>`;
  }

  #running(): TemplateResult | typeof nothing {
    const session = this.#context.live.book.sessions.find(
      ({ kind, address }) => kind === 'group' && address === this.#uri,
    );
    if (session === undefined) return nothing;
    return html`<p><span class="badge is-good">in session</span> <a href=${sessionHash(session.id)}>${session.participants.connected} connected</a></p>`;
  }

  get #isReadOnly(): boolean {
    return this.#isOfFile || !mayAct(this.#context, 'admin');
  }

  #acts(): TemplateResult | typeof nothing {
    if (!this.#isLoaded) return nothing;
    const why = needs(this.#context, 'admin');
    const off = why !== '';
    const title = off ? why : nothing;
    if (this.#isOfFile) {
      return html`<div class="acts"><button class="primary" ?disabled=${off} title=${title} @click=${() => void this.#adopt()}>Adopt, to edit it here</button></div>`;
    }
    const cannotSave = off || this.#isSaving || !this.#isChanged || this.#check.isFaulty;
    return html`<div class="acts">
      ${this.#uri === undefined ? nothing : html`<button class="danger" ?disabled=${off} title=${title} @click=${() => void this.#delete()}>Delete</button>`}
      ${this.#uri !== undefined && this.#isChanged ? html`<button @click=${() => void this.#load()}>Undo changes</button>` : nothing}
      <button class="primary" ?disabled=${cannotSave} title=${title} @click=${() => void this.#save()}>${this.#uri === undefined ? 'Create group' : 'Save'}</button>
    </div>`;
  }

  #editor(): TemplateResult {
    const faults = this.#check.faults;
    return html`<section class="panel" aria-label="Document">
      <header>
        <div role="tablist" aria-label="Face of the document" class="tabs">${this.#tab('form', 'Form')}${this.#tab('xml', 'OMA XML')}</div>
        ${this.#isOfFile ? html`<span class="badge">kept in a file: read-only here</span>` : nothing}
        <span class="check-state" role="status">${this.#check.stateView(this.#isChanged || this.#uri !== undefined)}</span>
      </header>
      <div class="body editor" role="tabpanel" id="group-face" aria-label=${this.#face === 'form' ? 'Form' : 'OMA XML'}>
        ${this.#saveProblem === undefined ? nothing : html`<p class="fault" role="alert">${this.#saveProblem.message}. ${this.#saveProblem.advice}</p>`}
        ${
          this.#face === 'form'
            ? groupForm({
                draft: this.#draft,
                faults: faultsByField(this.#draft, faults),
                isReadOnly: this.#isReadOnly,
                isNew: this.#uri === undefined,
                changed: this.#changed,
              })
            : this.#xmlFace()
        }
        ${this.#check.warnings.map((warning) => html`<p class="warn">⚠ ${warning}</p>`)}
      </div>
    </section>`;
  }

  #xmlFace(): TemplateResult {
    return html`${faultList(this.#check.faults, (line) => this.#toLine(line))}
      <textarea class="mono" id="group-xml" aria-label="OMA group document" rows="26" spellcheck="false" ?readonly=${this.#isReadOnly}
        .value=${this.#xml} @input=${(event: Event) => {
          this.#xml = (event.currentTarget as HTMLTextAreaElement).value;
          this.#changed();
        }}></textarea>`;
  }

  #toLine(line: number): void {
    const area = document.querySelector<HTMLTextAreaElement>('#group-xml');
    if (area === null) return;
    const lines = this.#xml.split('\n');
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  }

  #tab(face: Face, label: string): TemplateResult {
    // The other face is written from this one, so this one must be without fault.
    const isOff = face !== this.#face && this.#isChanged && this.#check.isFaulty;
    return html`<button role="tab" class="tab" aria-selected=${face === this.#face ? 'true' : 'false'} ?disabled=${isOff}
      title=${isOff ? 'Mend the faults first' : nothing} aria-controls="group-face" tabindex=${face === this.#face ? 0 : -1} @click=${() => void this.#turn(face)}
      @keydown=${this.#tabKey}>${label}</button>`;
  }

  /** The arrows go to the other tab, as tabs are walked (ARIA Authoring Practices). */
  readonly #tabKey = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const { parentElement } = event.currentTarget as HTMLElement;
    parentElement?.querySelector<HTMLElement>('[aria-selected=false]')?.focus();
  };

  async #turn(face: Face): Promise<void> {
    if (face === this.#face) return;
    if (this.#isChanged) {
      const valid = await this.#check.now(this.#content());
      if (valid === undefined) return;
      this.#draft = draftOf(valid.json);
      this.#xml = valid.xml;
    }
    this.#face = face;
    this.#context.redraw();
  }

  async #save(): Promise<void> {
    this.#isSaving = true;
    const { own: _none, headers = {}, ...content } = this.#content();
    const isNew = this.#uri === undefined;
    try {
      const { body } = await this.#context.api.ask<SavedGroup>(isNew ? '/groups' : this.#path, {
        ...content,
        headers: { ...headers, ...(isNew ? {} : { 'if-match': this.#etag ?? '' }) },
        method: isNew ? 'POST' : 'PUT',
      });
      this.#isChanged = false;
      const name = addressText(body.uri);
      this.#context.say(
        body.inForce
          ? `${name} is saved, and in force now.`
          : `${name} is saved; the focus takes it within seconds, or its log says why not.`,
        !body.inForce,
      );
      if (isNew) this.#context.go(groupHash(body.uri));
      else await this.#load();
    } catch (error) {
      this.#saveProblem = problemIn(error);
    }
    this.#isSaving = false;
    this.#context.redraw();
  }

  async #adopt(): Promise<void> {
    const isDone = await carryOut(
      this.#context,
      `${this.title} is edited here from now on; the file no longer counts.`,
      () => this.#context.api.ask(`${this.#path}/adopt`, { method: 'POST' }),
    );
    if (isDone) await this.#load();
  }

  async #delete(): Promise<void> {
    const given = await this.#context.ask({
      title: `Delete ${this.title}?`,
      text: 'Nobody can set it up any more; a running session goes on. Its versions are kept, and one of them can be brought back.',
      action: 'Delete',
      isDanger: true,
      fields: [{ name: 'comment', label: 'Why (optional)', hint: 'Kept with the version.', maxLength: 500 }],
    });
    if (given === undefined) return;
    const isDone = await carryOut(this.#context, `${this.title} is deleted.`, () =>
      this.#context.api.ask(this.#path, {
        method: 'DELETE',
        headers: { 'if-match': this.#etag ?? '' },
        query: { comment: given['comment'] },
      }),
    );
    if (!isDone) return;
    this.#isChanged = false;
    this.#context.go('#/groups');
  }
}
