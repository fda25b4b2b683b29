/** The event stream over a real socket. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { startAdmin } from '../../../src/admin/admin.ts';
import type { LiveLimits } from '../../../src/admin/live/hub.ts';
import type { AdminView } from '../../../src/admin/view.ts';
import { within } from '../../support/children.ts';
import { eventually } from '../../support/eventually.ts';
import { fakeAdmin } from '../../unit/admin/fake-admin.ts';
import { fakeView, memoryLog } from '../../unit/admin/fake-view.ts';
import { liveBench } from '../../unit/admin/live-bench.ts';

const WAIT_MS = 20_000;

async function started(t: TestContext, view: Partial<AdminView> = {}, live: Partial<LiveLimits> = {}) {
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    ...fakeAdmin(),
    view: fakeView(view),
    nowMs: () => Date.now(),
    withoutToken: 'viewer',
    log: memoryLog().log,
    live,
  });
  t.after(() => admin.close());
  return { admin, url: `http://127.0.0.1:${admin.address.port}/api/v1/events` };
}

/** A log that tests write, without the hub of the bench. */
function feedOf(entries: ReturnType<typeof liveBench>['entries']): AdminView['feed'] {
  return {
    newest: () => entries.at(-1)?.decision.id ?? 0,
    since: (id, limit) => entries.filter(({ decision }) => decision.id > id).slice(0, limit),
    presences: () => new Map(),
  };
}

async function listening(t: TestContext, url: string, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const response = await fetch(url, { headers, signal: abort.signal });
  assert.equal(response.status, 200);
  const reader = (response.body as ReadableStream<Uint8Array>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let text = '';
  return {
    response,
    abort,
    /** All that came, when it has this. */
    async until(pattern: RegExp): Promise<string> {
      while (!pattern.test(text)) {
        const { done, value } = await within(WAIT_MS, String(pattern), reader.read(), () => text);
        if (done) throw new Error(`the stream ended after ${text}`);
        text += value;
      }
      return text;
    },
  };
}

test('a stream with the header fields of all answers, from the number that the client has', async (t) => {
  const { decide, entries } = liveBench();
  for (let n = 0; n < 5; n += 1) decide({}, [{ change: 'joined' }]);
  const { url } = await started(t, { feed: feedOf(entries) });
  const { response, until } = await listening(t, `${url}?kinds=decisions`, { 'last-event-id': '3' });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  const text = await until(/id: 5\n/);
  assert.deepEqual(text.match(/^id: .*/gm), ['id: 3', 'id: 4', 'id: 5']);
  assert.doesNotMatch(text, /event: session/);
  decide();
  await until(/id: 6\n/);
});

test('states arrive without anything being decided', async (t) => {
  const { url } = await started(t, { readiness: () => ({ ready: false, reasons: ['no switch'] }) });
  const { until } = await listening(t, `${url}?kinds=readiness`);
  await until(/event: readiness\ndata: {"ready":false,"reasons":\["no switch"\]}\n\n/);
});

test('bad parameters are told before the stream begins', async (t) => {
  const { url } = await started(t);
  for (const query of ['?kinds=', '?kinds=all', '?kinds=decisions,', '?session=a/b', '?since=3']) {
    const response = await fetch(url + query);
    assert.equal(response.status, 400, query);
    assert.match(await response.text(), /ADMIN_BAD_PARAMETER/);
  }
  assert.equal((await fetch(url, { headers: { 'last-event-id': 'x' } })).status, 400);
  assert.equal((await fetch(url, { method: 'HEAD' })).status, 405);
});

test('one listener too many is 429; a place is free when one has gone', async (t) => {
  const { url } = await started(t, {}, { maxClients: 1 });
  const { abort, until } = await listening(t, url);
  await until(/event: hello/);
  const refused = await fetch(url);
  assert.equal(refused.status, 429);
  assert.match(await refused.text(), /ADMIN_TOO_MANY_REQUESTS/);
  abort.abort();
  await eventually('a free place', async () => {
    const again = await fetch(url);
    await again.body?.cancel();
    assert.ok(again.status === 200 || again.status === 429, String(again.status));
    return again.status === 200;
  });
});

test('stopping tells those who listen, and does not wait for them', async (t) => {
  const { admin, url } = await started(t);
  const { until } = await listening(t, url);
  await until(/event: hello/);
  await Promise.all([admin.close(), until(/event: closed\ndata: {"reason":"stopping"}\n\n/)]);
});
