/** Message switches: their load, and emptying one before it is stopped. */
import { html, nothing, type TemplateResult } from 'lit-html';
import type { SwitchState } from '../net/shapes.ts';
import { countedText, rateText } from '../parts/text.ts';
import { type Context, carryOut, needs } from '../shell/context.ts';

export function switchesPanel(context: Context): TemplateResult {
  const { switches } = context.live;
  return html`<section class="panel switches" aria-labelledby="switches-title">
    <header><h2 id="switches-title">Switches</h2></header>
    ${
      context.live.readiness === undefined
        ? html`<div class="empty"><p>Not told yet.</p></div>`
        : switches.length === 0
          ? html`<div class="empty"><b>No switch has been heard of.</b><p>Without one no conversation can be set up. <code>parley up</code> starts one; elsewhere <code>parley switch</code> does.</p></div>`
          : html`<ul class="switch-list">${switches.map((one) => switchItem(context, one))}</ul>`
    }
  </section>`;
}

const STATES: Readonly<Record<SwitchState['state'], { text: string; tone: string }>> = {
  up: { text: 'up', tone: 'is-good' },
  connecting: { text: 'connecting', tone: 'is-warn' },
  silent: { text: 'silent', tone: 'is-bad' },
  dead: { text: 'dead', tone: 'is-bad' },
};

function switchItem(context: Context, one: SwitchState): TemplateResult {
  const { id, eventSocket, state, sessions, legs, load, draining } = one;
  const { text, tone } = STATES[state];
  const rate = context.live.rates.ofSwitch(id ?? '');
  const why = needs(context, 'operator');
  return html`<li>
    <div class="switch-head"><b class="cut">${id ?? eventSocket}</b>
      <span class="badge ${draining && state === 'up' ? 'is-warn' : tone}">${draining && state === 'up' ? (sessions === 0 ? 'empty, may be stopped' : 'draining') : text}</span>
      ${
        id === null
          ? nothing
          : html`<button class="quiet tight" ?disabled=${why !== ''} title=${why === '' ? nothing : why}
            @click=${() => drain(context, id, !draining)}>${draining ? 'Resume' : 'Drain'}</button>`
      }</div>
    <progress class="meter" max="1" .value=${Math.min(1, load)} aria-label=${`Load of ${id ?? eventSocket}`}></progress>
    <div class="small soft">load ${Math.round(load * 100)} % · ${countedText(sessions, 'session')} · ${countedText(legs, 'leg')} · ${rateText(rate.inPerS)} in, ${rateText(rate.outPerS)} out / s</div>
  </li>`;
}

async function drain(context: Context, id: string, draining: boolean): Promise<void> {
  const given = draining
    ? await context.ask({
        title: `Drain ${id}?`,
        text: 'No new session is placed there, and those it has move to other switches. When it has none left it can be stopped.',
        action: 'Drain',
      })
    : {};
  if (given === undefined) return;
  await carryOut(context, draining ? `${id} takes no new sessions.` : `${id} takes sessions again.`, () =>
    context.api.ask(`/switches/${encodeURIComponent(id)}/${draining ? 'drain' : 'resume'}`, {
      method: 'POST',
    }),
  );
}
