import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import {
  DOMAIN,
  type KamailioFixture,
  PASSWORDS,
  REALM,
  startFixture,
  usersText,
} from '../../support/kamailio/kamailio-fixture.ts';
import { ha1 } from '../../support/kamailio/sip-endpoint.ts';
import { header, headers, tag, uriOf } from '../../support/kamailio/sip-text.ts';

let kam: KamailioFixture;

before(async () => {
  kam = await startFixture();
});
after(() => kam.stop());

test('two registered users call each other through Kamailio, one of them behind NAT on TCP; the service hears nothing', async () => {
  const alice = await kam.udp('alice');
  const bob = await kam.tcp('bob');
  bob.contactHost = '10.99.99.99:5999';
  assert.equal((await alice.register(PASSWORDS.alice)).status, 200);
  assert.equal((await bob.register(PASSWORDS.bob)).status, 200);
  const to = `sip:bob@${DOMAIN}`;
  const calling = alice.transact({ method: 'INVITE', uri: to, to, body: 'v=0\r\n' }, PASSWORDS.alice);
  const invite = await bob.expectRequest('INVITE');
  assert.equal(invite.body, 'v=0\r\n');
  bob.respond(invite, 180, 'Ringing', 'bobs');
  bob.respond(invite, 200, 'OK', 'bobs');
  const answer = await calling;
  assert.equal(answer.status, 200);
  const dialog = {
    uri: uriOf(header(answer, 'Contact')),
    to,
    toTag: 'bobs',
    fromTag: tag(header(answer, 'From')),
    callId: header(answer, 'Call-ID'),
    headers: headers(answer, 'Record-Route')
      .reverse()
      .map((route) => `Route: ${route}`),
  };
  const cseq = Number(header(answer, 'CSeq').split(' ')[0]);
  alice.request({ ...dialog, method: 'ACK', cseq });
  await bob.expectRequest('ACK');
  const ending = alice.transact({ ...dialog, method: 'BYE', cseq: cseq + 1 });
  const bye = await bob.expectRequest('BYE');
  bob.respond(bye, 200, 'OK', 'bobs');
  assert.equal((await ending).status, 200);
  assert.equal(kam.service.requests.length + kam.service.notices.length, 0);
});

test('a CANCEL between users ends their call, not one of ours', async () => {
  const bob = await kam.udp('carol');
  await bob.register(PASSWORDS.carol);
  const alice = await kam.udp('alice');
  const to = `sip:carol@${DOMAIN}`;
  const first = alice.request({ method: 'INVITE', uri: to, to });
  const challenge = await alice.expectStatus(407, 'INVITE');
  alice.ack(first, challenge);
  const invite = alice.request({
    ...first,
    cseq: 2,
    branch: 'z9hG4bKusers2',
    headers: [alice.credentials(challenge, 'INVITE', to, PASSWORDS.alice)],
  });
  const ringing = await bob.expectRequest('INVITE');
  bob.respond(ringing, 180, 'Ringing', 'c');
  await alice.expectStatus(180, 'INVITE');
  alice.request({ ...invite, method: 'CANCEL', cseqMethod: 'CANCEL', headers: [] });
  await alice.expectStatus(200, 'CANCEL');
  bob.respond(await bob.expectRequest('CANCEL'), 200, 'OK', 'c');
  bob.respond(ringing, 487, 'Request Terminated', 'c');
  await alice.expectStatus(487, 'INVITE');
  assert.equal(kam.service.notices.length, 0);
});

test('a stranger without credentials cannot relay, and a request in a foreign dialog gets 481', async () => {
  const stranger = await kam.udp('stranger');
  const elsewhere = 'sip:someone@127.0.0.1:9';
  assert.equal((await stranger.transact({ method: 'MESSAGE', uri: elsewhere, to: elsewhere })).status, 407);
  const inDialog = await stranger.transact({ method: 'MESSAGE', uri: elsewhere, to: elsewhere, toTag: 'x' });
  assert.equal(inDialog.status, 481);
});

test('a user added to the users file can register after a reload', async () => {
  const dave = await kam.udp('dave');
  assert.equal((await dave.register('new')).status, 401);
  const line = `dave:${REALM}:${ha1('dave', REALM, 'new')}\n`;
  await writeFile(kam.options.usersFile ?? '', usersText() + line);
  await kam.kamailio.reloadUsers();
  assert.equal((await dave.register('new')).status, 200);
});
