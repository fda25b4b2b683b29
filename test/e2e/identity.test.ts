/** Who somebody is: only the core and a digest tell. And who may control the stack: only who has the secret. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import type { Dialog } from '../../src/agents/sip/dialog.ts';
import type { HeaderOverrides, SipMessage } from '../../src/agents/sip/message.ts';
import { DOMAIN, FACTORY, OUTSIDE_ADDRESS, Stack } from '../support/stack.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { runDirectory } from './support/processes.ts';

const PASSWORD = 'between us';
const uriOf = (name: string) => `sip:${name}@${DOMAIN}`;
const VICTIM = uriOf('ada');

/** A line of an htdigest file. */
function account(name: string): string {
  const ha1 = createHash('md5').update(`${name}:${DOMAIN}:${PASSWORD}`).digest('hex');
  return `${name}:${DOMAIN}:${ha1}`;
}

/** What no refused attempt may change: the sessions that run, not those that are on their way out. */
async function footprint(stack: Stack): Promise<unknown> {
  const sessions = (await stack.sessions()).filter(({ phase }) => phase === 'active' || phase === 'forming');
  return sessions.map(({ id, phase, participants }) => `${id} ${phase} ${participants.connected}`).sort();
}

describe('identity', () => {
  let stack: Stack;
  let ben: Subscriber;
  const agents: SipAgent[] = [];
  before(async () => {
    stack = await Stack.start({ users: [account('una'), account('mal')] });
    ben = await stack.subscriber('ben');
  });
  after(async () => {
    await Promise.all(agents.map((agent) => agent.stop()));
    await stack.stop();
  });

  /** Nobody's address, and an assertion that it is somebody else. */
  async function outsider(name: string, password?: string): Promise<SipAgent> {
    const agent = await SipAgent.start({
      uri: uriOf(name),
      proxy: stack.proxy,
      localAddress: OUTSIDE_ADDRESS,
      assertedIdentity: VICTIM,
      ...(password === undefined ? {} : { password }),
    });
    agents.push(agent);
    return agent;
  }

  const refusal = (agent: SipAgent, headers: HeaderOverrides = []): Promise<SipMessage> =>
    agent.invite({ to: FACTORY, headers }).final();

  test('asserted from an untrusted address and without credentials: 407, and the focus never hears of it', async () => {
    const before = await footprint(stack);
    const una = await outsider('una');
    for (const headers of [
      [],
      [['From', `<${VICTIM}>;tag=of-mine`]],
      [['P-Preferred-Identity', `<${VICTIM}>`]],
    ] as HeaderOverrides[]) {
      const call = una.invite({ to: FACTORY, headers });
      assert.equal((await call.final()).status, 407);
      assert.deepEqual(await stack.decisions({ callId: call.request.callId }), []);
    }
    await assert.rejects(una.register(), /401/);
    assert.deepEqual(await footprint(stack), before);
  });

  test('a wrong password is asked again, for INVITE and for REGISTER, and an unknown user looks the same', async () => {
    for (const name of ['una', 'nobody-at-all']) {
      const agent = await outsider(name, 'a guess');
      assert.equal((await refusal(agent)).status, 407, name);
      await assert.rejects(agent.register(), /401/, name);
    }
  });

  test('a digest user is itself, whatever it asserts and whatever stands in From', async () => {
    const una = await stack.subscriber('una', {
      localAddress: OUTSIDE_ADDRESS,
      password: PASSWORD,
      assertedIdentity: `"Ada" <${VICTIM}>`,
    });
    for (const headers of [[], [['From', `<${VICTIM}>;tag=of-mine`]]] as HeaderOverrides[]) {
      const outgoing = await una.dialAdHoc({ factory: FACTORY, invite: [ben.uri], headers });
      const invite = await ben.sip.nextInvite();
      assert.ok(!invite.request.raw.toString().includes(VICTIM), 'the invitee reads nothing of the lie');
      assert.match(invite.request.header('P-Asserted-Identity') ?? '', new RegExp(`<${una.uri}>`));
      const [room, bens] = await Promise.all([outgoing.room(), ben.answer(invite)]);
      const roster = await bens.watch();
      await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 2);
      assert.deepEqual(roster.connected.sort(), [ben.uri, una.uri]);
      assert.equal((await bens.leave()).status, 200);
      assert.equal(await room.ended, 'remote');
    }
    assert.deepEqual(una.violations, []);
  });

  test('who invites is asserted, and what is charged by told, to trusted peers alone', async () => {
    const mal = await stack.subscriber('mal', { localAddress: OUTSIDE_ADDRESS, password: PASSWORD });
    const proxied = await stack.subscriber('whoever', { assertedIdentity: `"Eve" <${uriOf('eve')}>` });
    const outgoing = await proxied.dialAdHoc({
      factory: FACTORY,
      invite: [ben.uri, mal.uri],
      headers: [
        ['P-Charging-Vector', 'icid-value=1'],
        ['P-Charging-Function-Addresses', 'ccf=192.0.2.8'],
      ],
    });
    const [bens, mals] = await Promise.all([ben.sip.nextInvite(), mal.sip.nextInvite()]);
    const of = (name: string) => [bens, mals].map(({ request }) => request.header(name));
    assert.deepEqual(of('P-Asserted-Identity'), [`"Eve" <${uriOf('eve')}>`, undefined]);
    assert.deepEqual(of('P-Charging-Vector'), ['icid-value=1', undefined]);
    assert.deepEqual(of('P-Charging-Function-Addresses'), ['ccf=192.0.2.8', undefined]);
    // Both see who it is.
    for (const { request } of [bens, mals]) {
      assert.match(request.header('From') ?? '', /^"Eve" <sip:im-s-/);
      assert.equal(request.header('Referred-By'), `<${uriOf('eve')}>`);
      assert.equal(request.headers('X-IM-Hop').length + request.headers('X-IM-Uac').length, 0);
    }
    await Promise.all([bens.reject(486), mals.reject(486)]);
    await assert.rejects(outgoing.room(), /486/);
    assert.deepEqual(mal.violations, []);
  });

  test('a digest user registers itself only', async () => {
    const una = await outsider('una', PASSWORD);
    await assert.rejects(una.register({ headers: [['To', `<${VICTIM}>`]] }), /403/);
  });

  test('asserted by the core: it counts, and From does not', async () => {
    const proxied = await stack.subscriber('whoever', { assertedIdentity: `"Eve" <${uriOf('eve')}>` });
    const outgoing = await proxied.dialAdHoc({ factory: FACTORY, invite: [ben.uri] });
    const invite = await ben.sip.nextInvite();
    assert.match(invite.request.header('P-Asserted-Identity') ?? '', new RegExp(`<${uriOf('eve')}>`));
    assert.ok(!(invite.request.header('Referred-By') ?? '').includes('whoever'));
    const [room, bens] = await Promise.all([outgoing.room(), ben.answer(invite)]);
    const roster = await bens.watch();
    await roster.until((users) => users.some(({ entity }) => entity === uriOf('eve')));
    assert.ok(!roster.users.some(({ entity }) => entity === proxied.uri));
    assert.equal((await room.leave()).status, 200);
    assertClean(ben);
  });

  test('the core without P-Asserted-Identity: nobody, 403 with a Warning (A-9)', async () => {
    const agent = await SipAgent.start({ uri: VICTIM, proxy: stack.proxy });
    agents.push(agent);
    const before = await footprint(stack);
    const refused = await refusal(agent);
    assert.equal(refused.status, 403);
    assert.match(refused.header('Warning') ?? '', /^399 \S+ ".+"$/);
    assert.deepEqual(await footprint(stack), before);
  });

  describe('a dialog of others', () => {
    let rooms: Room[];
    let una: Subscriber;
    before(async () => {
      una = await stack.subscriber('una', { localAddress: OUTSIDE_ADDRESS, password: PASSWORD });
      rooms = await conversation(FACTORY, una, ben);
    });

    /** The fields of a request in this dialog, as its owner would send it. */
    const inDialog = (dialog: Dialog): { to: string; requestUri: string; headers: HeaderOverrides } => ({
      to: dialog.remoteAddress.replace(/^.*<|>.*$/g, ''),
      requestUri: dialog.remoteTarget,
      headers: [
        ['From', `${dialog.localAddress};tag=${dialog.localTag}`],
        ['To', `${dialog.remoteAddress};tag=${dialog.remoteTag}`],
        ['Call-ID', dialog.callId],
      ],
    });

    test('who knows its tags but is not its owner can neither end nor change it', async () => {
      const before = await footprint(stack);
      const stranger = await outsider('mal');
      const user = await outsider('mal', PASSWORD);
      // Numbers above all that the owners have used, so that nothing but the sender can be at fault.
      let cseq = 1_000;
      for (const dialog of rooms.map((room) => room.dialog)) {
        for (const method of ['BYE', 'UPDATE', 'REFER', 'INFO']) {
          for (const agent of [stranger, user]) {
            cseq += 1;
            const { headers, ...rest } = inDialog(dialog);
            const answer = await agent.request(method, {
              ...rest,
              headers: [...headers, ['CSeq', `${cseq} ${method}`], ['Refer-To', `<${uriOf('mal')}>`]],
            });
            assert.ok([403, 407].includes(answer.status), `${method}: ${answer.status} ${answer.reason}`);
          }
        }
      }
      assert.deepEqual(await footprint(stack), before);
      const [unas, bens] = rooms as [Room, Room];
      await chat('untouched', unas, bens);
      await chat('the same here', bens, unas);
      assert.equal((await bens.leave()).status, 200, 'and their own numbers still count');
      assert.equal(await unas.ended, 'remote');
    });
  });
});

describe('without a users file', () => {
  test('an assertion from an untrusted address is worth as little, and nobody can prove anything', async (t) => {
    const stack = await Stack.start();
    t.after(() => stack.stop());
    for (const password of [undefined, PASSWORD]) {
      const agent = await SipAgent.start({
        uri: uriOf('una'),
        proxy: stack.proxy,
        localAddress: OUTSIDE_ADDRESS,
        assertedIdentity: VICTIM,
        ...(password === undefined ? {} : { password }),
      });
      t.after(() => agent.stop());
      assert.equal((await agent.invite({ to: FACTORY }).final()).status, 407);
      await assert.rejects(agent.register(), /401/);
    }
    assert.deepEqual(await stack.sessions(), []);
  });
});

describe('the control channels', () => {
  let stack: Stack;
  let rooms: Room[];
  let ports: { jsonRpc: number; rpc: number };
  before(async () => {
    stack = await Stack.start();
    const [ada, ben] = [await stack.subscriber('ada'), await stack.subscriber('ben')];
    rooms = await conversation(FACTORY, ada, ben);
    const file = join(runDirectory(stack.directory), 'config.json');
    const { kamailio } = (JSON.parse(await readFile(file, 'utf8')) as { config: ResolvedPorts }).config;
    ports = { jsonRpc: kamailio.jsonRpc.listen.port, rpc: kamailio.rpc.listen.port };
  });
  after(() => stack.stop());

  interface ResolvedPorts {
    readonly kamailio: {
      readonly jsonRpc: { readonly listen: { readonly port: number } };
      readonly rpc: { readonly listen: { readonly port: number } };
    };
  }

  /** Says these bytes on the port of the focus; its first answer, or what there is when it closes. */
  async function tell(bytes: string): Promise<string> {
    const socket = connect(ports.jsonRpc, '127.0.0.1');
    await once(socket, 'connect');
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      // One whole answer: a netstring whose length is said in front.
      const [, length] = /^(\d+):/.exec(heard) ?? [];
      if (length !== undefined && heard.length >= length.length + Number(length) + 2) socket.end();
    });
    socket.on('error', () => undefined);
    const closed = once(socket, 'close', { signal: AbortSignal.timeout(5_000) });
    socket.write(bytes);
    await closed;
    return heard;
  }

  const netstring = (text: string) => `${Buffer.byteLength(text)}:${text},`;

  const bye = (): string => {
    const { dialog } = rooms[0] as Room;
    const text = [
      `BYE ${dialog.remoteTarget} SIP/2.0`,
      'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKforged',
      `From: ${dialog.localAddress};tag=${dialog.localTag}`,
      `To: ${dialog.remoteAddress};tag=${dialog.remoteTag}`,
      `Call-ID: ${dialog.callId}`,
      'CSeq: 4711 BYE',
      'Max-Forwards: 70',
      '',
      '',
    ].join('\r\n');
    return Buffer.from(text).toString('base64');
  };

  const call = (secret: string | undefined) => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'sip.request',
    params: {
      ...(secret === undefined ? {} : { secret }),
      kam: 'kam1',
      epoch: '1',
      tid: '1:1',
      src: 'udp:127.0.0.1:5070',
      rcv: 'udp:127.0.0.1:5060',
      asserted: [`<${VICTIM}>`],
      trust: 'core',
      msg: bye(),
    },
  });

  test('a call to the focus without the secret, or with another, is refused with -32001 and ends nobody’s session', async () => {
    const before = await footprint(stack);
    for (const secret of [undefined, '', 'a-wrong-secret-of-some-length', 'x']) {
      const answer = await tell(netstring(JSON.stringify(call(secret))));
      assert.match(answer, /"code":\s*-3(2001|2602)/, `${secret}: ${answer}`);
    }
    assert.deepEqual(await footprint(stack), before);
    assert.ok(stack.logEntries().some((entry) => /secret/i.test(JSON.stringify(entry))));
  });

  test('what is no netstring, no JSON or no call is refused and nothing changes', async () => {
    const before = await footprint(stack);
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      'not a number:{},',
      '99999999999:',
      '3:{},x',
      netstring('{'),
      netstring('[]'),
      netstring('"sip.request"'),
      netstring('{"jsonrpc":"2.0","id":1}'),
      netstring(JSON.stringify({ ...call('a-wrong-secret-of-some-length'), method: 'store.drop' })),
    ]) {
      const answer = await tell(bytes);
      assert.ok(answer === '' || answer.includes('"error"'), `${bytes}: ${answer}`);
    }
    assert.deepEqual(await footprint(stack), before);
    const [adas, bens] = rooms as [Room, Room];
    await chat('still here', adas, bens);
    assert.equal((await adas.dialog.request('OPTIONS')).status, 200, 'Kamailio’s own connection is whole');
  });

  test("HTTP to Kamailio's RPC port without the secret, or with another, is refused, whatever it asks", async () => {
    for (const secret of [undefined, '', 'a-wrong-secret-of-some-length']) {
      for (const [path, method, params] of [
        ['/RPC', 'tm.cancel', [(rooms[0] as Room).dialog.callId, '1 INVITE']],
        ['/RPC', 'core.kill', []],
        ['/REPLY', 'reply', [486, 'Busy Here', '1:1', 'x', '', '']],
      ] as const) {
        const answer = await fetch(`http://127.0.0.1:${ports.rpc}${path}`, {
          method: 'POST',
          headers: secret === undefined ? {} : { 'X-IM-Secret': secret },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        });
        assert.equal(answer.status, 403, `${path} ${method}`);
      }
    }
    const [adas, bens] = rooms as [Room, Room];
    await chat('and on', bens, adas);
    assert.equal((await bens.leave()).status, 200);
    assert.equal(await adas.ended, 'remote');
  });
});
