/** What SIPp is refused, and the session that it does not refresh: the status, the Warning, the BYE. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { groupDocument } from '../support/groups.ts';
import { runSipp, type SippOptions } from '../support/sipp.ts';
import { DOMAIN, Stack } from '../support/stack.ts';

const uriOf = (user: string): string => `sip:${user}@${DOMAIN}`;
const MIN_SE_S = 3;
const PLAIN = { extra: 'Subject: refused', mline: 'message 9 TCP/MSRP *' };

describe('SIPp is refused, or ended', { concurrency: 1 }, () => {
  let stack: Stack;
  before(async () => {
    const group = (name: string) => ({
      uri: uriOf(`im-g-${name}`),
      members: [uriOf('ada'), uriOf('mia')],
      inviteMembers: false,
    });
    const groups = [groupDocument(group('open')), groupDocument({ ...group('full'), maxParticipants: 1 })];
    stack = await Stack.start({ groups, config: { session: { minSeS: MIN_SE_S } } });
  });
  after(async () => assert.equal(await stack.stop(), 0));

  async function passes(options: Omit<SippOptions, 'remote'>): Promise<void> {
    const keys = { domain: DOMAIN, user: 'ada', ...options.keys };
    const result = await runSipp({ ...options, remote: stack.ready.sip, keys });
    assert.equal(result.exitCode, 0, result.explanation);
    assert.deepEqual([result.successful, result.failed], [1, 0], result.explanation);
  }

  for (const transport of ['udp', 'tcp'] as const) {
    for (const { of, group = 'open', status, warning, ...keys } of [
      { of: 'R-7.2.1.4-3b', group: 'full', status: 486, warning: '[Tt]oo many participants' },
      { of: 'R-7.2.1.3-7', status: 488, warning: '.*', mline: 'audio 9 RTP/AVP 0' },
      { of: 'RFC4028-9', status: 422, warning: `.*at least ${MIN_SE_S} s`, extra: 'Session-Expires: 2' },
      { of: 'R-7.2.1.3-6', status: 403, warning: '.*anonym.*', extra: 'Privacy: id' },
    ]) {
      test(`${of} over ${transport}: ${status} with a Warning`, async () => {
        const mia = group === 'full' ? await stack.subscriber('mia', { transport }) : undefined;
        const room = await mia?.join(uriOf('im-g-full'));
        await passes({
          scenario: 'refused.xml',
          service: `im-g-${group}`,
          keys: { ...PLAIN, ...keys },
          filled: { STATUS: String(status), WARNING: warning },
          transport,
        });
        await room?.leave();
        await mia?.stop();
      });
    }

    test(`R-7.2.1.11-exp over ${transport}: who does not refresh is sent BYE`, async () => {
      const begunMs = Date.now();
      await passes({
        scenario: 'session-expires.xml',
        service: 'im-g-open',
        keys: { interval: String(MIN_SE_S) },
        transport,
      });
      // RFC 4028 section 10: a third before the end, and not earlier.
      assert.ok(Date.now() - begunMs >= (MIN_SE_S * 2000) / 3);
    });
  }
});
