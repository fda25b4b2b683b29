/** The SIPp scenarios of test/sipp against the whole product: a client that shares no code with our agents. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { groupDocument } from '../support/groups.ts';
import { meanwhile, type RunningSipp, runSipp, type SippResult, startSipp } from '../support/sipp.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';

const FACTORY_USER = /^sip:([^@]+)@/.exec(FACTORY)?.[1] ?? '';
/** How long an inviter stays: long enough for everybody who was invited to have answered. */
const STAY = ['-d', '2500'];

const uriOf = (user: string): string => `sip:${user}@${DOMAIN}`;
const chatGroup = (transport: string): string => `im-g-sipp-${transport}`;

function passed(result: SippResult): void {
  assert.equal(result.exitCode, 0, result.explanation);
  assert.deepEqual([result.successful, result.failed], [1, 0], result.explanation);
}

describe('SIPp', { concurrency: 2 }, () => {
  let stack: Stack;
  before(async () => {
    const groups = ['udp', 'tcp'].map((transport) =>
      groupDocument({
        uri: uriOf(chatGroup(transport)),
        members: [uriOf(`ada-${transport}`), uriOf(`mia-${transport}`)],
        inviteMembers: false,
      }),
    );
    // With the inviter gone the two who are left are too few: the focus ends their dialogs, as their scenario wants.
    stack = await Stack.start({ groups, config: { release: { adHocMinimum: 3 } } });
  });
  after(async () => {
    assert.equal(await stack.stop(), 0);
  });

  for (const transport of ['udp', 'tcp'] as const) {
    describe(`over ${transport}`, () => {
      const named = (user: string): string => `${user}-${transport}`;
      const group = chatGroup(transport);

      /** One of the calling scenarios. */
      const run = (
        scenario: string,
        service: string,
        user: string,
        keys: Readonly<Record<string, string>> = {},
        args: readonly string[] = [],
      ): Promise<SippResult> =>
        runSipp({
          scenario,
          remote: stack.ready.sip,
          service,
          keys: { domain: DOMAIN, user, ...keys },
          args,
          transport,
        });

      /** An answering scenario, registered under this name. */
      const answering = async (scenario: string, user: string): Promise<RunningSipp> => {
        const running = await startSipp({ scenario, transport });
        const contact = `sip:${user}@${running.localAddress}:${running.localPort};transport=${transport}`;
        // By UDP: over TCP a contact is bound to the connection of its REGISTER, which ends with that scenario.
        passed(
          await runSipp({
            scenario: 'register.xml',
            remote: stack.ready.sip,
            keys: { domain: DOMAIN, user, contact },
          }),
        );
        return running;
      };

      test('R-7.2.1.2-8, -ok-1, -ok-3, R-7.2.1.10-1, -3: an inviter and two invited users, all of them SIPp, from INVITE to the last BYE', async () => {
        const [ben, cyd] = [named('ben'), named('cyd')];
        const invitees = await Promise.all([answering('invitee.xml', ben), answering('invitee.xml', cyd)]);
        const keys = { invitee1: uriOf(ben), invitee2: uriOf(cyd) };
        passed(await run('adhoc-inviter.xml', FACTORY_USER, named('ina'), keys, STAY));
        for (const { done } of invitees) passed(await done);
      });

      test('R-7.2.1.2-fail-1, -fail-1s: of 486 and 603 the inviter gets the lowest', async () => {
        const [dan, eve] = [named('dan'), named('eve')];
        const invitees = await Promise.all([
          answering('invitee-rejects-486.xml', dan),
          answering('invitee-rejects-603.xml', eve),
        ]);
        const ida = await stack.subscriber(named('ida'), { transport });
        const out = await ida.dialAdHoc({ factory: FACTORY, invite: [uriOf(dan), uriOf(eve)] });
        assert.equal((await out.call.final()).status, 486);
        for (const { done } of invitees) passed(await done);
        assert.deepEqual(ida.violations, []);
      });

      test('7.2.2.2: the inviter cancels while it rings: 487, and every invitation is cancelled', async () => {
        const people = await Promise.all(
          ['fay', 'gil'].map((name) => stack.subscriber(named(name), { transport })),
        );
        const [fay, gil] = people.map(({ uri }) => uri);
        const running = run('adhoc-cancel.xml', FACTORY_USER, named('ian'), {
          invitee1: fay ?? '',
          invitee2: gil ?? '',
        });
        const invites = await Promise.all(people.map(({ sip }) => meanwhile(running, sip.nextInvite())));
        for (const invite of invites) invite.ring();
        await Promise.all(invites.map((invite) => meanwhile(running, invite.nextCancel())));
        passed(await running);
      });

      test('R-7.2.1.3-2: isfocus in Contact is refused with its own Warning', async () => {
        passed(await run('isfocus-refused.xml', group, named('ada')));
      });

      test('R-7.2.1.3-8, R-7.2.1.4-10, R-7.2.1.12-5 to -9, -term: a group is joined, its state subscribed to and let go', async () => {
        const mia = await stack.subscriber(named('mia'), { transport });
        const room = await mia.join(uriOf(group));
        const roster = await room.watch();
        const joining = run('group-join.xml', group, named('ada'), {}, STAY);
        const isThere = (status: string) =>
          roster.until((users) =>
            users.some((user) => user.entity === uriOf(named('ada')) && user.status === status),
          );
        await meanwhile(joining, isThere('connected'));
        passed(await run('subscribe.xml', group, named('mia')));
        passed(await joining);
        await isThere('disconnected');
        assert.deepEqual([...mia.violations, ...roster.violations], []);
      });
    });
  }
});
