/** What a switch that does not take a leg leaves behind: NOTIFYs whose versions rise by one, and no dialog that nobody ends. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CommandReply } from '../../../src/switch-control/protocol.ts';
import {
  listBody,
  type RequestOptions,
  sdp,
  sdpBody,
  sipRequest,
  sipResponse,
  user,
} from '../focus/messages.ts';
import { settled, startEngine } from './rig.ts';

/** alice, bob and carol talk, and alice has subscribed to the roster. */
async function watched() {
  mock.timers.enable({ apis: ['setTimeout'] });
  const rig = startEngine();
  const { engine, kamailio, clock } = rig;
  let transactions = 0;
  const send = async (options: RequestOptions, tid = `t${(transactions += 1)}`) => {
    engine.request(sipRequest(options), {
      transaction: { kam: 'k1', epoch: 'e1', tid },
      src: 'udp:198.51.100.7:40000',
      rcv: 'udp:192.0.2.1:5060',
      asserted: [`<${options.from ?? user('alice')}>`],
      trust: 'digest',
    });
    await settled(engine);
  };
  const conference = () => [...engine.sessions.all()][0] ?? assert.fail('no session');
  const dialogOf = (name: string): RequestOptions => {
    const { participants, legs } = conference();
    const isTheirs = (id: string) => participants.get(id)?.address === user(name);
    const leg = [...legs.values()].find(({ participant }) => isTheirs(participant)) ?? assert.fail(name);
    const { callId, localTag, remoteTag, remoteCSeq = 0 } = leg.dialog;
    return { from: user(name), callId, toTag: localTag, fromTag: remoteTag, cseq: remoteCSeq + 1 };
  };
  const advance = async (ms: number) => {
    clock.ms += ms;
    mock.timers.tick(ms);
    await settled(engine);
  };
  const versions = () =>
    kamailio.requests
      .filter(({ method }) => method === 'NOTIFY')
      .map(({ body }) => Number(/<conference-info[^>]* version="(\d+)"/.exec(body ?? '')?.[1]));
  await send({ callId: 'alice-1', ...listBody([user('bob'), user('carol')]) });
  for (const { headers } of kamailio.requests)
    engine.response(
      sipResponse(headers, {
        status: 200,
        toTag: 'far',
        contact: '<sip:far@x>',
        body: sdp({ setup: 'active' }),
      }),
    );
  await settled(engine);
  engine.ack(sipRequest({ ...dialogOf('alice'), method: 'ACK', cseq: 1 }));
  const { identity } = conference().row;
  await send({ method: 'SUBSCRIBE', uri: identity, callId: 'sub-1', extra: [['Event', 'conference']] });
  await advance(1_000);
  return { ...rig, send, identity, dialogOf, advance, versions };
}

test('RFC4575-4.3 a refused rejoin leaves no hole in the versions of a subscription', async (t) => {
  t.after(() => mock.timers.reset());
  const { send, identity, dialogOf, advance, versions, switches, kamailio } = await watched();
  await send({ ...dialogOf('bob'), method: 'BYE' });
  await advance(1_000);
  assert.deepEqual(versions(), [0, 1]);
  switches.answers.push({ ok: false, code: 'limit', reason: 'full' });
  await send({ uri: identity, from: user('bob'), callId: 'bob-2', ...sdpBody() });
  assert.equal(kamailio.replies.at(-1)?.reply.code, 503);
  await advance(1_000);
  await send({ ...dialogOf('carol'), method: 'BYE' });
  await advance(1_000);
  assert.deepEqual(versions(), [...versions().keys()]);
  assert.match(kamailio.requests.findLast(({ method }) => method === 'NOTIFY')?.body ?? '', /disconnected/);
});

test('RFC4575-4.3 nor when the next NOTIFY has its version before the switch has refused', async (t) => {
  t.after(() => mock.timers.reset());
  const { send, identity, dialogOf, advance, versions, switches, kamailio, engine, clock } = await watched();
  await send({ ...dialogOf('bob'), method: 'BYE' });
  await advance(1_000);
  const silent = Promise.withResolvers<CommandReply>();
  switches.command = () => silent.promise;
  void send({ uri: identity, from: user('bob'), callId: 'bob-2', ...sdpBody() });
  await nextTurn();
  clock.ms += 1_000;
  void send({ ...dialogOf('carol'), method: 'BYE' });
  Reflect.deleteProperty(switches, 'command');
  await nextTurn();
  silent.reject(new Error('silent'));
  await settled(engine);
  await advance(1_000);
  assert.equal(versions().length >= 4, true, String(versions()));
  assert.deepEqual(versions(), [...versions().keys()]);
  const cseqs = kamailio.requests.filter(({ method }) => method === 'NOTIFY').map(({ cseq }) => cseq);
  assert.deepEqual(
    cseqs,
    cseqs.toSorted((a, b) => a - b),
  );
});

test('RFC3261-15.1.2 a re-INVITE whose dialog has ended before the switch has refused is answered 487', async (t) => {
  t.after(() => mock.timers.reset());
  const { send, dialogOf, switches, kamailio, engine } = await watched();
  const silent = Promise.withResolvers<CommandReply>();
  switches.command = () => silent.promise;
  const { cseq = 0, ...dialog } = dialogOf('bob');
  const offer = sdpBody(sdp({ version: 2, path: 'msrp://192.0.2.9:9/new;tcp' }));
  void send({ ...dialog, cseq, ...offer }, 'offer');
  for (const name of ['carol', 'alice']) void send({ ...dialogOf(name), method: 'BYE' });
  void send({ ...dialog, cseq: cseq + 1, method: 'BYE' });
  assert.equal(engine.sessions.size, 0);
  await nextTurn();
  silent.reject(new Error('silent'));
  await settled(engine);
  const codes = kamailio.replies.filter(({ transaction }) => transaction.tid === 'offer');
  assert.deepEqual(
    codes.map(({ reply }) => reply.code),
    [487],
  );
});

test('RFC3261-15 who rejoins is sent the BYE of the old dialog although the switch does not take the new one', async (t) => {
  t.after(() => mock.timers.reset());
  const { send, identity, switches, kamailio } = await watched();
  const [old] = kamailio.requests.filter(({ requestUri }) => requestUri === user('bob'));
  switches.answers.push(new Error('silent'));
  await send({ uri: identity, from: user('bob'), callId: 'bob-2', ...sdpBody() });
  const byes = kamailio.requests.filter(({ method }) => method === 'BYE');
  assert.deepEqual(
    byes.map(({ callId }) => callId),
    [old?.callId],
  );
});
