/** 7.2.3 User plane: a new session needs a live switch before anybody is answered or invited. */
import { refusal } from '../decision.ts';
import { done, refuse, type Step, type StepIds, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { putSession } from '../user-plane.ts';

const RETRY_AFTER_S = 5;

export const placeOnSwitch: Step<RequestTurn> = step('7.2.3', 'a live switch takes the session', (turn) => {
  const { work, world } = turn;
  if (world.sessionCount() >= world.settings.limits.maxSessions) {
    return refuse(unavailable(`the limit of ${world.settings.limits.maxSessions} sessions is reached`));
  }
  if (world.pendingInvites() >= world.settings.limits.maxPendingInvites) {
    return refuse(
      unavailable(`the limit of ${world.settings.limits.maxPendingInvites} pending INVITEs is reached`),
    );
  }
  const choice = world.chooseSwitch();
  if (choice === undefined) return refuse(unavailable('no message switch is available'));
  work.row = {
    ...work.row,
    switchId: choice.id,
    ...(choice.epoch === undefined ? {} : { switchEpoch: choice.epoch }),
    switchAddress: {
      host: choice.host,
      port: choice.port,
      ...(choice.listeners === undefined ? {} : { listeners: choice.listeners }),
      ...(choice.probe === undefined ? {} : { probe: choice.probe }),
    },
  };
  return done(`switch ${choice.id} at ${choice.host}:${choice.port}`);
});

/** Before the first invitation leaves: its offer names a path that must accept connections. */
export function putOnSwitch(ids: StepIds): Step<RequestTurn> {
  return step(ids, 'the switch is told of the session', ({ work, world }) => {
    putSession(work, world, true);
    return done(`switch ${work.row.switchId}`);
  });
}

function unavailable(why: string) {
  return refusal(503, 'Service Unavailable', why, [['Retry-After', String(RETRY_AFTER_S)]]);
}
