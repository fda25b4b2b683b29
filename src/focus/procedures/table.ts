/**
 * The contents page: which request runs which clause. Rows are tried in order; `procedures/` holds one file a row.
 */

import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { type Procedure, pass, runSteps, type Step, skip, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { Work } from '../work.ts';
import { adHocSetUp } from './ad-hoc-set-up.ts';
import { methodNotAllowed, nobodyThere, noSuchDialog, options } from './dialogless.ts';
import { groupSetUp } from './group-set-up.ts';
import { joiningGroup } from './joining-group.ts';
import { rejoining } from './rejoining.ts';
import { subscribing } from './subscribing.ts';
import { targetOf } from './target.ts';

/** The procedure of a request outside a dialog. */
export function selectProcedure(turn: RequestTurn): Procedure<RequestTurn> {
  const { request } = turn;
  switch (request.method) {
    case 'INVITE':
      return selectInvite(turn);
    case 'SUBSCRIBE':
      return subscribing;
    case 'OPTIONS':
      return options;
    case 'BYE':
    case 'UPDATE':
    case 'NOTIFY':
    case 'INFO':
      return noSuchDialog;
    default:
      return methodNotAllowed;
  }
}

function selectInvite(turn: RequestTurn): Procedure<RequestTurn> {
  const { request, world } = turn;
  switch (targetOf(request, world)) {
    case 'factory':
      return adHocSetUp;
    case 'session':
      return rejoining;
    case 'group':
      runSteps([runningSession], turn, turn.trace);
      return turn.workIfAny === undefined ? groupSetUp : joiningGroup;
    case 'unknown':
      return nobodyThere;
  }
}

/** with a running session the checks of joining apply, without one those of setting up. */
const runningSession: Step<RequestTurn> = step('R-7.2.1.3-9', 'a session of the group is active', (turn) => {
  const { request, world } = turn;
  const running = world.findConferenceOfGroup(addressKey(canonicalAddress(request.uri)));
  if (running === undefined) return skip('none is: 7.2.1.3');
  turn.work = Work.on(running);
  return pass(`${running.row.identity}: 7.2.1.4`);
});
