/** What must hold of sessions at rest: among their rows, and between them and what the clients have seen. */
import assert from 'node:assert/strict';
import { type Conference, holdsBye, type SubscriptionRow, takesSeat } from '../../../src/focus/conference.ts';
import type { FocusSettings } from '../../../src/focus/world.ts';
import type { Outside } from './outside.ts';

/** What holds among the rows of one session. */
export function checkConference(
  { row, participants, legs, subscriptions }: Conference,
  { adHoc, readings }: FocusSettings,
): void {
  assert.notEqual(row.phase, 'ended');
  for (const { id, presence } of participants.values()) {
    const states = [...legs.values()]
      .filter(({ participant }) => participant === id)
      // Whose BYE waits for an ACK has left for everybody else.
      .map((leg) => (leg.hasLeft === true ? 'ended' : leg.state));
    const standing = states.filter((state) => state === 'connected' || state === 'leaving');
    if (presence === 'connected') assert(standing.length > 0, `connected without a leg: ${states}`);
    if (presence === 'disconnected')
      assert(
        !states.some((state) => state !== 'ended' && state !== 'offered'),
        `disconnected with a leg: ${states}`,
      );
    if (presence === 'invited' || presence === 'alerting')
      assert(
        states.includes('inviting') || states.includes('leaving'),
        `invited without an invitation: ${states}`,
      );
  }
  for (const leg of legs.values()) {
    assert(participants.has(leg.participant), 'a leg of nobody');
    assert.equal(
      leg.state === 'offered',
      leg.transaction !== undefined,
      'an offered leg has its INVITE to answer',
    );
    if (leg.state === 'inviting') assert(leg.deadlines.invite !== undefined);
    if (leg.state === 'leaving')
      assert.deepEqual(Object.keys(leg.deadlines), [holdsBye(leg) ? 'ack' : 'bye']);
    if (leg.state === 'ended') assert.deepEqual(leg.deadlines, {});
  }
  for (const { participant, event, outcomes = [] } of subscriptions.values()) {
    for (const { leg = '', status } of outcomes) {
      const state = legs.get(leg)?.state;
      assert(
        status !== undefined || (state !== undefined && state !== 'ended'),
        `a REFER waits for the leg ${leg}, ${state}`,
      );
    }
    if (event === 'conference')
      assert.equal(
        participants.get(participant)?.presence,
        'connected',
        'a subscription of somebody who has left',
      );
  }
  // An ad hoc session may be rejoined beyond its maximum where the reading says so.
  const ofAdHoc = readings.rejoinCountsAdHoc ? adHoc.maxParticipants : undefined;
  const maximum = row.kind === 'group' ? row.group?.maxParticipantCount : ofAdHoc;
  // For what an operator orders nobody is removed.
  if (maximum !== undefined && row.maxParticipants === undefined) {
    const seats = [...participants.values()].filter(takesSeat).length;
    assert(seats <= maximum, `${seats} of ${maximum} seats are taken`);
  }
}

/** Every subscriber has been told who is there. */
export function checkAllTold(all: readonly Conference[], outside: Outside): void {
  for (const conference of all)
    for (const subscription of conference.subscriptions.values())
      checkTold(conference, subscription, outside);
}

/** Clients and focus agree on which dialogs stand. */
export function checkAsSeen(all: readonly Conference[], outside: Outside): void {
  const connected = new Set<string>();
  for (const conference of all) {
    for (const leg of conference.legs.values()) {
      const { dialog } = leg;
      if (leg.state !== 'connected' && !holdsBye(leg)) continue;
      connected.add(dialog.callId);
      const call = outside.callOf(dialog.callId);
      // After a crash only the ACK tells whether the 200 has reached its caller.
      if (outside.faults.crash && call?.status === 'gone' && leg.deadlines.ack !== undefined) continue;
      assert(call?.status === 'ok' && !call.isEnded, `a leg without a dialog: ${dialog.callId}`);
    }
  }
  for (const call of [...outside.incoming, ...outside.outgoing]) {
    const callId = 'callId' in call ? call.callId : call.invite.callId;
    const stands = call.status === 'ok' && !call.isEnded;
    assert(!stands || connected.has(callId), `a dialog without a leg: ${callId} of ${call.user}`);
  }
}

const STATUS_WORDS = {
  invited: 'dialing-out',
  alerting: 'pending',
  connected: 'connected',
  disconnected: 'disconnected',
} as const;

/** A subscriber who waits for no NOTIFY knows the roster as it is. */
function checkTold(
  { participants }: Conference,
  { event, dialog, isStale, deadlines, untold = [] }: SubscriptionRow,
  outside: Outside,
): void {
  if (event !== 'conference' || isStale || deadlines.notify !== undefined || untold.length > 0) return;
  const subscription = outside.subscriptions.find(
    ({ callId, toTag }) => callId === dialog.callId && toTag === dialog.localTag,
  );
  assert(subscription !== undefined, `a subscription that nobody has: ${dialog.callId}`);
  const expected = [...participants.values()].map(
    ({ address, alias, presence }) =>
      `${/<([^>]+)>/.exec(alias ?? '')?.[1] ?? address} ${STATUS_WORDS[presence]}`,
  );
  const told = [...subscription.roster].map(([entity, status]) => `${entity} ${status}`);
  assert.deepEqual(told.toSorted(), expected.toSorted(), `${subscription.user} was told another roster`);
}
