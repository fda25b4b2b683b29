/**
 * Debian's own kamailio.cfg with exactly the lines that kamailio/README.md documents, and the real focus and switch
 * attached to it: IM sessions work, and everything else goes on as on a Kamailio without our lines.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Room } from '../../src/agents/room.ts';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import { Attached, DOMAIN, FACTORY, freePorts, type Ports } from './support/attached.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { startForeignKamailio } from './support/foreign-kamailio.ts';

/** Runs what was registered with it, last first. */
class CleanUps {
  readonly #work: (() => unknown)[] = [];
  after(work?: unknown): void {
    if (typeof work === 'function') this.#work.unshift(work as () => unknown);
  }
  async run(): Promise<void> {
    for (const work of this.#work) await work();
  }
}

/** What users see of a Kamailio that have nothing to do with IM: REGISTER, a call, a refused call, foreign dialogs. */
async function ordinaryTraffic(ports: Ports): Promise<string[]> {
  const proxy = { host: '127.0.0.1', port: ports.sip };
  const agent = (name: string) => SipAgent.start({ uri: `sip:${name}@${DOMAIN}`, proxy, displayName: name });
  const [gus, hal] = [await agent('gus'), await agent('hal')];
  const seen: string[] = [];
  try {
    for (const user of [gus, hal]) seen.push(`REGISTER ${(await user.register()).status}`);
    const call = gus.invite({ to: hal.uri });
    const invite = await hal.nextInvite();
    const vias = invite.request.values('Via').length;
    seen.push(`Via ${vias}, Record-Route ${invite.request.values('Record-Route').length}`);
    invite.ring();
    seen.push(`ringing ${(await call.provisional(180)).status}`);
    const [, dialog] = await Promise.all([invite.accept(), call.answered()]);
    seen.push(`INVITE ${(await call.final()).status}`);
    seen.push(`BYE ${(await dialog.bye()).status}`);
    assert.equal(await invite.dialog.ended, 'remote');

    const busy = gus.invite({ to: hal.uri });
    await (await hal.nextInvite()).reject(486, 'Busy Here');
    seen.push(`busy ${(await busy.final()).status}`);

    for (const method of ['BYE', 'INFO', 'NOTIFY']) {
      const to = `<${hal.uri}>;tag=of-a-dialog-of-others`;
      const answer = await gus.request(method, { to: hal.uri, headers: [['To', to]] });
      seen.push(`foreign ${method} ${answer.status} ${answer.reason}`);
    }
    for (const method of ['MESSAGE', 'OPTIONS', 'SUBSCRIBE']) {
      const answer = await gus.request(method, { to: `sip:nobody@${DOMAIN}` });
      seen.push(`${method} to nobody ${answer.status} ${answer.reason}`);
    }
    assert.deepEqual([...gus.violations, ...hal.violations], []);
  } finally {
    await Promise.all([gus.stop(), hal.stop()]);
  }
  return seen;
}

describe("Debian's kamailio.cfg with our lines, the real focus and switch attached", () => {
  const cleanUps = new CleanUps();
  let attached: Attached;
  let ports: Ports;
  let plainPorts: Ports;

  before(async () => {
    plainPorts = await freePorts();
    await startForeignKamailio(cleanUps, plainPorts, { withOurLines: false });
    ports = await freePorts();
    attached = await Attached.start(ports);
    cleanUps.after(() => attached.stop());
    await startForeignKamailio(cleanUps, ports, { withOurLines: true });
    await attached.kamailioConnected();
  });
  after(() => cleanUps.run());

  test('an ad-hoc conversation goes on while ordinary users register, call and end as they always did', async () => {
    const expected = await ordinaryTraffic(plainPorts);
    assert.deepEqual(expected.slice(0, 6), [
      'REGISTER 200',
      'REGISTER 200',
      'Via 2, Record-Route 1',
      'ringing 180',
      'INVITE 200',
      'BYE 200',
    ]);

    const [ada, ben, cara] = [
      await attached.subscriber('ada'),
      await attached.subscriber('ben'),
      await attached.subscriber('cara'),
    ];
    const [adas, bens, caras] = (await conversation(FACTORY, ada, ben, cara)) as [Room, Room, Room];
    await chat('before', adas, bens, caras);
    // They are of the trusted core.
    for (const { setUpBy } of [bens, caras]) {
      assert.equal(setUpBy.header('P-Asserted-Identity'), `<${ada.uri}>`);
      assert.equal(setUpBy.header('X-IM-Hop'), undefined);
    }
    const roster = await adas.watch();
    await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 3);
    const decisions = () => attached.focus.logEntries().filter(({ msg }) => msg === 'decision').length;
    const decided = decisions();

    assert.deepEqual(await ordinaryTraffic(ports), expected);

    assert.equal(decisions(), decided, 'the focus was asked about none of it');
    await chat('after', caras, adas, bens);
    assert.equal((await caras.leave()).status, 200);
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === cara.uri && status !== 'connected'),
    );
    assert.equal((await bens.leave()).status, 200);
    assert.equal(await adas.ended, 'remote');
    assertClean(ada, ben, cara);
  });

  test('who is not of the trusted core has no identity there: 403, and no session', async () => {
    const uri = `sip:mallory@${DOMAIN}`;
    const proxy = { host: '127.0.0.1', port: ports.sip };
    const stranger = await SipAgent.start({ uri, proxy, assertedIdentity: `sip:ada@${DOMAIN}` });
    try {
      const refused = await stranger.invite({ to: FACTORY }).final();
      assert.equal(refused.status, 403);
      assert.match(refused.header('Warning') ?? '', /^399 /);
    } finally {
      await stranger.stop();
    }
  });
});

describe("Debian's kamailio.cfg with digest of its own (WITH_AUTH) and our lines", () => {
  const PASSWORDS = { ada: 'a1', ben: 'b2', cara: 'c3' };
  const cleanUps = new CleanUps();
  let attached: Attached;

  before(async () => {
    const ports = await freePorts();
    attached = await Attached.start(ports);
    cleanUps.after(() => attached.stop());
    await startForeignKamailio(cleanUps, ports, { withOurLines: true, passwords: PASSWORDS });
    await attached.kamailioConnected();
  });
  after(() => cleanUps.run());

  test('its users hold a conversation as who they are by their passwords, and ask for more within it', async () => {
    const [ada, ben, cara] = await Promise.all(
      (['ada', 'ben', 'cara'] as const).map((name) => attached.subscriber(name, PASSWORDS[name])),
    );
    assert(ada !== undefined && ben !== undefined && cara !== undefined);
    const [adas, bens] = (await conversation(FACTORY, ada, ben)) as [Room, Room];
    await chat('by digest', adas, bens);
    assert.equal(bens.setUpBy.header('P-Asserted-Identity'), undefined, 'for trusted peers alone');
    assert.equal(bens.setUpBy.header('Referred-By'), `<${ada.uri}>`);
    assert.equal(bens.setUpBy.header('X-IM-Hop'), undefined);
    const roster = await bens.watch();
    const [{ response }, caras] = await Promise.all([adas.dialog.refer(`<${cara.uri}>`), cara.answerNext()]);
    assert.equal(response.status, 202);
    await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 3);
    await chat('three now', caras, adas, bens);
    for (const room of [caras, bens]) assert.equal((await room.leave()).status, 200);
    assert.equal(await adas.ended, 'remote');
    assertClean(ada, ben, cara);
  });

  test('a wrong password is asked again and the focus hears nothing of it', async () => {
    const proxy = { host: '127.0.0.1', port: attached.ports.sip };
    const mallory = await SipAgent.start({ uri: `sip:ada@${DOMAIN}`, proxy, password: 'guessed' });
    try {
      const call = mallory.invite({ to: FACTORY });
      assert.equal((await call.final()).status, 407);
      const { callId } = call.request;
      assert.ok(!attached.focus.logEntries().some((entry) => entry['callId'] === callId));
    } finally {
      await mallory.stop();
    }
  });
});
