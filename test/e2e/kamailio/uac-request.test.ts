import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { type HeaderLine, parseInboxKey, type StartRequest } from 'kamailio-jsonrpc';
import { eventually } from '../../support/eventually.ts';
import {
  DOMAIN,
  FRESH_PASSWORD,
  FRESH_USERS,
  type KamailioFixture,
  PASSWORDS,
  startFixture,
} from '../../support/kamailio/kamailio-fixture.ts';
import type { SipEndpoint } from '../../support/kamailio/sip-endpoint.ts';
import { header, headers, type SipText, tag, uriOf } from '../../support/kamailio/sip-text.ts';
import { ok } from '../../support/kamailio/stub-service.ts';

const SESSION = `sip:im-s-9@${DOMAIN}`;

let kam: KamailioFixture;

before(async () => {
  kam = await startFixture({ transactionMs: 1500 });
});
after(() => kam.stop());
beforeEach(() => {
  kam.service.requests.length = 0;
  kam.service.notices.length = 0;
  kam.service.decide = () => ({ reply: ok() });
});

interface Dialog {
  readonly callId: string;
  readonly fromTag: string;
}

function invitation(user: string, more: readonly HeaderLine[] = []): StartRequest & Dialog {
  const callId = `out-${randomBytes(6).toString('hex')}`;
  const fromTag = `focus-${randomBytes(4).toString('hex')}`;
  return {
    callId,
    fromTag,
    method: 'INVITE',
    requestUri: `sip:${user}@${DOMAIN}`,
    sendSocket: kam.udpSocket,
    headers: [
      ['From', `<${SESSION}>;tag=${fromTag}`],
      ['To', `<sip:${user}@${DOMAIN}>`],
      ['Call-ID', callId],
      ['CSeq', '1 INVITE'],
      ['Contact', `<sip:im-s-9@127.0.0.1:${kam.sipPort}>;isfocus`],
      ['P-Asserted-Identity', `<${SESSION}>`],
      ['Content-Type', 'application/sdp'],
      ...more,
    ],
    body: 'v=0\r\n',
  };
}

let nextUser = 0;

/** A user of one registration, so that nothing forks. */
async function registered(transport: 'udp' | 'tcp' = 'udp', contactHost?: string): Promise<SipEndpoint> {
  const end = await kam[transport](FRESH_USERS[nextUser++] ?? '');
  if (contactHost !== undefined) end.contactHost = contactHost;
  assert.equal((await end.register(FRESH_PASSWORD)).status, 200);
  return end;
}

/** The focus's next request in the dialog, by the route set of the 200 it got. */
function inDialog(method: string, invite: Dialog, answer: SipText, cseq: number): StartRequest {
  return {
    method,
    requestUri: uriOf(header(answer, 'Contact')),
    sendSocket: kam.udpSocket,
    headers: [
      ['From', `<${SESSION}>;tag=${invite.fromTag}`],
      ['To', header(answer, 'To')],
      ['Call-ID', invite.callId],
      ['CSeq', `${cseq} ${method}`],
      ['Contact', `<sip:im-s-9@127.0.0.1:${kam.sipPort}>;isfocus`],
      ...headers(answer, 'Record-Route')
        .reverse()
        .map((route): HeaderLine => ['Route', route]),
    ],
  };
}

const reply = (status: number, callId: string) => (n: { sip: SipText }) =>
  n.sip.status === status && header(n.sip, 'Call-ID') === callId;

for (const transport of ['udp', 'tcp'] as const) {
  test(`an invitation reaches a registered user over ${transport} through this Kamailio itself, and the dialog works both ways`, async () => {
    // behind NAT: the address in Contact and Via is one at which nobody listens
    const bob = await registered(transport, transport === 'tcp' ? '10.99.99.99:5999' : undefined);
    const invite = invitation(bob.user);
    await kam.client.startRequest(invite);
    const received = await bob.expectRequest('INVITE');
    assert.match(received.body, /v=0/);
    // the From-tag stands once, and no mark of ours has left
    assert.equal(header(received, 'From'), `<${SESSION}>;tag=${invite.fromTag}`);
    assert.deepEqual([...headers(received, 'X-IM-Hop'), ...headers(received, 'X-IM-Uac')], []);
    assert.deepEqual(headers(received, 'P-Asserted-Identity'), [], 'for trusted peers, and here nobody is');
    assert.ok(headers(received, 'Record-Route').length > 0);

    bob.respond(received, 180, 'Ringing', 'bobs-tag');
    await kam.service.expectNotice('uac.reply', reply(180, invite.callId));
    bob.respond(received, 200, 'OK', 'bobs-tag', ['Content-Type: application/sdp'], 'v=0\r\n');
    const answer = await kam.service.expectNotice('uac.reply', reply(200, invite.callId));
    assert.equal(answer.sip.body, 'v=0\r\n');
    const ack = await bob.expectRequest('ACK');
    assert.equal(tag(header(ack, 'To')), 'bobs-tag');

    const bye = bob.transact({
      method: 'BYE',
      uri: `sip:im-s-9@127.0.0.1:${kam.sipPort}`,
      to: SESSION,
      toTag: invite.fromTag,
      fromTag: 'bobs-tag',
      callId: invite.callId,
      headers: headers(received, 'Record-Route').map((route) => `Route: ${route}`),
    });
    assert.equal((await bye).status, 200);
    await kam.service.expectRequest('the BYE', (c) => c.sip.method === 'BYE');

    await kam.client.startRequest(inDialog('BYE', invite, answer.sip, 2));
    const sent = await bob.expectRequest('BYE');
    bob.respond(sent, 200, 'OK', 'bobs-tag');
    await kam.service.expectNotice('uac.reply', (n) => n.sip.method === 'BYE' && n.sip.status === 200);
  });
}

test('the final reply to an invitation waits in the inbox as well', async () => {
  const bob = await registered();
  const invite = invitation(bob.user);
  await kam.client.startRequest(invite);
  const received = await bob.expectRequest('INVITE');
  bob.respond(received, 486, 'Busy Here', 'busy-tag');
  const notice = await kam.service.expectNotice('uac.reply', reply(486, invite.callId));
  await bob.expectRequest('ACK');
  const key = `${invite.callId}:1:INVITE:busy-tag`;
  assert.ok((await kam.client.inboxKeys()).includes(key));
  assert.deepEqual(await kam.client.inboxGet(key), notice.message);
  await kam.client.inboxDelete(key);
  assert.equal(await kam.client.inboxGet(key), undefined);
});

test('CANCEL ends a ringing invitation: the user hears it, the 487 arrives, and Kamailio keeps its count', async () => {
  const bob = await registered();
  for (let round = 0; round < 10; round++) {
    const invite = invitation(bob.user);
    await kam.client.startRequest(invite);
    const received = await bob.expectRequest('INVITE', invite.callId);
    bob.respond(received, 180, 'Ringing', `ring-${round}`);
    await kam.service.expectNotice('uac.reply', reply(180, invite.callId));
    await kam.client.cancel(invite.callId, 1);
    const cancel = await bob.expectRequest('CANCEL', invite.callId);
    bob.respond(cancel, 200, 'OK', `ring-${round}`);
    // after the CANCEL the INVITE still waits for its final reply, and takes it
    bob.respond(received, 487, 'Request Terminated', `ring-${round}`);
    await kam.service.expectNotice('uac.reply', reply(487, invite.callId));
    await bob.expectRequest('ACK', invite.callId);
  }
  await assert.rejects(kam.client.cancel('no-such-call', 1), { code: 'RPC_NOT_FOUND' });
  // A machine without /etc/protocols gets one such line at start.
  assert.doesNotMatch(kam.kamailio.recentOutput(), /didn't release|BUG|ERROR(?!.*tcp_init)/);
});

test('a second 2xx from a fork reaches the service, which can acknowledge and end it', async () => {
  const bob = await registered();
  const invite = invitation(bob.user);
  await kam.client.startRequest(invite);
  const received = await bob.expectRequest('INVITE');
  bob.respond(received, 200, 'OK', 'fork-1');
  await kam.service.expectNotice('uac.reply', (n) => tag(header(n.sip, 'To')) === 'fork-1');
  await bob.expectRequest('ACK');
  bob.respond(received, 200, 'OK', 'fork-2');
  const second = await kam.service.expectNotice('uac.reply', (n) => tag(header(n.sip, 'To')) === 'fork-2');
  const keys = (await kam.client.inboxKeys())
    .map(parseInboxKey)
    .filter((key) => key?.callId === invite.callId);
  assert.deepEqual(
    keys.map((key) => key?.tag).sort((a, b) => (a ?? '').localeCompare(b ?? '')),
    ['fork-1', 'fork-2'],
  );
  await kam.client.startRequest(inDialog('ACK', invite, second.sip, 1));
  const ack = await bob.expect(
    'the ACK to fork-2',
    (m) => m.startLine.startsWith('ACK ') && tag(header(m, 'To')) === 'fork-2',
  );
  assert.equal(header(ack, 'CSeq'), '1 ACK');
});

test('a client behind NAT without record-route is reached on its own connection by the address of its request', async () => {
  const alice = await kam.tcp('alice');
  alice.contactHost = '10.99.99.98:5998';
  const reply200 = await alice.transact({ method: 'INVITE', uri: SESSION, to: SESSION }, PASSWORDS.alice);
  const call = await kam.service.expectRequest('the INVITE', (c) => c.sip.method === 'INVITE');
  assert.equal(call.src, `tcp:127.0.0.1:${alice.port}`);
  assert.equal(call.rcv, `tcp:127.0.0.1:${kam.sipPort}`);
  await kam.client.startRequest({
    method: 'BYE',
    requestUri: 'sip:alice@x.invalid;transport=tcp',
    nextHop: `sip:127.0.0.1:${alice.port};transport=tcp`,
    sendSocket: kam.tcpSocket,
    headers: [
      ['From', header(reply200, 'To')],
      ['To', header(call.sip, 'From')],
      ['Call-ID', header(call.sip, 'Call-ID')],
      ['CSeq', '1 BYE'],
    ],
  });
  const bye = await alice.expectRequest('BYE');
  assert.deepEqual([...headers(bye, 'X-IM-Hop'), ...headers(bye, 'X-IM-Uac')], []);
  alice.respond(bye, 200, 'OK', '');
  await kam.service.expectNotice('uac.reply', (n) => n.sip.method === 'BYE');
});

test('exclamation marks reach the other end as they were meant, and never as an address', async () => {
  const bob = await registered();
  const texts: readonly HeaderLine[] = [
    ['Subject', 'Party!! now!!!'],
    ['X-One', 'Hi! there'],
    ['X-Two', 'Hey! You! And you!'],
    ['X-Name', '"Wow!!" <sip:wow!!@example.test>;x!!y=!'],
  ];
  const invite = invitation(bob.user, texts);
  await kam.client.startRequest({ ...invite, headers: [['X-First', '!'], ...invite.headers] });
  const received = await bob.expectRequest('INVITE');
  bob.respond(received, 486, 'Busy Here', 'b');
  for (const [name, value] of texts) assert.equal(header(received, name), value);
  assert.equal(header(received, 'X-First'), '!');
  assert.equal(received.body, invite.body);
  await assert.rejects(kam.client.startRequest(invitation(bob.user, [['X-Id', 'a~im21~b']])), {
    code: 'RPC_BAD_HEADER',
  });
});

test('an invitation that nobody answers leaves its mark, and its local 408 calls nobody from the timer', async () => {
  const silent = await registered();
  const invite = { ...invitation(silent.user), nextHop: `sip:127.0.0.1:${silent.port}` };
  await kam.client.startRequest(invite);
  await silent.expectRequest('INVITE');
  const key = `${invite.callId}:1:TIMEOUT:${invite.fromTag}`;
  await eventually('the mark', async () => (await kam.client.inboxKeys()).includes(key));
  assert.equal(kam.service.notices.filter((n) => header(n.sip, 'Call-ID') === invite.callId).length, 0);
});

test('a failed invitation to a user who is away ends as a reply', async () => {
  const invite = invitation('alice');
  await kam.client.startRequest({ ...invite, requestUri: 'sip:alice@example.test' });
  // alice never registered here
  const notice = await kam.service.expectNotice(
    'uac.reply',
    (n) => header(n.sip, 'Call-ID') === invite.callId,
  );
  assert.equal(notice.sip.status, 480);
});

test('a request of the service to a conference of ours is a request like any other, trusted', async () => {
  const uri = `sip:im-s-other@${DOMAIN}`;
  await kam.client.startRequest({ ...invitation('x'), requestUri: uri });
  const call = await kam.service.expectRequest('the INVITE', (c) => c.sip.startLine.includes('im-s-other'));
  assert.equal(call.trust, 'core');
  assert.deepEqual(call.asserted, [`<${SESSION}>`]);
});

test('what cannot be sent is refused with a code, and nothing leaves', async () => {
  const invite = invitation('bob');
  const bad = (change: Partial<StartRequest>) => kam.client.startRequest({ ...invite, ...change });
  await assert.rejects(bad({ headers: [...invite.headers, ['Subject', 'a\r\nX: y']] }), {
    code: 'RPC_BAD_HEADER',
  });
  await assert.rejects(bad({ headers: invite.headers.filter(([name]) => name !== 'Content-Type') }), {
    code: 'RPC_BAD_BODY',
  });
  await assert.rejects(bad({ requestUri: 'no uri' }), { code: 'RPC_BAD_HEADER' });
  await assert.rejects(bad({ requestUri: 'nonsense' }), { code: 'RPC_REFUSED' });
  await assert.rejects(bad({ sendSocket: 'udp:127.0.0.1:1' }), { code: 'RPC_REFUSED' });
  await assert.rejects(bad({ body: 'x'.repeat(200000) }), { code: 'RPC_TOO_LARGE' });
});

test('a NOTIFY of 60,000 bytes goes out whole; an INVITE, whose CANCEL and ACK tm could not build, is refused', async () => {
  const bob = await registered('tcp');
  const body = 'x'.repeat(60000);
  const invite = { ...invitation(bob.user), body };
  await assert.rejects(kam.client.startRequest(invite), { code: 'RPC_TOO_LARGE' });
  const lines = invite.headers.map(
    ([name, value]): HeaderLine => [name, name === 'CSeq' ? '1 NOTIFY' : value],
  );
  await kam.client.startRequest({
    ...invite,
    method: 'NOTIFY',
    headers: [...lines, ['Event', 'conference']],
  });
  const notify = await bob.expectRequest('NOTIFY');
  assert.equal(notify.body, body);
  bob.respond(notify, 200, 'OK', 'b');
  await kam.client.startRequest({ ...invite, body: 'y'.repeat(29000) });
  const received = await bob.expectRequest('INVITE');
  bob.respond(received, 486, 'Busy Here', 'b');
  await bob.expectRequest('ACK');
});
