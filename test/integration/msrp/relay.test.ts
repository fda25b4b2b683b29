/** spec case 32: a client behind an RFC 4976 relay, which is Kamailio's msrp module. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { freshTid, header, legOf, Member, openHall, putRoom, RawClient } from './raw-client.ts';
import { PASSWORD, REALM, startRelay } from './relay-kamailio.ts';

const CLIENT = 'msrp://client.invalid:2855/client-a;tcp';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

async function authenticate(client: RawClient, relayUri: string, authorization?: string) {
  const tid = freshTid();
  const extra = authorization === undefined ? '' : `Authorization: ${authorization}\r\n`;
  client.write(
    `MSRP ${tid} AUTH\r\nTo-Path: ${relayUri}\r\nFrom-Path: ${CLIENT}\r\n${extra}-------${tid}$\r\n`,
  );
  return client.response(tid);
}

/** RFC 4976 section 5.1: AUTH, challenge, AUTH; returns the URI to put before one's own. */
async function usePath(client: RawClient, port: number): Promise<string> {
  const relayUri = `msrp://127.0.0.1:${port};tcp`;
  const challenge = await authenticate(client, relayUri);
  assert.equal(challenge.what, '401');
  const nonce = /nonce="([^"]+)"/.exec(header(challenge, 'WWW-Authenticate') ?? '')?.[1] ?? '';
  const hash = (password: string): string =>
    md5(`${md5(`ada:${REALM}:${password}`)}:${nonce}:${md5(`AUTH:${relayUri}`)}`);
  const credentials = (password: string): string =>
    `Digest username="ada", realm="${REALM}", nonce="${nonce}", uri="${relayUri}", response="${hash(password)}"`;
  assert.equal((await authenticate(client, relayUri, credentials('wrong'))).what, '401');
  const granted = await authenticate(client, relayUri, credentials(PASSWORD));
  assert.equal(granted.what, '200');
  return header(granted, 'Use-Path') ?? '';
}

test('case 32: a client behind Kamailio as its relay: AUTH, Use-Path, paths of two URIs both ways', async () => {
  await using relay = await startRelay();
  await using hall = await openHall();
  const client = await RawClient.connect(relay.port);
  const relayUri = await usePath(client, relay.port);
  assert.match(relayUri, new RegExp(`^msrps?://127\\.0\\.0\\.1:${relay.port}/[^;]+;tcp$`));
  putRoom(hall, [legOf('a', { path: [relayUri, CLIENT] }), legOf('b')]);
  const a = new Member('a', client, hall.port);
  const b = await Member.join(hall, 'b');
  const to = `${relayUri} ${a.switchUri}`;
  assert.equal(await a.sendAndStatus(null, { to, from: CLIENT }), '200');
  await hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'a');

  assert.equal(await a.sendAndStatus('through the relay', { to, from: CLIENT }), '200');
  assert.equal((await b.message()).body.toString(), 'through the relay');

  assert.equal(await b.sendAndStatus('and back'), '200');
  const back = await a.message();
  assert.equal(back.body.toString(), 'and back');
  assert.equal(header(back, 'To-Path'), CLIENT);
  assert.equal(header(back, 'From-Path'), `${relayUri} ${a.switchUri}`);

  const large = Buffer.alloc(9_000, 'r');
  assert.equal(await a.sendAndStatus(large, { to, from: CLIENT, range: '1-9000/9000' }), '200');
  assert.deepEqual((await b.message()).body, large);

  const tid = a.send('report this', { to, from: CLIENT, extra: 'Success-Report: yes' });
  assert.equal(await client.status(tid), '200');
  const report = await client.next((frame) => frame.what === 'REPORT', 'a REPORT');
  assert.deepEqual([header(report, 'Message-ID'), header(report, 'Status')], [`m-${tid}`, '000 200 OK']);
  assert.equal(hall.msrp.counters().deliveryFailures, 0);
});

test('case 32: the switch as the active side connects to the relay of a client, and binds through it', async () => {
  await using relay = await startRelay();
  await using hall = await openHall();
  const client = await RawClient.connect(relay.port);
  const relayUri = await usePath(client, relay.port);
  putRoom(hall, [legOf('a', { path: [relayUri, CLIENT], role: 'active' }), legOf('b')]);
  const bind = await client.message();
  assert.equal(bind.body.length, 0);
  assert.equal(header(bind, 'To-Path'), CLIENT);
  await hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'a');
  const b = await Member.join(hall, 'b');
  assert.equal(await b.sendAndStatus('by way of the relay'), '200');
  assert.equal((await client.message()).body.toString(), 'by way of the relay');
  const a = new Member('a', client, hall.port);
  const to = `${relayUri} ${a.switchUri}`;
  assert.equal(await a.sendAndStatus('and back', { to, from: CLIENT }), '200');
  assert.equal((await b.message()).body.toString(), 'and back');
});
