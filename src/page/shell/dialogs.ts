/** Questions before something that cannot be taken back, or that needs a word: one at a time, in a modal dialog. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { fieldView } from '../parts/field.ts';
import { fieldsOf } from '../parts/form-fields.ts';

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says. */
  readonly action: string;
  readonly isDanger?: boolean;
  readonly fields?: readonly {
    readonly name: string;
    readonly label: string;
    readonly hint?: string;
    readonly value?: string;
    readonly isRequired?: boolean;
    readonly pattern?: string;
    readonly maxLength?: number;
    readonly type?: 'text' | 'number';
  }[];
}

type Answer = Readonly<Record<string, string>>;

export class Dialogs {
  readonly #redraw: () => void;
  #open: { question: Question; answer: (given: Answer | undefined) => void } | undefined;

  constructor(redraw: () => void) {
    this.#redraw = redraw;
  }

  ask(question: Question): Promise<Answer | undefined> {
    this.#open?.answer(undefined);
    return new Promise((resolve) => {
      const open = {
        question,
        answer: (given: Answer | undefined) => {
          // Closing tells of itself once more, and by then another may be open.
          if (this.#open !== open) return;
          // Before it is taken away, so that the focus goes back to where it was.
          document.querySelector('dialog')?.close();
          this.#open = undefined;
          this.#redraw();
          resolve(given);
        },
      };
      this.#open = open;
      this.#redraw();
    });
  }

  view(): TemplateResult | typeof nothing {
    if (this.#open === undefined) return nothing;
    const { question, answer } = this.#open;
    const { title, text, action, isDanger = false, fields = [] } = question;
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      answer(fieldsOf(event.currentTarget as HTMLFormElement));
    };
    return html`<dialog aria-labelledby="dialog-title" @close=${() => answer(undefined)}>
      <form method="dialog" @submit=${submit}>
        <h2 id="dialog-title">${title}</h2>
        <p>${text}</p>
        ${fields.map(
          ({ name, label, hint, value = '', isRequired = false, pattern, maxLength, type = 'text' }) =>
            fieldView({
              id: `dialog-${name}`,
              label,
              hint,
              // Set once: a drawing must not take away what is typed.
              input: ({
                id,
                describedBy,
              }) => html`<input id=${id} name=${name} type=${type} .value=${value} ?required=${isRequired}
                autocomplete="off" aria-describedby=${describedBy} min=${type === 'number' ? 1 : nothing}
                pattern=${pattern ?? nothing} maxlength=${maxLength ?? nothing}>`,
            }),
        )}
        <div class="acts">
          <button type="button" @click=${() => answer(undefined)}>Cancel</button>
          <button class=${isDanger ? 'danger' : 'primary'}>${action}</button>
        </div>
      </form>
    </dialog>`;
  }

  /** After each drawing: a dialog that has just appeared becomes modal. */
  drawn(root: ParentNode): void {
    const dialog = root.querySelector('dialog');
    if (dialog !== null && !dialog.open) dialog.showModal();
  }
}
