/** Who refreshes a client's leg, in the readings that differ from the clause's `refresher=uac` (A-6, RFC 4028 section 9). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type GroupOptions, groupDocument } from '../support/groups.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { agrees, script, timed } from './support/dialogs-script.ts';
import { scene } from './support/scene.ts';

const EXPIRES_S = 30;
/** It is refreshed at its half and given up after two thirds: the 2 s between are room for a machine that is busy. */
const SHORT_S = 12;
/** The same with the 2 s that a wait after a glare may take. */
const GLARE_S = 24;
const WAIT_MS = 20_000;
const GROUP = `sip:im-g-open@${DOMAIN}`;
const EVERYBODY: GroupOptions = {
  uri: GROUP,
  members: [],
  inviteMembers: false,
  rules: `<cr:rule id="all"><cr:conditions><cr:identity><cr:many/></cr:identity></cr:conditions><cr:actions>
    <allow-initiate-conference>true</allow-initiate-conference><join-handling>true</join-handling>
    <allow-conference-state>true</allow-conference-state></cr:actions></cr:rule>`,
};

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: {
      session: { expiresS: EXPIRES_S, minSeS: 2 },
      readings: { withoutTimer: 'refresh', askedToRefresh: 'server' },
    },
    groups: [groupDocument(EVERYBODY)],
  });
});
after(() => stack.stop());

describe('the server refreshes', { concurrency: 4 }, () => {
  test('A-6 readings.withoutTimer refresh: a client that knows no timers is refreshed, and its session goes on', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await Promise.all([
        ada.join(GROUP, { headers: [['Session-Expires', String(SHORT_S)]] }),
        ben.join(GROUP, { headers: timed(7, 'uac') }),
      ]);
      assert.equal(hers.setUpBy.header('Session-Expires'), `${SHORT_S};refresher=uas`);
      assert.equal(hers.setUpBy.header('Require'), undefined);
      const refresh = await hers.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      assert.equal(refresh.request.header('Session-Expires'), `${SHORT_S};refresher=uac`);
      // Her 200 had no Session-Expires, and is a refresh all the same: she outlives the first interval by another.
      await hers.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      assert.equal(hers.dialog.state, 'confirmed');
      assert.equal(his.dialog.state, 'terminated', 'who said to refresh and did not is ended');
    }));

  test('RFC4028-9 readings.askedToRefresh server: who asks for refresher=uas gets it, and is refreshed', () =>
    scene(stack, ['Ada'], async (ada) => {
      const room = await ada.join(GROUP, { headers: timed(SHORT_S, 'uas') });
      assert.equal(room.setUpBy.header('Session-Expires'), `${SHORT_S};refresher=uas`);
      assert.ok(room.setUpBy.values('Require').includes('timer'));
      script(room, agrees(SHORT_S, 'uac'));
      await room.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      const update = await room.dialog.update({ headers: timed(8, 'uac') });
      assert.equal(
        update.header('Session-Expires'),
        '8;refresher=uac',
        'the client takes over when it says so',
      );
    }));

  test('RFC3261-14.1 491 to a re-INVITE of ours in a call of theirs: again within 2 s', async () => {
    // No scene: the ACK of a refusal that tm makes by itself has no Max-Forwards (Kamailio 5.6).
    const ada = await stack.subscriber('ada-glare', { allow: 'INVITE, ACK, BYE, CANCEL' });
    try {
      const room = await ada.join(GROUP, { headers: timed(GLARE_S, 'uas') });
      script(room, { status: 491 }, agrees(GLARE_S, 'uac'));
      const first = await room.dialog.nextRequest('INVITE', { timeoutMs: WAIT_MS });
      const second = await room.dialog.nextRequest('INVITE', { timeoutMs: WAIT_MS });
      assert.ok(second.request.cseq > first.request.cseq);
      await second.acked;
      assert.equal(second.request.body, first.request.body);
    } finally {
      await ada.stop();
    }
  });
});
