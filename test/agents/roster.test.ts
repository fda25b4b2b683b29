import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Subscriber } from '../../src/agents/chat.ts';
import type { Dialog } from '../../src/agents/sip/dialog.ts';

let ada: Subscriber;
let focus: Subscriber;
before(async () => {
  ada = await Subscriber.start({ uri: 'sip:ada@127.0.0.1' });
  focus = await Subscriber.start({ uri: 'sip:focus@127.0.0.1', contactParams: '+g.oma.sip-im;isfocus' });
});
after(async () => {
  await Promise.all([ada.stop(), focus.stop()]);
});

const user = (name: string, status: string, state = 'full'): string =>
  `<user entity="sip:${name}@b" state="${state}"><endpoint><status>${status}</status></endpoint></user>`;

async function notify(dialog: Dialog, state: string, version: number, users: string): Promise<void> {
  const content = `<conference-info entity="sip:s@b" state="${state}" version="${version}"><users>${users}</users></conference-info>`;
  const headers = [
    ['Event', 'conference'],
    ['Subscription-State', 'active;expires=600'],
  ] as const;
  await dialog.request('NOTIFY', {
    headers,
    body: { contentType: 'application/conference-info+xml', content },
  });
}

test('a roster follows full and partial states, and notes a version that is missing', async () => {
  const [room] = await Promise.all([ada.join(focus.sip.contactUri), focus.answerNext()]);
  assert.equal(room.isFocus, true);
  focus.sip.answer('SUBSCRIBE', 'withhold');
  const watching = room.watch();
  const subscribe = await focus.sip.nextRequest('SUBSCRIBE');
  assert.equal(subscribe.request.header('Accept'), 'application/conference-info+xml');
  subscribe.reply(200);
  const roster = await watching;
  const dialog = focus.sip.dialogOf(subscribe);
  await notify(dialog, 'full', 1, user('ada', 'connected') + user('ben', 'pending'));
  await roster.until((users) => users.length === 2);
  assert.deepEqual(roster.connected, ['sip:ada@b']);
  await notify(dialog, 'partial', 2, user('ben', 'connected') + user('ada', '', 'deleted'));
  await roster.until((users) => users.length === 1);
  assert.deepEqual(roster.connected, ['sip:ben@b']);
  assert.deepEqual(roster.violations, []);
  await notify(dialog, 'full', 4, user('cleo', 'connected'));
  await roster.next();
  assert.deepEqual(roster.connected, ['sip:cleo@b']);
  assert.deepEqual(roster.violations, ['version 4 after 2']);
  await assert.rejects(
    roster.until((users) => users.length === 9, { timeoutMs: 5, what: 'nine users' }),
    /nine users; users \[sip:cleo@b connected\] after 3 documents/,
  );
});

test('a refused SUBSCRIBE rejects with its status and Warning', async () => {
  const [room] = await Promise.all([ada.join(focus.sip.contactUri), focus.answerNext()]);
  focus.sip.answer('SUBSCRIBE', { status: 403, headers: [['Warning', '399 b "no"']] });
  await assert.rejects(room.watch(), /403 Forbidden; 399 b "no"/);
});
