import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DOMAIN, type KamailioFixture, startFixture } from '../../support/kamailio/kamailio-fixture.ts';
import { header, parseSip } from '../../support/kamailio/sip-text.ts';
import { ok } from '../../support/kamailio/stub-service.ts';

const SESSION = `sip:im-s-1@${DOMAIN}`;

let kam: KamailioFixture;

before(async () => {
  kam = await startFixture({ trustedPeers: ['127.0.0.1'] });
});
after(() => kam.stop());

/** A MESSAGE of exactly so many bytes. */
function messageOf(bytes: number, filler: Buffer): Buffer {
  for (let digits = 1; digits < 6; digits++) {
    const head = (length: number) =>
      `MESSAGE ${SESSION} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5999;branch=z9hG4bK${bytes}\r\n` +
      `From: <sip:a@${DOMAIN}>;tag=1\r\nTo: <${SESSION}>\r\nCall-ID: size-${bytes}\r\nCSeq: 1 MESSAGE\r\n` +
      `Max-Forwards: 70\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n`;
    const body = bytes - head(0).length - digits + 1;
    if (String(body).length === digits) {
      return Buffer.concat([Buffer.from(head(body)), filler, Buffer.alloc(body - filler.length, 'x')]);
    }
  }
  throw new Error('no such length');
}

test('up to 48,000 bytes arrive byte for byte, quotes, NUL, UTF-8 and pseudo-variables included', async () => {
  const caller = await kam.tcp('alice');
  const filler = Buffer.from('"\\\0\x01\r\n\r\n $ci $var(x) {s.len} ü€ \xff', 'latin1');
  const sent = messageOf(48000, filler);
  caller.sendRaw(sent);
  const reply = await caller.expectStatus(200, 'MESSAGE');
  assert.equal(header(reply, 'Call-ID'), 'size-48000');
  const call = await kam.service.expectRequest('the MESSAGE', () => true);
  // Kamailio counts Max-Forwards down in the copy that it hands on; nothing else differs
  const latin1 = sent.toString('latin1').replace('Max-Forwards: 70', 'Max-Forwards: 69');
  assert.ok(call.message.equals(Buffer.from(latin1, 'latin1')));
});

test('one byte more gets 513 at once and does not reach the service', async () => {
  const caller = await kam.tcp('alice');
  caller.sendRaw(messageOf(48001, Buffer.alloc(0)));
  const reply = await caller.expectStatus(513, 'MESSAGE');
  assert.equal(header(reply, 'Call-ID'), 'size-48001');
  assert.equal(kam.service.requests.length, 0);
});

test('a reply of 60,000 bytes leaves whole', async () => {
  const body = 'r'.repeat(60000);
  kam.service.decide = () => ({ reply: ok('t', [['Content-Type', 'text/plain']], body) });
  const caller = await kam.tcp('alice');
  const reply = await caller.transact({ method: 'OPTIONS', uri: SESSION, to: SESSION });
  assert.equal(parseSip(reply.raw).body, body);
});

test('a reply to our INVITE that is too large for the inbox leaves its mark', async () => {
  const bob = await kam.tcp('bob');
  await bob.register();
  await kam.client.startRequest({
    method: 'INVITE',
    requestUri: `sip:bob@${DOMAIN}`,
    sendSocket: kam.udpSocket,
    headers: [
      ['From', `<${SESSION}>;tag=f`],
      ['To', `<sip:bob@${DOMAIN}>`],
      ['Call-ID', 'large-answer'],
      ['CSeq', '1 INVITE'],
      ['Contact', `<${SESSION}>`],
    ],
  });
  const invite = await bob.expectRequest('INVITE');
  bob.respond(invite, 200, 'OK', 'large', ['Content-Type: application/sdp'], 's'.repeat(20000));
  const notice = await kam.service.expectNotice('uac.reply', (n) => n.sip.status === 200);
  assert.equal(notice.sip.body.length, 20000);
  assert.deepEqual(await kam.client.inboxGet('large-answer:1:INVITE:large'), Buffer.alloc(0));
});
