/**
 * No profile loosens identity: who somebody is, is found out in the same way in all three of them. The same attempts are
 * made on a stack of each profile; what they lead to must be as expected, and so the same.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import type { HeaderOverrides, SipMessage } from '../../src/agents/sip/message.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, FACTORY, OUTSIDE_ADDRESS, Stack } from '../support/stack.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { offer } from './support/groups-offers.ts';
import { together } from './support/refer-rooms.ts';
import { outsider, userLine } from './support/users.ts';

const GROUP = `sip:im-g-identity@${DOMAIN}`;
const uriOf = (name: string): string => `sip:${name}@${DOMAIN}`;
/** Whom everybody wants to be: a member of the group, in exactly one session. */
const VICTIM = uriOf('ada');
const FORGED: HeaderOverrides = [
  ['From', `"Ada" <${VICTIM}>;tag=forged`],
  ['P-Preferred-Identity', `<${VICTIM}>`],
];

interface World {
  readonly stack: Stack;
  readonly ada: Subscriber;
  readonly room: Room;
  /** Known by digest, no member of anything; asserts to be the victim. */
  readonly mal: Subscriber;
  /** The same without a password. */
  readonly nobody: SipAgent;
  /** In the core, which asserts nothing. */
  readonly unnamed: SipAgent;
}

async function worldOf(profile: string): Promise<World> {
  const stack = await Stack.start({
    config: { profile },
    users: [userLine('mal')],
    groups: [groupDocument({ uri: GROUP, members: [VICTIM, uriOf('ben')], inviteMembers: false })],
  });
  const [ada, ben, mal] = await Promise.all([
    stack.subscriber('ada'),
    stack.subscriber('ben'),
    outsider(stack, 'mal', VICTIM),
  ]);
  const [room] = await together(ada, ben);
  const { proxy } = stack;
  const nobody = await SipAgent.start({
    uri: uriOf('mal'),
    proxy,
    localAddress: OUTSIDE_ADDRESS,
    assertedIdentity: VICTIM,
  });
  const unnamed = await SipAgent.start({ uri: VICTIM, proxy });
  return { stack, ada, room, mal, nobody, unnamed };
}

type Attempt = readonly [what: string, status: number, make: (world: World) => Promise<SipMessage>];

const inviteAs = (agent: SipAgent, to: string): Promise<SipMessage> =>
  agent.invite({ to, headers: FORGED, body: offer() }).final();

const ATTEMPTS: readonly Attempt[] = [
  [
    'R-7.2.1.2-2 A-9 the core asserts nobody, and From is not believed',
    403,
    ({ unnamed }) => inviteAs(unnamed, FACTORY),
  ],
  [
    'R-7.2.1.3-3 A-9 the same to a group that From is a member of',
    403,
    ({ unnamed }) => inviteAs(unnamed, GROUP),
  ],
  ['5.1 asserted from an untrusted address, no credentials', 407, ({ nobody }) => inviteAs(nobody, GROUP)],
  ['R-7.2.1.3-3 a digest user who asserts to be a member', 403, ({ mal }) => inviteAs(mal.sip, GROUP)],
  [
    'R-7.2.1.5-2 a digest user who asserts to be a participant rejoins',
    403,
    ({ mal, room }) => inviteAs(mal.sip, room.uri),
  ],
  [
    'R-7.2.1.12-3 and subscribes',
    403,
    async ({ mal, room }) =>
      (await mal.sip.subscribe({ to: room.uri, event: 'conference', headers: FORGED })).response,
  ],
  [
    'R-7.2.1.12-1 A-46 or asks at the factory for the one session of whom it asserts to be',
    404,
    async ({ mal }) =>
      (await mal.sip.subscribe({ to: FACTORY, event: 'conference', headers: FORGED })).response,
  ],
  [
    'R-7.2.1.7-1 or adds a user',
    403,
    async ({ mal, room }) =>
      (await mal.sip.refer({ to: room.uri, referTo: `<${uriOf('eve')}>`, headers: FORGED })).response,
  ],
  [
    'R-7.2.1.8-1 A-39 or removes one',
    403,
    async ({ mal, room }) =>
      (await mal.sip.refer({ to: room.uri, referTo: `<${uriOf('ben')};method=BYE>`, headers: FORGED }))
        .response,
  ],
  [
    'R-7.2.1.8-1 A-39 or leaves in the place of another',
    403,
    async ({ mal, room }) =>
      (await mal.sip.refer({ to: room.uri, referTo: `<${room.uri};method=BYE>`, headers: FORGED })).response,
  ],
  [
    'R-7.2.1.8-1 A-39 at the factory',
    403,
    async ({ mal }) =>
      (await mal.sip.refer({ to: FACTORY, referTo: `<${uriOf('ben')};method=BYE>`, headers: FORGED }))
        .response,
  ],
];

for (const profile of ['oma-strict', 'rcc07', 'lenient'] as const) {
  describe(`identity in the profile ${profile}`, () => {
    let world: World;
    before(async () => {
      world = await worldOf(profile);
    });
    after(async () => {
      await Promise.all([world.nobody.stop(), world.unnamed.stop()]);
      await world.stack.stop();
    });

    for (const [what, status, make] of ATTEMPTS) {
      test(`${what}: ${status} (${profile})`, async () => {
        const response = await make(world);
        assert.equal(response.status, status, `${response.summary}; ${response.header('Warning')}`);
        const [id = ''] = /^R-\S+/.exec(what) ?? [];
        evidence(id, wireLine(response, 'Warning'));
      });
    }

    test(`5.1 a digest user is who the digest says, to whoever is invited (${profile})`, async () => {
      const { stack, mal } = world;
      const cleo = await stack.subscriber('cleo');
      const [, invite] = await Promise.all([
        mal.dialAdHoc({ factory: FACTORY, invite: [cleo.uri], headers: [...FORGED] }),
        cleo.sip.nextInvite(),
      ]);
      assert.ok(!invite.request.raw.toString('latin1').includes(VICTIM));
      assert.match(invite.request.header('P-Asserted-Identity') ?? '', new RegExp(`<${mal.uri}>`));
      await invite.reject(603);
    });

    test(`5.1 after all of that the session of the others stands (${profile})`, async () => {
      const { ada, room } = world;
      await ada.sip.sync({ to: FACTORY });
      assert.equal(room.dialog.state, 'confirmed');
      assert.equal(await room.say('undisturbed'), 200);
    });
  });
}
