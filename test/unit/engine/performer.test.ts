import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EffectOutcomes, Performer } from '../../../src/engine/performer.ts';
import type { Effect, Stage } from '../../../src/focus/decision.ts';
import type { OutboxBatch } from '../../../src/focus/ports.ts';
import type { CommandReply } from '../../../src/switch-control/protocol.ts';
import { FakeKamailio, FakeSwitch, SILENT_LOG } from './rig.ts';

const request = (stage: Stage, name: string, method = 'BYE'): Effect => ({
  stage,
  kind: 'request',
  method,
  callId: name,
  cseq: 1,
  of: { row: 'leg', id: name },
  kam: 'k1',
  requestUri: `sip:${name}@x`,
  headers: [],
});
const reply = (stage: Stage, tid: string, code = 200): Effect => ({
  stage,
  kind: 'reply',
  transaction: { kam: 'k1', epoch: 'e1', tid },
  leg: tid,
  reply: { code, reason: 'R', toTag: 't', headers: [] },
});
const command = (stage: Stage, op: 'leg.put' | 'leg.drop', isGate: boolean): Effect => ({
  stage,
  kind: 'switch',
  switchId: 'switch-1',
  op,
  body: {},
  isGate,
});

let lastId = 0;
function batch(conference: string, effects: readonly Effect[]): OutboxBatch {
  lastId += 1;
  return { id: lastId, conference, effects: effects.map((effect) => ({ id: (lastId += 1), effect })) };
}

function rig(outcomes: Partial<EffectOutcomes> = {}) {
  const kamailio = new FakeKamailio();
  const switches = new FakeSwitch();
  const told: string[] = [];
  const done: number[] = [];
  const performer = new Performer(
    kamailio,
    switches,
    {
      gateFailed: (conference, behind, why) => {
        told.push(`gate ${conference} ${behind.length} ${why}`);
        return [];
      },
      answerLost: (conference, { leg }) => told.push(`answer ${conference} ${leg}`),
      expulsionLost: (conference, switchId) => told.push(`expulsion ${conference} ${switchId}`),
      requestLost: (conference, { method }, why) => told.push(`request ${conference} ${method} ${why}`),
      resync: () => Promise.resolve(false),
      done: (ids) => done.push(...ids),
      passed: (conference, { messagesIn }) => told.push(`passed ${conference} ${messagesIn}`),
      ...outcomes,
    },
    SILENT_LOG,
  );
  const idle = async () => {
    do await nextTurn();
    while (performer.busy > 0);
  };
  return { kamailio, switches, told, done, performer, idle };
}

const ids = (...batches: readonly OutboxBatch[]) =>
  batches.flatMap(({ effects }) => effects.map(({ id }) => id));

describe('stages', () => {
  test('leave in their order, whatever the order in the batch, and every effect is done exactly once', async () => {
    const { performer, kamailio, switches, done, idle } = rig();
    const order: string[] = [];
    switches.command = (_, op) => {
      order.push(op);
      return Promise.resolve({ ok: true, revision: 1 });
    };
    kamailio.log.push = (...lines) => order.push(...lines);
    const all = batch('c', [
      command(4, 'leg.drop', false),
      request(3, 'n', 'NOTIFY'),
      request(2, 'b'),
      reply(1, 't'),
      command(0, 'leg.put', true),
    ]);
    performer.enqueue(all);
    await idle();
    assert.deepEqual(order, ['leg.put', '200 t', 'BYE b', 'NOTIFY n', 'leg.drop']);
    assert.deepEqual(
      done.toSorted((a, b) => a - b),
      ids(all),
    );
    assert.equal(performer.counters.performed, 5);
  });

  test('a gate that fails drops the later stages, which are done and reported', async () => {
    for (const answer of [{ ok: false, code: 'limit', reason: 'full' } as const, new Error('silent')]) {
      const { performer, kamailio, switches, done, told, idle } = rig();
      switches.answers.push(answer);
      const all = batch('c', [command(0, 'leg.put', true), reply(1, 't'), request(3, 'n', 'NOTIFY')]);
      performer.enqueue(all);
      await idle();
      assert.deepEqual(kamailio.log, []);
      assert.deepEqual(told, [`gate c 2 ${answer instanceof Error ? 'silent' : 'limit: full'}`]);
      assert.deepEqual(
        done.toSorted((a, b) => a - b),
        ids(all),
      );
      assert.equal(performer.counters.dropped, 2);
    }
  });

  test('what is kept behind a gate that failed leaves in its place, before what was decided later', async () => {
    const { performer, kamailio, switches, done, idle } = rig({
      gateFailed: (_, behind) => {
        performer.enqueue(batch('c', [request(3, 'undone')]));
        return behind.filter((effect) => effect.kind === 'request' && effect.method === 'NOTIFY');
      },
    });
    switches.answers.push(new Error('silent'));
    const all = batch('c', [command(0, 'leg.put', true), reply(1, 't'), request(4, 'n', 'NOTIFY')]);
    performer.enqueue(all);
    performer.enqueue(batch('c', [request(4, 'next', 'NOTIFY')]));
    await idle();
    assert.deepEqual(kamailio.log, ['NOTIFY n', 'NOTIFY next', 'BYE undone']);
    assert.deepEqual(
      done.filter((id) => ids(all).includes(id)).toSorted((a, b) => a - b),
      ids(all),
    );
    assert.equal(performer.counters.dropped, 1);
  });

  test('a command that is no gate may fail', async () => {
    const { performer, kamailio, switches, told, idle } = rig();
    switches.answers.push(new Error('silent'));
    performer.enqueue(batch('c', [command(0, 'leg.put', false), reply(1, 't')]));
    await idle();
    assert.deepEqual([kamailio.log, told], [['200 t'], []]);
  });

  test('one that expels and fails is told of', async () => {
    for (const answer of [{ ok: false, code: 'limit', reason: 'full' } as const, new Error('silent')]) {
      const { performer, switches, told, idle } = rig();
      switches.answers.push(answer);
      const expels = { stage: 4, kind: 'switch', switchId: 'switch-1', op: 'leg.put', body: {} } as const;
      performer.enqueue(batch('c', [{ ...expels, isGate: false, isExpulsion: true }]));
      await idle();
      assert.deepEqual(told, ['expulsion c switch-1']);
    }
  });

  test('a stale gate is told everything anew and passes; where that fails too it is a failure', async () => {
    for (const isTold of [true, false]) {
      const asked: string[] = [];
      const { performer, kamailio, switches, told, idle } = rig({
        resync: (conference, switchId) => {
          asked.push(`${conference} ${switchId}`);
          return Promise.resolve(isTold);
        },
      });
      switches.answers.push({ ok: false, code: 'stale', reason: 'old' });
      performer.enqueue(batch('c', [command(0, 'leg.put', true), reply(1, 't')]));
      await idle();
      assert.deepEqual(asked, ['c switch-1']);
      assert.deepEqual(kamailio.log, isTold ? ['200 t'] : []);
      assert.deepEqual(told, isTold ? [] : ['gate c 1 stale: old']);
    }
  });
});

describe('lanes', () => {
  test('effects of one conference keep the order of their decisions; others do not wait', async () => {
    const { performer, kamailio, switches, idle } = rig();
    let confirm: (reply: CommandReply) => void = () => {};
    switches.command = () => new Promise((resolve) => (confirm = resolve));
    performer.enqueue(batch('slow', [command(0, 'leg.put', true), reply(1, 'first')]));
    performer.enqueue(batch('slow', [reply(1, 'second')]));
    performer.enqueue(batch('other', [reply(1, 'other')]));
    performer.enqueue(batch('', [reply(1, 'loose')]));
    await nextTurn();
    assert.deepEqual(kamailio.log.toSorted(), ['200 loose', '200 other']);
    confirm({ ok: true, revision: 1 });
    await idle();
    assert.deepEqual(kamailio.log.slice(2), ['200 first', '200 second']);
    assert.equal(performer.busy, 0);
  });

  test('a batch that is not ready keeps its place', async () => {
    const { performer, kamailio, idle } = rig();
    let ready = () => {};
    performer.enqueue(batch('c', [reply(1, 'first')]), new Promise((resolve) => (ready = resolve)));
    performer.enqueue(batch('c', [reply(1, 'second')]));
    await nextTurn();
    assert.deepEqual(kamailio.log, []);
    ready();
    await idle();
    assert.deepEqual(kamailio.log, ['200 first', '200 second']);
  });

  test('drain waits for what is under way, or for its time', async () => {
    const { performer, switches } = rig();
    performer.enqueue(batch('c', [reply(1, 't')]));
    await performer.drain(60_000);
    assert.equal(performer.busy, 0);
    switches.command = () => new Promise(() => {});
    performer.enqueue(batch('c', [command(0, 'leg.put', true)]));
    await performer.drain(1);
    assert.equal(performer.busy, 1);
  });
});

describe('fates', () => {
  test('only a 2xx of a leg that found no transaction is a lost answer', async () => {
    const { performer, kamailio, told, idle } = rig();
    for (const tid of ['ok', 'refused', 'nobody']) kamailio.gone.add(tid);
    const { leg: _, ...ofNobody } = reply(1, 'nobody') as Extract<Effect, { kind: 'reply' }>;
    performer.enqueue(batch('c', [reply(1, 'ok'), reply(1, 'refused', 486), ofNobody]));
    await idle();
    assert.deepEqual(told, ['answer c ok']);
  });

  test('a request that did not leave is reported, and the others of its stage leave', async () => {
    const { performer, kamailio, told, done, idle } = rig();
    kamailio.failing.add('BYE');
    const all = batch('c', [request(2, 'bob'), request(2, 'carol', 'INVITE'), request(3, 'n', 'NOTIFY')]);
    performer.enqueue(all);
    await idle();
    assert.deepEqual(told, ['request c BYE no such socket']);
    assert.deepEqual(
      kamailio.requests.map(({ method }) => method),
      ['INVITE', 'NOTIFY'],
    );
    assert.deepEqual(done, ids(all));
    assert.equal(performer.counters.failed, 1);
  });
});
