import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { KamailioRpcClient } from 'kamailio-jsonrpc';
import { writeForeignConfig } from '../../support/kamailio/foreign-config.ts';
import { freePort } from '../../support/kamailio/free-port.ts';
import { log, replyOnceSuspended } from '../../support/kamailio/kamailio-fixture.ts';
import { SipEndpoint } from '../../support/kamailio/sip-endpoint.ts';
import { header, headers, type SipText, tag, uriOf } from '../../support/kamailio/sip-text.ts';
import { ok, SECRET, StubService } from '../../support/kamailio/stub-service.ts';

const CORE = '127.0.0.2';

interface Running {
  readonly child: ChildProcess;
  readonly sipPort: number;
  readonly rpcPort: number;
  readonly domain: string;
  output(): string;
}

async function startDebian(
  file: string,
  defines: readonly string[],
  runDir: string,
  rpcPort: number,
): Promise<Running> {
  const sipPort = await freePort();
  const sockets = ['-l', `udp:127.0.0.1:${sipPort}`, '-l', `tcp:127.0.0.1:${sipPort}`];
  const all = [...defines, `IM_NEXT_HOP="sip:127.0.0.1:${sipPort};transport=udp"`].flatMap((define) => [
    '-A',
    define,
  ]);
  const child = spawn(
    'setpriv',
    [
      '--pdeathsig',
      'SIGTERM',
      '--',
      '/usr/sbin/kamailio',
      '-DD',
      '-E',
      '--alias=example.test',
      '-n',
      '2',
      '-m',
      '64',
      '-Y',
      runDir,
      '-f',
      file,
      ...sockets,
      ...all,
    ],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const running = { child, sipPort, rpcPort, domain: `127.0.0.1:${sipPort}`, output: () => output };
  // it is up when it answers a keep-alive
  const probe = await SipEndpoint.udp('probe', running.domain, sipPort);
  const uri = `sip:${running.domain}`;
  try {
    for (let n = 0; n < 100; n++) {
      if (child.exitCode !== null) throw new Error(`kamailio ended: ${output}`);
      probe.request({ method: 'OPTIONS', uri, to: uri });
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (probe.received.some((m) => m.status === 200)) return running;
    }
    throw new Error(`kamailio does not answer: ${output}`);
  } catch (error) {
    await stop(running);
    throw error;
  } finally {
    probe.close();
  }
}

async function stop({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** What a user of this Kamailio saw before and sees after: statuses, and the shape of a call. */
async function ordinaryTraffic(kam: Running): Promise<readonly string[]> {
  const seen: string[] = [];
  const note = (what: string, message: SipText) => seen.push(`${what}: ${message.startLine}`);
  const alice = await SipEndpoint.udp('alice', kam.domain, kam.sipPort);
  const bob = await SipEndpoint.tcp('bob', kam.domain, kam.sipPort);
  bob.contactHost = `127.0.0.1:${bob.port}`;
  try {
    note('REGISTER', await alice.register());
    note('REGISTER over TCP', await bob.register());
    const to = `sip:bob@${kam.domain}`;
    const calling = alice.transact({ method: 'INVITE', uri: to, to });
    const invite = await bob.expectRequest('INVITE');
    seen.push(
      `record-route: ${headers(invite, 'Record-Route').length}, via: ${headers(invite, 'Via').length}`,
    );
    bob.respond(invite, 200, 'OK', 'bobs');
    const answer = await calling;
    note('INVITE', answer);
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
    alice.request({ ...dialog, method: 'ACK' });
    await bob.expectRequest('ACK');
    const ending = alice.transact({ ...dialog, method: 'BYE', cseq: 2 });
    bob.respond(await bob.expectRequest('BYE'), 200, 'OK', 'bobs');
    note('BYE', await ending);

    const ringing = alice.request({ method: 'INVITE', uri: to, to });
    const second = await bob.expectRequest('INVITE');
    bob.respond(second, 180, 'Ringing', 'b2');
    await alice.expectStatus(180, 'INVITE');
    alice.request({ ...ringing, method: 'CANCEL', cseqMethod: 'CANCEL' });
    note('CANCEL', await alice.expectStatus(200, 'CANCEL'));
    bob.respond(await bob.expectRequest('CANCEL'), 200, 'OK', 'b2');
    bob.respond(second, 487, 'Request Terminated', 'b2');
    note('cancelled INVITE', await alice.expectStatus(487, 'INVITE'));

    for (const [what, user, toTag] of [
      ['unknown user', 'nobody', undefined],
      ['foreign dialog', 'bob', 'of-a-dialog-unknown'],
    ] as const) {
      const uri = `sip:${user}@${kam.domain}`;
      for (const method of ['INVITE', 'BYE', 'MESSAGE', 'OPTIONS']) {
        if (toTag === undefined && method === 'BYE') continue;
        const request = { method, uri, to: uri, ...(toTag === undefined ? {} : { toTag }) };
        note(`${method} ${what}`, await alice.transact(request));
      }
    }
    const elsewhere = 'sip:someone@192.0.2.77';
    note('relaying', await alice.transact({ method: 'MESSAGE', uri: elsewhere, to: elsewhere }));
  } finally {
    alice.close();
    bob.close();
  }
  return seen.map((line) => line.replaceAll(String(kam.sipPort), 'PORT'));
}

for (const variant of ['as packaged', 'WITH_JSONRPC'] as const) {
  describe(`Debian's kamailio.cfg, ${variant}`, () => {
    const more = variant === 'as packaged' ? [] : [variant];
    let service: StubService;
    let kam: Running;
    let plain: Running;
    const folders: string[] = [];

    before(async () => {
      for (let n = 0; n < 2; n++) folders.push(await mkdtemp(path.join(tmpdir(), 'parley-foreign-')));
      service = new StubService(0, log);
      const { port } = await service.server.listen();
      const rpcPort = await freePort();
      const defines = [
        ...more,
        'IM_DOMAIN="example.test"',
        'IM_FACTORIES="im-conference-factory@example.test"',
        `IM_TRUSTED_PEERS="${CORE}/32"`,
        `IM_SERVICE_1="conn=im;addr=127.0.0.1;port=${port};priority=10;weight=10"`,
        `IM_RPC_LISTEN=tcp:127.0.0.1:${rpcPort}`,
        `IM_RPC_PORT=${rpcPort}`,
      ];
      const [plainFolder = '', ourFolder = ''] = folders;
      plain = await startDebian(await writeForeignConfig(plainFolder), more, plainFolder, 0);
      kam = await startDebian(await writeForeignConfig(ourFolder, SECRET), defines, ourFolder, rpcPort);
      await service.whenConnected();
    });
    after(async () => {
      if (kam !== undefined) await stop(kam);
      if (plain !== undefined) await stop(plain);
      await service.server.close();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    });

    test('REGISTER, calls, CANCEL and foreign dialogs go exactly as without our lines, and the service hears of none', async () => {
      const expected = await ordinaryTraffic(plain);
      assert.ok(expected.length >= 12);
      assert.deepEqual(await ordinaryTraffic(kam), expected);
      assert.equal(service.requests.length + service.notices.length, 0);
    });

    test('an IM session is made, kept and ended by the service', async (t) => {
      service.decide = () => ({ pending: true });
      const client = new KamailioRpcClient({ url: `http://127.0.0.1:${kam.rpcPort}`, secret: SECRET, log });
      t.after(() => client.close());
      const core = await SipEndpoint.udp('core', kam.domain, kam.sipPort, CORE);
      t.after(() => core.close());
      const factory = 'sip:im-conference-factory@example.test';
      const sent = core.request({
        method: 'INVITE',
        uri: factory,
        to: factory,
        headers: ['P-Asserted-Identity: <sip:ann@example.test>'],
      });
      const call = await service.expectRequest('the INVITE', () => true);
      assert.deepEqual(call.asserted, ['<sip:ann@example.test>']);
      assert.equal(call.trust, 'core');
      const contact = `sip:im-s-5@${kam.domain}`;
      await replyOnceSuspended(client, call.tid, ok('ours', [['Contact', `<${contact}>;isfocus`]]));
      const answer = await core.expectStatus(200, 'INVITE');
      assert.equal(tag(header(answer, 'To')), 'ours');
      const dialog = { uri: contact, to: factory, toTag: 'ours', fromTag: sent.fromTag, callId: sent.callId };
      core.request({ ...dialog, method: 'ACK' });
      await service.expectNotice('ack');
      service.decide = () => ({ reply: ok('ours') });
      assert.equal((await core.transact({ ...dialog, method: 'BYE', cseq: 2 })).status, 200);
    });

    test('the service reaches a registered user, and hears what he answers', async (t) => {
      const client = new KamailioRpcClient({ url: `http://127.0.0.1:${kam.rpcPort}`, secret: SECRET, log });
      t.after(() => client.close());
      const carol = await SipEndpoint.udp('carol', kam.domain, kam.sipPort);
      t.after(() => carol.close());
      await carol.register();
      await client.startRequest({
        method: 'INVITE',
        requestUri: `sip:carol@${kam.domain}`,
        sendSocket: `udp:127.0.0.1:${kam.sipPort}`,
        headers: [
          ['From', '<sip:im-s-5@example.test>;tag=f5'],
          ['To', `<sip:carol@${kam.domain}>`],
          ['Call-ID', 'foreign-out'],
          ['CSeq', '1 INVITE'],
          ['Contact', `<sip:im-s-5@${kam.domain}>`],
          ['P-Asserted-Identity', '<sip:dave@example.test>'],
          ['P-Charging-Vector', 'icid-value=5'],
          ['P-Charging-Function-Addresses', 'ccf=192.0.2.5'],
        ],
      });
      const invite = await carol.expectRequest('INVITE');
      // For the core alone; and who knew our mark would be taken for the service.
      for (const name of [
        'P-Asserted-Identity',
        'P-Charging-Vector',
        'P-Charging-Function-Addresses',
        'X-IM-Hop',
      ])
        assert.equal(header(invite, name), '', name);
      assert.equal(header(invite, 'From'), '<sip:im-s-5@example.test>;tag=f5');
      carol.respond(invite, 603, 'Decline', 'c');
      await service.expectNotice('uac.reply', (n) => n.sip.status === 603);
      await carol.expectRequest('ACK');
    });

    test('a stranger has no identity, whatever he asserts', async (t) => {
      service.decide = () => ({ reply: ok() });
      const stranger = await SipEndpoint.udp('mallory', kam.domain, kam.sipPort);
      t.after(() => stranger.close());
      const uri = `sip:im-s-5@${kam.domain}`;
      await stranger.transact({
        method: 'INVITE',
        uri,
        to: uri,
        headers: ['P-Asserted-Identity: <sip:boss@example.test>'],
      });
      const call = await service.expectRequest('the INVITE', (c) => c.sip.method === 'INVITE');
      assert.deepEqual(call.asserted, []);
      assert.equal(call.trust, 'none');
    });
  });
}
