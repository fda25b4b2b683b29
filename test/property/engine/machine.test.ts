/** Whatever happens, in whatever order: what the invariants of `System.check` say holds, and everything ends in the end. */
import assert from 'node:assert/strict';
import { after, before, mock, test } from 'node:test';
import fc from 'fast-check';
import { acknowledge, commands, dialogs, hangUp, settleCancelled, settleRequest } from './commands.ts';
import { System } from './system.ts';

before(() => mock.timers.enable({ apis: ['setTimeout'] }));
after(() => mock.timers.reset());

const REACHED = [
  ...['.1', '.2', '.3', '.4', '.5', '.6', '.7', '.8', '.9', '.10', '.11', '.12'].map(
    (last) => `7.2.1${last}`,
  ),
  ...['7.2.2.2', '7.2.3', 'RFC3261-9.2', 'RFC3261-15', 'recovery'],
];

/** Everybody hangs up and answers what is asked; then time passes. */
async function everybodyLeaves(system: System): Promise<void> {
  const { outside } = system;
  outside.switchFailures = [];
  outside.requestFailures = 0;
  if (system.isFrozen) await system.restart();
  for (let round = 0; round < 3; round += 1) {
    for (const _ of outside.incoming) acknowledge(system, 0);
    for (const _ of outside.outgoing) settleCancelled(system, 1);
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

test('an engine keeps its invariants under any interleaving, and ends clean', async () => {
  const clauses = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 80, size: 'max' }), async (script) => {
      const system = new System(clauses);
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: system }), script);
        await everybodyLeaves(system);
        assert.equal(system.engine.sessions.size, 0, 'a session is left when everybody has left');
        assert.equal(system.engine.sessions.pendingInvites, 0);
        for (const [tid, { method, codes, isGone }] of system.outside.transactions) {
          assert(isGone || codes.length === 1, `${tid} ${method} has the final replies ${codes}`);
        }
        for (const { isEnded, status } of [...system.outside.incoming, ...system.outside.outgoing]) {
          assert(isEnded || status !== 'ok', 'a dialog is left');
        }
      } finally {
        void system.engine.stop(0);
        system.store.close();
      }
    }),
    { numRuns: Number(process.env['MACHINE_RUNS'] ?? 250) },
  );
  // Refusals apart: what was never reached was not tested.
  const reached = REACHED.filter((clause) => clauses.has(clause));
  assert.deepEqual(reached, REACHED);
});
