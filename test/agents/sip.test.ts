import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, describe, test } from 'node:test';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import type { SipAgentOptions } from '../../src/agents/sip/agent-options.ts';
import { parseChallenge } from '../../src/agents/sip/header-values.ts';
import { SipMessage, SipStream } from '../../src/agents/sip/message.ts';

const started: SipAgent[] = [];

async function start(name: string, options: Partial<SipAgentOptions> = {}): Promise<SipAgent> {
  const agent = await SipAgent.start({ uri: `sip:${name}@127.0.0.1`, ...options });
  started.push(agent);
  return agent;
}

async function pair(options: Partial<SipAgentOptions> = {}): Promise<[SipAgent, SipAgent]> {
  return [await start('ada', options), await start('ben', options)];
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((agent) => agent.stop()));
});

/** T1 where copies of requests are counted, and none is to be sent on a machine with other work. */
const NO_REPEAT_MS = 5_000;

const sent = (agent: SipAgent, what: RegExp): number =>
  agent.trace.filter((entry) => entry.direction === 'sent' && what.test(entry.text)).length;
const got = (agent: SipAgent, what: RegExp): number =>
  agent.trace.filter((entry) => entry.direction === 'received' && what.test(entry.text)).length;

for (const transport of ['udp', 'tcp'] as const) {
  describe(`SIP agents over ${transport}`, () => {
    test('INVITE, 180, 200, ACK, INFO, re-INVITE, UPDATE and BYE share one dialog', async () => {
      const [ada, ben] = await pair({ transport });
      const sdp = { contentType: 'application/sdp', content: 'v=0\r\n' };
      const call = ada.invite({ to: ben.contactUri, body: sdp });
      const incoming = await ben.nextInvite();
      assert.equal(incoming.request.body, 'v=0\r\n');
      incoming.ring();
      assert.equal((await call.provisional(180)).reason, 'Ringing');
      const his = await incoming.accept({ body: sdp });
      const hers = await call.answered();
      assert.deepEqual([hers.state, his.state], ['confirmed', 'confirmed']);
      assert.equal((await hers.request('INFO')).status, 200);
      const info = await ben.nextRequest('INFO');
      assert.equal(info.dialog, his);
      assert.equal((await his.update()).status, 200);
      const again = await hers.reinvite({ body: sdp }).final();
      assert.deepEqual([again.status, again.body], [200, 'v=0\r\n']);
      assert.equal((await his.reinvite({ body: sdp }).final()).status, 200);
      his.onRequest = () => ({ status: 491, reason: 'Request Pending' });
      assert.equal((await hers.reinvite({ body: sdp }).final()).status, 491);
      his.onRequest = undefined;
      assert.equal((await his.bye()).status, 200);
      assert.equal(await hers.ended, 'remote');
      assert.equal((await hers.request('INFO')).status, 481);
      assert.deepEqual([...ada.violations, ...ben.violations], []);
      assert.deepEqual(
        ben.unexpected.map((one) => one.why),
        ['INFO in no dialog of ours (answered 481)'],
      );
    });

    test('what is still sent to the agent that had its port before is answered 404, and is nothing unexpected', async () => {
      const [ada, ben] = await pair({ transport });
      const lastOwner = ben.contactUri.replace('sip:ben@', 'sip:somebody@');
      assert.notEqual(lastOwner, ben.contactUri);
      const headers = [['To', `<${lastOwner}>;tag=of-its-dialog`]] as const;
      assert.equal((await ada.request('NOTIFY', { to: lastOwner, headers })).status, 404);
      assert.deepEqual(ben.unexpected, []);
    });

    test('behind a proxy what goes to another name is not heard at all', async () => {
      const ada = await start('ada', { transport });
      const [host = '', port = ''] = ada.address.split(':');
      const ben = await start('ben', { transport, proxy: { host, port: Number(port) } });
      const lastOwner = ben.contactUri.replace('sip:ben@', 'sip:somebody@');
      const stray = ada.invite({ to: lastOwner });
      const contact = [['Contact', `<${ben.contactUri.replace('sip:ben@', 'sip:ben.two@')}>`]] as const;
      assert.equal((await ben.request('OPTIONS', { to: ada.contactUri, headers: contact })).status, 200);
      for (const name of ['ben', 'ben.two']) {
        const call = ada.invite({ to: ben.contactUri.replace('sip:ben@', `sip:${name}@`) });
        const invite = await ben.nextInvite();
        assert.equal(invite.request.callId, call.request.callId);
        await invite.reject(486);
      }
      assert.deepEqual(stray.responses, []);
      assert.equal(ben.received(({ method, isRequest }) => isRequest && method === 'INVITE').length, 2);
      assert.ok(ben.trace.some(({ text }) => text.startsWith('for whoever had our port before: INVITE')));
      assert.deepEqual(ben.unexpected, []);
    });

    test('CANCEL while ringing: 200 to it, 487 to the INVITE, and an ACK', async () => {
      const [ada, ben] = await pair({ transport });
      const call = ada.invite({ to: ben.contactUri });
      const incoming = await ben.nextInvite();
      incoming.ring();
      assert.equal((await call.cancel()).status, 200);
      assert.equal((await call.final()).status, 487);
      assert.equal((await incoming.cancelled).method, 'CANCEL');
      assert.equal((await incoming.acked).method, 'ACK');
    });

    test('a 200 that crosses the CANCEL is acknowledged and can be ended', async () => {
      const [ada, ben] = await pair({ transport });
      const call = ada.invite({ to: ben.contactUri });
      const incoming = await ben.nextInvite();
      incoming.answersCancel = false;
      incoming.ring();
      await call.cancel();
      await incoming.accept();
      assert.equal((await (await call.answered()).bye()).status, 200);
    });

    test('SUBSCRIBE: NOTIFYs before and after the 200, refresh, termination with its reason', async () => {
      const [ada, ben] = await pair({ transport });
      ben.answer('SUBSCRIBE', 'withhold');
      const subscribing = ada.subscribe({ to: ben.contactUri, event: 'conference' });
      const request = await ben.nextRequest('SUBSCRIBE');
      const dialog = ben.dialogOf(request);
      const notify = (state: string) =>
        dialog.request('NOTIFY', {
          headers: [
            ['Event', 'conference'],
            ['Subscription-State', state],
          ],
        });
      assert.equal((await notify('active;expires=600')).status, 200);
      request.reply(200);
      const subscription = await subscribing;
      assert.equal((await subscription.nextNotify()).header('Event'), 'conference');
      const refreshing = subscription.refresh(300);
      (await dialog.nextRequest('SUBSCRIBE')).reply(200);
      assert.equal((await refreshing).header('Expires'), '300');
      await notify('terminated;reason=noresource');
      assert.equal(await subscription.terminated, 'noresource');
      assert.equal((await notify('active')).status, 481);
      assert.deepEqual([...ada.violations, ...ben.violations], []);
    });

    test('a refused SUBSCRIBE tells its status', async () => {
      const [ada, ben] = await pair({ transport });
      ben.answer('SUBSCRIBE', { status: 403 });
      assert.equal((await ada.subscribe({ to: ben.contactUri, event: 'conference' })).response.status, 403);
    });

    test('REFER inside an INVITE dialog: 202, then sipfrag NOTIFYs in that dialog', async () => {
      const [ada, ben] = await pair({ transport });
      const call = ada.invite({ to: ben.contactUri });
      const his = await (await ben.nextInvite()).accept();
      const refer = await (await call.answered()).refer('<sip:cleo@example.net>');
      assert.equal(refer.response.status, 202);
      assert.equal((await ben.nextRequest('REFER')).request.header('Refer-To'), '<sip:cleo@example.net>');
      await his.request('NOTIFY', {
        headers: [
          ['Event', 'refer'],
          ['Subscription-State', 'terminated;reason=noresource'],
        ],
        body: { contentType: 'message/sipfrag;version=2.0', content: 'SIP/2.0 200 OK\r\n' },
      });
      assert.equal((await refer.nextNotify()).body, 'SIP/2.0 200 OK\r\n');
      assert.equal(await refer.untilTerminated(), 'noresource');
    });

    test('a challenge is answered once with the right digest, and a second refusal is handed over', async () => {
      const [ada, ben] = await pair({ transport, password: 'secret', t1Ms: NO_REPEAT_MS });
      const challenge: [string, string] = ['WWW-Authenticate', 'Digest realm="r,1", nonce="n", qop="auth"'];
      ben.answer('MESSAGE', ({ request }) =>
        request.header('Authorization') === undefined
          ? { status: 401, headers: [challenge] }
          : { status: 200 },
      );
      assert.equal((await ada.request('MESSAGE', { to: ben.contactUri })).status, 200);
      await ben.nextRequest('MESSAGE');
      const { request } = await ben.nextRequest('MESSAGE');
      const { params } = parseChallenge(request.header('Authorization') ?? '');
      const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
      const a1 = md5('ada:r,1:secret');
      const a2 = md5(`MESSAGE:${request.requestUri}`);
      assert.equal(params.get('response'), md5(`${a1}:n:00000001:${params.get('cnonce')}:auth:${a2}`));
      assert.equal(request.cseq, 2);
      ben.answer('MESSAGE', { status: 401, headers: [challenge] });
      assert.equal((await ada.request('MESSAGE', { to: ben.contactUri })).status, 401);
      assert.equal(sent(ada, /^MESSAGE/), 4);
    });

    test('malformed bytes and stray messages are kept as unexpected, and the agent goes on', async () => {
      const [ada, ben] = await pair({ transport });
      const [host = '', port = ''] = ben.address.split(':');
      const hop = { host, port: Number(port) };
      ada.sendRaw('HELLO\r\n\r\n', hop);
      ada.sendRaw(
        `BYE ${ben.contactUri} SIP/2.0\r\nVia: ${ada.newVia()}\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:z@y>;tag=2\r\n` +
          'Call-ID: stray\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n',
        hop,
      );
      const answer = await ada.sees('481 to a raw BYE', (message) => message.status === 481);
      assert.equal(answer.callId, 'stray');
      assert.equal(ben.unexpected.length, 2);
      assert.match(ben.unexpected[0]?.why ?? '', /malformed/);
      assert.deepEqual(ben.violations, [`BYE ${ben.contactUri}: no Max-Forwards`]);
      assert.equal((await ada.request('OPTIONS', { to: ben.contactUri })).status, 200);
    });
  });
}

test('UDP: an INVITE is repeated until an answer comes, a 200 until its ACK', async () => {
  const [ada, ben] = await pair({ t1Ms: 50 });
  const call = ada.invite({ to: ben.contactUri, autoAck: false });
  const incoming = await ben.nextInvite();
  await ben.sees('a third copy of the INVITE', () => got(ben, /^INVITE/) >= 3);
  assert.equal(ben.waitingInvites.length, 0);
  const accepted = incoming.accept();
  await call.nextFinal();
  await call.nextFinal();
  await call.nextFinal();
  await call.ack();
  await accepted;
  const copies = sent(ben, /^200 OK/);
  await ada.request('OPTIONS', { to: ben.contactUri });
  assert.equal(sent(ben, /^200 OK \(INVITE\)/), copies);
  assert.ok(copies >= 3);
});

test('UDP: a request that nobody answers fails with its name after 64·T1', async () => {
  const ada = await start('ada', { t1Ms: 2 });
  const ben = await start('ben');
  ben.answer('MESSAGE', 'withhold');
  await assert.rejects(ada.request('MESSAGE', { to: ben.contactUri }), /no response to MESSAGE/);
});

test('a wait that is not met says what it waited for and what it saw', async () => {
  const [ada, ben] = await pair();
  await ada.request('OPTIONS', { to: ben.contactUri });
  await assert.rejects(
    ben.nextInvite({ timeoutMs: 5 }),
    /sip:ben@127.0.0.1 waits for an INVITE.*5 ms.*OPTIONS/,
  );
  await assert.rejects(ben.nextRequest('BYE', { timeoutMs: 5 }), /waits for BYE.*untaken \[OPTIONS/);
});

test('the same request by another path gets 482', async () => {
  const [ada, ben] = await pair();
  const call = ada.invite({ to: ben.contactUri });
  (await ben.nextInvite()).ring();
  await call.provisional(180);
  const copy = call.request.raw.toString().replace(/branch=[^;\r]*/, 'branch=z9hG4bKother');
  const [host = '', port = ''] = ben.address.split(':');
  ada.sendRaw(copy, { host, port: Number(port) });
  await ada.sees('482', (message) => message.status === 482);
});

test('headers of the caller replace, add to and remove ours', async () => {
  const [ada, ben] = await pair({ assertedIdentity: 'sip:ada@example.net', displayName: 'Ada' });
  await ada.request('MESSAGE', {
    to: ben.contactUri,
    headers: [
      ['User-Agent', null],
      ['From', '<sip:spoof@example.net>;tag=1'],
      ['X-Test', 'a'],
      ['X-Test', 'b'],
    ],
  });
  const { request } = await ben.nextRequest('MESSAGE');
  assert.equal(request.header('User-Agent'), undefined);
  assert.equal(request.header('From'), '<sip:spoof@example.net>;tag=1');
  assert.deepEqual(request.headers('X-Test'), ['a', 'b']);
  assert.equal(request.header('P-Asserted-Identity'), '"Ada" <sip:ada@example.net>');
});

test('TCP framing: two messages, split at every byte, with a keep-alive between them', () => {
  const one = 'OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\nl: 4\r\n\r\nbody';
  const bytes = Buffer.from(`${one}\r\n\r\n${one}`);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const stream = new SipStream();
    const messages = [...stream.feed(bytes.subarray(0, cut)), ...stream.feed(bytes.subarray(cut))];
    assert.deepEqual(
      messages.map((raw) => SipMessage.parse(raw).body),
      ['body', 'body'],
    );
  }
});
