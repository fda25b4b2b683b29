/** A field with its label, its faults and a hint. Both are read out with it, and neither is part of its name. */
import { html, nothing, type TemplateResult } from 'lit-html';

export interface FieldParts {
  readonly id: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly faults?: readonly string[];
  readonly input: (attributes: FieldAttributes) => TemplateResult;
}

export interface FieldAttributes {
  readonly id: string;
  readonly invalid: 'true' | 'false';
  readonly describedBy: string;
}

const MAX_FAULTS_SHOWN = 5;

export function fieldView({ id, label, hint, faults = [], input }: FieldParts): TemplateResult {
  const shown = faults.slice(0, MAX_FAULTS_SHOWN);
  const invalid = faults.length > 0 ? 'true' : 'false';
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${input({ id, invalid, describedBy: `${id}-faults ${id}-hint` })}
    <span id=${`${id}-faults`} class="fault-lines">${shown.map((message) => html`<span class="fault">${message}</span>`)}
      ${faults.length > shown.length ? html`<span class="fault">and ${faults.length - shown.length} more</span>` : nothing}</span>
    ${hint === undefined ? nothing : html`<small id=${`${id}-hint`}>${hint}</small>`}
  </div>`;
}
