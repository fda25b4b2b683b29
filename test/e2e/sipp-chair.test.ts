/** SIPp chairs a pre-defined group: sets it up, adds a list, removes a participant; our agents are who it meets. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { groupDocument } from '../support/groups.ts';
import { meanwhile, startSipp } from '../support/sipp.ts';
import { DOMAIN, Stack } from '../support/stack.ts';

const uriOf = (user: string): string => `sip:${user}@${DOMAIN}`;

describe('SIPp as the chair of a group', () => {
  let stack: Stack;
  before(async () => {
    const actions = {
      'allow-initiate-conference': true,
      'join-handling': true,
      'allow-conference-state': true,
      'allow-invite-users-dynamically': true,
      'allow-expelling': true,
    };
    const groups = ['udp', 'tcp'].map((transport) =>
      groupDocument({
        uri: uriOf(`im-g-chair-${transport}`),
        members: [uriOf(`ada-${transport}`), uriOf(`ben-${transport}`)],
        inviteMembers: true,
        actions,
      }),
    );
    stack = await Stack.start({ groups, config: { notify: { minIntervalMs: 0 } } });
  });
  after(async () => assert.equal(await stack.stop(), 0));

  for (const transport of ['udp', 'tcp'] as const) {
    test(`R-7.2.1.3-8a R-7.2.1.7-3b R-7.2.1.8-2a-v R-7.2.1.8-3 over ${transport}: members are invited, a list is added, one is removed`, async () => {
      const [ben, cy, di] = await Promise.all(
        ['ben', 'cy', 'di'].map((name) => stack.subscriber(`${name}-${transport}`, { transport })),
      );
      assert.ok(ben !== undefined && cy !== undefined && di !== undefined);
      const chair = await startSipp({
        scenario: 'group-chair.xml',
        remote: stack.ready.sip,
        service: `im-g-chair-${transport}`,
        keys: {
          domain: DOMAIN,
          user: `ada-${transport}`,
          added1: cy.uri,
          added2: di.uri,
          removed: ben.uri,
        },
        args: ['-d', '500'],
        transport,
      });
      const bens = await meanwhile(chair.done, ben.answerNext());
      bens.dialog.onRequest = ({ method }) => (method === 'BYE' ? 'withhold' : undefined);
      const [cys, dis] = await meanwhile(chair.done, Promise.all([cy.answerNext(), di.answerNext()]));
      assert.equal(cys.setUpBy.header('Referred-By'), `<${uriOf(`ada-${transport}`)}>`);
      const bye = await meanwhile(chair.done, bens.dialog.nextRequest('BYE'));
      // SIPp takes no request while it has another to answer: the NOTIFY of 100 is to be done with when that of the 200 comes.
      await chair.hasAnswered(200, 'NOTIFY');
      bye.reply(200);
      const result = await chair.done;
      assert.equal(result.exitCode, 0, result.explanation);
      assert.equal(await cys.say('without them'), 200);
      assert.equal((await dis.hear()).text, 'without them');
      assert.deepEqual([...ben.violations, ...cy.violations, ...di.violations], []);
    });
  }
});
