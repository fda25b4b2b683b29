/** What an operator sets for what documents and clauses leave open: seats of groups without a maximum, privacy in ad-hoc sessions. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Room } from '../../src/agents/room.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { dialFactory, gather, plainSdp } from './support/ad-hoc.ts';
import { evidence } from './support/evidence.ts';
import { assertRefused } from './support/expect.ts';
import { assertNotInvited, freshUri, scene } from './support/scene.ts';

const OPEN = `sip:im-g-open@${DOMAIN}`;
const THREE = `sip:im-g-three@${DOMAIN}`;
const ANYBODY = `<cr:rule id="all"><cr:conditions><cr:identity><cr:many/></cr:identity></cr:conditions><cr:actions>
  <allow-initiate-conference>true</allow-initiate-conference><join-handling>true</join-handling>
  <allow-conference-state>true</allow-conference-state>
  <allow-invite-users-dynamically>true</allow-invite-users-dynamically></cr:actions></cr:rule>`;
const GROUPS = [OPEN, THREE].map((uri) =>
  groupDocument({
    uri,
    members: [freshUri('member')],
    inviteMembers: false,
    rules: ANYBODY,
    ...(uri === THREE ? { maxParticipants: 3 } : {}),
  }),
);

let byDefault: Stack;
let set: Stack;
before(async () => {
  const shared = { notify: { minIntervalMs: 0 } };
  [byDefault, set] = await Promise.all([
    Stack.start({ config: shared, groups: GROUPS }),
    Stack.start({
      config: {
        ...shared,
        groupSessions: { defaultMaxParticipants: 2 },
        adHoc: { allowAnonymity: false },
      },
      groups: GROUPS,
    }),
  ]);
});
after(async () => {
  assert.deepEqual(await Promise.all([byDefault.stop(), set.stop()]), [0, 0]);
});

async function toldMaximum(room: Room): Promise<number | undefined> {
  const roster = await room.watch({ expiresS: 0 });
  const told = (await roster.next())?.maximumUserCount;
  evidence('R-7.2.1.4-3', `maximum-user-count: ${told ?? 'none'}`);
  return told;
}

describe('A-22 groupSessions.defaultMaxParticipants', { concurrency: 2 }, () => {
  test('R-7.2.1.4-3 absent, as by default: a group without a maximum has none, and tells none', () =>
    scene(byDefault, ['Ada', 'Ben', 'Cleo', 'Dan'], async (...people) => {
      const rooms: Room[] = [];
      for (const person of people) rooms.push(await person.join(OPEN));
      assert.equal(await toldMaximum(rooms[0] ?? assert.fail()), undefined);
    }));

  test('R-7.2.1.4-3b R-7.2.1.7-4 set: such a group is full by it, for joining and for adding, and tells it', () =>
    scene(set, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const hers = await ada.join(OPEN);
      await ben.join(OPEN);
      const third = cleo.sip.invite({ to: OPEN, body: sdpBody(plainSdp()) });
      assertRefused(await third.final(), 486, /^too many participants$/i, 'R-7.2.1.4-3b');
      assertRefused((await hers.dialog.refer(`<${cleo.uri}>`)).response, 486, /^too many participants$/i);
      await assertNotInvited(cleo);
      assert.equal(await toldMaximum(hers), 2);
    }));

  test('R-7.2.1.4-3 set: the maximum of a document goes before it', () =>
    scene(set, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const hers = await ada.join(THREE);
      await ben.join(THREE);
      await cleo.join(THREE);
      assert.equal(await toldMaximum(hers), 3);
      const fourth = dan.sip.invite({ to: THREE, body: sdpBody(plainSdp()) });
      assertRefused(await fourth.final(), 486, /^too many participants$/i);
    }));
});

describe('A-25 adHoc.allowAnonymity', () => {
  const privacy = [['Privacy', 'id']] as const;

  test('R-7.2.1.2-4 true, as by default: the inviter is shown by an alias', () =>
    scene(byDefault, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri], headers: privacy });
      const invite = await ben.sip.nextInvite();
      assert.match(invite.request.header('Referred-By') ?? '', /anonymous\.invalid/);
      await invite.reject(486);
      assert.equal((await call.final()).status, 486);
    }));

  test('R-7.2.1.2-4 R-7.2.1.5-6 R-7.2.1.7-2 false: 403 to setting up, adding and rejoining with privacy', () =>
    scene(set, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri], headers: privacy });
      assertRefused(await call.final(), 403, /anonymity is not allowed/);
      await assertNotInvited(ben);
      const [hers] = await gather(ada, ben);
      const added = await hers.dialog.refer(`<${cleo.uri}>`, { headers: privacy });
      assertRefused(added.response, 403, /anonymity is not allowed/);
      const again = ben.sip.invite({ to: hers.uri, headers: privacy, body: sdpBody(plainSdp()) });
      assertRefused(await again.final(), 403, /anonymity is not allowed/);
      await assertNotInvited(cleo);
    }));
});
