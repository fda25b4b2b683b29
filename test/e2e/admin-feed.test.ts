/** What flows out of a running stack while people converse: events and numbers. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { within } from '../support/children.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { assertClean, chat } from './support/conversing.ts';

const uriOf = (name: string) => `sip:${name}@${DOMAIN}`;
const WAIT_MS = 20_000;
const CREW = uriOf('im-g-crew');

describe('what flows out of the admin', () => {
  let stack: Stack;
  let [ada, ben, eve] = [] as unknown as [Subscriber, Subscriber, Subscriber];
  before(async () => {
    stack = await Stack.start({
      groups: [groupDocument({ uri: CREW, members: [uriOf('ada'), uriOf('ben')] })],
    });
    [ada, ben, eve] = await Promise.all([
      stack.subscriber('ada'),
      stack.subscriber('ben'),
      stack.subscriber('eve'),
    ]);
  });
  after(() => stack.stop());

  test('a conversation and a refusal are seen as they happen, and counted', async (t) => {
    const abort = new AbortController();
    t.after(() => abort.abort());
    const response = await fetch(new URL('/api/v1/events', stack.ready.admin), { signal: abort.signal });
    assert(response.body !== null);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (pattern: RegExp) => {
      while (!pattern.test(text)) {
        const { done, value } = await within(WAIT_MS, String(pattern), reader.read(), () => text);
        assert(!done, text);
        text += value;
      }
    };
    await until(/event: readiness\ndata: {"ready":true,"reasons":\[\]}/);
    await until(/event: switches\ndata: {"items":\[{.*"state":"up"/);

    const out = await ada.dial(CREW);
    const [adas, bens] = await Promise.all([out.room(), ben.answerNext()]);
    await until(/event: session\ndata: {"change":"created",.*\n/);
    await until(new RegExp(`"change":"joined",.*"participant":"${uriOf('ben')}".*"connected":2`));
    await chat('seen from outside', adas, bens);

    const refused = await eve.sip.invite({ to: CREW }).final();
    assert.equal(refused.status, 403);
    await until(new RegExp(`event: decision\ndata: {.*"user":"${uriOf('eve')}","status":403,"warning":".+"`));
    await adas.leave();
    assert.equal(await bens.ended, 'remote', 'one alone is too few');
    await until(/"change":"ended"/);
    assert.doesNotMatch(text, /seen from outside/);

    const metrics = await (await fetch(new URL('/metrics', stack.ready.admin))).text();
    const valueOf = (series: RegExp) => Number(new RegExp(`^${series.source} (.*)$`, 'm').exec(metrics)?.[1]);
    assert(valueOf(/im_decision_seconds_count/) >= 2);
    assert(valueOf(/im_kamailio_call_seconds_count\{.*\}/) >= 1);
    assert.equal(valueOf(/im_kamailio_up\{.*\}/), 1);
    assert(valueOf(/im_kamailio_connections/) >= 1);
    assert(valueOf(/im_focus_event_loop_lag_seconds\{quantile="1"\}/) >= 0);
    assert(valueOf(/im_admin_event_loop_lag_seconds\{quantile="1"\}/) >= 0);
    assertClean(ada, ben, eve);
  });
});
