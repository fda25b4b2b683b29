/**
 * A chat group of three hundred: the conference-info document is larger than a datagram and is told in parts (RFC 4575
 * section 4.6, 7.2.2.10). The many are dialogs of one SIP agent on the address of the core, each asserted as its own user.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import type { UacInvite } from '../../src/agents/sip/uac-invite.ts';
import { groupDocument } from '../support/groups.ts';
import { CORE_ADDRESS, DOMAIN, Stack } from '../support/stack.ts';
import { assertNotifies } from './support/expect.ts';
import { offer } from './support/groups-offers.ts';
import { assertNoFaults } from './support/scene.ts';

const GROUP = `sip:im-g-crowd@${DOMAIN}`;
const CROWD = 300;
const AT_ONCE = 20;
const MAX_DATAGRAM_BYTES = 65_507;

const WATCHER = `sip:watcher@${DOMAIN}`;
const crowd = Array.from(
  { length: CROWD },
  (_, index) => `sip:member-${String(index).padStart(3, '0')}@${DOMAIN}`,
);

let stack: Stack;
let many: SipAgent;
before(async () => {
  stack = await Stack.start({
    config: { notify: { minIntervalMs: 50 } },
    groups: [groupDocument({ uri: GROUP, members: [WATCHER, ...crowd], inviteMembers: false })],
  });
  many = await SipAgent.start({
    uri: `sip:many@${DOMAIN}`,
    proxy: stack.proxy,
    localAddress: CORE_ADDRESS,
    waitMs: 20_000,
  });
});
after(async () => {
  await many.stop();
  await stack.stop();
});

function joins(uri: string): UacInvite {
  const name = `Member of the crowd, number ${uri.slice(11, 14)}`;
  return many.invite({
    to: GROUP,
    headers: [
      ['From', `"${name}" <${uri}>;tag=${uri.slice(4, 14)}`],
      ['P-Asserted-Identity', `"${name}" <${uri}>`],
    ],
    body: offer(),
  });
}

/** All of them, a few at a time. */
async function gatherCrowd(): Promise<Map<string, UacInvite>> {
  const calls = new Map<string, UacInvite>();
  for (let from = 0; from < crowd.length; from += AT_ONCE) {
    const some = crowd.slice(from, from + AT_ONCE).map((uri) => [uri, joins(uri)] as const);
    for (const [uri, call] of some) {
      const response = await call.final();
      assert.equal(response.status, 200, `${uri}: ${response.summary} ${response.header('Warning')}`);
      calls.set(uri, call);
    }
  }
  return calls;
}

describe('7.2.1.12 a roster larger than a datagram', () => {
  test('R-7.2.1.12-9 R-7.2.1.12-chg the first document has the own user and the counts, the rest follows in parts until all are told', async () => {
    const watcher = await stack.subscriber('watcher');
    const room = await watcher.join(GROUP);
    const growing = await room.watch();
    const calls = await gatherCrowd();
    const roster = await room.watch();
    await roster.next();
    const [first] = roster.documents;
    assert.ok(first);
    assert.equal(first.state, 'full');
    assert.equal(first.userCount, CROWD + 1, 'the count tells of all');
    assert.deepEqual(
      first.users.filter(({ yourOwn }) => yourOwn).map(({ entity }) => entity),
      [WATCHER],
    );
    assert.ok(first.users.length < CROWD, `one datagram holds ${first.users.length} only`);
    const all = [WATCHER, ...crowd].toSorted();
    await roster.until((users) => users.length === all.length, { timeoutMs: 20_000 });
    assert.deepEqual(roster.connected.toSorted(), all);
    // Who has watched from the first one on is told of all too: whole while that fits, then in parts.
    await growing.until((users) => users.length === all.length, { timeoutMs: 20_000 });
    assert.deepEqual(growing.connected.toSorted(), all);
    assert.deepEqual(growing.violations, []);
    const parts = roster.documents.length;
    assert.ok(parts > 1);
    for (const { state, userCount } of roster.documents.slice(1)) {
      assert.equal(state, 'partial');
      assert.equal(userCount, CROWD + 1);
    }
    // No user is told twice while nothing changes.
    assert.equal(
      roster.documents.reduce((sum, { users }) => sum + users.length, 0),
      all.length,
    );
    const sizes = roster.subscription.notifies.map(({ raw }) => raw.length);
    for (const bytes of sizes) assert.ok(bytes <= MAX_DATAGRAM_BYTES, `${bytes} bytes`);
    assert.ok(sizes.reduce((sum, bytes) => sum + bytes, 0) > MAX_DATAGRAM_BYTES, 'more than one could hold');

    // Later changes are told as changes: of who left, not of all again.
    const [leaver, stays] = [crowd[7], crowd[8]] as [string, string];
    assert.equal(
      (await calls.get(leaver)?.dialog.bye({ headers: [['P-Asserted-Identity', `<${leaver}>`]] }))?.status,
      200,
    );
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === leaver && status === 'disconnected'),
    );
    const last = roster.documents.at(-1);
    assert.equal(last?.state, 'partial');
    assert.equal(last?.userCount, CROWD);
    assert.deepEqual(
      last?.users.map(({ entity }) => entity),
      [leaver],
    );
    assert.ok(roster.connected.includes(stays));
    assertNotifies(roster, room.uri);

    // And who comes back is told anew.
    assert.equal((await joins(leaver).final()).status, 200);
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === leaver && status === 'connected'),
    );
    assert.deepEqual(roster.connected.toSorted(), all);
    assertNotifies(roster, room.uri);

    // A second subscription has versions of its own, and a last document when it ends.
    const again = await room.watch();
    await again.until((users) => users.length === all.length, { timeoutMs: 20_000 });
    assert.deepEqual(again.connected.toSorted(), all);
    assertNotifies(again, room.uri);
    assert.equal((await again.subscription.unsubscribe()).status, 200);
    assert.equal(await again.subscription.untilTerminated(), 'timeout');
    assertNoFaults([watcher]);
  });

  test('R-7.2.3 what one of three hundred says reaches the rest that listen, while the roster is as large', async () => {
    const [ada, ben] = await Promise.all([
      stack.subscriber('ada', { uri: crowd[0] as string }),
      stack.subscriber('ben', { uri: crowd[1] as string }),
    ]);
    const [hers, his] = [await ada.join(GROUP), await ben.join(GROUP)];
    assert.equal(await hers.say('to the crowd'), 200);
    assert.equal((await his.hear()).text, 'to the crowd');
  });
});
