/** The participants of a session with their legs, and what an operator does to one of them. */
import { html, nothing, type TemplateResult } from 'lit-html';
import type { Leg, Participant, Session } from '../net/shapes.ts';
import { addressText, timeText } from '../parts/text.ts';
import { type Context, needs } from '../shell/context.ts';
import { decisionsHash } from '../shell/routes.ts';
import { mute, removeParticipant } from './session-orders.ts';

const PRESENCES: Readonly<Record<Participant['presence'], string>> = {
  connected: 'is-good',
  alerting: 'is-warn',
  invited: 'is-warn',
  disconnected: '',
};

export function rosterView(context: Context, session: Session, reread: () => Promise<void>): TemplateResult {
  const { roster, legs } = session;
  const present = roster.filter(({ presence }) => presence !== 'disconnected');
  const gone = roster.filter(({ presence }) => presence === 'disconnected');
  return html`<section class="panel" aria-labelledby="roster-title">
    <header><h2 id="roster-title">Roster <span class="soft">${present.length}</span></h2></header>
    ${
      roster.length === 0
        ? html`<div class="empty"><b>Nobody is in it.</b></div>`
        : html`<div class="scrolls"><table>
          <thead><tr><th scope="col">Participant</th><th scope="col">Is</th><th scope="col">Dialogs</th><th scope="col"><span class="visually-hidden">Orders</span></th></tr></thead>
          <tbody>${[...present, ...gone].map((one) => participantRow(context, session, one, legsOf(legs, one), reread))}</tbody>
        </table></div>`
    }
  </section>`;
}

function legsOf(legs: readonly Leg[], { address }: Participant): readonly Leg[] {
  return legs.filter(({ participant }) => participant === address);
}

function participantRow(
  context: Context,
  session: Session,
  participant: Participant,
  legs: readonly Leg[],
  reread: () => Promise<void>,
): TemplateResult {
  const { address, displayName, alias, nickname, role, presence, left, isMuted, isExpelled } = participant;
  return html`<tr class=${presence === 'disconnected' ? 'soft' : ''} data-participant=${address}>
    <td><b>${displayName ?? addressText(address)}</b>
      ${displayName === null ? nothing : html`<span class="soft">${addressText(address)}</span>`}
      ${alias === null ? nothing : html`<span class="badge">shown as ${alias}</span>`}
      ${nickname === null ? nothing : html`<span class="badge">nickname ${nickname}</span>`}
      ${role === 'history' ? html`<span class="badge">history</span>` : nothing}
      ${isMuted ? html`<span class="badge is-warn">muted</span>` : nothing}
      ${isExpelled ? html`<span class="badge is-bad">may not come back</span>` : nothing}</td>
    <td><span class="badge ${PRESENCES[presence]}">${presence}</span>${left === null ? nothing : html` <span class="soft small">${left.method}${left.reason === null ? '' : `: ${left.reason}`}</span>`}</td>
    <td class="small">${legs.map(legView)}</td>
    <td class="acts">${session.phase === 'ended' || presence === 'disconnected' ? nothing : orders(context, session, participant, reread)}</td>
  </tr>`;
}

function legView({ origin, state, callId, expiresAt }: Leg): TemplateResult {
  return html`<div><span class="badge">${state}</span> ${origin === 'incoming' ? 'came' : 'was called'},
    <a class="mono" href=${decisionsHash({ q: callId, as: 'callId' })} title="Decisions of this Call-ID">${callId}</a>${expiresAt === null ? nothing : html` <span class="soft">to ${timeText(expiresAt)}</span>`}</div>`;
}

function orders(
  context: Context,
  session: Session,
  participant: Participant,
  reread: () => Promise<void>,
): TemplateResult {
  const why = needs(context, 'operator');
  const name = participant.displayName ?? addressText(participant.address);
  const button = (label: string, spoken: string, kind: string, order: () => Promise<unknown>) =>
    html`<button class="tight ${kind}" aria-label=${spoken} ?disabled=${why !== ''} title=${why === '' ? nothing : why}
      @click=${() => void order().then(reread)}>${label}</button>`;
  return html`${
    participant.isMuted
      ? button('Unmute', `Unmute ${name}`, '', () => mute(context, session, participant, false))
      : button('Mute', `Mute ${name}`, '', () => mute(context, session, participant, true))
  }
  ${button('Remove', `Remove ${name}`, 'danger', () => removeParticipant(context, session, participant))}`;
}
