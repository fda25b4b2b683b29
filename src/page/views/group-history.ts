/** Who may do what in a group as it is saved, and what it was before. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { problemIn } from '../net/problem.ts';
import { addressText, momentText } from '../parts/text.ts';
import { type Context, carryOut, needs } from '../shell/context.ts';

interface Granted {
  readonly allowed: boolean;
  readonly rules: readonly string[];
}

interface UserRights {
  readonly user: string;
  readonly displayName: string | null;
  readonly isMember: boolean;
  readonly initiate: Granted;
  readonly join: Granted;
  readonly invite: Granted;
  readonly expel: Granted;
  readonly subscribe: Granted;
  readonly beAnonymous: Granted;
}

interface Version {
  readonly version: number;
  readonly at: string;
  readonly who: string;
  readonly comment: string | null;
  readonly isDeletion: boolean;
}

const COLUMNS: readonly (readonly [
  key: 'initiate' | 'join' | 'subscribe' | 'invite' | 'expel' | 'beAnonymous',
  label: string,
])[] = [
  ['initiate', 'set up'],
  ['join', 'join'],
  ['subscribe', 'see who is there'],
  ['invite', 'add'],
  ['expel', 'remove'],
  ['beAnonymous', 'alias'],
];
const RIGHTS_SHOWN = 100;
const VERSIONS_SHOWN = 20;

export class GroupHistory {
  readonly #context: Context;
  readonly #path: string;
  readonly #reload: () => Promise<void>;
  #rights: { items: readonly UserRights[]; total: number } | undefined;
  #versions: readonly Version[] = [];
  #diff: { version: number; text: string } | undefined;
  #asked = '';

  constructor(context: Context, uri: string, reload: () => Promise<void>) {
    this.#context = context;
    this.#path = `/groups/${encodeURIComponent(uri)}`;
    this.#reload = reload;
  }

  async load(isManaged: boolean): Promise<void> {
    try {
      await this.#readRights();
      this.#versions = isManaged
        ? (
            await this.#context.api.get<{ items: Version[] }>(`${this.#path}/versions`, {
              query: { limit: VERSIONS_SHOWN },
            })
          ).items
        : [];
    } catch (error) {
      this.#context.say(problemIn(error).message, true);
    }
    this.#context.redraw();
  }

  async #readRights(): Promise<void> {
    this.#rights = await this.#context.api.get<{ items: UserRights[]; total: number }>(
      `${this.#path}/rights`,
      {
        query: this.#asked === '' ? { limit: RIGHTS_SHOWN } : { user: this.#asked },
      },
    );
  }

  view(etag: string | undefined): TemplateResult {
    return html`${this.#rights === undefined ? nothing : this.#rightsView(this.#rights)}${this.#versions.length === 0 ? nothing : this.#versionsView(etag)}`;
  }

  #rightsView({ items, total }: { items: readonly UserRights[]; total: number }): TemplateResult {
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      const field = (event.currentTarget as HTMLFormElement).elements.namedItem('user') as HTMLInputElement;
      this.#asked = field.value.trim();
      void this.#readRights()
        .catch((error: unknown) => this.#context.say(problemIn(error).message, true))
        .then(() => this.#context.redraw());
    };
    return html`<section class="panel" aria-labelledby="rights-title">
      <header><h2 id="rights-title">Who may do what <span class="soft">as saved</span></h2>
        <form class="inline" @submit=${submit}><input name="user" type="search" aria-label="Rights of a user" placeholder="of a user: sip:eve@example.net" spellcheck="false" autocomplete="off">
          <button class="tight">Show</button></form></header>
      <div class="scrolls"><table class="rights-table"><thead><tr><th scope="col">User</th>${COLUMNS.map(([, label]) => html`<th scope="col">${label}</th>`)}</tr></thead>
        <tbody>${items.map(
          (row) =>
            html`<tr><th scope="row">${row.displayName ?? addressText(row.user)}${row.isMember ? nothing : html` <span class="badge">no member</span>`}</th>${COLUMNS.map(
              ([key]) =>
                html`<td class=${row[key].allowed ? 'yes' : 'soft'} title=${row[key].rules.length === 0 ? nothing : `by ${row[key].rules.join(', ')}`}>${row[key].allowed ? 'yes' : 'no'}</td>`,
            )}</tr>`,
        )}</tbody></table></div>
      ${total > items.length ? html`<p class="hint notice">${items.length} of ${total} are shown; ask for a user to see another.</p>` : nothing}
    </section>`;
  }

  #versionsView(etag: string | undefined): TemplateResult {
    const why = needs(this.#context, 'admin');
    const newest = this.#versions[0]?.version;
    return html`<section class="panel" aria-labelledby="versions-title"><header><h2 id="versions-title">Versions</h2></header>
      <div class="scrolls"><table><tbody>${this.#versions.map(
        ({
          version,
          at,
          who,
          comment,
          isDeletion,
        }) => html`<tr><td>${version}</td><td class="soft nowrap">${momentText(at)}</td><td>${who}</td>
          <td>${isDeletion ? html`<span class="badge is-bad">deleted</span>` : (comment ?? '')}</td>
          <td class="acts">${
            version === newest || isDeletion
              ? nothing
              : html`<button class="tight" @click=${() => void this.#show(version)}>What changed since</button>
              <button class="tight" ?disabled=${why !== ''} title=${why === '' ? nothing : why} @click=${() => void this.#rollBack(version, etag)}>Bring back</button>`
          }</td></tr>
          ${this.#diff?.version === version ? html`<tr><td colspan="5"><pre class="diff">${diffLines(this.#diff.text)}</pre></td></tr>` : nothing}`,
      )}</tbody></table></div></section>`;
  }

  async #show(version: number): Promise<void> {
    if (this.#diff?.version === version) this.#diff = undefined;
    else {
      try {
        const { unified } = await this.#context.api.get<{ unified: string | null }>(`${this.#path}/diff`, {
          query: { from: version },
        });
        this.#diff = {
          version,
          text: unified === '' ? 'They say the same.' : (unified ?? 'They have too little in common.'),
        };
      } catch (error) {
        this.#context.say(problemIn(error).message, true);
      }
    }
    this.#context.redraw();
  }

  async #rollBack(version: number, etag: string | undefined): Promise<void> {
    const given = await this.#context.ask({
      title: `Bring version ${version} back?`,
      text: 'It becomes the newest version and is in force at once; the versions between stay.',
      action: 'Bring back',
    });
    if (given === undefined) return;
    const isDone = await carryOut(this.#context, `Version ${version} is the newest again.`, () =>
      this.#context.api.ask(`${this.#path}/versions/${version}/rollback`, {
        method: 'POST',
        headers: { 'if-match': etag ?? '' },
      }),
    );
    if (isDone) await this.#reload();
  }
}

function diffLines(text: string): readonly TemplateResult[] {
  return text.split('\n').map((line) => {
    const kind = line.startsWith('+') ? 'good' : line.startsWith('-') ? 'bad' : '';
    return html`<span class=${kind}>${line}
</span>`;
  });
}
