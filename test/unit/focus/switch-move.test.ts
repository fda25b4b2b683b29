/** A session that moves to another switch: what each client is offered, and what becomes of what is under way. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decideLostClient } from '../../../src/focus/decide-lost-client.ts';
import {
  decideConferenceDeadline,
  decideSwitchMove,
  type MoveOrder,
} from '../../../src/focus/decide-switch-move.ts';
import type { SessionSnapshot } from '../../../src/switch-control/protocol.ts';
import { listBody, sdp, sdpBody, user } from './messages.ts';
import { ofKind, requestsOf, Stage } from './stage.ts';

const OTHER = { id: 'switch-2', epoch: 'e2', host: '192.0.2.2', port: 2855, probe: 'p2' };

function running(): Stage {
  const stage = new Stage();
  stage.running();
  return stage;
}

function move(stage: Stage, order: Partial<MoveOrder> = {}) {
  const session = stage.theOnly().row.id;
  return stage.take(decideSwitchMove(stage.world(), { session, from: 'switch-1', why: 'dead', ...order }));
}

function stepsOf(decision: ReturnType<typeof move>): string[] {
  return (
    decision?.trace
      .filter(({ id }) => id.startsWith('design'))
      .map(({ id, verdict }) => `${id} ${verdict}`) ?? []
  );
}

describe('design-move a session moves to another switch', () => {
  test('the new switch is told first, every leg is offered the path to it, and no subscriber is told', () => {
    const stage = running();
    stage.placement = OTHER;
    const before = stage.legOf('bob');
    const decision = move(stage);
    assert.deepEqual(stepsOf(decision), [
      'design-move-1 pass',
      'design-move-2 done',
      'design-move-3 done',
      'design-move-4 done',
      'design-move-5 skip',
      'design-move-6 done',
      'design-move-7 skip',
      'design-move-8 done',
    ]);
    const [put = assert.fail()] = ofKind(decision, 'switch');
    assert.deepEqual([put.op, put.switchId, put.isGate], ['session.put', 'switch-2', true]);
    const invites = requestsOf(decision, 'INVITE');
    assert.equal(invites.length, 3);
    const now = stage.legOf('bob');
    assert.notEqual(now.sessionId, before.sessionId);
    const offer = invites.find(({ callId }) => callId === now.dialog.callId)?.body ?? '';
    assert.match(offer, new RegExp(`^a=path:msrp://192\\.0\\.2\\.2:2855/${now.sessionId};tcp\\r$`, 'm'));
    assert.match(offer, /^a=setup:actpass\r$/m);
    const legs = (put.body as SessionSnapshot).legs;
    assert.ok(legs.every(({ path, role, isMoving }) => path === undefined && role === 'either' && isMoving));
    assert.deepEqual(requestsOf(decision, 'NOTIFY'), []);
  });

  test('an answer that says what was said before is taken all the same; one without media ends the leg', () => {
    const stage = running();
    stage.placement = OTHER;
    const invites = requestsOf(move(stage), 'INVITE');
    const of = (name: string) =>
      invites.find(({ callId }) => callId === stage.legOf(name).dialog.callId) ?? assert.fail();
    const followed = stage.respond(of('bob'), { status: 200, body: stage.legOf('bob').remoteSdp ?? '' });
    assert.equal(ofKind(followed, 'switch')[0]?.op, 'leg.put');
    assert.equal(stage.legOf('bob').isMoving, undefined);
    assert.deepEqual(
      followed?.changes?.events.map(({ kind }) => kind),
      ['leg-moved'],
    );
    const lost = stage.respond(of('carol'), { status: 200 });
    assert.equal(requestsOf(lost, 'BYE').length, 1);
    assert.equal(lost?.changes?.events[0]?.kind, 'leg-lost');
  });

  test('the m= lines stay in their places, and a WebSocket client is offered a WebSocket', () => {
    const { media } = new Stage().settings;
    const stage = new Stage({ media: { ...media, transports: ['tcp', 'ws'] } });
    const path = 'msrp://abc.invalid:2855/w;ws';
    const offer = sdp({ path, setup: 'active' }).replace('m=message', 'm=audio 4000 RTP/AVP 0\r\nm=message');
    const { invites } = stage.adHoc(['bob'], listBody(['bob'].map(user), offer));
    stage.answer(invites[0] ?? assert.fail());
    stage.ack(stage.inDialog('alice'));
    const listeners = [
      { transport: 'tcp', host: '192.0.2.2', port: 2855 },
      { transport: 'ws', host: '192.0.2.2', port: 8080 },
    ] as const;
    stage.placement = { ...OTHER, listeners };
    const invited = requestsOf(move(stage), 'INVITE');
    const { body = '' } =
      invited.find(({ callId }) => callId === stage.legOf('alice').dialog.callId) ?? assert.fail();
    assert.deepEqual(
      body.split('\r\n').filter((line) => line.startsWith('m=')),
      ['m=audio 0 RTP/AVP 0', 'm=message 8080 TCP/MSRP *'],
    );
    assert.match(body, /^a=path:msrp:\/\/192\.0\.2\.2:8080\/\S+;ws\r$/m);
    assert.match(body, /^a=setup:passive\r$/m, 'nobody can connect to a browser');
  });

  test('who has not acknowledged our 200 yet is offered the path with the ACK', () => {
    const stage = running();
    stage.placement = OTHER;
    const again = {
      ...stage.inDialog('alice'),
      ...sdpBody(sdp({ version: 2, path: 'msrp://192.0.2.9:9/a2;tcp' })),
    };
    stage.request(again);
    const invites = requestsOf(move(stage), 'INVITE');
    assert.equal(invites.length, 2, 'bob and carol');
    assert.equal(stage.legOf('alice').wanted?.isMove, true);
    const acked = stage.ack(stage.inDialog('alice'));
    assert.equal(requestsOf(acked, 'INVITE').length, 1);
  });

  test('who is being invited is offered the path once the answer is there', () => {
    const stage = new Stage();
    const { invites } = stage.adHoc(['bob', 'carol']);
    const [bob = assert.fail(), carol = assert.fail()] = invites;
    stage.answer(bob);
    stage.ack(stage.inDialog('alice'));
    stage.placement = OTHER;
    assert.equal(requestsOf(move(stage), 'INVITE').length, 2);
    const answered = stage.answer(carol);
    const [late] = requestsOf(answered, 'INVITE');
    assert.match(late?.body ?? '', /192\.0\.2\.2:2855/);
  });

  test('emptied: the old switch lets go of it before anybody is asked to come; nowhere to go: it stays', () => {
    const stage = running();
    stage.placement = undefined;
    assert.equal(move(stage, { why: 'emptied' }), undefined);
    stage.placement = OTHER;
    const decision = move(stage, { why: 'emptied' });
    assert.deepEqual(
      ofKind(decision, 'switch').map(({ op, switchId, stage: at }) => `${at} ${op} ${switchId}`),
      ['0 session.put switch-2', '0 session.drop switch-1'],
    );
  });

  test('expelled: the old switch cannot be told, and is not; nowhere to go: it stays', () => {
    const stage = running();
    stage.placement = undefined;
    assert.equal(move(stage, { why: 'expelled' }), undefined);
    stage.placement = OTHER;
    assert.deepEqual(
      ofKind(move(stage, { why: 'expelled' }), 'switch').map(({ op, switchId }) => `${op} ${switchId}`),
      ['session.put switch-2'],
    );
  });

  test('no switch: it waits, is not asked twice, moves when one comes, or ends in time with a BYE to all', () => {
    const stage = running();
    const { placement } = stage;
    stage.placement = undefined;
    const stranded = move(stage);
    assert.deepEqual(stepsOf(stranded), ['design-move-1 pass', 'design-move-2 stop']);
    const { row } = stage.theOnly();
    assert.equal(row.strandedMs, stage.nowMs);
    const dueMs = row.deadlines?.stranded ?? assert.fail();
    assert.equal(dueMs, stage.nowMs + 60_000);
    assert.equal(decideConferenceDeadline(stage.world(), row.id, 'stranded'), undefined, 'not yet');
    // Its own switch is back, with the connections.
    stage.placement = placement;
    move(stage, { why: 'back' });
    assert.deepEqual([stage.theOnly().row.strandedMs, stage.theOnly().row.deadlines], [undefined, undefined]);
    stage.placement = undefined;
    move(stage);
    stage.nowMs += 60_000;
    const ended = stage.take(decideConferenceDeadline(stage.world(), row.id, 'stranded'));
    assert.equal(requestsOf(ended, 'BYE').length, 3);
    assert.equal(stage.theOnly().row.endReason, 'no message switch is left to carry the session');
  });

  test('it still waits although a client agrees to the path to a switch that has died since', () => {
    const stage = running();
    stage.placement = OTHER;
    const invites = requestsOf(move(stage), 'INVITE');
    stage.placement = undefined;
    move(stage, { from: OTHER.id });
    const { deadlines } = stage.theOnly().row;
    const bob = invites.find(({ callId }) => callId === stage.legOf('bob').dialog.callId) ?? assert.fail();
    stage.respond(bob, { status: 200, body: sdp({ version: 2 }) });
    assert.equal(stage.theOnly().row.strandedMs, stage.nowMs);
    assert.deepEqual(stage.theOnly().row.deadlines, deadlines);
  });

  test('a late answer to the offer finds the dialog over: no BYE after the client’s own', () => {
    const stage = running();
    stage.placement = OTHER;
    const invites = requestsOf(move(stage), 'INVITE');
    for (const name of ['alice', 'bob', 'carol']) {
      const { callId } = stage.legOf(name).dialog;
      const offer = invites.find((invite) => invite.callId === callId) ?? assert.fail(name);
      stage.request({ ...stage.inDialog(name), method: 'BYE' });
      const late = stage.respond(offer, { status: 200, body: sdp({ version: 2 }) });
      assert.deepEqual(requestsOf(late, 'BYE'), [], name);
    }
  });

  test('one that is elsewhere, ends, or was placed on the new process stays as it is', () => {
    const stage = running();
    stage.placement = OTHER;
    assert.equal(move(stage, { from: 'switch-9' }), undefined);
    move(stage);
    assert.equal(move(stage, { from: 'switch-2', why: 'restarted', epoch: 'e2' }), undefined);
    assert.notEqual(move(stage, { from: 'switch-2', why: 'restarted', epoch: 'e3' }), undefined);
  });
});

describe('design-lost-client one client has lost its connection', () => {
  test('it alone is offered a new session-id at the same switch, which is told first', () => {
    const stage = running();
    const leg = stage.legOf('bob');
    const session = stage.theOnly().row.id;
    const decision = stage.take(decideLostClient(stage.world(), session, leg.id));
    const [put = assert.fail()] = ofKind(decision, 'switch');
    assert.deepEqual([put.op, put.switchId, put.stage], ['leg.put', 'switch-1', 0]);
    const [invite = assert.fail(), ...others] = requestsOf(decision, 'INVITE');
    assert.deepEqual([invite.callId, others], [leg.dialog.callId, []]);
    const now = stage.legOf('bob');
    assert.notEqual(now.sessionId, leg.sessionId);
    assert.match(invite.body ?? '', new RegExp(`^a=path:msrp://[^/]+/${now.sessionId};tcp\\r$`, 'm'));
    assert.equal(decideLostClient(stage.world(), session, leg.id), undefined, 'it is asked already');
    assert.equal(decideLostClient(stage.world(), session, 'leg-of-nobody'), undefined);
  });
});
