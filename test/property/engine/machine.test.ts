/** Whatever happens, in whatever order: what the invariants of `System.check` say holds, and everything ends in the end. */
import assert from 'node:assert/strict';
import { after, before, mock, test } from 'node:test';
import fc from 'fast-check';
import type { ProfileName } from '../../../src/focus/readings.ts';
import { acknowledge, acknowledgeAgain, dialogs, hangUp, settleCancelled, settleRequest } from './acts.ts';
import { commands } from './commands.ts';
import { System } from './system.ts';

before(() => mock.timers.enable({ apis: ['setTimeout'] }));
after(() => mock.timers.reset());

const REACHED = [
  ...['.1', '.2', '.3', '.4', '.5', '.6', '.7', '.8', '.9', '.10', '.11', '.12'].map(
    (last) => `7.2.1${last}`,
  ),
  ...['7.2.2.2', '7.2.3', 'RFC3261-9.2', 'RFC3261-13.2.2.4', 'design-move', 'recovery'],
];

/** The same scripts in every run of `npm test`; others, or a failure once more, as CONTRIBUTING.md tells. */
function parameters(): fc.Parameters<unknown> {
  const {
    MACHINE_RUNS: runs,
    MACHINE_SEED: seed,
    MACHINE_PATH: path,
    MACHINE_SECONDS: seconds,
  } = process.env;
  if (runs === undefined) return { numRuns: 250, seed: 721 };
  return {
    numRuns: Number(runs),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
    ...(seconds === undefined ? {} : { interruptAfterTimeLimit: Number(seconds) * 1_000 }),
  };
}

/** Which commands of a script were run, as a failure tells in `replayPath`. */
function replay(): fc.CommandsContraints {
  const { MACHINE_REPLAY: replayPath } = process.env;
  return replayPath === undefined ? {} : { replayPath };
}

const profiles = fc.constantFrom<ProfileName>('oma-strict', 'rcc07', 'lenient');

/** Everybody hangs up and answers what is asked; then time passes. */
async function everybodyLeaves(system: System): Promise<void> {
  const { outside } = system;
  outside.switchFailures = [];
  outside.requestFailures = 0;
  if (system.isFrozen) await system.restart();
  for (const one of outside.switches.all) if (!one.isUp || one.isEmptying) await system.switchStarts(one);
  for (let round = 0; round < 3; round += 1) {
    for (const _ of outside.incoming) acknowledge(system, 0);
    for (const _ of [...outside.reinvites]) acknowledgeAgain(system, 0);
    for (const _ of outside.outgoing) settleCancelled(system, 1);
    outside.isHurried = true;
    for (let left = dialogs(system).length; left > 0; left -= 1) hangUp(system, 0);
    await system.settle();
    while (outside.unanswered.length > 0) {
      settleRequest(system, 0, 200);
      await system.settle();
    }
    await system.advance(61_000);
    system.check();
  }
}

test('an engine keeps its invariants under any interleaving, and ends clean', async (t) => {
  let scripts = 0;
  const clauses = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      profiles,
      fc.commands(commands, { maxCommands: 80, size: 'max', ...replay() }),
      async (profile, script) => {
        scripts += 1;
        const system = new System(clauses, profile);
        try {
          await fc.asyncModelRun(() => ({ model: {}, real: system }), script);
          await everybodyLeaves(system);
          assert.equal(system.engine.sessions.size, 0, 'a session is left when everybody has left');
          assert.equal(system.engine.sessions.pendingInvites, 0);
          for (const [tid, { method, codes, isGone }] of system.outside.transactions) {
            assert(isGone || codes.length === 1, `${tid} ${method} has the final replies ${codes}`);
          }
          const { crash, kamailio, restart } = system.outside.faults;
          for (const call of [...system.outside.incoming, ...system.outside.outgoing]) {
            if (call.status !== 'ok') continue;
            assert(call.isEnded, `a dialog of ${call.user} is left`);
            const isExcused = crash || kamailio || restart || ('isRepeated' in call && call.isRepeated);
            assert(
              isExcused || call.isCrossed || call.byes === 1,
              `${call.byes} BYEs in a dialog of ${call.user}`,
            );
          }
          for (const { user, callId, toTag, isEnded } of system.outside.subscriptions)
            assert(crash || kamailio || isEnded, `the subscription ${callId} ${toTag} of ${user} has no end`);
          for (const { user, callId, toTag, eventId, isInDialog, isOver } of system.outside.referrals) {
            const isDone = isOver || (isInDialog && system.outside.callOf(callId)?.isEnded);
            assert(
              crash || kamailio || toTag === undefined || isDone,
              `the REFER ${callId} ${eventId} of ${user} has no end`,
            );
          }
        } finally {
          void system.engine.stop(0);
          system.store.close();
        }
      },
    ),
    parameters(),
  );
  t.diagnostic(`${scripts} scripts`);
  // Refusals apart: what was never reached was not tested.
  const reached = REACHED.filter((clause) => clauses.has(clause));
  assert.deepEqual(reached, REACHED);
});
