/** Each row of docs/profiles.md as behaviour, in both of its values: one stack runs `oma-strict`, the other everything else. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sdpBody } from '../../src/agents/sdp.ts';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { FACTORY } from '../support/stack.ts';
import { dialFactory, plainSdp } from './support/ad-hoc.ts';
import { assertRefused } from './support/expect.ts';
import { type Cast, Stage } from './support/groups-stage.ts';
import { progressOf } from './support/refer-progress.ts';
import { together } from './support/refer-rooms.ts';
import { assertNotInvited, freshUri, scene } from './support/scene.ts';

const MAX_PARTICIPANTS = 3;
/** Given up after two thirds: time enough to join in. */
const SHORT_S = 5;
const SHARED = {
  adHoc: { maxParticipants: MAX_PARTICIPANTS },
  session: { minSeS: SHORT_S },
  notify: { minIntervalMs: 0 },
};
/** What `lenient` leaves as `oma-strict` has it. */
const REST = {
  inviterCounts: false,
  rejoinCountsAdHoc: true,
  addingCountsGroup: false,
  addingTargets: 'members',
  referOther: 403,
  cpmFeatureTag: true,
};

interface World {
  readonly stage: Stage;
  readonly group: Cast;
  readonly small: Cast;
}

function world(): World {
  const stage = new Stage();
  const actions = {
    'allow-initiate-conference': true,
    'join-handling': true,
    'allow-conference-state': true,
    'allow-invite-users-dynamically': true,
  };
  const members = ['ada', 'ben', 'cleo'];
  return {
    stage,
    group: stage.cast('open', { members, inviteMembers: false, actions }),
    small: stage.cast('small', { members, inviteMembers: false, maxParticipants: 2, actions }),
  };
}

const strict = world();
const other = world();

before(async () => {
  await Promise.all([
    strict.stage.open(SHARED),
    other.stage.open({ ...SHARED, profile: 'lenient', readings: REST }),
  ]);
});
after(() => Promise.all([strict.stage.close(), other.stage.close()]));

/** The same play on both stacks; what differs is told by `value`. */
function reading<V>(
  key: string,
  about: string,
  values: { readonly strict: V; readonly other: V },
  play: (world: World, value: V) => Promise<void>,
): void {
  describe(`readings.${key}`, () => {
    test(`${about}: ${String(values.strict)} (oma-strict)`, () => play(strict, values.strict));
    test(`${about}: ${String(values.other)}`, () => play(other, values.other));
  });
}

reading(
  'goneSession',
  'A-27 R-7.2.1.5-1 INVITE to a session that is gone',
  { strict: 403, other: 404 },
  ({ stage }, status) =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await together(ada, ben);
      await his.leave();
      await hers.msrp.closed;
      const back = await ben.sip.invite({ to: hers.uri, body: sdpBody(plainSdp()) }).final();
      assertRefused(back, status, /does not exist/);
    }),
);

reading(
  'inviterCounts',
  'A-10 R-7.2.1.2-7 a list of as many users as the maximum',
  { strict: true, other: false },
  ({ stage }, counts) =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'], async (ada, ben, cleo, dan, eve) => {
      const three = [ben, cleo, dan];
      const call = dialFactory(ada, { invite: three.map(({ uri }) => uri) });
      if (counts) {
        assertRefused(await call.final(), 486, /^too many participants$/i);
        await assertNotInvited(...three);
        return;
      }
      const invites = await Promise.all(three.map((person) => person.sip.nextInvite()));
      await Promise.all(invites.map((invite) => invite.reject(603)));
      assert.equal((await call.final()).status, 603);
      const four = dialFactory(ada, { invite: [...three, eve].map(({ uri }) => uri) });
      assertRefused(await four.final(), 486, /^too many participants$/i);
    }),
);

reading(
  'rejoinCountsAdHoc',
  'A-29 R-7.2.1.5-3 rejoining an ad hoc session whose seats are taken',
  { strict: false, other: true },
  ({ stage }, counts) =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const [hers, his] = await together(ada, ben, cleo);
      await his.leave();
      const [refer] = await Promise.all([hers.dialog.refer(`<${dan.uri}>`), dan.answerNext({ ring: false })]);
      await progressOf(refer);
      const call = ben.sip.invite({ to: hers.uri, body: sdpBody(plainSdp()) });
      if (counts) assertRefused(await call.final(), 486, /^too many participants$/i);
      else assert.equal((await call.final()).status, 200);
    }),
);

reading(
  'addingCountsGroup',
  'A-29 R-7.2.1.7-4 adding to a group that is full',
  { strict: true, other: false },
  async ({ small }, counts) => {
    const [ada, ben, cleo] = await small.come('ada', 'ben', 'cleo');
    const hers = await ada.join(small.group);
    await ben.join(small.group);
    const [refer] = await Promise.all([
      hers.dialog.refer(`<${cleo.uri}>`),
      counts ? undefined : cleo.answerNext({ ring: false }),
    ]);
    if (!counts) {
      assert.equal((await progressOf(refer)).at(-1), 'SIP/2.0 200 OK');
      return;
    }
    assertRefused(refer.response, 486, /^too many participants$/i);
    await assertNotInvited(cleo);
  },
);

reading(
  'addingTargets',
  'A-34 R-7.2.1.7-9 REFER to who is not in the list of the group',
  { strict: 'any', other: 'members' },
  async ({ group }, targets) => {
    const [ada, xena] = await group.come('ada', 'xena');
    const hers = await ada.join(group.group);
    const [refer] = await Promise.all([
      hers.dialog.refer(`<${xena.uri}>`),
      targets === 'members' ? undefined : xena.answerNext({ ring: false }),
    ]);
    if (targets === 'any') assert.equal((await progressOf(refer)).at(-1), 'SIP/2.0 200 OK');
    else {
      assertRefused(refer.response, 403, /none of the users may be added/);
      await assertNotInvited(xena);
    }
    await hers.leave();
  },
);

reading(
  'anonymityRefused',
  '7.2.3.2 R-7.2.1.4-6 R-7.2.1.7-2 privacy that the group does not allow',
  { strict: 'refuse', other: 'show' },
  async ({ group }, what) => {
    const [ben, cleo, ada] = await group.come('ben', 'cleo', 'ada');
    const hers = await ada.join(group.group);
    const roster = await hers.watch();
    const privacy = [['Privacy', 'id']] as const;
    const his = await ben.dial(group.group, { headers: privacy });
    if (what === 'refuse') {
      assertRefused(await his.call.final(), 403, /anonymity/);
      await his.msrp.close();
      const refer = await hers.dialog.refer(`<${cleo.uri}>`, { headers: privacy });
      assertRefused(refer.response, 403, /anonymity/);
      await assertNotInvited(cleo);
    } else {
      await his.room();
      await roster.until((users) =>
        users.some(({ entity, status }) => entity === ben.uri && status === 'connected'),
      );
      const [, invite] = await Promise.all([
        hers.dialog.refer(`<${cleo.uri}>`, { headers: [...privacy, ['Refer-Sub', 'false']] }),
        cleo.sip.nextInvite(),
      ]);
      assert.equal(parseNameAddr(invite.request.header('Referred-By') ?? '').uri, ada.uri);
      await invite.reject(603);
    }
    await hers.leave();
  },
);

reading(
  'factoryMeansSession',
  'A-46 R-7.2.1.12-1 SUBSCRIBE and REFER to the factory by who takes part in exactly one of its sessions',
  { strict: false, other: true },
  ({ stage }, meansSession) =>
    scene(stage.stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await together(ada, ben);
      const subscribe = () => ada.sip.subscribe({ to: FACTORY, event: 'conference' });
      const refer = () => ada.sip.refer({ to: FACTORY, referTo: `<${dan.uri}>` });
      if (meansSession) {
        const subscription = await subscribe();
        assert.equal(subscription.response.status, 200);
        const notify = await subscription.nextNotify();
        assert.equal(parseNameAddr(notify.header('Contact') ?? '').uri, hers.uri);
        const [progress] = await Promise.all([
          refer(),
          dan.sip.nextInvite().then((invite) => invite.reject(603)),
        ]);
        assert.equal((await progressOf(progress)).at(-1), 'SIP/2.0 603 Decline');
        // With a second session it is not clear which one is meant.
        await together(ada, ben);
      }
      assertRefused((await subscribe()).response, 404, /./);
      assertRefused((await refer()).response, 403, /no session/);
    }),
);

reading(
  'referOther',
  'A-36 REFER with another method than INVITE and BYE',
  { strict: 501, other: 403 },
  ({ stage }, status) =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers] = await together(ada, ben);
      const { response } = await hers.dialog.refer(`<${freshUri('dan')};method=MESSAGE>`);
      assertRefused(response, status, /MESSAGE/);
    }),
);

const CPM = '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session.group"';

reading(
  'cpmFeatureTag',
  'RCC.07 R-7.2.1.1-5 the CPM service in Contact and Accept-Contact',
  { strict: false, other: true },
  ({ stage }, isNamed) =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await together(ada, ben);
      const headerOf = (message: SipMessage, name: string): string => message.header(name) ?? '';
      for (const value of [
        headerOf(hers.setUpBy, 'Contact'),
        headerOf(his.setUpBy, 'Contact'),
        headerOf(his.setUpBy, 'Accept-Contact'),
      ]) {
        assert.match(value, /;\+g\.oma\.sip-im(;|$)/);
        assert.equal(value.includes(CPM), isNamed, value);
      }
    }),
);

reading(
  'withoutTimer',
  'A-6 R-7.2.1.11-exp the session of a client that knows no session timers expires',
  { strict: 'disconnect', other: 'keep' },
  async ({ group }, what) => {
    const [ada, ben] = await group.come('ada', 'ben');
    const expires = ['Session-Expires', String(SHORT_S)] as const;
    const hers = await ada.join(group.group, { headers: [['Supported', 'norefersub'], expires] });
    // Ben's client knows timers and does not refresh either: by the time that he is removed, hers has run out too.
    const his = await ben.join(group.group, { headers: [['Supported', 'timer'], expires] });
    assert.match(hers.setUpBy.header('Session-Expires') ?? '', /^\d+;refresher=uac$/);
    assert.equal(await his.ended, 'remote');
    if (what === 'disconnect') {
      assert.equal(await hers.ended, 'remote');
      await hers.msrp.closed;
      return;
    }
    await ada.sip.sync({ to: FACTORY });
    assert.equal(hers.dialog.state, 'confirmed');
    assert.equal(await hers.say('still here'), 200);
    await hers.leave();
  },
);
