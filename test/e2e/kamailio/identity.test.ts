import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import {
  DOMAIN,
  FACTORY,
  type KamailioFixture,
  PASSWORDS,
  REALM,
  startFixture,
} from '../../support/kamailio/kamailio-fixture.ts';
import { header, headers } from '../../support/kamailio/sip-text.ts';
import { ok } from '../../support/kamailio/stub-service.ts';

const SESSION = `sip:im-s-1@${DOMAIN}`;
const SPOOF = [`P-Asserted-Identity: <sip:boss@${DOMAIN}>`, `P-Preferred-Identity: <sip:boss@${DOMAIN}>`];
/** The only address whose assertions count; everybody else here speaks from 127.0.0.1. */
const CORE = '127.0.0.2';

let kam: KamailioFixture;

before(async () => {
  kam = await startFixture({ trustedPeers: [`${CORE}/32`, '2001:db8::/32'] });
});
after(() => kam.stop());
beforeEach(() => {
  kam.service.requests.length = 0;
  kam.service.decide = () => ({ reply: ok() });
});

test('an initial request without credentials is asked for its digest and does not reach the service', async () => {
  const alice = await kam.udp('alice');
  const reply = await alice.transact({ method: 'INVITE', uri: FACTORY, to: FACTORY, headers: SPOOF });
  assert.equal(reply.status, 407);
  assert.match(header(reply, 'Proxy-Authenticate'), new RegExp(`realm="${REALM}"`));
  assert.equal(kam.service.requests.length, 0);
});

test('a wrong password is asked again, and an unknown user looks like one', async () => {
  const alice = await kam.udp('alice');
  assert.equal((await alice.transact({ method: 'INVITE', uri: FACTORY, to: FACTORY }, 'guess')).status, 407);
  const mallory = await kam.udp('mallory');
  assert.equal(
    (await mallory.transact({ method: 'INVITE', uri: FACTORY, to: FACTORY }, 'guess')).status,
    407,
  );
  assert.equal(kam.service.requests.length, 0);
});

test('a digest user is the identity, whatever From and P-Asserted-Identity say', async () => {
  const alice = await kam.udp('alice');
  const reply = await alice.transact(
    { method: 'INVITE', uri: FACTORY, to: FACTORY, headers: SPOOF },
    PASSWORDS.alice,
  );
  assert.equal(reply.status, 200);
  const [call] = kam.service.requests;
  assert.deepEqual(call?.asserted, [`<sip:alice@${DOMAIN}>`]);
  assert.equal(call?.trust, 'digest');
  // the trap: the copy of the message still holds the lie
  assert.match(call?.message.toString() ?? '', /boss/);
});

test('a trusted peer is not asked, and all its asserted identities arrive', async () => {
  const core = await kam.udp('core', CORE);
  const pai = [
    `P-Asserted-Identity: "Ann \\"A\\", B" <sip:ann@${DOMAIN}>, <tel:+15551234>`,
    'P-Asserted-Identity: <sip:second@other.test>',
  ];
  const reply = await core.transact({ method: 'INVITE', uri: FACTORY, to: FACTORY, headers: pai });
  assert.equal(reply.status, 200);
  const [call] = kam.service.requests;
  assert.deepEqual(call?.asserted, [
    `"Ann \\"A\\", B" <sip:ann@${DOMAIN}>`,
    '<tel:+15551234>',
    '<sip:second@other.test>',
  ]);
  assert.equal(call?.trust, 'core');
});

test('a trusted request without P-Asserted-Identity has no identity (A-9)', async () => {
  const core = await kam.udp('core', CORE);
  await core.transact({ method: 'INVITE', uri: FACTORY, to: FACTORY });
  assert.deepEqual(kam.service.requests[0]?.asserted, []);
  assert.equal(kam.service.requests[0]?.trust, 'core');
});

test('a trusted peer registers without a digest; another must have its own', async () => {
  const core = await kam.udp('core', CORE);
  assert.equal((await core.register()).status, 200);
  const alice = await kam.udp('alice');
  assert.equal((await alice.register()).status, 401);
  assert.equal((await alice.register(PASSWORDS.alice)).status, 200);
  const reply = await alice.transact(
    { method: 'REGISTER', uri: `sip:${DOMAIN}`, to: `sip:bob@${DOMAIN}` },
    PASSWORDS.alice,
  );
  assert.equal(reply.status, 403);
});

test("the mark of the service's own requests cannot be forged", async () => {
  const alice = await kam.udp('alice');
  for (const forged of [
    'X-IM-Hop: 1',
    'X-IM-Hop: ',
    'X-IM-Hop: d41d8cd98f00b204e9800998ecf8427e',
    'X-IM-Uac: 1',
  ]) {
    const reply = await alice.transact({
      method: 'INVITE',
      uri: FACTORY,
      to: FACTORY,
      headers: [...SPOOF, forged],
    });
    assert.equal(reply.status, 407, forged);
  }
});

test('between users only the core asserts an identity, and marks of ours are taken off', async () => {
  const bob = await kam.udp('bob');
  assert.equal((await bob.register(PASSWORDS.bob)).status, 200);
  const to = `sip:bob@${DOMAIN}`;
  const alice = await kam.udp('alice');
  const call = alice.transact(
    { method: 'MESSAGE', uri: to, to, headers: [...SPOOF, 'X-IM-Hop: 1', 'X-IM-Uac: 1'] },
    PASSWORDS.alice,
  );
  const spoofed = await bob.expectRequest('MESSAGE');
  bob.respond(spoofed, 200, 'OK', 'b');
  await call;
  for (const name of [
    'P-Asserted-Identity',
    'P-Preferred-Identity',
    'X-IM-Hop',
    'X-IM-Uac',
    'Proxy-Authorization',
  ]) {
    assert.deepEqual(headers(spoofed, name), [], name);
  }
  const core = await kam.udp('core', CORE);
  const headersOfCore = [`P-Asserted-Identity: <sip:ann@${DOMAIN}>`];
  const { callId } = core.request({ method: 'MESSAGE', uri: to, to, headers: headersOfCore });
  const asserted = await bob.expectRequest('MESSAGE', callId);
  bob.respond(asserted, 200, 'OK', 'b');
  assert.deepEqual(headers(asserted, 'P-Asserted-Identity'), [`<sip:ann@${DOMAIN}>`]);
});

test('within a session every request but BYE is asked for its digest; a BYE without one has no identity', async () => {
  const alice = await kam.udp('alice');
  const inDialog = { uri: SESSION, to: SESSION, toTag: 'service-tag', headers: SPOOF };
  for (const method of ['INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE', 'MESSAGE', 'INFO']) {
    const reply = await alice.transact({ ...inDialog, method });
    assert.equal(reply.status, 407, method);
  }
  assert.equal(kam.service.requests.length, 0);
  assert.equal((await alice.transact({ ...inDialog, method: 'INVITE' }, PASSWORDS.alice)).status, 200);
  assert.deepEqual(kam.service.requests.pop()?.asserted, [`<sip:alice@${DOMAIN}>`]);
  assert.equal((await alice.transact({ ...inDialog, method: 'BYE' })).status, 200);
  const bye = kam.service.requests.pop();
  assert.deepEqual(bye?.asserted, []);
  assert.equal(bye?.trust, 'none');
  assert.equal(bye?.src, `udp:127.0.0.1:${alice.port}`);
});

test('a BYE with wrong credentials is asked again', async () => {
  const alice = await kam.udp('alice');
  const forged = `Proxy-Authorization: Digest username="bob", realm="${REALM}", nonce="x", uri="${SESSION}", response="00000000000000000000000000000000"`;
  const reply = await alice.transact({
    method: 'BYE',
    uri: SESSION,
    to: SESSION,
    toTag: 'service-tag',
    headers: [forged],
  });
  assert.equal(reply.status, 407);
  assert.equal(kam.service.requests.length, 0);
});
