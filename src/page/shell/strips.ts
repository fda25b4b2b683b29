/** What is wrong at the moment, across the page, with what to do. */
import { html, type TemplateResult } from 'lit-html';
import type { Context } from './context.ts';

export function stripsView({ live }: Context): TemplateResult {
  const { link, linkWhy, readiness, isOutdated } = live;
  return html`<div class="strips" role="status">
    ${
      link === 'lost'
        ? html`<div class="strip"><span><b>Connection lost, reconnecting.</b> ${linkWhy}; what is shown may be old.</span>
          <button class="tight" @click=${() => live.retryNow()}>Try now</button></div>`
        : ''
    }
    ${
      link === 'refused'
        ? html`<div class="strip is-bad"><span><b>Not allowed to listen.</b> ${linkWhy}. Sign in again.</span></div>`
        : ''
    }
    ${
      link === 'live' && readiness?.ready === false
        ? html`<div class="strip is-bad"><span><b>Not ready:</b> ${readiness.reasons.join('; ')}. New conversations are refused until this is mended;
          <code>parley doctor</code> looks for the cause.</span></div>`
        : ''
    }
    ${
      isOutdated
        ? html`<div class="strip"><span><b>Parley was updated.</b> This page is of the release before.</span>
          <button class="tight" @click=${() => location.reload()}>Load again</button></div>`
        : ''
    }
  </div>`;
}
