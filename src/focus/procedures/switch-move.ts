/** The switch of a session is dead, was restarted, or is to be emptied: the session moves (design section 5). */
import { isLive, type LegRow } from '../conference.ts';
import { STAGE } from '../decision.ts';
import { moveLeg, notStranded } from '../leg-move.ts';
import { done, type Procedure, pass, skip, step, stop, type Trace } from '../procedure.ts';
import { strand, waitsForNoSwitch } from '../stranding.ts';
import { dropMovedSession, putSession } from '../user-plane.ts';
import type { Work } from '../work.ts';
import type { SwitchChoice, World } from '../world.ts';

export interface MoveOrder {
  readonly session: string;
  /** Where the session has to leave; one that is elsewhere by now stays there. */
  readonly from: string;
  /**
   * `dead`: neither its event socket nor its MSRP port answers. `restarted`: another process has its place, and the
   * connections are gone. `emptied`: it goes on, and is to have no sessions. `expelled`: it goes on, and cannot be told who is
   * expelled. `refused`: it did not take the session. `back`: it was away, and has the connections that it had.
   */
  readonly why: 'dead' | 'restarted' | 'emptied' | 'expelled' | 'refused' | 'back';
  /** Of `restarted`: the start of the switch that runs now; a session that is on that one stays. */
  readonly epoch?: string;
}

export interface MoveTurn {
  readonly world: World;
  readonly work: Work;
  readonly trace: Trace;
  readonly order: MoveOrder;
  choice?: SwitchChoice;
}

export const switchMove: Procedure<MoveTurn> = {
  clause: 'design-move',
  name: 'A session moves to another switch',
  steps: [
    step('design-move-1', 'the session is where it has to leave', ({ work, order }) => {
      const { switchId, switchEpoch, phase } = work.row;
      if (phase === 'ending') return stop('it ends anyway');
      if (switchId !== order.from) return stop(`it is on ${switchId}`);
      if (order.why === 'restarted' && switchEpoch === order.epoch) return stop('it was placed there anew');
      if (order.why === 'back' && work.legs.find(({ isMoving }) => isMoving === true) === undefined) {
        notStranded(work);
        return stop('its switch is back: it stays');
      }
      return pass(`${order.from}: ${WHY[order.why]}`);
    }),
    step('design-move-2', 'a live switch takes it', (turn) => {
      const { work, world, trace, order } = turn;
      const choice = world.chooseSwitch(order.from);
      const mayStay = order.why === 'emptied' || order.why === 'expelled';
      if (choice !== undefined && !(mayStay && choice.id === order.from)) {
        turn.choice = choice;
        return done(`switch ${choice.id} at ${choice.host}:${choice.port}`);
      }
      if (mayStay) return stop('there is no other: it stays');
      const { found } = strand(work, world, trace, 'no message switch is available', false);
      return stop(found);
    }),
    step('design-move-3', 'it is placed there', ({ work, choice }) => {
      if (choice === undefined) return skip('there is none');
      const { id, epoch, ...switchAddress } = choice;
      const { switchEpoch: _, ...row } = waitsForNoSwitch(work.row);
      work.row = {
        ...row,
        switchId: id,
        switchAddress,
        ...(epoch === undefined ? {} : { switchEpoch: epoch }),
      };
      return done(id);
    }),
    step('design-move-4', 'the client of each leg that stands is offered the path to it', (turn) => {
      const { work, world, trace } = turn;
      const legs = work.legs.filter(({ state }) => state === 'connected');
      for (const leg of legs) moveLeg(work, world, trace, leg);
      if (legs.length === 0) notStranded(work);
      return legs.length === 0 ? skip('none stands') : done(`${legs.length} leg(s)`);
    }),
    step('design-move-5', 'who is being invited is offered it after the answer', ({ work }) => {
      const legs = work.legs.filter(({ state }) => state === 'inviting');
      for (const leg of legs) work.legs.put({ ...leg, isMoving: true });
      return legs.length === 0 ? skip('nobody is') : done(`${legs.length} invitation(s)`);
    }),
    step('design-move-6', 'the switch is told before anybody is asked to come', ({ work, world }) => {
      putSession(work, world, true);
      return done(`${work.legs.filter(isToldOf).length} leg(s), revision ${work.row.switchRevision}`);
    }),
    step('design-move-7', 'the switch that it was on lets go of it', ({ work, order }) => {
      if (order.from === work.row.switchId) return skip('it is the same');
      if (order.why === 'dead') return skip('nobody is there; should it come back, it is told then');
      if (order.why === 'expelled') return skip('it cannot be told; when it comes back, it is');
      if (order.why === 'restarted') return skip('the process that runs now never had it');
      // At once, so that nobody talks to half of the room; but who waits is not to wait for a switch that does not answer.
      dropMovedSession(work, order.from, order.why === 'emptied' ? STAGE.switch : STAGE.release);
      return done(order.from);
    }),
    step('design-move-8', 'whoever watches is told; the roster stays as it is', ({ work, order }) => {
      work.event({
        kind: 'session-moved',
        session: work.row.id,
        reason: `from ${order.from} to ${work.row.switchId}: ${WHY[order.why]}`,
      });
      return done('no NOTIFY');
    }),
  ],
};

const WHY: Readonly<Record<MoveOrder['why'], string>> = {
  dead: 'the switch is dead',
  restarted: 'the switch was restarted',
  emptied: 'the switch is emptied',
  expelled: 'the switch cannot be told who is expelled',
  refused: 'the switch did not take it',
  back: 'it was on its way elsewhere when the switch came back',
};

function isToldOf(leg: LegRow): boolean {
  return isLive(leg) && leg.state !== 'offered';
}
