/** The form face of a group document. Each field shows its own faults. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { type GroupDraft, RIGHTS, type RuleDraft, type Who } from '../groups/draft.ts';
import { type FieldAttributes, fieldView } from '../parts/field.ts';

export interface GroupFormParts {
  readonly draft: GroupDraft;
  readonly faults: ReadonlyMap<string, readonly string[]>;
  readonly isReadOnly: boolean;
  /** The address of a group does not change. */
  readonly isNew: boolean;
  readonly changed: () => void;
}

export function groupForm(parts: GroupFormParts): TemplateResult {
  const { draft, faults, isReadOnly, isNew, changed } = parts;
  const typed = (name: 'uri' | 'displayName' | 'members' | 'maxParticipants') => (event: Event) => {
    draft[name] = (event.currentTarget as HTMLInputElement).value;
    changed();
  };
  const common = faults.get('') ?? [];
  return html`<fieldset class="form" ?disabled=${isReadOnly}>
    <legend class="visually-hidden">Group document</legend>
    ${common.map((message) => html`<p class="fault" role="alert">${message}</p>`)}
    <div class="form-row">
      ${field(
        parts,
        'uri',
        'Address',
        (
          attributes,
        ) => html`<input id=${attributes.id} name="uri" spellcheck="false" autocomplete="off" placeholder="sip:im-g-crew@example.net"
        ?readonly=${!isNew} aria-invalid=${attributes.invalid} aria-describedby=${attributes.describedBy} .value=${live(draft.uri)} @input=${typed('uri')}>`,
        isNew ? 'What people send their INVITE to. It does not change later.' : undefined,
      )}
      ${field(
        parts,
        'displayName',
        'Name',
        (
          attributes,
        ) => html`<input id=${attributes.id} name="displayName" autocomplete="off" placeholder="Crew"
        aria-invalid=${attributes.invalid} aria-describedby=${attributes.describedBy} .value=${live(draft.displayName)} @input=${typed('displayName')}>`,
      )}
    </div>
    ${field(
      parts,
      'members',
      'Members',
      (
        attributes,
      ) => html`<textarea id=${attributes.id} name="members" class="mono" rows="6" spellcheck="false" placeholder="ada@example.net Ada&#10;ben@example.net&#10;+46700000003"
      aria-invalid=${attributes.invalid} aria-describedby=${attributes.describedBy} .value=${live(draft.members)} @input=${typed('members')}></textarea>`,
      'One a line: the address, then the name if you like. sip: may be left out; a number in international form is a tel URI.',
    )}
    <div class="form-row">
      ${field(
        parts,
        'maxParticipants',
        'At most',
        (
          attributes,
        ) => html`<input id=${attributes.id} name="maxParticipants" inputmode="numeric" autocomplete="off" placeholder="no limit"
        aria-invalid=${attributes.invalid} aria-describedby=${attributes.describedBy} .value=${live(draft.maxParticipants)} @input=${typed('maxParticipants')}>`,
        'Participants at one time.',
      )}
      <label class="check"><input type="checkbox" name="inviteMembers" .checked=${live(draft.inviteMembers)} @change=${(
        event: Event,
      ) => {
        draft.inviteMembers = (event.currentTarget as HTMLInputElement).checked;
        changed();
      }}>Invite all members when somebody sets it up</label>
    </div>
    <div class="rules"><h3>Who may do what</h3>
      ${draft.rules.length === 0 ? html`<p class="warn">There is no rule: nobody may do anything with this group.</p>` : nothing}
      ${draft.rules.map((rule, index) => ruleView(parts, rule, index))}
      ${
        isReadOnly
          ? nothing
          : html`<div><button type="button" @click=${() => {
              draft.rules.push({
                id: freeId(draft.rules),
                who: 'uris',
                uris: '',
                grant: { addUsers: true },
                original: undefined,
              });
              changed();
            }}>Add a rule</button></div>`
      }
    </div>
  </fieldset>`;
}

function field(
  { faults }: GroupFormParts,
  name: string,
  label: string,
  input: (attributes: FieldAttributes) => TemplateResult,
  hint?: string,
): TemplateResult {
  return fieldView({ id: `group-${name}`, label, hint, faults: faults.get(name) ?? [], input });
}

const WHO: Readonly<Record<Exclude<Who, 'kept'>, string>> = {
  members: 'members of the group',
  others: 'everybody else',
  uris: 'these addresses',
};

function ruleView(parts: GroupFormParts, rule: RuleDraft, index: number): TemplateResult {
  const { draft, faults, isReadOnly, changed } = parts;
  const own = faults.get(`rule-${index}`) ?? [];
  const set = (change: Partial<RuleDraft>) => {
    Object.assign(rule, change);
    changed();
  };
  return html`<div class="rule" role="group" aria-label=${`Rule ${rule.id}`}>
    <div class="rule-head">
      ${field(
        parts,
        `rule-${index}-id`,
        'Rule',
        (
          attributes,
        ) => html`<input id=${attributes.id} spellcheck="false" autocomplete="off" aria-invalid=${attributes.invalid}
        aria-describedby=${attributes.describedBy} .value=${live(rule.id)} @input=${(event: Event) => set({ id: (event.currentTarget as HTMLInputElement).value })}>`,
      )}
      ${
        rule.who === 'kept'
          ? html`<p class="soft small">Its conditions are more than this form has; they are kept. The XML shows them.</p>`
          : html`<label class="field">is about<select @change=${(event: Event) => set({ who: (event.currentTarget as HTMLSelectElement).value as Who })}>
            ${Object.entries(WHO).map(([who, words]) => html`<option value=${who} ?selected=${who === rule.who}>${words}</option>`)}</select></label>`
      }
      ${
        isReadOnly
          ? nothing
          : html`<button type="button" class="quiet" aria-label=${`Take rule ${rule.id} out`} @click=${() => {
              draft.rules.splice(index, 1);
              changed();
            }}>Take out</button>`
      }
    </div>
    ${
      rule.who === 'uris'
        ? field(
            parts,
            `rule-${index}-uris`,
            'Addresses, one a line',
            (
              attributes,
            ) => html`<textarea id=${attributes.id} class="mono" rows="2" spellcheck="false" aria-invalid=${attributes.invalid}
          aria-describedby=${attributes.describedBy} .value=${live(rule.uris)} @input=${(event: Event) => set({ uris: (event.currentTarget as HTMLTextAreaElement).value })}></textarea>`,
          )
        : nothing
    }
    <div class="rights"><span class="soft">They may</span>${RIGHTS.map(
      ({
        right,
        words,
      }) => html`<label class="check"><input type="checkbox" .checked=${live(rule.grant[right] === true)}
        @change=${(event: Event) => set({ grant: granted(rule.grant, right, (event.currentTarget as HTMLInputElement).checked) })}>${words}</label>`,
    )}
      <label class="check"><input type="checkbox" .checked=${live(rule.grant['keyParticipant'] === true)}
        @change=${(event: Event) => set({ grant: granted(rule.grant, 'keyParticipant', (event.currentTarget as HTMLInputElement).checked) })}>and when they leave it may end</label>
      <label class="check"><input type="checkbox" .checked=${live(rule.grant['privateMessage'] === false)}
        @change=${(event: Event) => set({ grant: withheld(rule.grant, (event.currentTarget as HTMLInputElement).checked) })}>but not write to single participants</label>
    </div>
    ${own.map((message) => html`<p class="fault">${message}</p>`)}
  </div>`;
}

/** Not granted is what is not there: an explicit false says the same and is kept only where it was. */
function granted(grant: RuleDraft['grant'], right: string, isGranted: boolean): RuleDraft['grant'] {
  const { [right]: _before, ...others } = grant;
  return isGranted ? { ...others, [right]: true } : others;
}

/** Of private messages it is the other way round: one false takes the right away. */
function withheld(
  { privateMessage: _before, ...others }: RuleDraft['grant'],
  isWithheld: boolean,
): RuleDraft['grant'] {
  return isWithheld ? { ...others, privateMessage: false } : others;
}

function freeId(rules: readonly RuleDraft[]): string {
  for (let number = rules.length + 1; ; number += 1) {
    const id = `rule-${number}`;
    if (!rules.some((rule) => rule.id === id)) return id;
  }
}
