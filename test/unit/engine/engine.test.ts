import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { recoverEffects } from '../../../src/engine/recovery.ts';
import type { DecisionRecord, Store } from '../../../src/focus/ports.ts';
import type { RequestOrigin } from '../../../src/focus/world.ts';
import { CodedError } from '../../../src/lib/errors.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import {
  listBody,
  type RequestOptions,
  sdp,
  sdpBody,
  sipRequest,
  sipResponse,
  user,
} from '../focus/messages.ts';
import { group } from '../focus/stage.ts';
import { SILENT_LOG, settled, startEngine } from './rig.ts';

let transactions = 0;

function originOf(from: string, tid = `t${(transactions += 1)}`): RequestOrigin {
  return {
    transaction: { kam: 'k1', epoch: 'e1', tid },
    src: 'udp:198.51.100.7:40000',
    rcv: 'udp:192.0.2.1:5060',
    asserted: [`<${from}>`],
    trust: 'digest',
  };
}

type Rig = ReturnType<typeof startEngine>;

function send({ engine }: Rig, options: RequestOptions, tid?: string) {
  return engine.request(sipRequest(options), originOf(options.from ?? user('alice'), tid));
}

function answerAll({ engine, kamailio }: Rig): void {
  for (const { headers, requestUri } of kamailio.requests.filter(({ method }) => method === 'INVITE')) {
    const answer = { status: 200, toTag: 'far', contact: `<${requestUri}>`, body: sdp({ setup: 'active' }) };
    engine.response(sipResponse(headers, answer));
  }
}

/** A running session of alice, bob and carol. */
async function running(rig = startEngine()) {
  send(rig, { callId: 'alice-1', ...listBody([user('bob'), user('carol')]) });
  await settled(rig.engine);
  answerAll(rig);
  await settled(rig.engine);
  rig.engine.ack(sipRequest({ ...dialogOf(rig, 'alice'), method: 'ACK', cseq: 1 }));
  rig.kamailio.log.length = 0;
  rig.switches.log.length = 0;
  return rig;
}

function dialogOf({ engine }: Rig, name: string): RequestOptions {
  const [conference] = engine.sessions.all();
  assert(conference !== undefined);
  const leg = [...conference.legs.values()].find(
    ({ participant }) => conference.participants.get(participant)?.address === user(name),
  );
  assert(leg !== undefined);
  const { callId, localTag, remoteTag, remoteCSeq = 0 } = leg.dialog;
  return {
    uri: conference.row.identity,
    from: user(name),
    callId,
    toTag: localTag,
    fromTag: remoteTag,
    cseq: remoteCSeq + 1,
  };
}

async function bobHasLeft(): Promise<Rig> {
  const rig = await running();
  send(rig, { ...dialogOf(rig, 'bob'), method: 'BYE' });
  await settled(rig.engine);
  rig.kamailio.log.length = 0;
  rig.switches.log.length = 0;
  return rig;
}

describe('one event, one decision, one commit', () => {
  test('nothing leaves before the commit, and nothing at all when it fails', async () => {
    const order: string[] = [];
    const inner = openSqliteStore({ file: ':memory:' });
    let isBroken = false;
    const store: Store = {
      load: () => inner.load(),
      effectsDone: (ids) => inner.effectsDone(ids),
      addTraffic: (id, traffic) => inner.addTraffic(id, traffic),
      decisions: (query) => inner.decisions(query),
      close: () => inner.close(),
      commit(commit) {
        if (isBroken) throw new Error('disk full');
        order.push('commit');
        inner.commit(commit);
      },
    };
    const rig = startEngine({ store });
    rig.switches.command = () => {
      order.push('switch');
      return Promise.resolve({ ok: true, revision: 1 });
    };
    rig.kamailio.request = () => {
      order.push('request');
      return Promise.resolve();
    };
    send(rig, listBody([user('bob')]));
    assert.deepEqual(order, ['commit']);
    await settled(rig.engine);
    assert.deepEqual(order, ['commit', 'switch', 'request']);

    isBroken = true;
    assert.throws(() => send(rig, { ...listBody([user('bob')]), callId: 'other' }), /disk full/);
    rig.engine.cancel(sipRequest({ method: 'CANCEL' }));
    await settled(rig.engine);
    assert.equal(rig.engine.sessions.size, 1);
    assert.deepEqual(order, ['commit', 'switch', 'request']);
    assert.match(String((rig.errors[0] as { err: Error }).err), /disk full/);
  });

  test('RFC3261-9.2 a CANCEL that has overtaken its INVITE ends it all the same; another INVITE goes on', async () => {
    const rig = startEngine();
    rig.engine.cancel(sipRequest({ method: 'CANCEL', callId: 'early', fromTag: 'f', cseq: 7 }));
    const invite = { callId: 'early', fromTag: 'f', ...listBody([user('bob')]) };
    send(rig, { ...invite, cseq: 7 }, 'first');
    await settled(rig.engine);
    assert.deepEqual(
      rig.kamailio.replies.map(({ transaction, reply }) => [transaction.tid, reply.code]),
      [['first', 487]],
    );
    assert.equal(rig.engine.sessions.size, 0);
    send(rig, { ...invite, cseq: 8 }, 'second');
    await settled(rig.engine);
    assert.equal(rig.engine.sessions.size, 1);
  });

  test('a refusal is answered at once and leaves only its record', () => {
    const rig = startEngine();
    const answer = send(rig, { method: 'PUBLISH', callId: 'c' });
    assert('reply' in answer && answer.reply.code === 405);
    const [record] = rig.store.decisions({ limit: 10, callId: 'c' });
    assert.deepEqual(
      [record?.status, record?.clause, record?.user, record?.trigger],
      [405, 'RFC3261-8.2.1', user('alice'), 'PUBLISH'],
    );
    assert.match(record?.warning ?? '', /PUBLISH is not served/);
  });

  test('a final reply is inline when nothing has to precede it: BYE', async () => {
    const rig = await running();
    const answer = send(rig, { ...dialogOf(rig, 'bob'), method: 'BYE' });
    assert('reply' in answer && answer.reply.code === 200);
    // What follows the answer is committed and still waits.
    assert.equal(rig.switches.log.length, 0);
    await settled(rig.engine);
    assert.deepEqual(rig.switches.log, ['leg.drop']);
    assert.deepEqual(rig.kamailio.replies.filter(({ reply }) => reply.code === 200).length, 1);
    assert.deepEqual(rig.store.load().outbox, []);
  });

  test('a reply behind a gate is not: the 200 leaves once the switch has confirmed', async () => {
    const rig = await bobHasLeft();
    const [conference] = rig.engine.sessions.all();
    const rejoin = { uri: conference?.row.identity ?? '', from: user('bob'), callId: 'bob-2', ...sdpBody() };
    assert.deepEqual(send(rig, rejoin, 'rejoin'), { pending: true });
    assert.deepEqual(rig.kamailio.log, []);
    await settled(rig.engine);
    assert.deepEqual(rig.switches.log, ['leg.put']);
    assert.deepEqual(rig.kamailio.log, ['200 rejoin']);
  });

  test('what follows an inline answer keeps its place before later decisions of the session', async () => {
    const rig = await running();
    send(rig, { ...dialogOf(rig, 'bob'), method: 'BYE' });
    rig.engine.response(
      sipResponse(rig.kamailio.requests[0]?.headers ?? [], {
        status: 200,
        toTag: 'x',
        contact: '<sip:bob@x>',
      }),
    );
    const [conference] = rig.engine.sessions.all();
    const rejoin = { uri: conference?.row.identity ?? '', from: user('bob'), callId: 'bob-2', ...sdpBody() };
    send(rig, rejoin);
    await settled(rig.engine);
    const revisions = rig.switches.commands.map(({ body }) => Number(body['revision']));
    assert.deepEqual(rig.switches.log, ['leg.drop', 'leg.put']);
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    );
  });

  test('STORE_CONFLICT decides again: the loser of the race for a group joins the session that won', async () => {
    const crew = group('crew', ['alice', 'bob']);
    const winner = startEngine({ findGroup: () => crew });
    send(winner, { uri: crew.uri, from: user('bob'), callId: 'bob-1', ...sdpBody() });
    const [theirs] = winner.engine.sessions.all();
    assert(theirs !== undefined);

    const inner = winner.store;
    let isFirst = true;
    const rig: Rig = startEngine({
      findGroup: () => crew,
      store: {
        load: () => inner.load(),
        effectsDone: (ids) => inner.effectsDone(ids),
        addTraffic: (id, traffic) => inner.addTraffic(id, traffic),
        decisions: (query) => inner.decisions(query),
        close: () => inner.close(),
        commit(commit) {
          // The other session became known between decision and commit.
          if (isFirst) rig.engine.sessions.add(theirs);
          isFirst = false;
          inner.commit(commit);
        },
      },
    });
    assert.deepEqual(send(rig, { uri: crew.uri, callId: 'alice-1', ...sdpBody() }, 'alice'), {
      pending: true,
    });
    assert.equal(rig.engine.counters.conflicts, 1);
    assert.equal(rig.engine.sessions.size, 1);
    assert.equal(rig.store.decisions({ limit: 1 })[0]?.clause, '7.2.1.4');
    await settled(rig.engine);
    assert(rig.kamailio.log.includes('200 alice'), rig.kamailio.log.join());
  });

  test('a conflict that does not end is given up, another fault at once', () => {
    const inner = openSqliteStore({ file: ':memory:' });
    let attempts = 0;
    let code = 'STORE_CONFLICT';
    const rig = startEngine({
      store: {
        load: () => inner.load(),
        effectsDone: (ids) => inner.effectsDone(ids),
        addTraffic: (id, traffic) => inner.addTraffic(id, traffic),
        decisions: (query) => inner.decisions(query),
        close: () => inner.close(),
        commit() {
          attempts += 1;
          throw new CodedError(code, 'always');
        },
      },
    });
    assert.throws(() => send(rig, listBody([user('bob')])), { code: 'STORE_CONFLICT' });
    assert.equal(attempts, 3);
    code = 'STORE_OPEN';
    assert.throws(() => send(rig, listBody([user('bob')])), { code: 'STORE_OPEN' });
    assert.equal(attempts, 4);
  });
});

describe('effects that fail', () => {
  test('a gate that fails: 503 to the caller, nobody is invited, nothing is left', async () => {
    const records: DecisionRecord[] = [];
    const rig = startEngine({ onDecision: (record) => records.push(record) });
    rig.switches.answers.push({ ok: false, code: 'limit', reason: 'full' });
    send(rig, listBody([user('bob')]), 'caller');
    await settled(rig.engine);
    assert.deepEqual(rig.kamailio.log, ['503 caller']);
    assert.equal(rig.engine.sessions.size, 0);
    assert.deepEqual(rig.store.load(), { conferences: [], outbox: [], lastOutboxId: 0 });
    assert.deepEqual(
      records.map(({ trigger }) => trigger),
      ['INVITE', 'switch'],
    );
  });

  test('a switch that lost track is told everything anew, and what waited goes on', async () => {
    const rig = await bobHasLeft();
    const [conference] = rig.engine.sessions.all();
    rig.switches.answers.push({ ok: false, code: 'stale', reason: 'unknown' });
    const rejoin = { uri: conference?.row.identity ?? '', from: user('bob'), callId: 'bob-2', ...sdpBody() };
    send(rig, rejoin, 'rejoin');
    await settled(rig.engine);
    assert.deepEqual(rig.switches.log, ['leg.put', 'session.put']);
    const snapshot = rig.switches.commands.at(-1)?.body ?? assert.fail();
    assert.equal((snapshot['legs'] as unknown[]).length, 3);
    assert.deepEqual(rig.kamailio.log, ['200 rejoin']);
  });

  test('an answer that found no transaction undoes the caller', async () => {
    const rig = startEngine();
    rig.kamailio.gone.add('caller');
    send(rig, { callId: 'alice-1', ...listBody([user('bob')]) }, 'caller');
    await settled(rig.engine);
    answerAll(rig);
    await settled(rig.engine);
    // With bob alone the release policy ends the session.
    assert.deepEqual(rig.kamailio.log, ['INVITE bob', '200 caller', 'BYE bob']);
  });

  test('an INVITE that cannot leave counts as a failure', async () => {
    const rig = startEngine();
    rig.kamailio.failing.add('INVITE');
    send(rig, listBody([user('bob'), user('carol')]), 'caller');
    await settled(rig.engine);
    assert.deepEqual(rig.kamailio.log, ['INVITE bob', 'INVITE carol', '503 caller']);
    assert.equal(rig.engine.sessions.size, 0);
  });
});

describe('deadlines', () => {
  test('come due by the clock, and one that cannot be decided on is logged and ends nothing', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const rig = startEngine();
      send(rig, listBody([user('bob')]), 'caller');
      await settled(rig.engine);
      rig.clock.ms += 60_000;
      mock.timers.tick(30_000);
      await settled(rig.engine);
      assert.deepEqual(rig.kamailio.log.toSorted(), ['408 caller', 'CANCEL', 'INVITE bob']);

      const other = startEngine();
      send(other, listBody([user('bob')]));
      const [conference] = other.engine.sessions.all();
      assert(conference !== undefined);
      // A row that cannot be decided on: the first look is the engine's, for its log.
      let looks = 0;
      const get = () => {
        looks += 1;
        if (looks > 1) throw new Error('broken');
      };
      const broken = { ...conference, legs: { get } } as unknown as typeof conference;
      other.engine.sessions.add({ ...conference, legs: new Map() });
      Object.defineProperty(other.engine.sessions, 'byId', { value: () => broken });
      other.clock.ms += 60_000;
      mock.timers.tick(30_000);
      assert.match(String((other.errors[0] as { err: Error }).err), /broken/);
    } finally {
      mock.timers.reset();
    }
  });
});

describe('after a restart', () => {
  /** What the next engine does with what this one left behind. */
  async function restarted(rig: Rig, answered: readonly string[] = []) {
    const next = startEngine({ store: rig.store });
    const batches = next.engine.load();
    const options = { engine: next.engine, store: next.store, kamailio: next.kamailio, log: SILENT_LOG };
    const count = await recoverEffects(batches, { ...options, answered: new Set(answered) });
    await settled(next.engine);
    assert.deepEqual(next.store.load().outbox, []);
    return { ...next, count };
  }
  /** From now on nothing is performed any more, as after a crash. */
  const freeze = ({ kamailio, switches }: Rig) => {
    const never = () => new Promise<never>(() => {});
    Object.assign(kamailio, { reply: never, request: never, cancel: never });
    switches.command = never;
  };

  test('sessions and their dialogs are there again, and a BYE ends a leg as before', async () => {
    const rig = await running();
    const next = await restarted(rig);
    assert.equal(next.count, 0);
    assert.deepEqual([...next.engine.sessions.all()], [...rig.engine.sessions.all()]);
    const answer = send(next, { ...dialogOf(next, 'bob'), method: 'BYE' });
    assert('reply' in answer && answer.reply.code === 200);
  });

  test('an invitation of unknown fate goes again under a new Call-ID, unless its answer waits in the inbox', async () => {
    for (const isAnswered of [false, true]) {
      const rig = startEngine();
      freeze(rig);
      send(rig, listBody([user('bob')]));
      const [conference] = rig.engine.sessions.all();
      const [leg] = [...(conference?.legs.values() ?? [])].filter(({ origin }) => origin === 'outgoing');
      assert(leg !== undefined);
      const { callId } = leg.dialog;
      const next = await restarted(rig, isAnswered ? [callId] : []);
      assert.deepEqual(next.kamailio.log, isAnswered ? [] : ['CANCEL', 'INVITE bob']);
      assert.deepEqual(
        next.kamailio.requests.map((request) => request.callId === callId),
        isAnswered ? [] : [false],
      );
    }
  });

  test('a reply is sent again, a BYE goes with the next CSeq', async () => {
    const rig = await running();
    send(rig, { ...dialogOf(rig, 'bob'), method: 'BYE' });
    await settled(rig.engine);
    freeze(rig);
    const answer = send(rig, { ...dialogOf(rig, 'carol'), method: 'BYE' }, 'carol-bye');
    assert('reply' in answer);
    const next = await restarted(rig);
    assert.deepEqual(next.kamailio.log.toSorted(), ['200 carol-bye', 'BYE alice']);
    const [bye] = next.kamailio.requests;
    assert.equal(bye?.cseq, 2);
    const [leg] = [...next.engine.sessions.all()][0]?.legs.values() ?? [];
    assert.equal(leg?.byeCSeq, 2);
  });
});
