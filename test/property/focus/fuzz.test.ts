/** Spoilt messages: a request always gets its reply, nothing throws but ParseError, and nobody else is touched. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Conference } from '../../../src/focus/conference.ts';
import { type Decision, decideCancel, decideRequest } from '../../../src/focus/decide.ts';
import {
  type DeadlineName,
  decideAck,
  decideDeadline,
  decideResponse,
} from '../../../src/focus/decide-outcome.ts';
import type { SipReply } from '../../../src/focus/decision.ts';
import type { World } from '../../../src/focus/world.ts';
import { ParseError } from '../../../src/lib/errors.ts';
import { parseSipMessage, type SipMessage } from '../../../src/sip/message.ts';
import { effectsOf, type Stage } from '../../unit/focus/stage.ts';
import { buildScenery, type Sample, spoiling, withoutLength } from './corpus.ts';

const { stage, samples, bystander } = buildScenery();
const untouched = JSON.stringify(plain(stage.sessions.byId(bystander)));
const DEADLINES: readonly DeadlineName[] = [
  'invite',
  'ack',
  'session',
  'refresh',
  'asked',
  'wanted',
  'bye',
  'expiry',
  'notify',
];

function plain(conference: Conference | undefined): unknown {
  return conference === undefined
    ? undefined
    : { ...conference, legs: [...conference.legs], participants: [...conference.participants] };
}

function decide(on: Stage, sample: Sample, message: SipMessage): Decision | undefined {
  const world = on.world();
  if (message.kind === 'response') return decideResponse(world, message);
  if (sample.entry === 'ack') return decideAck(world, message);
  if (sample.entry === 'cancel') return decideCancel(world, message);
  const origin = on.origin({ from: sample.from });
  const decision = decideRequest(world, message, origin);
  const answers = effectsOf(decision).filter(
    (effect) =>
      effect.kind === 'reply' &&
      effect.transaction.tid === origin.transaction.tid &&
      effect.reply.code >= 200,
  );
  const waiting = [...(decision.conference?.legs.values() ?? [])].some(
    ({ state, transaction }) => state === 'offered' && transaction?.tid === origin.transaction.tid,
  );
  const count = answers.length + (decision.reply === undefined ? 0 : 1) + (waiting ? 1 : 0);
  assert.equal(count, 1, `${sample.name} has ${count} answers`);
  return decision;
}

/** Values that would break out of their line on the way to Kamailio. */
function checkLines(decision: Decision): void {
  const sent: { readonly headers: SipReply['headers'] }[] =
    decision.reply === undefined ? [] : [decision.reply];
  for (const effect of effectsOf(decision)) {
    if (effect.kind === 'reply') sent.push(effect.reply);
    else if (effect.kind === 'request') sent.push(effect);
  }
  for (const { headers } of sent) {
    for (const [name, value] of headers) assert.doesNotMatch(`${name}: ${value}`, /[\r\n]/);
  }
}

/** What a message left behind must not make later decisions fail, which are about others or come from timers. */
function checkAftermath(world: World, { conference }: Decision): void {
  if (conference === undefined) return;
  assert.notEqual(conference.row.id, bystander);
  const later: World = {
    ...world,
    nowMs: world.nowMs + 1e10,
    findConference: (id) => (id === conference.row.id ? conference : world.findConference(id)),
  };
  const at = conference.row.id;
  for (const { id } of conference.legs.values()) {
    for (const name of DEADLINES) decideDeadline(later, { conference: at, row: 'leg', id, name });
  }
  for (const { id } of conference.subscriptions.values()) {
    for (const name of DEADLINES) decideDeadline(later, { conference: at, row: 'subscription', id, name });
  }
}

test('valid messages of the corpus are decided on', () => {
  for (const sample of samples) {
    const decision = decide(stage, sample, parseSipMessage(sample.bytes));
    assert(decision !== undefined, `${sample.name} changes nothing`);
    assert.equal(decision.refusal, undefined, `${sample.name}: ${decision.refusal?.warning}`);
    checkLines(decision);
    checkAftermath(stage.world(), decision);
  }
});

test('spoilt messages', () => {
  let decided = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(spoiling, { minLength: 1, maxLength: 4 }),
      (sample, changes) => {
        const bytes = changes.reduce((spoilt, change) => change(spoilt), withoutLength(sample.bytes));
        let message: SipMessage;
        try {
          message = parseSipMessage(bytes);
        } catch (error) {
          assert(error instanceof ParseError, String(error));
          return;
        }
        let decision: Decision | undefined;
        try {
          decision = decide(stage, sample, message);
        } catch (error) {
          // Kamailio is told nothing of these, so a fault in the message may be thrown; the caller counts and drops it.
          if (message.kind === 'request' && sample.entry === 'request') throw error;
          if (!(error instanceof ParseError)) throw error;
        }
        if (decision === undefined) return;
        decided += 1;
        if (decision.refusal !== undefined) refused += 1;
        checkLines(decision);
        checkAftermath(stage.world(), decision);
        assert.equal(JSON.stringify(plain(stage.sessions.byId(bystander))), untouched);
      },
    ),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 6000) },
  );
  assert(refused > 100 && decided - refused > 100, `${decided} decided, ${refused} of them refused`);
});
