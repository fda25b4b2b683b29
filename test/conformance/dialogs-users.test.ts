/** One user by several addresses, with several devices, and behind a NAT that lets nothing in but over its own connection. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber, SubscriberOptions } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import type { Roster } from '../../src/agents/roster.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { settled } from './support/dialogs-raw.ts';
import { agrees, script, timed } from './support/dialogs-script.ts';
import { scene } from './support/scene.ts';

/** Refreshed by us at its half, and given up 2 s later. */
const REFRESHED_S = 12;
/** A BYE that reaches nobody is given up after 64 of it, and so is a client that is busy. */
const T1_MS = 100;
const WAIT_MS = 20_000;
const EVERYBODY = `<cr:rule id="all"><cr:conditions><cr:identity><cr:many/></cr:identity></cr:conditions><cr:actions>
  <allow-initiate-conference>true</allow-initiate-conference><join-handling>true</join-handling>
  <allow-conference-state>true</allow-conference-state></cr:actions></cr:rule>`;
const GROUPS = ['forms', 'full', 'nat', 'cut', 'devices'];
const uriOf = (group: string) => `sip:im-g-${group}@${DOMAIN}`;

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: { sip: { t1Ms: T1_MS }, session: { minSeS: 2 }, notify: { minIntervalMs: 0 } },
    groups: GROUPS.map((group) =>
      groupDocument({
        uri: uriOf(group),
        members: [],
        inviteMembers: false,
        rules: EVERYBODY,
        ...(group === 'full' ? { maxParticipants: 2 } : {}),
      }),
    ),
  });
});
after(() => stack.stop());

const statusOf = (roster: Roster, uri: string) =>
  roster.users.find(({ entity }) => entity === uri)?.status ?? 'not listed';

async function assertTalk(...rooms: readonly Room[]): Promise<void> {
  for (const from of rooms) {
    const text = `to all from ${from.dialog.localTag}`;
    assert.equal(await from.say(text), 200);
    for (const to of rooms) if (to !== from) assert.equal((await to.hear()).text, text);
  }
}

describe('tel: and sip: forms of one user', { concurrency: 2 }, () => {
  test('R-7.2.1.4-11 who joins by tel: and rejoins by sip: with user=phone is one participant, and one line of the roster', () =>
    scene(stack, ['Ben'], async (ben) => {
      const number = '+46700000017';
      const sip = `sip:${number}@${DOMAIN};user=phone`;
      const phone = await stack.subscriber('phone', { uri: sip, assertedIdentity: `<tel:${number}>` });
      const soft = await stack.subscriber('soft', { uri: sip, assertedIdentity: `<${sip}>` });
      const his = await ben.join(uriOf('forms'));
      const roster = await his.watch();
      const first = await phone.join(uriOf('forms'));
      await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 2);
      const [shown] = roster.connected.filter((entity) => entity !== ben.uri);
      const again = await soft.join(his.uri);
      await first.dialog.nextRequest('BYE');
      await settled(ben);
      assert.deepEqual(new Set(roster.connected), new Set([ben.uri, shown]));
      assert.equal(roster.users.length, 2);
      await assertTalk(again, his);
      assert.equal((await again.leave()).status, 200);
      await roster.until(() => statusOf(roster, shown ?? '') === 'disconnected');
    }));

  test('R-7.2.1.4-3 the two forms take one seat', () =>
    scene(stack, ['Ben'], async (ben) => {
      const number = '+46700000018';
      const [phone, tablet] = await Promise.all(
        [`<tel:${number}>`, `<sip:${number}@${DOMAIN};user=phone>`].map((assertedIdentity, index) =>
          stack.subscriber(`device ${index}`, {
            uri: `sip:${number}@${DOMAIN};user=phone`,
            assertedIdentity,
          }),
        ),
      );
      assert.ok(phone !== undefined && tablet !== undefined);
      const his = await ben.join(uriOf('full'));
      await phone.join(uriOf('full'));
      const second = await tablet.join(uriOf('full'));
      await assertTalk(second, his);
    }));
});

describe('several legs of one user', () => {
  test('R-7.2.1.10-2 each device has its own dialog: the user is there until the last has left', () =>
    scene(stack, ['Ben'], async (ben) => {
      const uri = `sip:many-devices@${DOMAIN}`;
      const devices = await Promise.all(
        ['one', 'two', 'three'].map((name) =>
          stack.subscriber(name, {
            uri,
            assertedIdentity: `<${uri}>`,
            contactParams: `+g.oma.sip-im;+sip.instance="<urn:uuid:0000-${name}>"`,
          }),
        ),
      );
      const his = await ben.join(uriOf('devices'));
      const roster = await his.watch();
      const rooms: Room[] = [];
      for (const device of devices) rooms.push(await device.join(uriOf('devices')));
      await roster.until(() => statusOf(roster, uri) === 'connected');
      assert.equal(await his.say('to every device'), 200);
      for (const room of rooms) assert.equal((await room.hear()).text, 'to every device');
      for (const room of rooms.slice(0, 2)) {
        assert.equal((await room.leave()).status, 200);
        await settled(ben);
        assert.equal(statusOf(roster, uri), 'connected');
      }
      assert.equal((await (rooms[2] ?? assert.fail()).leave()).status, 200);
      await roster.until(() => statusOf(roster, uri) === 'disconnected');
      assert.equal(roster.users.length, 2);
    }));
});

/** It connects and never listens, neither for SIP nor for MSRP. */
const BEHIND_NAT: Partial<SubscriberOptions> = { transport: 'tcp', listen: false, msrpListen: false };

function connections(person: Subscriber): Set<string> {
  return new Set(person.sip.trace.flatMap(({ direction, peer }) => (direction === 'received' ? [peer] : [])));
}

describe('clients behind NAT on TCP that never listen', { concurrency: 2 }, () => {
  test('RFC5626 INVITE, NOTIFY, UPDATE, re-INVITE and BYE reach them on their own connection', () =>
    scene(
      stack,
      ['Ada', 'Ben', 'Cleo'],
      async (ada, ben, cleo) => {
        const proxy = `${stack.proxy.host}:${stack.proxy.port}`;
        const [hers, his, cleos] = await Promise.all([
          ada.startAdHoc({ factory: FACTORY, invite: [ben.uri, cleo.uri] }),
          ben.answerNext({ headers: [...timed(REFRESHED_S, 'uac'), ['Allow', 'INVITE, ACK, BYE, CANCEL']] }),
          cleo.answerNext({ headers: timed(REFRESHED_S, 'uac') }),
        ]);
        script(his, ...Array.from({ length: 9 }, () => agrees(REFRESHED_S, 'uac')));
        script(cleos, ...Array.from({ length: 9 }, () => agrees(REFRESHED_S, 'uac')));
        const roster = await hers.watch();
        await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 3);
        const [refresh] = await Promise.all([
          his.dialog.nextRequest('INVITE', { timeoutMs: WAIT_MS }),
          cleos.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS }),
        ]);
        await refresh.acked;
        await assertTalk(hers, his, cleos);
        await hers.dialog.refer(`<${ben.uri};method=BYE>`, { headers: [['Refer-Sub', 'false']] });
        await his.dialog.nextRequest('BYE');
        await roster.until(() => statusOf(roster, ben.uri) === 'disconnected');
        for (const person of [ada, ben, cleo])
          assert.deepEqual(connections(person), new Set([proxy]), person.name);
      },
      BEHIND_NAT,
    ));

  test('R-7.2.1.11-exp their connection is cut: nobody reaches them; the session timer gives them up and the roster tells; they may rejoin', () =>
    scene(stack, ['Ben'], async (ben) => {
      const ada = await stack.subscriber('ada-cut', BEHIND_NAT);
      const his = await ben.join(uriOf('cut'));
      const roster = await his.watch();
      const hers = await ada.join(uriOf('cut'), { headers: timed(6, 'uac') });
      await roster.until(() => statusOf(roster, ada.uri) === 'connected');
      ada.sip.dropConnections();
      await roster.until(() => statusOf(roster, ada.uri) === 'disconnected', { timeoutMs: WAIT_MS });
      assert.equal(ada.sip.received(({ isRequest, method }) => isRequest && method === 'BYE').length, 0);
      const again = await ada.join(his.uri);
      await roster.until(() => statusOf(roster, ada.uri) === 'connected');
      await assertTalk(again, his);
      assert.notEqual(again.dialog.callId, hers.dialog.callId);
    }));

  test('R-7.2.1.5-11 they come back on a new connection before anybody noticed: the old leg is given up for the new one', () =>
    scene(stack, ['Ben'], async (ben) => {
      const ada = await stack.subscriber('ada-nat', BEHIND_NAT);
      const his = await ben.join(uriOf('nat'));
      const roster = await his.watch();
      const first = await ada.join(uriOf('nat'));
      ada.sip.dropConnections();
      const again = await ada.join(his.uri);
      await assertTalk(again, his);
      await roster.until(() => statusOf(roster, ada.uri) === 'connected');
      assert.equal(roster.users.length, 2);
      assert.notEqual(first.dialog.localTag, again.dialog.localTag);
      // The BYE of the old leg finds nobody; when it is given up the user is still there.
      assert.equal((await again.leave()).status, 200);
      await roster.until(() => statusOf(roster, ada.uri) === 'disconnected', { timeoutMs: WAIT_MS });
    }));
});
