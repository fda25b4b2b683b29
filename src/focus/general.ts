/**
 * 7.2.1.1 General: the 200 to an initial INVITE. A sub-procedure that runs where another clause says so.
 * Its steps build the response; the clause gives it an SDP answer and sends it (procedures/answering.ts).
 */
import type { LegRow } from './conference.ts';
import type { HeaderLine } from './decision.ts';
import type { AcceptableOffer } from './media.ts';
import { done, type Step, skip, step } from './procedure.ts';
import { ALLOW, focusContact, SUPPORTED, serverHeader } from './responses.ts';
import { agreedInterval, timerDeadlines } from './session-timer.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** Whose INVITE is accepted. */
export interface Caller {
  /** The incoming leg; its INVITE waits for an answer. */
  readonly leg: LegRow;
  /** Undefined: the INVITE had none, so the 200 has ours and the ACK their answer (RFC 3264). */
  readonly offer: AcceptableOffer | undefined;
  /** Media types of the user whose answer or arrival lets this one be answered; undefined: of nobody. */
  readonly typesOfOther?: readonly string[];
  /** Header fields of the request that the core wants back. */
  readonly echoed: readonly HeaderLine[];
}

/** The 200 as far as it is built. */
export interface Answer extends Caller {
  readonly work: Work;
  readonly world: World;
  leg: LegRow;
  /** The status line; undefined until R-7.2.1.1-1. */
  status: { readonly code: 200; readonly reason: 'OK' } | undefined;
  readonly headers: HeaderLine[];
  asserted: { readonly address: string; readonly why: string } | undefined;
  /** What the SDP answer says; undefined: the 200 has none. */
  description: AnswerDescription | undefined;
}

export interface AnswerDescription {
  readonly acceptTypes: readonly string[];
  /** Attributes of the MSRP line beside those that no answer can do without. */
  readonly hasOptionalAttributes: boolean;
}

export function newAnswer(work: Work, world: World, caller: Caller): Answer {
  return {
    work,
    world,
    ...caller,
    status: undefined,
    headers: [],
    asserted: undefined,
    description: undefined,
  };
}

export const generalSteps: readonly Step<Answer>[] = [
  // Record-Route is mirrored by Kamailio, as in every reply that makes a dialog; twice would double the route set.
  step('R-7.2.1.1-1', 'a 200 by RFC 3261: with it the dialog stands and waits for the ACK', (answer) => {
    const { work, world, leg } = answer;
    const participant = work.participants.get(leg.participant);
    if (participant === undefined) throw new Error('This leg has no participant.');
    const { left: _, ...present } = participant;
    work.participants.put({ ...present, presence: 'connected', joined: 'dialed-in' });
    const { transaction: __, ...answered } = leg;
    answer.status = { code: 200, reason: 'OK' };
    answer.leg = {
      ...answered,
      state: 'connected',
      // Without an ACK by then nobody is there (RFC 3261 section 13.3.1.4).
      deadlines: { ...leg.deadlines, ack: world.nowMs + 64 * world.settings.t1Ms },
    };
    return done(`dialog ${leg.dialog.callId} stands`);
  }),
  step('R-7.2.1.1-2', 'Allow lists the supported methods', ({ headers }) => {
    headers.push(ALLOW, SUPPORTED);
    return done(ALLOW[1]);
  }),
  step('R-7.2.1.1-3', 'Session-Expires with refresher=uac; supervision starts', (answer) => {
    const { leg, world } = answer;
    const expiresS = leg.expiresS ?? world.settings.session.expiresS;
    if (leg.supportsTimer) answer.headers.push(['Require', 'timer']);
    answer.headers.push(agreedInterval(expiresS, leg));
    answer.leg = { ...leg, expiresS };
    if (!leg.supportsTimer && world.settings.readings.withoutTimer === 'keep') {
      return done(
        `${expiresS} s; the client does not know timers and is not supervised (readings.withoutTimer)`,
      );
    }
    answer.leg = {
      ...answer.leg,
      deadlines: { ...leg.deadlines, ...timerDeadlines(world.nowMs, expiresS, leg.isRefresher === true) },
    };
    return done(`${expiresS} s`);
  }),
  step('R-7.2.1.1-4a', 'of a 1-1 or ad-hoc session: the conference-factory URI', (answer) => {
    const { row } = answer.work;
    if (row.kind !== 'ad-hoc') return skip('a pre-defined group');
    answer.asserted = { address: row.address, why: '-4a, the conference-factory URI' };
    return done(row.address);
  }),
  step('R-7.2.1.1-4b', 'of a pre-defined group: the group identity', (answer) => {
    const { row } = answer.work;
    if (row.kind !== 'group') return skip('no pre-defined group');
    answer.asserted = { address: row.address, why: '-4b, the group identity' };
    return done(row.address);
  }),
  step('R-7.2.1.1-4', 'the authenticated originator of the server side', ({ headers, asserted }) => {
    if (asserted === undefined) return skip('no address of the server side applies');
    headers.push(['P-Asserted-Identity', `<${asserted.address}>`]);
    return done(`${asserted.why}: ${asserted.address}`);
  }),
  step('R-7.2.1.1-5', 'Contact is the session identity with isfocus and +g.oma.sip-im', (answer) => {
    answer.headers.push(focusContact(answer.work.row, answer.world.settings));
    return done(answer.work.row.identity);
  }),
  step('R-7.2.1.1-6', 'Server tells the IM release', ({ headers, world }) => {
    headers.push(serverHeader(world.settings));
    return done(world.settings.release);
  }),
  step('R-7.2.1.1-7', 'subscribers are to be notified of the change', ({ work }) => {
    work.rosterChanged();
    const watchers = work.subscriptions.filter(({ event }) => event === 'conference').length;
    return watchers === 0 ? skip('nobody has subscribed') : done(`${watchers} subscription(s)`);
  }),
  step('R-7.2.1.1-ims', 'what the core charges by is echoed to it (A-50)', ({ headers, echoed }) => {
    headers.push(...echoed);
    return echoed.length === 0
      ? skip('it sent nothing of it')
      : done(echoed.map(([name]) => name).join(', '));
  }),
];
