/** A member's whole stay as SIPp plays it, and a way back by the session identity; our agents are who it meets. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { groupDocument } from '../support/groups.ts';
import { meanwhile, runSipp, type SippOptions, startSipp } from '../support/sipp.ts';
import { DOMAIN, Stack } from '../support/stack.ts';

const uriOf = (user: string): string => `sip:${user}@${DOMAIN}`;

describe('SIPp as a member', { concurrency: 1 }, () => {
  let stack: Stack;
  before(async () => {
    const actions = {
      'allow-initiate-conference': true,
      'join-handling': true,
      'allow-conference-state': true,
      'allow-invite-users-dynamically': true,
    };
    const groups = ['udp', 'tcp'].map((transport) =>
      groupDocument({
        uri: uriOf(`im-g-member-${transport}`),
        members: [uriOf(`ada-${transport}`), uriOf(`mia-${transport}`)],
        inviteMembers: false,
        actions,
      }),
    );
    stack = await Stack.start({ groups, config: { notify: { minIntervalMs: 0 } } });
  });
  after(async () => assert.equal(await stack.stop(), 0));

  for (const transport of ['udp', 'tcp'] as const) {
    const scenario = (
      name: string,
      service: string,
      keys: Readonly<Record<string, string>> = {},
    ): SippOptions => ({
      scenario: name,
      remote: stack.ready.sip,
      service,
      keys: { domain: DOMAIN, user: `ada-${transport}`, ...keys },
      transport,
    });

    test(`R-7.2.1.6-1 R-7.2.1.7-10 R-7.2.1.8-2a R-7.2.1.11-1 over ${transport}: joins, offers anew, refreshes, adds, leaves by REFER, and comes back`, async () => {
      const mia = await stack.subscriber(`mia-${transport}`, { transport });
      const dan = await stack.subscriber(`dan-${transport}`, { transport });
      const room = await mia.join(uriOf(`im-g-member-${transport}`));
      const roster = await room.watch();
      const ada = (status: string): Promise<unknown> =>
        roster.until((users) =>
          users.some((user) => user.entity === uriOf(`ada-${transport}`) && user.status === status),
        );

      const stay = await startSipp(scenario('member.xml', `im-g-member-${transport}`, { added: dan.uri }));
      const invite = await meanwhile(stay.done, dan.sip.nextInvite());
      assert.equal(invite.request.header('Referred-By'), `<${uriOf(`ada-${transport}`)}>`);
      // SIPp takes no request while it has another to answer: the NOTIFY of 100 is to be done with when that of the refusal comes.
      await stay.hasAnswered(200, 'NOTIFY');
      await invite.reject(603);
      const result = await stay.done;
      assert.equal(result.exitCode, 0, result.explanation);
      await ada('disconnected');

      const session = /^sip:([^@]+)/.exec(room.uri)?.[1] ?? '';
      const back = await runSipp(scenario('group-join.xml', session));
      assert.equal(back.exitCode, 0, back.explanation);
      const clauses = (await stack.decisions({ session })).map(({ clause }) => clause);
      for (const clause of ['7.2.1.4', '7.2.1.5', '7.2.1.6', '7.2.1.7', '7.2.1.8', '7.2.1.10'])
        assert.ok(clauses.includes(clause), `${clause} among ${clauses.join(' ')}`);
      assert.deepEqual([...mia.violations, ...dan.violations, ...roster.violations], []);
    });
  }
});
