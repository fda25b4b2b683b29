import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { parseInboxKey, type SipReply } from 'kamailio-jsonrpc';
import {
  DOMAIN,
  FACTORY,
  type KamailioFixture,
  startFixture,
} from '../../support/kamailio/kamailio-fixture.ts';
import { header, type SipText, tag } from '../../support/kamailio/sip-text.ts';
import { ok } from '../../support/kamailio/stub-service.ts';

const INVITE = { method: 'INVITE', uri: FACTORY, to: FACTORY };
const CONTACT = ['Contact', `<sip:im-s-7@${DOMAIN}>;isfocus`] as const;

let kam: KamailioFixture;

before(async () => {
  kam = await startFixture({ trustedPeers: ['127.0.0.1'] });
});
after(() => kam.stop());
beforeEach(() => {
  kam.service.requests.length = 0;
  kam.service.notices.length = 0;
  kam.service.decide = () => ({ pending: true });
});

async function pendingInvite() {
  const caller = await kam.udp('alice');
  const sent = caller.request(INVITE);
  const call = await kam.service.expectRequest('the INVITE', (c) => header(c.sip, 'Call-ID') === sent.callId);
  return { caller, sent, call };
}

const reply = (code: number, reason: string): SipReply => ({
  code,
  reason,
  toTag: 'mine',
  headers: [CONTACT],
});

test("an answer at once leaves with the service's own tag, headers and body", async () => {
  kam.service.decide = () => ({
    reply: {
      code: 488,
      reason: 'Not Acceptable Here',
      toTag: 'tag-of-ours',
      headers: [
        ['Warning', '399 host "a \\"quoted\\" $ci $rU text"'],
        ['Content-Type', 'text/plain'],
      ],
      body: 'line\r\n{"json":"$var(x)"} ü\r\n',
    },
  });
  const caller = await kam.udp('alice');
  const answer = await caller.transact(INVITE);
  assert.equal(answer.startLine, 'SIP/2.0 488 Not Acceptable Here');
  assert.equal(tag(header(answer, 'To')), 'tag-of-ours');
  // the trap of unquoted arguments: pseudo-variables in text of the service stay as they are
  assert.equal(header(answer, 'Warning'), '399 host "a \\"quoted\\" $ci $rU text"');
  assert.equal(answer.body, 'line\r\n{"json":"$var(x)"} ü\r\n');
  assert.equal(header(answer, 'Content-Length'), String(Buffer.byteLength(answer.body)));
});

test('a pending INVITE takes many provisional replies and one final, and repeats are answered from the transaction', async () => {
  const { caller, sent, call } = await pendingInvite();
  await caller.expectStatus(100, 'INVITE');
  // more than the 12 branches a transaction has: each t_suspend would take one
  for (let n = 0; n < 15; n++) {
    await kam.reply(call.tid, reply(180, 'Ringing'));
    assert.equal(tag(header(await caller.expectStatus(180, 'INVITE'), 'To')), 'mine');
  }
  caller.request(sent);
  await caller.expectStatus(180, 'INVITE');
  await kam.reply(call.tid, reply(200, 'OK'));
  assert.equal(tag(header(await caller.expectStatus(200, 'INVITE'), 'To')), 'mine');
  assert.equal(await kam.client.reply(call.tid, reply(200, 'OK')), 'not-pending');
  assert.equal(await kam.client.reply(call.tid, reply(180, 'Ringing')), 'not-pending');
  assert.equal(kam.service.requests.length, 0);
});

test('a reply to a transaction that never was is not pending', async () => {
  assert.equal(await kam.client.reply('77:123456', reply(200, 'OK')), 'not-pending');
  assert.equal(await kam.client.reply('77:123456', reply(180, 'Ringing')), 'not-pending');
  assert.equal(await kam.client.reply('4294967295:4294967295', reply(486, 'Busy Here')), 'not-pending');
});

test('a 2xx is repeated until its ACK, longer than the 5 s of the default wt_timer', async () => {
  const { caller, sent, call } = await pendingInvite();
  const start = Date.now();
  await kam.reply(call.tid, reply(200, 'OK'));
  let last: Awaited<ReturnType<typeof caller.expectStatus>>;
  do {
    last = await caller.expectStatus(200, 'INVITE');
  } while (Date.now() - start < 5500);
  caller.request({
    ...sent,
    method: 'ACK',
    uri: `sip:im-s-7@${DOMAIN}`,
    toTag: tag(header(last, 'To')),
    branch: 'z9hG4bKack1',
  });
  const ack = await kam.service.expectNotice('ack', (n) => header(n.sip, 'Call-ID') === sent.callId);
  assert.equal(tag(header(ack.sip, 'To')), 'mine');
  // the next repeat would have come 4 s after the last
  await assert.rejects(caller.expect('a further 200', (m) => m.status === 200));
});

test('an ACK leaves a mark in the inbox; one that belongs to no 2xx of ours leaves none', async () => {
  const { caller, sent, call } = await pendingInvite();
  await kam.reply(call.tid, reply(200, 'OK'));
  await caller.expectStatus(200, 'INVITE');
  const ack = { ...sent, method: 'ACK', uri: `sip:im-s-7@${DOMAIN}`, toTag: 'mine', branch: 'z9hG4bKack2' };
  caller.request({ ...ack, callId: 'flood' });
  caller.request(ack);
  await kam.service.expectNotice('ack', (n) => header(n.sip, 'Call-ID') === sent.callId);
  const keys = (await kam.client.inboxKeys()).map(parseInboxKey);
  assert.deepEqual(
    keys.filter((key) => key?.callId === sent.callId),
    [{ callId: sent.callId, cseq: 1, kind: 'ACK', tag: 'mine' }],
  );
  assert.deepEqual(
    keys.filter((key) => key?.callId === 'flood'),
    [],
  );
  const key = `${sent.callId}:1:ACK:mine`;
  assert.deepEqual(await kam.client.inboxGet(key), Buffer.alloc(0));
  await kam.client.inboxDelete(key);
  assert.equal(await kam.client.inboxGet(key), undefined);
});

test('an ACK that comes at once leaves its mark too: the script is not done with the 200 yet', async () => {
  const caller = await kam.udp('alice');
  const lost: string[] = [];
  for (let n = 0; n < 40; n++) {
    const sent = caller.request(INVITE);
    const isOurs = (c: { sip: SipText }) => header(c.sip, 'Call-ID') === sent.callId;
    const call = await kam.service.expectRequest('the INVITE', isOurs);
    const answered = kam.reply(call.tid, reply(200, 'OK'));
    await caller.expectStatus(200, 'INVITE');
    caller.request({
      ...sent,
      method: 'ACK',
      uri: `sip:im-s-7@${DOMAIN}`,
      toTag: 'mine',
      branch: `z9hG4bKat${n}`,
    });
    await answered;
    await kam.service.expectNotice('ack', isOurs);
    const key = `${sent.callId}:1:ACK:mine`;
    if ((await kam.client.inboxGet(key)) === undefined) lost.push(sent.callId);
    else await kam.client.inboxDelete(key);
  }
  assert.deepEqual(lost, []);
});

test('a CANCEL is answered by Kamailio, told with the transaction it ends, and the INVITE gets our 487', async () => {
  const { caller, sent, call } = await pendingInvite();
  await kam.reply(call.tid, reply(180, 'Ringing'));
  caller.request({ ...sent, method: 'CANCEL', cseqMethod: 'CANCEL' });
  await caller.expectStatus(200, 'CANCEL');
  const cancel = await kam.service.expectNotice('cancel');
  assert.equal(cancel.tid, call.tid);
  assert.equal(cancel.sip.method, 'CANCEL');
  const keys = (await kam.client.inboxKeys()).map(parseInboxKey);
  assert.ok(
    keys.some((key) => key?.kind === 'CANCEL' && key.callId === sent.callId && key.tag === sent.fromTag),
  );
  await kam.reply(call.tid, reply(487, 'Request Terminated'));
  const final = await caller.expectStatus(487, 'INVITE');
  assert.equal(tag(header(final, 'To')), 'mine');
  caller.ack(sent, final);
  // the hop-by-hop ACK stops the repeating of the 487
  await kam.service.expectNotice('ack', (n) => header(n.sip, 'Call-ID') === sent.callId);
});

test('a CANCEL of nothing gets 481', async () => {
  const caller = await kam.udp('alice');
  caller.request({ ...INVITE, method: 'CANCEL' });
  await caller.expectStatus(481, 'CANCEL');
  const { sent, call } = await pendingInvite();
  caller.request({ ...sent, method: 'CANCEL', cseqMethod: 'CANCEL', branch: 'z9hG4bKother' });
  await caller.expectStatus(481, 'CANCEL');
  await kam.reply(call.tid, ok('mine'));
});

test('in-dialog requests, OPTIONS and MESSAGE go the same way', async () => {
  kam.service.decide = (call) => ({ reply: { ...ok('mine'), headers: [['X-Seen', call.sip.method]] } });
  const caller = await kam.udp('alice');
  for (const method of [
    'BYE',
    'SUBSCRIBE',
    'REFER',
    'UPDATE',
    'NOTIFY',
    'INFO',
    'MESSAGE',
    'OPTIONS',
    'PRACK',
  ]) {
    const uri = `sip:im-s-7@${DOMAIN}`;
    const answer = await caller.transact({ method, uri, to: uri, toTag: 'mine' });
    assert.equal(answer.status, 200, method);
    assert.equal(header(answer, 'X-Seen'), method);
  }
});

test('only requests that are ours reach the service', async () => {
  kam.service.decide = () => ({ reply: ok() });
  const caller = await kam.udp('alice');
  for (const user of ['im-s-1', 'conference-factory', 'im-g-team', 'nobody-registered']) {
    const uri = `sip:${user}@${DOMAIN.toUpperCase()}`;
    assert.equal((await caller.transact({ method: 'MESSAGE', uri, to: uri })).status, 200, user);
  }
  kam.service.requests.length = 0;
  // known, but away
  const away = `sip:carol@${DOMAIN}`;
  assert.equal((await caller.transact({ ...INVITE, uri: away, to: away })).status, 480);
  assert.equal(kam.service.requests.length, 0);
});
