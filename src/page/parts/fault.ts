/** A failure in place of what could not be shown, with what to do. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { problemIn } from '../net/problem.ts';

export function faultView(error: unknown, retry?: () => void): TemplateResult {
  const problem = problemIn(error);
  return html`<div class="empty" role="alert">
    <b class="bad">${problem.message}</b>
    <p>${problem.advice}</p>
    ${retry === undefined ? nothing : html`<button @click=${retry}>Try again</button>`}
  </div>`;
}
