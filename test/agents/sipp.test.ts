/** The SIPp scenarios against one of our agents that plays the focus, so that a later failure is the focus's own. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { partOfType, readResourceLists } from '../../src/agents/documents.ts';
import { msrpSdp, sdpBody, sdpOf } from '../../src/agents/sdp.ts';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import { meanwhile, type RunningSipp, runSipp, type SippResult, startSipp } from '../support/sipp.ts';

const sdp = sdpBody(msrpSdp({ path: 'msrp://127.0.0.1:4444/focus;tcp', setup: 'passive' }));

function passed(result: SippResult): void {
  assert.equal(result.exitCode, 0, result.explanation);
  assert.deepEqual([result.successful, result.failed], [1, 0], result.explanation);
}

for (const transport of ['udp', 'tcp'] as const) {
  describe(`SIPp scenarios over ${transport}`, () => {
    let focus: SipAgent;
    let okHeaders: HeaderOverrides;
    const keys = {
      domain: 'example.net',
      user: 'ada',
      invitee1: 'sip:ben@example.net',
      invitee2: 'sip:cleo@example.net',
    };
    before(async () => {
      focus = await SipAgent.start({
        uri: 'sip:focus@127.0.0.1',
        transport,
        contactParams: '+g.oma.sip-im;isfocus',
      });
      okHeaders = [
        ['Server', 'IM-serv/OMA1.0 stub'],
        ['Session-Expires', '1800;refresher=uac'],
      ];
    });
    after(async () => {
      assert.deepEqual(focus.violations, []);
      assert.deepEqual(focus.unexpected, []);
      await focus.stop();
    });
    const run = (scenario: string, service: string): Promise<SippResult> =>
      runSipp({ scenario, remote: focus.address, service, keys, transport });

    test('adhoc-inviter: a list of two users, 200, ACK, BYE', async () => {
      const running = run('adhoc-inviter.xml', 'factory');
      const invite = await meanwhile(running, focus.nextInvite());
      const list = partOfType(
        invite.request.header('Content-Type') ?? '',
        invite.request.bodyBytes,
        'application/resource-lists+xml',
      );
      assert.deepEqual(readResourceLists(list?.content.toString() ?? ''), [keys.invitee1, keys.invitee2]);
      assert.deepEqual(sdpOf(invite.request)?.acceptTypes, ['message/cpim', 'text/plain']);
      invite.ring();
      const dialog = await invite.accept({ headers: okHeaders, body: sdp });
      await dialog.nextRequest('BYE');
      passed(await running);
    });

    test('adhoc-inviter fails, and says why, when the 200 is no focus', async () => {
      const running = run('adhoc-inviter.xml', 'factory');
      const invite = await meanwhile(running, focus.nextInvite());
      const contact = `<${focus.contactUri}>;+g.oma.sip-im`;
      const accepted = invite.accept({ headers: [...okHeaders, ['Contact', contact]], body: sdp });
      const result = await running;
      assert.equal(result.exitCode, 1);
      assert.match(result.explanation, /isfocus/);
      // SIPp acknowledges and hangs up when it gives a call up.
      await (await accepted).nextRequest('BYE');
    });

    test('adhoc-cancel: 180, CANCEL, 200 and 487', async () => {
      const running = run('adhoc-cancel.xml', 'factory');
      const invite = await meanwhile(running, focus.nextInvite());
      invite.ring();
      await invite.nextCancel();
      await invite.acked;
      passed(await running);
    });

    test('group-join: 200 from a focus, ACK, BYE', async () => {
      const running = run('group-join.xml', 'team');
      const invite = await meanwhile(running, focus.nextInvite());
      const dialog = await invite.accept({ headers: okHeaders, body: sdp });
      await dialog.nextRequest('BYE');
      passed(await running);
    });

    test('isfocus-refused: 403 and its Warning', async () => {
      const running = run('isfocus-refused.xml', 'team');
      const invite = await meanwhile(running, focus.nextInvite());
      assert.match(invite.request.header('Contact') ?? '', /;isfocus$/);
      await invite.reject(403, 'Forbidden', [['Warning', '399 example.net "isfocus already assigned"']]);
      passed(await running);
    });

    test('isfocus-refused fails on another Warning', async () => {
      const running = run('isfocus-refused.xml', 'team');
      const invite = await meanwhile(running, focus.nextInvite());
      const acked = invite.reject(403, 'Forbidden', [['Warning', '399 example.net "not allowed"']]);
      assert.equal((await running).exitCode, 1);
      await acked.catch(() => {});
    });

    test('subscribe: NOTIFY active, then terminated', async () => {
      focus.answer('SUBSCRIBE', 'withhold');
      const running = run('subscribe.xml', 'session');
      const subscribe = await meanwhile(running, focus.nextRequest('SUBSCRIBE'));
      subscribe.reply(200);
      const dialog = focus.dialogOf(subscribe);
      const notify = (state: string): HeaderOverrides => [
        ['Event', 'conference'],
        ['Subscription-State', state],
      ];
      assert.equal((await dialog.request('NOTIFY', { headers: notify('active;expires=600') })).status, 200);
      const end = await dialog.nextRequest('SUBSCRIBE');
      assert.equal(end.request.header('Expires'), '0');
      end.reply(200);
      await dialog.request('NOTIFY', { headers: notify('terminated;reason=timeout') });
      passed(await running);
    });

    test('register: the contact is another port', async () => {
      const contact = 'sip:ben@127.0.0.1:4711';
      const result = await runSipp({
        scenario: 'register.xml',
        remote: focus.address,
        keys: { ...keys, contact },
        transport,
      });
      passed(result);
      const register = await focus.nextRequest('REGISTER');
      assert.equal(register.request.header('Contact'), `<${contact}>;expires=600`);
    });

    describe('answering scenarios', () => {
      const invite = (sipp: RunningSipp) =>
        focus.invite({
          to: 'sip:ben@example.net',
          requestUri: `sip:ben@${sipp.localAddress}:${sipp.localPort};transport=${transport}`,
          body: sdp,
        });

      test('invitee: rings, answers with MSRP, takes BYE', async () => {
        const sipp = await startSipp({ scenario: 'invitee.xml', transport });
        const call = invite(sipp);
        await call.provisional(180);
        const dialog = await call.answered();
        assert.equal(sdpOf(await call.final())?.setup, 'active');
        assert.equal((await dialog.bye()).status, 200);
        passed(await sipp.done);
      });

      for (const [status, reason] of [
        [486, 'Busy Here'],
        [603, 'Decline'],
      ] as const) {
        test(`invitee-rejects-${status}: rings, then refuses`, async () => {
          const sipp = await startSipp({ scenario: `invitee-rejects-${status}.xml`, transport });
          const call = invite(sipp);
          await call.provisional(180);
          const final = await call.final();
          assert.deepEqual([final.status, final.reason], [status, reason]);
          passed(await sipp.done);
        });
      }

      test('a scenario that nobody calls is ended at its deadline and says so', async () => {
        const sipp = await startSipp({ scenario: 'invitee.xml', transport, timeoutMs: 300 });
        const result = await sipp.done;
        assert.equal(result.exitCode, -1);
        assert.match(result.explanation, /deadline/);
      });
    });
  });
}
