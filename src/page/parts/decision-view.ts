/** A decision: what came, what was answered, and every step of the clause that led there. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { isRefusal, warningWords } from '../live/happenings.ts';
import type { Decision, Step } from '../net/shapes.ts';
import { sessionHash } from '../shell/routes.ts';
import { clauseOfStep, clauseText } from './clauses.ts';
import { phraseOf, toneOf } from './status.ts';
import { addressText, momentText, timeText } from './text.ts';

export interface DecisionParts {
  readonly isOpen: boolean;
  readonly toggle: () => void;
  /** Not where all are of one session. */
  readonly withSession: boolean;
}

export function decisionView(
  decision: Decision,
  { isOpen, toggle, withSession }: DecisionParts,
): TemplateResult {
  const { id, at, trigger, user, status, clause, procedure, warning } = decision;
  const toggled = (event: Event) => {
    // A property that is set here tells of itself too.
    if ((event.currentTarget as HTMLDetailsElement).open !== isOpen) toggle();
  };
  return html`<details class="decision ${isRefusal(decision) ? 'is-refused' : ''}" .open=${isOpen} @toggle=${toggled} data-decision=${id}>
    <summary>
      <time class="soft" datetime=${at} title=${momentText(at)}>${timeText(at)}</time>
      <span class="badge">${trigger}</span>
      <span class="cut">${user === null ? html`<span class="soft">${procedure}</span>` : html`<b>${addressText(user)}</b> <span class="soft">${procedure}</span>`}</span>
      ${status === null ? html`<span></span>` : html`<span class="badge ${toneOf(status)}">${status} ${phraseOf(status)}</span>`}
      <span class="clause">${clause}</span>
      ${warning === null ? nothing : html`<span class="${isRefusal(decision) ? 'bad' : 'soft'} words">${warningWords(warning)}</span>`}
    </summary>
    ${isOpen ? inside(decision, withSession) : nothing}
  </details>`;
}

function inside(
  { id, at, callId, target, session, clause, procedure, steps }: Decision,
  withSession: boolean,
): TemplateResult {
  return html`<div class="decision-inside">
    <dl class="facts small">
      <div><dt>clause</dt><dd>${clauseText(clause)}: ${procedure}</dd></div>
      ${target === null ? nothing : html`<div><dt>target</dt><dd>${target}</dd></div>`}
      ${callId === null ? nothing : html`<div><dt>Call-ID</dt><dd class="mono">${callId}</dd></div>`}
      ${session === null || !withSession ? nothing : html`<div><dt>session</dt><dd><a href=${sessionHash(session)}>${session}</a></dd></div>`}
      <div><dt>decided</dt><dd>${momentText(at)}, number ${id}</dd></div>
    </dl>
    ${stepsView(steps)}
  </div>`;
}

const MARKS: Readonly<Record<string, { mark: string; says: string }>> = {
  pass: { mark: '✓', says: 'passed' },
  done: { mark: '✓', says: 'done' },
  skip: { mark: '·', says: 'does not apply' },
  stop: { mark: '■', says: 'ends here' },
  refuse: { mark: '✕', says: 'refused' },
};

export function stepsView(steps: readonly Step[]): TemplateResult {
  return html`<ol class="steps">${steps.map(({ id, title, verdict, found, rule }) => {
    const { mark, says } = MARKS[verdict] ?? { mark: '?', says: verdict };
    const clause = clauseOfStep(id);
    return html`<li class="step is-${verdict}">
      <span class="mark" title=${says}>${mark}<span class="visually-hidden">${says}:</span></span>
      <span class="clause" title=${clause === undefined ? nothing : `Clause ${clauseText(clause)}`}>${id}</span>
      <div><div class="step-title">${title}</div><div class="step-found">${found}</div>
        ${
          rule === undefined
            ? nothing
            : html`<div class="step-found">right <code>${rule.right}</code>:
              ${rule.grantedBy.length > 0 ? html`granted by ${rule.grantedBy.join(', ')}` : 'granted by no rule'};
              ${rule.applied.length > 0 ? html`rules that apply: ${rule.applied.join(', ')}` : 'no rule applies'}</div>`
        }</div>
    </li>`;
  })}</ol>`;
}
