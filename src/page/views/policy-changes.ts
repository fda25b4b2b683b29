/** What a policy changes, key by key, and which of the latest requests it would have answered otherwise. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { phraseOf, toneOf } from '../parts/status.ts';
import { addressText, countText, momentText, timeText } from '../parts/text.ts';
import { decisionsHash } from '../shell/routes.ts';

export interface ActivePolicy {
  readonly version: number;
  readonly activatedAt: string | null;
  readonly activatedBy: string | null;
  readonly policy: object;
  readonly effective: object;
}

export type Changes = readonly { readonly path: string; readonly from?: unknown; readonly to?: unknown }[];

interface Verdict {
  readonly clause: string;
  readonly step: string | null;
  readonly status: number | null;
  readonly warning: string | null;
}

export interface Shadow {
  readonly looked: number;
  readonly moved: number;
  readonly since: string | null;
  readonly differing: readonly {
    readonly at: string;
    readonly method: string;
    readonly target: string;
    readonly user: string | null;
    readonly callId: string | null;
    readonly active: Verdict;
    readonly candidate: Verdict;
  }[];
}

export function changesView(changes: Changes): TemplateResult | typeof nothing {
  if (changes.length === 0) return nothing;
  return html`<table aria-label="Changes"><thead><tr><th scope="col">Key</th><th scope="col">Is</th><th scope="col">Becomes</th></tr></thead>
    <tbody>${changes.map(
      ({ path, from, to }) =>
        html`<tr><th scope="row" class="mono">${path}</th><td class="mono bad">${valueText(from)}</td><td class="mono good">${valueText(to)}</td></tr>`,
    )}</tbody></table>`;
}

export function shadowView({ looked, moved, since, differing }: Shadow): TemplateResult {
  const counted = `${countText(differing.length)} of ${countText(looked)}`;
  return html`<section class="panel" aria-labelledby="shadow-title" aria-live="polite">
    <header><h2 id="shadow-title">${differing.length === 0 ? 'None' : counted} of the latest requests would be answered otherwise</h2>
      ${since === null ? nothing : html`<span class="small soft">${countText(looked)} since ${momentText(since)}${moved === 0 ? nothing : `; of ${countText(moved)} the answer is another by now anyway`}</span>`}</header>
    ${
      looked === 0
        ? html`<div class="empty"><b>There is no request to try it on yet.</b></div>`
        : differing.length === 0
          ? html`<div class="empty"><b>Nobody would have noticed the change.</b></div>`
          : html`<div class="scrolls"><table><thead><tr><th scope="col">When</th><th scope="col">Request</th><th scope="col">Now</th><th scope="col">By this policy</th></tr></thead>
          <tbody>${differing.map(
            ({
              at,
              method,
              target,
              user,
              callId,
              active,
              candidate,
            }) => html`<tr><td class="soft nowrap">${timeText(at)}</td>
              <td>${method} ${addressText(target)}${user === null ? nothing : html` <span class="soft">from ${addressText(user)}</span>`}
                ${callId === null ? nothing : html`<a class="mono small" href=${decisionsHash({ q: callId, as: 'callId' })}>${callId}</a>`}</td>
              <td>${verdictView(active)}</td><td>${verdictView(candidate)}</td></tr>`,
          )}</tbody></table></div>`
    }
  </section>`;
}

function verdictView({ clause, step, status, warning }: Verdict): TemplateResult {
  return html`<span class="badge ${toneOf(status)}">${status === null ? 'goes on' : `${status} ${phraseOf(status)}`}</span>
    <span class="clause">${step ?? clause}</span>${warning === null ? nothing : html`<div class="small">${warning}</div>`}`;
}

function valueText(value: unknown): string {
  return value === undefined ? '–' : JSON.stringify(value);
}
