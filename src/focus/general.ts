/**
 * 7.2.1.1 General: the 200 to an initial INVITE. A sub-procedure that runs where another clause says so.
 * The steps fill the response; then it is sent and the leg stands.
 */
import type { LegRow } from './conference.ts';
import { type HeaderLine, STAGE } from './decision.ts';
import { type AcceptableOffer, answerText } from './media.ts';
import { done, runSteps, type Step, skip, step, type Trace } from './procedure.ts';
import { ALLOW, focusContact, SUPPORTED, serverHeader } from './responses.ts';
import { sessionDeadlineMs } from './session-timer.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** 64·T1: without an ACK by then nobody is there (RFC 3261 section 13.3.1.4). */
const ACK_TIMEOUT_MS = 32_000;

interface General {
  readonly world: World;
  readonly work: Work;
  readonly headers: HeaderLine[];
  leg: LegRow;
}

export const generalSteps: readonly Step<General>[] = [
  // Record-Route is mirrored by Kamailio, as in every reply that makes a dialog; twice would double the route set.
  step('R-7.2.1.1-1', 'a 200 by RFC 3261', (turn) => done(`dialog ${turn.leg.dialog.callId} stands`)),
  step('R-7.2.1.1-2', 'Allow lists the supported methods', (turn) => {
    turn.headers.push(ALLOW, SUPPORTED);
    return done(ALLOW[1]);
  }),
  step('R-7.2.1.1-3', 'Session-Expires with refresher=uac; supervision starts', (turn) => {
    const { leg, world } = turn;
    const expiresS = leg.expiresS ?? world.settings.session.expiresS;
    if (leg.supportsTimer) turn.headers.push(['Require', 'timer']);
    turn.headers.push(['Session-Expires', `${expiresS};refresher=uac`]);
    turn.leg = { ...leg, expiresS };
    if (!leg.supportsTimer && world.settings.readings.withoutTimer === 'keep') {
      return done(
        `${expiresS} s; the client does not know timers and is not supervised (readings.withoutTimer)`,
      );
    }
    turn.leg = {
      ...turn.leg,
      deadlines: { ...leg.deadlines, session: sessionDeadlineMs(world.nowMs, expiresS) },
    };
    return done(`${expiresS} s`);
  }),
  step('R-7.2.1.1-4', 'the authenticated originator of the server side', (turn) => {
    const { row } = turn.work;
    turn.headers.push(['P-Asserted-Identity', `<${row.address}>`]);
    const sub = row.kind === 'group' ? '-4b, the group identity' : '-4a, the conference-factory URI';
    return done(`${sub}: ${row.address}`);
  }),
  step('R-7.2.1.1-5', 'Contact is the session identity with isfocus and +g.oma.sip-im', (turn) => {
    turn.headers.push(focusContact(turn.work.row, turn.world.settings));
    return done(turn.work.row.identity);
  }),
  step('R-7.2.1.1-6', 'Server tells the IM release', (turn) => {
    turn.headers.push(serverHeader(turn.world.settings));
    return done(turn.world.settings.release);
  }),
  step('R-7.2.1.1-7', 'subscribers are notified of the change', (turn) => {
    turn.work.rosterChanged();
    const watchers = turn.work.subscriptions.filter(({ event }) => event === 'conference').length;
    return watchers === 0 ? skip('nobody has subscribed') : done(`${watchers} subscription(s)`);
  }),
];

export interface Acceptance {
  /** The incoming leg whose INVITE is accepted. */
  readonly leg: LegRow;
  readonly offer: AcceptableOffer;
  readonly acceptTypes: readonly string[];
  /** Extra header fields of the answer. */
  readonly echoed?: readonly HeaderLine[];
}

/** Answers the INVITE of an incoming leg with 200 and an SDP answer; the leg and its participant are then connected. */
export function acceptInvite(work: Work, world: World, trace: Trace, acceptance: Acceptance): LegRow {
  const { transaction, ...pending } = acceptance.leg;
  if (transaction === undefined) throw new Error('This leg has no INVITE to answer.');
  const participant = work.participants.get(pending.participant);
  if (participant === undefined) throw new Error('This leg has no participant.');
  const { left: _, ...rejoined } = participant;
  work.participants.put({ ...rejoined, presence: 'connected', joined: 'dialed-in' });

  const general: General = { world, work, headers: [...(acceptance.echoed ?? [])], leg: pending };
  runSteps(generalSteps, general, trace);

  const body = answerText(work.row, world.settings, pending, acceptance.offer, acceptance.acceptTypes);
  const leg = work.legs.put({
    ...general.leg,
    state: 'connected',
    localSdp: body,
    sdpVersion: 1,
    deadlines: { ...general.leg.deadlines, ack: world.nowMs + ACK_TIMEOUT_MS },
  });
  work.effect({
    stage: STAGE.reply,
    kind: 'reply',
    transaction,
    leg: leg.id,
    reply: {
      code: 200,
      reason: 'OK',
      toTag: leg.dialog.localTag,
      headers: [...general.headers, ['Content-Type', 'application/sdp']],
      body,
    },
  });
  if (work.row.phase === 'forming')
    work.row = { ...work.row, phase: 'active', acceptTypes: acceptance.acceptTypes };
  work.event({ kind: 'participant-joined', session: work.row.id, participant: participant.address });
  return leg;
}
