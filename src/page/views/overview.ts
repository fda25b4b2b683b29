/** The live view: what goes on now. It is left open, so everything on it is bounded. */
import { html, type TemplateResult } from 'lit-html';
import { HAPPENING_STEP_MS } from '../live/live-model.ts';
import type { RateWindow } from '../live/rate-window.ts';
import { barPlot, linePlot, plotSpanMs } from '../parts/plot.ts';
import { countText, rateText } from '../parts/text.ts';
import type { Context, Screen } from '../shell/context.ts';
import { HappeningsPanel } from './happenings-panel.ts';
import { SessionsPanel } from './sessions-panel.ts';
import { switchesPanel } from './switches-panel.ts';

const MINUTE_STEPS = 60_000 / HAPPENING_STEP_MS;

export function overview(context: Context): Screen {
  const sessions = new SessionsPanel(context);
  const happenings = new HappeningsPanel(context);
  return {
    title: 'Live',
    view: () => html`<h1 class="visually-hidden" tabindex="-1">Live view</h1>
      <div class="cockpit">
        ${figures(context)}
        ${ratePanel(context)}
        ${switchesPanel(context)}
        ${sessions.view()}
        ${happenings.view()}
      </div>`,
  };
}

function figures({ live }: Context): TemplateResult {
  const { book, rates } = live;
  const nowMs = live.nowMs();
  const lastMinute = (steps: readonly number[]) =>
    steps.slice(-MINUTE_STEPS).reduce((sum, count) => sum + count, 0);
  const people = book.sessions.reduce((sum, { participants }) => sum + participants.connected, 0);
  const refused = lastMinute(live.refusals.steps(nowMs));
  const isKnown = book.isComplete;
  return html`<dl class="figures panel">
    ${figure('sessions', 'sessions now', isKnown ? `${countText(book.size)}${book.isCut ? '+' : ''}` : '–')}
    ${figure('people', 'people connected', isKnown ? countText(people) : '–')}
    ${figure('messages', 'messages / s in', rateText(rates.now.inPerS))}
    ${figure('joins', 'joins, last minute', countText(lastMinute(live.joins.steps(nowMs))))}
    ${figure('refusals', 'refusals, last minute', countText(refused), refused > 0)}
  </dl>`;
}

function figure(name: string, label: string, value: string, isBad = false): TemplateResult {
  return html`<div data-figure=${name}><dt>${label}</dt><dd class=${isBad ? 'bad' : ''}>${value}</dd></div>`;
}

function ratePanel({ live }: Context): TemplateResult {
  const { samples } = live.rates;
  const nowMs = live.nowMs();
  const spanMs = plotSpanMs(samples[0]?.atMs, nowMs);
  const recent = (window: RateWindow) => window.steps(nowMs).slice(-spanMs / HAPPENING_STEP_MS);
  const points = (key: 'inPerS' | 'outPerS') =>
    samples.map((sample) => ({ atMs: sample.atMs, value: sample[key] }));
  return html`<section class="panel rates" aria-labelledby="rates-title">
    <header>
      <h2 id="rates-title">Messages a second</h2>
      <span class="legend is-first">in</span><span class="legend is-second">out to members</span>
    </header>
    <div class="body">
      ${linePlot(
        'Messages a second',
        [
          { name: 'out', tone: 'second', points: points('outPerS') },
          { name: 'in', tone: 'first', points: points('inPerS') },
        ],
        { nowMs, spanMs },
      )}
      <div class="bars"><span class="small soft">joins<br>refusals</span>
        ${barPlot('Joins and refusals', { up: recent(live.joins), down: recent(live.refusals) })}</div>
    </div>
  </section>`;
}
