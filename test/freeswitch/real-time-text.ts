/** A caller with real-time text (T.140) takes part in a conversation: only a real FreeSWITCH can show it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import { Typist } from '../support/freeswitch/typist.ts';
import { startWithFreeSwitch, type WithFreeSwitch } from '../support/freeswitch/with-stack.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN } from '../support/stack.ts';

const uriOf = (name: string) => `sip:${name}@${DOMAIN}`;
const CREW = uriOf('im-g-crew');

let running: WithFreeSwitch;
let ada: Subscriber;
before(async () => {
  running = await startWithFreeSwitch({
    groups: [groupDocument({ uri: CREW, members: ['ada', 'caro'].map(uriOf), inviteMembers: false })],
  });
  ada = await running.stack.subscriber('ada');
});
after(() => running?.stop());

for (const isRedundant of [false, true]) {
  const form = isRedundant ? 'said three times over (RFC 2198)' : 'said once';
  test(`what is typed in a call comes as lines, and lines are shown in the call: ${form}`, async () => {
    const adas = await ada.join(CREW);
    const [host = '', port = ''] = running.freeSwitch.sip.replace('sip:', '').split(':');
    const caro = await SipAgent.start({ uri: uriOf('caro'), proxy: { host, port: Number(port) } });
    const typist = await Typist.open('Caro', { isRedundant });
    try {
      const headers = [['X-IM-Asserted', `<${uriOf('caro')}>`]] as const;
      const call = caro.invite({ to: CREW, headers, body: sdpBody(typist.offer) });
      const dialog = await call.answered();
      typist.answered(await call.final());
      await typist.type('Grüße aus dem Gespräch');
      const heard = await adas.hear();
      assert.deepEqual([heard.text, heard.from], ['Grüße aus dem Gespräch', uriOf('caro')]);
      assert.equal(await adas.say('two lines:\nthe second'), 200);
      assert.equal(await typist.nextLine(), 'Ada: two lines:');
      assert.equal(await typist.nextLine(), 'the second');
      await dialog.bye();
      await adas.leave();
    } finally {
      typist.close();
      await caro.stop();
    }
  });
}
