/** Parts that die under a running stack: what goes on meanwhile, and what holds afterwards. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { OutgoingCall, Subscriber } from '../../src/agents/chat.ts';
import { multipart, resourceLists } from '../../src/agents/documents.ts';
import type { Room } from '../../src/agents/room.ts';
import { msrpSdp, sdpBody } from '../../src/agents/sdp.ts';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import type { UasInvite } from '../../src/agents/sip/uas-invite.ts';
import { freePort } from '../support/kamailio/free-port.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { eventually, LogWatch } from './support/eventually.ts';
import { killPart, whileFocusIsDown } from './support/outage.ts';
import { partOf, stackProcesses, untilGone } from './support/processes.ts';

/** Until a caller has its final answer after a restart: a new focus has 10 s. */
const SETTLE_MS = 20_000;
/** So long Kamailio waits for an answer, before it asks again. */
const QUESTION_MS = 2_000;

/** The switch is another process: its connections are gone, and the client is offered a path to a new one. */
async function moves(...rooms: Room[]): Promise<void> {
  for (const room of rooms) assert.equal(await room.nextMove({ timeoutMs: SETTLE_MS }), 200);
}

describe('the focus is killed under a running conversation', () => {
  let stack: Stack;
  before(async () => {
    stack = await Stack.start({ config: { session: { minSeS: 3, expiresS: 60 } } });
  });
  after(() => stack.stop());

  test('messages go on, requests get 503 at once; then BYE, roster, rejoining and the session timer work as before', async () => {
    const [ada, ben, cara, dan] = (await Promise.all(
      ['ada', 'ben', 'cara', 'dan'].map((name) => stack.subscriber(name)),
    )) as [Subscriber, Subscriber, Subscriber, Subscriber];
    const [adas, bens, caras, dans] = (await Promise.all([
      ada.startAdHoc({ factory: FACTORY, invite: [ben.uri, cara.uri, dan.uri] }),
      ben.answerNext(),
      cara.answerNext(),
      // Dan promises to refresh the session, and never will.
      dan.answerNext({ headers: [['Session-Expires', '9;refresher=uas']] }),
    ])) as [Room, Room, Room, Room];
    const roster = await adas.watch();
    await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 4);
    const versions = roster.documents.length;

    await whileFocusIsDown(stack, async () => {
      await chat('still here?', adas, bens, caras, dans);
      await chat('still here', caras, adas, bens, dans);
      const askedMs = performance.now();
      const call = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri] });
      const refused = await call.call.final();
      assert.equal(refused.status, 503);
      assert.ok(Number(refused.header('Retry-After')) > 0);
      assert.ok(performance.now() - askedMs < QUESTION_MS, 'at once, not after a time-out');
      assert.equal((await adas.dialog.request('OPTIONS')).status, 503);
    });

    assert.equal((await adas.dialog.request('OPTIONS')).status, 200);
    assert.equal((await bens.leave()).status, 200);
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === ben.uri && status !== 'connected'),
    );
    assert.ok(roster.documents.length > versions);
    assert.deepEqual(roster.violations, [], 'versions rise by one across the restart');
    const again = await ben.join(adas.uri);
    await chat('back again', again, adas, caras);
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === ben.uri && status === 'connected'),
    );

    const ended = await dans.dialog.nextRequest('BYE', { timeoutMs: 12_000 });
    assert.match(ended.request.header('Reason') ?? '', /session timer/);
    await roster.until(
      (users) => !users.some(({ entity, status }) => entity === dan.uri && status === 'connected'),
    );
    assert.deepEqual(roster.violations, []);
    for (const room of [again, caras]) assert.equal((await room.leave()).status, 200);
    assertClean(ada, ben, cara, dan);
  });

  test('a question in flight when it dies gets its 503 once Kamailio has asked again; one that it is only slow with, its answer', async () => {
    const hal = await stack.subscriber('hal');
    const focus = () => partOf(stack.directory, 'focus').pid;
    const log = new LogWatch(stack);
    process.kill(stack.pid, 'SIGSTOP');
    process.kill(focus(), 'SIGSTOP');
    try {
      const { call } = await hal.dialAdHoc({ factory: FACTORY, invite: [`sip:nobody@${DOMAIN}`] });
      const options = hal.sip.request('OPTIONS', { to: FACTORY });
      // Kamailio has read both when it has answered this.
      await hal.register();
      process.kill(focus(), 'SIGKILL');
      for (const answer of await Promise.all([call.final(), options])) {
        assert.equal(answer.status, 503);
        assert.ok(Number(answer.header('Retry-After')) > 0);
      }
    } finally {
      process.kill(stack.pid, 'SIGCONT');
    }
    await log.until({ msg: 'the part is ready again', part: 'focus' }, 20_000);
    await log.until({ msg: 'Kamailio connected' }, 20_000);

    const slow = new LogWatch(stack);
    process.kill(focus(), 'SIGSTOP');
    const late = hal.sip.request('OPTIONS', { to: FACTORY });
    const isLate = ({ kamailio }: Record<string, unknown>) => String(kamailio).includes('no answer in time');
    await eventually(
      () => slow.entries.some(isLate),
      () => 'Kamailio has not given up waiting',
    );
    process.kill(focus(), 'SIGCONT');
    assert.equal((await late).status, 200);
    assertClean(hal);
  });

  test('a second death in a row is survived as well', async () => {
    const [eve, fay] = (await Promise.all(['eve', 'fay'].map((name) => stack.subscriber(name)))) as [
      Subscriber,
      Subscriber,
    ];
    const [eves, fays] = (await conversation(FACTORY, eve, fay)) as [Room, Room];
    await killPart(stack, 'focus');
    await chat('once', eves, fays);
    await killPart(stack, 'focus');
    await chat('twice', fays, eves);
    assert.equal((await eves.leave()).status, 200);
    assert.equal(await fays.ended, 'remote', 'the release policy ends the rest');
    assertClean(eve, fay);
  });
});

describe('the focus is killed while invitations are under way', () => {
  let stack: Stack;
  let inviter: Subscriber;
  let invitee: Subscriber;
  before(async () => {
    stack = await Stack.start();
    inviter = await stack.subscriber('ivy');
    invitee = await stack.subscriber('jon');
  });
  after(() => stack.stop());

  const dial = () => inviter.dialAdHoc({ factory: FACTORY, invite: [invitee.uri] });

  /** An INVITE of the inviter that rings at the invitee. */
  async function ringing() {
    const outgoing = await dial();
    const invite = await invitee.sip.nextInvite();
    invite.ring();
    await outgoing.call.provisional(180);
    return { outgoing, invite };
  }

  /** The invitee accepts whatever it is sent until the caller has a final answer; its room is the one that stays. */
  async function untilSettled(outgoing: OutgoingCall, first: readonly UasInvite[]): Promise<Room | number> {
    // An INVITE that was repeated under another name may be accepted too: its answer comes to nothing.
    const accept = (invite: UasInvite) => invitee.answer(invite).catch(() => undefined);
    const rooms = first.map(accept);
    let isSettled = false;
    const waiting = (async () => {
      const match = () => !isSettled;
      for (;;) rooms.push(accept(await invitee.sip.nextInvite({ timeoutMs: SETTLE_MS, match })));
    })();
    waiting.catch(() => undefined); // It ends when there is nothing more to accept.
    const { status } = await outgoing.call.final({ timeoutMs: SETTLE_MS });
    isSettled = true;
    if (status >= 300) return status;
    const stays = (await Promise.all(rooms)).filter((room) => room?.dialog.state === 'confirmed').at(-1);
    assert(stays !== undefined, 'the caller was answered, so somebody has accepted');
    return stays;
  }

  test('answers, refusals, ACK and CANCEL that come meanwhile are honoured when it is back', async () => {
    const answered = await ringing();
    const refused = await ringing();
    const cancelled = await ringing();
    const path = 'msrp://127.0.0.1:9/nobody;tcp';
    const body = multipart([sdpBody(msrpSdp({ path, setup: 'active' })), resourceLists([invitee.uri])]);
    const headers: HeaderOverrides = [['Require', 'recipient-list-invite']];
    const accepted = inviter.sip.invite({ to: FACTORY, headers, body, autoAck: false });
    const [partner] = await Promise.all([invitee.answerNext(), accepted.final()]);

    const { result: theirs, log } = await whileFocusIsDown(stack, async () => {
      const [room, , ok] = await Promise.all([
        invitee.answer(answered.invite),
        refused.invite.reject(603, 'Decline'),
        cancelled.outgoing.call.cancel(),
        accepted.ack(),
      ]);
      assert.equal(ok.status, 200);
      return room;
    });

    const ours = await answered.outgoing.room();
    await chat('we made it', ours, theirs);
    await chat('so it seems', theirs, ours);
    assert.equal((await refused.outgoing.call.final()).status, 603);
    assert.equal((await cancelled.outgoing.call.final()).status, 487);
    await cancelled.invite.nextCancel();
    const acked = await log.until({ msg: 'decision', trigger: 'ack', callId: accepted.request.callId });
    assert.equal(acked['clause'], '7.2.1.1');
    assert.equal((await ours.leave()).status, 200);
    assert.equal(await theirs.ended, 'remote');
    assert.equal((await partner.leave()).status, 200);
    assertClean(inviter, invitee);
  });

  test('killed at the moment an INVITE reaches the invitee, the caller still gets its room', async () => {
    const outgoing = await dial();
    const first = await invitee.sip.nextInvite();
    await whileFocusIsDown(stack, async () => undefined);
    // The same INVITE goes on, or, if nobody knows whether it left, another in its place.
    const theirs = await untilSettled(outgoing, [first]);
    assert.notEqual(typeof theirs, 'number', 'nobody has refused');
    await chat('after all', await outgoing.room(), theirs as Room);
    assert.equal((await (await outgoing.room()).leave()).status, 200);
  });

  test('killed at the moment an INVITE is decided on, with its effects on their way, the caller is not left hanging', async () => {
    const log = new LogWatch(stack);
    const outgoing = await dial();
    const { callId } = outgoing.call.request;
    await log.immediately({ msg: 'decision', trigger: 'INVITE', callId });
    await whileFocusIsDown(stack, async () => undefined);
    const theirs = await untilSettled(outgoing, []);
    if (typeof theirs === 'number') assert.ok(theirs >= 400);
    else await chat('after all', await outgoing.room(), theirs);
  });
});

describe('the whole stack stops and starts again on its store', () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`after ${signal} sessions of before go on: every leg is led to its switch anew, messages flow, BYE is answered`, async (t) => {
      const directory = await mkdtemp(join(tmpdir(), 'parley-again-'));
      t.after(() => rm(directory, { recursive: true, force: true }));
      // Nobody is to take them between the two runs.
      const [sip, msrp] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
      const config = { sip: { listen: [`udp:${sip}`, `tcp:${sip}`] }, msrp: { listen: msrp } };
      const first = await Stack.start({ directory, config });
      t.after(() => first.end('SIGKILL'));
      const kim = await first.subscriber('kim');
      const lee = await first.subscriber('lee');
      t.after(() => Promise.all([kim.stop(), lee.stop()]));
      const [kims, lees] = (await conversation(FACTORY, kim, lee)) as [Room, Room];
      const roster = await kims.watch();
      await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 2);
      const parts = stackProcesses(directory);
      await first.end(signal);
      if (signal === 'SIGKILL') await untilGone(parts, SETTLE_MS);

      const second = await Stack.start({ directory, config });
      t.after(() => second.stop());
      await new LogWatch(second, 0).until({ msg: 'switch told of its sessions', lost: 1, failed: 0 });
      await moves(kims, lees);
      await chat('same place', kims, lees);
      assert.equal((await lees.leave()).status, 200);
      await roster.until((users) =>
        users.some(({ entity, status }) => entity === lee.uri && status !== 'connected'),
      );
      assert.deepEqual(
        roster.violations,
        [],
        'versions rise by one, as no deadline fired before Kamailio was there',
      );
      assert.ok(roster.documents.every(({ state }) => state === 'full'));
      assertClean(kim, lee);
    });
  }
});

describe('Kamailio is killed', () => {
  let stack: Stack;
  before(async () => {
    stack = await Stack.start();
  });
  after(() => stack.stop());

  test('it is back by itself; sessions go on, users register again, what was pending is settled', async () => {
    const [mia, ned, oli] = (await Promise.all(
      ['mia', 'ned', 'oli'].map((name) => stack.subscriber(name)),
    )) as [Subscriber, Subscriber, Subscriber];
    const [mias, neds] = (await conversation(FACTORY, mia, ned)) as [Room, Room];
    const pending = await oli.dialAdHoc({ factory: FACTORY, invite: [ned.uri] });
    const invite = await ned.sip.nextInvite();
    invite.ring();
    await pending.call.provisional(180);
    assert.equal((await stack.sessions()).length, 2);

    await killPart(stack, 'kamailio');
    await chat('no Kamailio needed', mias, neds);
    // Its transactions died with it: nobody can answer the INVITE any more, so the session that it asked for is given up.
    await eventually(
      async () => (await stack.sessions()).filter(({ phase }) => phase !== 'ended').length === 1,
      () => 'the pending session is still there',
    );
    await Promise.all([mia, ned].map((user) => user.register()));
    const [room, theirs] = (await conversation(FACTORY, mia, ned)) as [Room, Room];
    await chat('a new one', room, theirs);
    assert.equal((await neds.leave()).status, 200);
    assert.equal(await mias.ended, 'remote');
    assertClean(mia);
  });
});

describe('the switch is killed', () => {
  let stack: Stack;
  before(async () => {
    stack = await Stack.start();
  });
  after(() => stack.stop());

  test('it is back with its sessions; every leg is led to it anew and chats on, and new sessions work', async () => {
    const [pam, rex] = (await Promise.all(['pam', 'rex'].map((name) => stack.subscriber(name)))) as [
      Subscriber,
      Subscriber,
    ];
    const [pams, rexs] = (await conversation(FACTORY, pam, rex)) as [Room, Room];
    const log = await killPart(stack, 'switch 0');
    await log.until({ msg: 'switch told of its sessions', lost: 1, failed: 0 });
    await moves(pams, rexs);
    await chat('back', pams, rexs);
    const [room, theirs] = (await conversation(FACTORY, rex, pam)) as [Room, Room];
    await chat('another', room, theirs);
    assert.equal((await rexs.leave()).status, 200);
    assert.equal(await pams.ended, 'remote');
    assertClean(pam, rex);
  });

  test('an INVITE while it is down gets a final answer, and one afterwards a session', async () => {
    const [sue, tom] = (await Promise.all(['sue', 'tom'].map((name) => stack.subscriber(name)))) as [
      Subscriber,
      Subscriber,
    ];
    const log = new LogWatch(stack);
    process.kill(stack.pid, 'SIGSTOP');
    process.kill(partOf(stack.directory, 'switch 0').pid, 'SIGKILL');
    try {
      await log.until({ msg: 'switch state', previous: 'up' });
      const { call } = await sue.dialAdHoc({ factory: FACTORY, invite: [tom.uri] });
      const refused = await call.final();
      assert.equal(refused.status, 503);
      assert.ok(Number(refused.header('Retry-After')) > 0);
    } finally {
      process.kill(stack.pid, 'SIGCONT');
    }
    await log.until({ msg: 'the part is ready again', part: 'switch 0' }, 20_000);
    await log.until({ msg: 'switch state', state: 'up' });
    const [sues, toms] = (await conversation(FACTORY, sue, tom)) as [Room, Room];
    await chat('now', sues, toms);
    assertClean(sue, tom);
  });
});
