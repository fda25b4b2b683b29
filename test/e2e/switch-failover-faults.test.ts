/** What comes in the way while sessions move: clients that do not follow, calls under way, further deaths, no switch at all. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Subscriber } from '../../src/agents/chat.ts';
import { MsrpSession } from '../../src/agents/msrp/session.ts';
import { Room } from '../../src/agents/room.ts';
import { msrpSdp, sdpBody, sdpOf } from '../../src/agents/sdp.ts';
import { formatNameAddr, parseNameAddr } from '../../src/agents/sip/header-values.ts';
import type { UasInvite } from '../../src/agents/sip/uas-invite.ts';
import { FACTORY } from '../support/stack.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { CutWire } from './support/cut-wire.ts';
import { eventually, LogWatch } from './support/eventually.ts';
import { Fleet, WITHIN_MS } from './support/far-switch.ts';

const STRANDED_S = 3;
/** A client that is silent is given up after 68 times this. */
const T1_MS = 60;

let fleet: Fleet;
before(async () => {
  fleet = await Fleet.start({ config: { failover: { strandedS: STRANDED_S }, sip: { t1Ms: T1_MS } } });
});
afterEach(() => fleet.clear());
after(() => fleet.stop());

const users = (...names: string[]) =>
  Promise.all(names.map((name) => fleet.stack.subscriber(name))) as Promise<Subscriber[]> &
    Promise<[Subscriber, Subscriber, Subscriber, Subscriber]>;

const follows = async (room: Room) => assert.equal(await room.nextMove({ timeoutMs: WITHIN_MS }), 200);

/** The 200 is sent, and the MSRP session waits to be led somewhere: where the offer leads nobody answers. */
async function answerDeadEnd(subscriber: Subscriber, invite: UasInvite): Promise<Room> {
  const offer = sdpOf(invite.request);
  assert(offer !== undefined);
  const msrp = await MsrpSession.open({ name: subscriber.name, acceptTypes: ['message/cpim', 'text/plain'] });
  const dialog = await invite.accept({ body: sdpBody(msrpSdp({ path: msrp.path, setup: 'active' })) });
  return new Room({
    sip: subscriber.sip,
    dialog,
    msrp,
    peer: offer,
    uri: parseNameAddr(invite.request.header('Contact') ?? '').uri,
    isFocus: true,
    ownAddress: formatNameAddr(subscriber.uri, subscriber.name),
    setUpBy: invite.request,
  });
}

describe('clients that do not follow', () => {
  test('design-move-4 491 is asked again, 488 and silence end the leg; the refresher stays who it was', async () => {
    const dying = await fleet.add('lone-a');
    const [ada, ben, cleo, dan] = await users('ada', 'ben', 'cleo', 'dan');
    const [adas, bens, cleos, dans] = (await conversation(FACTORY, ada, ben, cleo, dan)) as [
      Room,
      Room,
      Room,
      Room,
    ];
    const roster = await adas.watch();
    await roster.until((all) => all.filter(({ status }) => status === 'connected').length === 4);
    await fleet.add('lone-b');
    const follow = bens.dialog.onRequest;
    bens.dialog.onRequest = (received) => {
      if (received.method !== 'INVITE') return undefined;
      bens.dialog.onRequest = follow;
      return { status: 491, reason: 'Request Pending' };
    };
    cleos.dialog.onRequest = ({ method }) => (method === 'INVITE' ? { status: 488 } : undefined);
    dans.dialog.onRequest = ({ method }) => (method === 'INVITE' ? 'withhold' : undefined);

    dying.signal('SIGKILL');
    await follows(adas);
    // The caller of the session refreshes it, and goes on doing so.
    const { request } = await adas.dialog.nextRequest('INVITE');
    assert.match(request.header('Session-Expires') ?? '', /;refresher=uas$/);
    await follows(bens);
    await chat('the two of us', adas, bens);
    const refused = await cleos.dialog.nextRequest('BYE', { timeoutMs: WITHIN_MS });
    assert.match(refused.request.header('Reason') ?? '', /488/);
    const silent = await dans.dialog.nextRequest('BYE', { timeoutMs: WITHIN_MS + 100 * T1_MS });
    assert.match(silent.request.header('Reason') ?? '', /408|not answered/);
    const gone = (uri: string) =>
      roster.until((all) => all.some(({ entity, status }) => entity === uri && status !== 'connected'));
    await Promise.all([gone(cleo.uri), gone(dan.uri)]);
    assert.deepEqual(roster.violations, []);
    assert.equal(await fleet.metric('im_legs_lost_total'), 2);
    assert.equal((await bens.leave()).status, 200);
    assert.equal(await adas.ended, 'remote');
    assertClean(ada, ben, cleo);
  });
});

describe('calls under way when the switch dies', () => {
  test('who answers late is led to the new switch; a join and a REFER get a final answer, and work afterwards', async () => {
    const dying = await fleet.add('calls-a');
    const [eve, fay, gus, hal] = await users('eve', 'fay', 'gus', 'hal');
    const outgoing = await eve.dialAdHoc({ factory: FACTORY, invite: [fay.uri, gus.uri, hal.uri] });
    const [fays, ringing, before] = await Promise.all([
      fay.answerNext(),
      gus.sip.nextInvite(),
      hal.answerNext(),
    ]);
    ringing.ring();
    const eves = await outgoing.room();
    assert.equal((await before.leave()).status, 200);
    const other = await fleet.add('calls-b');
    const log = new LogWatch(fleet.stack);
    dying.signal('SIGKILL');

    const late = answerDeadEnd(gus, ringing);
    const joining = await hal.dial(eves.uri);
    const referring = eves.dialog.refer(`<${hal.uri}>`, { timeoutMs: WITHIN_MS });
    const refused = await joining.call.final({ timeoutMs: WITHIN_MS });
    assert.equal(refused.status, 503, refused.summary);
    assert.ok(Number(refused.header('Retry-After')) > 0);
    assert.ok((await referring).response.status < 300);

    const guss = await late;
    await Promise.all([follows(eves), follows(fays), follows(guss)]);
    await chat('led to the same room', guss, eves, fays);
    await log.until({ msg: 'the sessions of a dead switch move', switchId: dying.id });
    const hals = await hal.join(eves.uri);
    await chat('in at last', hals, eves, fays, guss);
    assert.deepEqual(await fleet.places(), [other.id]);
    for (const room of [hals, guss, fays]) assert.equal((await room.leave()).status, 200);
    assert.equal(await eves.ended, 'remote');
  });
});

describe('a second switch dies while sessions move to it', () => {
  test('they move on to a third', async (t) => {
    const first = await fleet.add('row-a');
    const [ivy, jon] = await users('ivy', 'jon');
    const rooms = (await conversation(FACTORY, ivy, jon)) as [Room, Room];
    let wire: CutWire | undefined;
    const second = await fleet.add('row-b', async (eventSocket) => {
      wire = await CutWire.to(eventSocket);
      return wire.address;
    });
    t.after(() => wire?.close());
    const third = await fleet.add('row-c');
    const log = new LogWatch(fleet.stack);
    // It was well until the session is put there, and is never heard of again.
    const dies = wire?.cutBefore('session.put').then(() => second.signal('SIGSTOP'));
    first.signal('SIGKILL');
    await dies;
    await Promise.all(rooms.map(follows));
    await chat('third time lucky', ...rooms);
    await chat('so it is', rooms[1], rooms[0]);
    assert.deepEqual(await fleet.places(), [third.id]);
    const moves = log.entries.filter(({ msg, clause }) => msg === 'decision' && clause === 'design-move');
    assert.equal(moves.length, 2, 'by way of the second');
    assert.equal((await rooms[1].leave()).status, 200);
    assert.equal(await rooms[0].ended, 'remote');
    assertClean(ivy, jon);
  });
});

describe('no other switch is there', () => {
  test('sessions wait; one that comes takes them', async () => {
    const dying = await fleet.add('none-a');
    const [kim, lee] = await users('kim', 'lee');
    const rooms = (await conversation(FACTORY, kim, lee)) as [Room, Room];
    const late = await fleet.start('none-b');
    dying.signal('SIGKILL');
    await eventually(
      async () => (await fleet.metric('im_sessions_stranded')) === 1,
      () => 'no session waits',
    );
    const refused = await (await kim.dialAdHoc({ factory: FACTORY, invite: [lee.uri] })).call.final();
    assert.equal(refused.status, 503, refused.summary);
    await fleet.meet(late);
    await Promise.all(rooms.map(follows));
    await chat('found one', ...rooms);
    assert.equal(await fleet.metric('im_sessions_stranded'), 0);
    assert.equal((await rooms[1].leave()).status, 200);
    assert.equal(await rooms[0].ended, 'remote');
    assertClean(kim, lee);
  });

  test('none comes: they end in time, and everybody is told why', async () => {
    const dying = await fleet.add('end-a');
    const [mia, ned] = await users('mia', 'ned');
    const rooms = (await conversation(FACTORY, mia, ned)) as [Room, Room];
    dying.signal('SIGKILL');
    for (const { dialog } of rooms) {
      const bye = await dialog.nextRequest('BYE', { timeoutMs: WITHIN_MS + STRANDED_S * 1_000 });
      assert.equal(
        bye.request.header('Reason'),
        'SIP;cause=200;text="no message switch is left to carry the session"',
      );
    }
    await eventually(
      async () => (await fleet.places()).length === 0,
      () => 'a session is left',
    );
    assertClean(mia, ned);
  });

  test('its own switch was only away, and comes back: all goes on as it was, by the same connections', async () => {
    const away = await fleet.add('away-a');
    const [oli, pam] = await users('oli', 'pam');
    const rooms = (await conversation(FACTORY, oli, pam)) as [Room, Room];
    away.signal('SIGSTOP');
    await eventually(
      async () => (await fleet.metric('im_sessions_stranded')) === 1,
      () => 'no session waits',
    );
    away.signal('SIGCONT');
    await eventually(
      async () => (await fleet.metric('im_sessions_stranded')) === 0,
      () => 'it still waits',
    );
    await chat('never left', ...rooms);
    await delay(STRANDED_S * 1_000);
    await chat('and was not given up', rooms[1], rooms[0]);
    for (const { dialog } of rooms) assert.ok(dialog.remoteCseq <= 1, 'no re-INVITE');
    assert.equal((await rooms[1].leave()).status, 200);
    assert.equal(await rooms[0].ended, 'remote');
    assertClean(oli, pam);
  });
});
