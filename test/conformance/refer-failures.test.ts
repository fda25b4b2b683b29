/** What a referrer is told of each way that an invitation fails: status line, and the Warning where there is one (RFC 3515, 7.2.2.10). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { resourceLists } from '../../src/agents/documents.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { progressOf } from './support/refer-progress.ts';
import { together } from './support/refer-rooms.ts';
import { assertNotInvited, freshUri, scene } from './support/scene.ts';

const GROUP = `sip:im-g-members-only@${DOMAIN}`;
const [HOST, MEMBER] = [freshUri('host'), freshUri('member')];

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: { notify: { minIntervalMs: 0 }, readings: { addingTargets: 'members' } },
    groups: [
      groupDocument({
        uri: GROUP,
        members: [HOST, MEMBER],
        inviteMembers: false,
        actions: {
          'allow-initiate-conference': true,
          'join-handling': true,
          'allow-invite-users-dynamically': true,
        },
      }),
    ],
  });
});
after(async () => assert.equal(await stack.stop(), 0));

describe('the fragment of the last NOTIFY', { concurrency: 4 }, () => {
  for (const [status, warning, told] of [
    [486, '399 phone.example.net "In a meeting"', 'In a meeting'],
    [403, '399 other.example.net "isfocus already assigned"', 'isfocus already assigned'],
    [403, '399 other.example.net "127 Service not authorised"', '127 Service not authorised'],
    [480, '399 a.example.net "said \\"later\\""', 'said \\"later\\"'],
    [500, '370 [2001:db8::1] "Too little bandwidth"', 'Too little bandwidth'],
    [603, undefined, undefined],
    [606, 'of no use', undefined],
  ] as const) {
    test(`R-7.2.1.7-10 ${status} with ${warning ?? 'no Warning'}: ${told === undefined ? 'the status line' : 'with that text'}`, () =>
      scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
        const [hers] = await together(ada, ben);
        const [refer, invite] = await Promise.all([hers.dialog.refer(`<${dan.uri}>`), dan.sip.nextInvite()]);
        await invite.reject(status, 'No', warning === undefined ? [] : [['Warning', warning]]);
        assert.equal((await progressOf(refer)).at(-1), `SIP/2.0 ${status} No`);
        const last = refer.notifies.at(-1) ?? assert.fail();
        const line = told === undefined ? '' : `Warning: 399 ${DOMAIN} "${told}"\r\n`;
        assert.equal(last.body, `SIP/2.0 ${status} No\r\n${line}`);
        evidence('R-7.2.1.7-10', wireLine(last, /^SIP\/2\.0 .*$/m, /^Warning: .*$/m));
      }));
  }

  test('R-7.2.1.7-10 A-34 of a list, who may not be added: 403 with the reason, the others as they answer', () =>
    scene(stack, ['Xaver'], async (xaver) => {
      const host = await stack.subscriber('host', { uri: HOST });
      const member = await stack.subscriber('member', { uri: MEMBER });
      const room = await host.join(GROUP);
      const [refer, invite] = await Promise.all([
        room.dialog.refer('<cid:both@example.net>', {
          headers: [
            ['Require', 'multiple-refer'],
            ['Content-ID', '<both@example.net>'],
          ],
          body: resourceLists([member.uri, xaver.uri]),
        }),
        member.sip.nextInvite(),
      ]);
      await invite.reject(486);
      const lines = await progressOf(refer, 'R-7.2.1.7-10');
      assert.deepEqual(lines, ['SIP/2.0 100 Trying', 'SIP/2.0 403 Forbidden', 'SIP/2.0 486 Busy Here']);
      assert.match(refer.notifies[1]?.body ?? '', /\r\nWarning: 399 \S+ "[^"]*may not be added[^"]*"\r\n$/);
      await assertNotInvited(xaver);
      await room.leave();
    }));
});
