/** Decisions on sessions whose switch is gone or is to be emptied. */
import type { ConferenceDeadline } from './conference.ts';
import { concluded, type Decision, run } from './decide.ts';
import { Trace } from './procedure.ts';
import { longEnough } from './procedures/long-enough.ts';
import { type MoveOrder, switchMove } from './procedures/switch-move.ts';
import { giveUp } from './stranding.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

export type { MoveOrder } from './procedures/switch-move.ts';

/** Undefined when there is no such session, or it changes nothing: it is elsewhere, or has nowhere to go. */
export function decideSwitchMove(world: World, order: MoveOrder): Decision | undefined {
  const conference = world.findConference(order.session);
  if (conference === undefined) return undefined;
  const work = Work.on(conference);
  const decision = run(world, switchMove, { world, work, trace: new Trace(), order }, '');
  return work.row === conference.row ? undefined : decision;
}

/** A deadline of the session itself has passed; undefined when it has moved on since. */
export function decideConferenceDeadline(
  world: World,
  conferenceId: string,
  name: ConferenceDeadline,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  const dueMs = conference?.row.deadlines?.[name];
  if (conference === undefined || dueMs === undefined || dueMs > world.nowMs) return undefined;
  if (name === 'move')
    return decideSwitchMove(world, { session: conferenceId, from: conference.row.switchId, why: 'refused' });
  const work = Work.on(conference);
  const trace = new Trace();
  if (name === 'maxLength')
    return conference.row.phase === 'active' ? run(world, longEnough, { world, work, trace }, '') : undefined;
  trace.note('design-move-9', 'a switch was found in time', giveUp(work, world, trace));
  return concluded(world, { clause: 'design-move', name: 'No switch is left for a session' }, work, trace);
}
