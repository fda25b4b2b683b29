/** What cannot be done now is done later: a failed commit, a deadline, an INVITE that went with its Kamailio. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { recoverEffects } from '../../../src/engine/recovery.ts';
import { decideKamailioRestarted } from '../../../src/focus/decide-recovery.ts';
import type { Store } from '../../../src/focus/ports.ts';
import type { RequestOrigin } from '../../../src/focus/world.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { listBody, sdp, sipRequest, sipResponse, user } from '../focus/messages.ts';
import { SILENT_LOG, settled, startEngine } from './rig.ts';

const ORIGIN: RequestOrigin = {
  transaction: { kam: 'k1', epoch: 'e1', tid: 'caller' },
  src: 'udp:198.51.100.7:40000',
  rcv: 'udp:192.0.2.1:5060',
  asserted: [`<${user('alice')}>`],
  trust: 'digest',
};

/** A store whose commits fail while `isFull`. */
function fillingStore() {
  const inner = openSqliteStore({ file: ':memory:' });
  const disk = { isFull: false };
  const store: Store = Object.create(inner, {
    commit: {
      value: (...args: Parameters<Store['commit']>) => {
        if (disk.isFull) throw new Error('disk full');
        inner.commit(...args);
      },
    },
    load: { value: () => inner.load() },
    effectsDone: { value: (ids: readonly number[]) => inner.effectsDone(ids) },
  });
  return { store, disk };
}

test('a deadline whose decision could not be committed comes up again', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { store, disk } = fillingStore();
    const rig = startEngine({ store });
    rig.engine.request(sipRequest(listBody([user('bob')])), ORIGIN);
    await settled(rig.engine);
    const advance = (ms: number) => {
      rig.clock.ms += ms;
      mock.timers.tick(ms);
    };
    disk.isFull = true;
    advance(30_000);
    advance(30_000);
    await settled(rig.engine);
    assert.deepEqual(rig.kamailio.log, ['INVITE bob']);
    assert.match(String((rig.errors[0] as { err: Error }).err), /disk full/);
    disk.isFull = false;
    advance(60_000);
    await settled(rig.engine);
    assert.deepEqual(rig.kamailio.log.toSorted(), ['408 caller', 'CANCEL', 'INVITE bob']);
  } finally {
    mock.timers.reset();
  }
});

test('held deadlines fire only once they are released', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const rig = startEngine();
    rig.engine.holdDeadlines();
    rig.engine.request(sipRequest(listBody([user('bob')])), ORIGIN);
    await settled(rig.engine);
    rig.clock.ms += 600_000;
    mock.timers.tick(600_000);
    await settled(rig.engine);
    assert.deepEqual(rig.kamailio.log, ['INVITE bob']);
    rig.engine.releaseDeadlines();
    mock.timers.tick(0);
    await settled(rig.engine);
    assert.deepEqual(rig.kamailio.log.toSorted(), ['408 caller', 'CANCEL', 'INVITE bob']);
  } finally {
    mock.timers.reset();
  }
});

test('a response that could not be committed says so, changes nothing, and counts when it comes again', async () => {
  const { store, disk } = fillingStore();
  const rig = startEngine({ store });
  rig.engine.request(sipRequest(listBody([user('bob')])), ORIGIN);
  await settled(rig.engine);
  const [invite] = rig.kamailio.requests;
  assert(invite !== undefined);
  const answer = { status: 200, toTag: 'far', contact: '<sip:bob@far>', body: sdp({ setup: 'active' }) };
  disk.isFull = true;
  assert.equal(rig.engine.response(sipResponse(invite.headers, answer)), false);
  disk.isFull = false;
  assert.equal(rig.engine.response(sipResponse(invite.headers, answer)), true);
  await settled(rig.engine);
  assert.deepEqual(rig.kamailio.log, ['INVITE bob', '200 caller']);
});

test('RFC3261-17 only invitations that an earlier start of Kamailio carried have failed with it', async () => {
  const rig = startEngine();
  let epoch = 'e1';
  Object.assign(rig.kamailio, { epochOf: () => epoch });
  rig.engine.request(sipRequest(listBody([user('bob'), user('carol')])), ORIGIN);
  await settled(rig.engine);
  const [invite] = rig.kamailio.requests;
  const answer = { status: 200, toTag: 'far', contact: '<sip:bob@far>', body: sdp({ setup: 'active' }) };
  rig.engine.response(sipResponse(invite?.headers ?? [], answer));
  await settled(rig.engine);
  const [session] = rig.engine.sessions.all();
  assert(session !== undefined);
  const decide = () => decideKamailioRestarted(rig.engine.world(), session.row.id, 'k1', epoch);
  assert.equal(decide(), undefined, 'it is the same Kamailio: carol may still answer');
  epoch = 'e2';
  rig.engine.apply(decide(), 'kamailio');
  assert.equal(decide(), undefined);
  const participants = rig.engine.sessions.byId(session.row.id)?.participants.values() ?? [];
  assert.deepEqual(
    [...participants].map(({ presence }) => presence),
    ['connected', 'connected', 'disconnected'],
  );
});

test('RFC3261-13.3.1.4 the ACK of a 200 that leaves only after a restart has its time from then on', async () => {
  const rig = startEngine();
  rig.engine.request(sipRequest(listBody([user('bob')])), ORIGIN);
  await settled(rig.engine);
  rig.switches.command = () => new Promise<never>(() => {});
  const answer = { status: 200, toTag: 'far', contact: '<sip:bob@far>', body: sdp({ setup: 'active' }) };
  rig.engine.response(sipResponse(rig.kamailio.requests[0]?.headers ?? [], answer));
  const { engine, store, kamailio, clock } = startEngine({ store: rig.store });
  clock.ms += 40_000;
  const batches = engine.load();
  await recoverEffects(batches, { engine, store, kamailio, log: SILENT_LOG, answered: new Set() });
  assert.deepEqual(kamailio.log, ['200 caller']);
  const [leg] = [...engine.sessions.all()][0]?.legs.values() ?? [];
  assert.equal(leg?.deadlines.ack, clock.ms + 32_000);
});

test('RFC3261-12.2.1.1 an UPDATE that was answered before the restart does not go again', async () => {
  const { engine, store, kamailio } = startEngine();
  const update = {
    ...({ stage: 3, kind: 'request', method: 'UPDATE', callId: 'alice-1', cseq: 3, kam: 'k1' } as const),
    of: { row: 'leg', id: 'leg' } as const,
    requestUri: user('alice'),
    headers: [['CSeq', '3 UPDATE']] as const,
  };
  const batches = [{ id: 1, conference: 'session', effects: [{ id: 2, effect: update }] }];
  await recoverEffects(batches, { engine, store, kamailio, log: SILENT_LOG, answered: new Set() });
  assert.deepEqual(kamailio.log, []);
});

test('RFC3261-12.2.1.1 after a restart only the last NOTIFY of a subscription that is over goes again', async () => {
  const { engine, store, kamailio } = startEngine();
  const notify = (id: number, cseq: number, state: string) => ({
    id,
    effect: {
      ...({ stage: 4, kind: 'request', method: 'NOTIFY', callId: 'refer-1', cseq, kam: 'k1' } as const),
      of: { row: 'subscription', id: 'gone' } as const,
      requestUri: user('alice'),
      headers: [
        ['CSeq', `${cseq} NOTIFY`],
        ['Subscription-State', state],
      ] as const,
    },
  });
  const effects = [notify(2, 2, 'active;expires=300'), notify(3, 3, 'terminated;reason=noresource')];
  const batches = [{ id: 1, conference: 'over', effects }];
  await recoverEffects(batches, { engine, store, kamailio, log: SILENT_LOG, answered: new Set() });
  assert.deepEqual(
    kamailio.requests.map(({ cseq }) => cseq),
    [4],
  );
});
