/**
 * The IMS clause of each section, with a core of two record-routing proxies between the users and the product:
 * what the focus sends goes to `sip.nextHop`, every dialog keeps the route set of the core, charging vectors are passed
 * on, and identity is believed from the core alone.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Subscriber } from '../../src/agents/chat.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { groupDocument } from '../support/groups.ts';
import { CORE_ADDRESS, DOMAIN, FACTORY, OUTSIDE_ADDRESS, Stack } from '../support/stack.ts';
import { dialFactory } from './support/ad-hoc.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { assertRefused, sessionOf, stepOf } from './support/expect.ts';
import { type Hop, ImsCore } from './support/ims-core.ts';
import { progressOf } from './support/refer-progress.ts';
import { together } from './support/refer-rooms.ts';
import { assertNoFaults, freshUri } from './support/scene.ts';
import { outsider, userLine } from './support/users.ts';

const GROUP = `sip:im-g-ims@${DOMAIN}`;
const CHAT = `sip:im-g-chat@${DOMAIN}`;

let core: ImsCore;
let stack: Stack;
before(async () => {
  core = await ImsCore.start();
  const { host, port } = core.serving.hop;
  const member = (name: string) => `sip:${name}.ims@${DOMAIN}`;
  stack = await Stack.start({
    users: [userLine('mallory')],
    config: {
      sip: { nextHop: `sip:${host}:${port}` },
      session: { minSeS: 20, expiresS: 600 },
      notify: { minIntervalMs: 0 },
    },
    groups: [
      groupDocument({ uri: GROUP, members: [member('ada'), member('ben')] }),
      groupDocument({ uri: CHAT, members: [member('cleo'), member('dan')], inviteMembers: false }),
    ],
  });
  core.connect(stack.proxy);
});
after(async () => {
  await stack.stop();
  core.stop();
});

/** Users behind the core's edge; their own requests and what comes for them pass both proxies. */
async function users<const N extends readonly string[]>(
  names: N,
  act: (...people: { -readonly [K in keyof N]: Subscriber }) => Promise<void>,
): Promise<void> {
  const people = await Promise.all(
    names.map(async (name) => {
      const uri = name.includes(':') ? name : freshUri(name);
      const subscriber = await Subscriber.start({
        uri,
        displayName: name,
        proxy: core.edge.hop,
        localAddress: CORE_ADDRESS,
        assertedIdentity: `"${name.replace(/^sip:|\..*$/g, '')}" <${uri}>`,
      });
      core.serve(uri, subscriber.sip.address);
      return subscriber;
    }),
  );
  try {
    await act(...(people as unknown as { -readonly [K in keyof N]: Subscriber }));
    assertNoFaults(people);
  } finally {
    await Promise.all(people.map((person) => person.stop()));
  }
}

/** What the serving proxy got from the product for this dialog: requests of a method, or responses to it. */
function fromFocus(callId: string, method: string, kind: 'request' | 'response'): SipMessage[] {
  return core.fromProduct.filter(
    (message) =>
      message.callId === callId &&
      message.method === method &&
      message.isRequest === (kind === 'request') &&
      (message.isRequest || message.status >= 200),
  );
}

function one(messages: readonly SipMessage[]): SipMessage {
  const [first] = messages;
  assert.ok(first !== undefined, 'the core has seen none');
  return first;
}

/** A request of the focus in a dialog that the user began: by the Record-Route of the core, in that order. */
function assertRouted(request: SipMessage, id: string): void {
  assert.deepEqual(request.values('Route'), core.towardsProduct);
  assert.equal(request.header('P-Asserted-Identity'), undefined);
  evidence(id, wireLine(request, 'Route'));
}

/** A response that makes a dialog: the Record-Route as the core sent it, once and in its order; what it charges by. */
async function assertMirrored(response: SipMessage, id: string): Promise<void> {
  assert.deepEqual(response.values('Record-Route'), core.towardsProduct);
  evidence(id, wireLine(response, 'Record-Route', 'P-Charging-Vector'));
  assertCharged(response);
  await assertTaken(response, id);
}

const CHARGING = ['P-Charging-Vector', 'P-Charging-Function-Addresses'] as const;

/** A response has what the core put into that very request. */
function assertCharged(response: SipMessage): void {
  const request = one(
    core.toProduct.filter(
      (message) =>
        message.isRequest &&
        message.callId === response.callId &&
        message.header('CSeq') === response.header('CSeq'),
    ),
  );
  for (const name of CHARGING) {
    const value = request.header(name) ?? assert.fail(`the core added ${name}`);
    assert.deepEqual(response.headers(name), [value], response.summary);
  }
}

/** The decision trace of the request: whom it is believed to come from, by which route, and what was taken. */
async function assertTaken({ callId, method }: SipMessage, id: string, clause?: string): Promise<void> {
  const of = { callId, ...(clause === undefined ? {} : { clause }) };
  const { verdict, found } = await stepOf(stack, of, id);
  assert.equal(verdict, 'done', method);
  const [serving, edge] = [core.serving.route, core.edge.route];
  const routes = [serving, edge].map((first) => `from the core: route set of 2 by ${first}; `);
  assert.ok(
    routes.some((route) => found === `${route}${CHARGING.join(' and ')} taken`),
    found,
  );
}

/** A response in a dialog goes back by the proxies that its request came by: the client's Via is below theirs. */
function assertReturned(response: SipMessage, ...names: readonly string[]): string {
  const hosts = response.values('Via').map((via) => /^SIP\/2\.0\/UDP ([^;]+)/.exec(via)?.[1]);
  const addressOf = ({ hop }: { readonly hop: Hop }): string => `${hop.host}:${hop.port}`;
  assert.deepEqual(hosts.slice(0, 2), [addressOf(core.serving), addressOf(core.edge)]);
  assert.equal(hosts.length, 3);
  return wireLine(response, 'CSeq', ...names, 'Via');
}

function chargingVectorOf(callId: string): string {
  const invite = one(
    core.toProduct.filter(
      (message) => message.isRequest && message.method === 'INVITE' && message.callId === callId,
    ),
  );
  return invite.header('P-Charging-Vector') ?? assert.fail('the core added a charging vector');
}

describe('IMS: sessions by way of the core', () => {
  test('R-7.2.1.1-ims R-7.2.1.2-ims ad hoc: the 200 mirrors route and charging vector; invitations go to sip.nextHop, kept as Route, with vector and asserted inviter', () =>
    users(['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await together(ada, ben);
      const { callId } = hers.dialog;
      const answer = one(fromFocus(callId, 'INVITE', 'response'));
      await assertMirrored(answer, 'R-7.2.1.2-ims');
      evidence('R-7.2.1.1-ims', wireLine(answer, 'Record-Route', 'P-Charging-Vector'));
      assert.match(
        (await stepOf(stack, { session: sessionOf(answer) }, 'R-7.2.1.1-ims')).found,
        /^P-Charging-Vector, P-Charging-Function-Addresses$/,
      );
      const vector = chargingVectorOf(callId);
      assert.equal(answer.header('P-Charging-Vector'), vector);
      assert.equal(parseNameAddr(answer.header('P-Asserted-Identity') ?? '').uri, FACTORY);
      const invite = one(fromFocus(his.dialog.callId, 'INVITE', 'request'));
      assert.deepEqual(invite.values('Route'), [core.serving.route]);
      assert.equal(invite.requestUri, ben.uri);
      assert.equal(invite.header('P-Charging-Vector'), vector);
      assert.ok(invite.header('P-Charging-Function-Addresses')?.startsWith('ccf='), 'passed on');
      assert.equal(parseNameAddr(invite.header('P-Asserted-Identity') ?? '').uri, ada.uri);
      // Who invites is told to the trusted core alone: what its user gets has come by the edge.
      const arrived = ben.sip.received(({ isRequest, method }) => isRequest && method === 'INVITE');
      const { host, port } = core.edge.hop;
      for (const message of arrived)
        assert.ok(
          message.values('Via')[0]?.startsWith(`SIP/2.0/UDP ${host}:${port};`),
          message.header('Via'),
        );
      assert.equal(invite.headers('X-IM-Hop').length + invite.headers('X-IM-Uac').length, 0, 'inner marks');
      evidence('R-7.2.1.2-ims', wireLine(invite, 'Route', 'P-Charging-Vector', 'P-Asserted-Identity'));
      assert.equal(await his.say('through the core'), 200);
      assert.equal((await hers.hear()).text, 'through the core');
    }));

  test('R-7.2.1.9-ims R-7.2.1.10-ims BYE both ways by the route set: as the core recorded it for the caller, in reverse for the called', () =>
    users(['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await together(ada, ben, cleo);
      assert.equal((await cleos.leave()).status, 200);
      const gone = one(fromFocus(cleos.dialog.callId, 'BYE', 'response'));
      evidence('R-7.2.1.10-ims', assertReturned(gone));
      assertCharged(gone);
      await assertTaken(gone, 'R-7.2.1.10-ims', '7.2.1.10');
      assert.equal((await his.leave()).status, 200);
      assert.equal(await hers.ended, 'remote');
      const toCaller = one(fromFocus(hers.dialog.callId, 'BYE', 'request'));
      assertRouted(toCaller, 'R-7.2.1.9-ims');
      const traced = (await stack.steps(his.dialog.callId)).find(({ id }) => id === 'R-7.2.1.9-ims');
      assert.equal(traced?.found, core.towardsProduct.join(', '));
      assert.equal(toCaller.requestUri, ada.sip.contactUri);
      // And the other way round: the inviter leaves, the called one is removed.
      const [second, bens] = await together(ada, ben);
      await second.leave();
      assert.equal(await bens.ended, 'remote');
      const toCalled = one(fromFocus(bens.dialog.callId, 'BYE', 'request'));
      // The called user mirrored edge before serving: the focus was the caller and takes them from the end.
      assert.deepEqual(bens.setUpBy.values('Record-Route'), [core.edge.route, core.serving.route]);
      assert.deepEqual(toCalled.values('Route'), [core.serving.route, core.edge.route]);
      assert.equal(toCalled.requestUri, ben.sip.contactUri);
    }));

  test('R-7.2.1.3-ims a group: members are invited by way of sip.nextHop, asserted as the group, with the vector', () =>
    users([`sip:ada.ims@${DOMAIN}`, `sip:ben.ims@${DOMAIN}`], async (ada, ben) => {
      const [hers, bens] = await Promise.all([ada.join(GROUP), ben.answerNext()]);
      await assertMirrored(one(fromFocus(hers.dialog.callId, 'INVITE', 'response')), 'R-7.2.1.3-ims');
      const invite = one(fromFocus(bens.dialog.callId, 'INVITE', 'request'));
      assert.deepEqual(invite.values('Route'), [core.serving.route]);
      assert.equal(parseNameAddr(invite.header('P-Asserted-Identity') ?? '').uri, GROUP);
      assert.equal(invite.header('P-Charging-Vector'), chargingVectorOf(hers.dialog.callId));
      await bens.leave();
      assert.equal(await hers.ended, 'remote');
    }));

  test('R-7.2.1.4-ims R-7.2.1.5-ims joining and rejoining: each 200 has the route and the vector of its own INVITE', () =>
    users([`sip:cleo.ims@${DOMAIN}`, `sip:dan.ims@${DOMAIN}`], async (cleo, dan) => {
      const cleos = await cleo.join(CHAT);
      const dans = await dan.join(CHAT);
      await dans.leave();
      const again = await dan.join(cleos.uri);
      for (const [room, id] of [
        [dans, 'R-7.2.1.4-ims'],
        [again, 'R-7.2.1.5-ims'],
      ] as const) {
        const answer = one(fromFocus(room.dialog.callId, 'INVITE', 'response'));
        await assertMirrored(answer, id);
        assert.equal(answer.header('P-Charging-Vector'), chargingVectorOf(room.dialog.callId));
        assert.equal(parseNameAddr(answer.header('P-Asserted-Identity') ?? '').uri, CHAT);
      }
      assert.equal(await again.say('back'), 200);
      assert.equal((await cleos.hear()).text, 'back');
      await Promise.all([cleos.leave(), again.leave()]);
    }));
});

describe('IMS: within a session', () => {
  test('R-7.2.1.6-ims R-7.2.1.11-ims a new offer and a refresh reach the focus by the route set, and so do the answers go back', () =>
    users(['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await together(ada, ben);
      const modified = await his.dialog
        .reinvite({ body: sdpBody(his.dialog.localSdp ?? assert.fail('no SDP yet')) })
        .final();
      assert.equal(modified.status, 200);
      const passed = one(fromFocus(his.dialog.callId, 'INVITE', 'response'));
      evidence('R-7.2.1.6-ims', assertReturned(passed));
      assertCharged(passed);
      await assertTaken(passed, 'R-7.2.1.6-ims', '7.2.1.6');
      const refreshed = await hers.dialog.update({
        headers: [
          ['Supported', 'timer'],
          ['Session-Expires', '60;refresher=uac'],
        ],
      });
      assert.equal(refreshed.status, 200);
      assert.equal(refreshed.header('Session-Expires'), '60;refresher=uac');
      const answer = one(fromFocus(hers.dialog.callId, 'UPDATE', 'response'));
      evidence('R-7.2.1.11-ims', assertReturned(answer, 'Session-Expires'));
      assertCharged(answer);
      await assertTaken(answer, 'R-7.2.1.6-ims', '7.2.1.6');
    }));

  test('R-7.2.1.7-ims REFER through the core: the added user is invited by sip.nextHop, the NOTIFYs take the route of the REFER', () =>
    users(['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await together(ada, ben);
      const [refer, dans] = await Promise.all([
        ada.sip.refer({ to: hers.uri, referTo: `<${dan.uri}>` }),
        dan.answerNext({ ring: false }),
      ]);
      assert.deepEqual(await progressOf(refer), ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK']);
      await assertMirrored(one(fromFocus(refer.callId, 'REFER', 'response')), 'R-7.2.1.7-ims');
      for (const notify of fromFocus(refer.callId, 'NOTIFY', 'request'))
        assertRouted(notify, 'R-7.2.1.7-ims');
      const invite = one(fromFocus(dans.dialog.callId, 'INVITE', 'request'));
      assert.deepEqual(invite.values('Route'), [core.serving.route]);
      assert.equal(
        invite.header('P-Charging-Vector'),
        chargingVectorOf(hers.dialog.callId),
        'of the session',
      );
    }));

  test('R-7.2.1.8-ims REFER BYE through the core: BYE and NOTIFYs take the route set', () =>
    users(['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await together(ada, ben, cleo);
      const refer = await his.dialog.refer(`<${hers.uri};method=BYE>`);
      assert.equal((await progressOf(refer)).at(-1), 'SIP/2.0 200 OK');
      const accepted = one(fromFocus(his.dialog.callId, 'REFER', 'response'));
      assertCharged(accepted);
      await assertTaken(accepted, 'R-7.2.1.8-ims');
      assert.equal(await his.ended, 'remote');
      const bye = one(fromFocus(his.dialog.callId, 'BYE', 'request'));
      assert.deepEqual(bye.values('Route'), [core.serving.route, core.edge.route]);
      evidence('R-7.2.1.8-ims', wireLine(bye, 'Route'));
    }));

  test('R-7.2.1.12-ims SUBSCRIBE through the core: the 200 mirrors the route, each NOTIFY takes it', () =>
    users(['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await together(ada, ben, cleo);
      const roster = await hers.watch();
      await his.leave();
      await roster.until((list) =>
        list.some(({ entity, status }) => entity === ben.uri && status === 'disconnected'),
      );
      const { callId } = roster.subscription;
      await assertMirrored(one(fromFocus(callId, 'SUBSCRIBE', 'response')), 'R-7.2.1.12-ims');
      const notifies = fromFocus(callId, 'NOTIFY', 'request');
      assert.ok(notifies.length >= 2);
      for (const notify of notifies) assertRouted(notify, 'R-7.2.1.12-ims');
    }));
});

describe('IMS: identity', () => {
  test('R-7.2.1.2-ims P-Asserted-Identity counts from the core alone, and there it is needed', () =>
    users(['Ada', 'Ben'], async (ada, ben) => {
      const [hers] = await together(ada, ben);
      const invite = { to: hers.uri, body: sdpBody(hers.dialog.localSdp ?? '') };
      const bare = await ada.sip.invite({ ...invite, headers: [['P-Asserted-Identity', null]] }).final();
      assertRefused(bare, 403, /not authenticated/);
      // The same words from an address that is not the core's.
      const mallory = await Subscriber.start({
        uri: ada.uri,
        proxy: stack.proxy,
        localAddress: OUTSIDE_ADDRESS,
        assertedIdentity: `<${ada.uri}>`,
      });
      try {
        assert.equal((await mallory.sip.invite(invite).final()).status, 407);
      } finally {
        await mallory.stop();
      }
    }));

  test('R-7.2.1.2-ims with Privacy: id the core is not told who invites either: an alias is asserted', () =>
    users(['Ada', 'Ben'], async (ada, ben) => {
      const [, his] = await Promise.all([
        ada.startAdHoc({ factory: FACTORY, invite: [ben.uri], headers: [['Privacy', 'id']] }),
        ben.answerNext(),
      ]);
      const invite = one(fromFocus(his.dialog.callId, 'INVITE', 'request'));
      assert.match(invite.header('P-Asserted-Identity') ?? '', /<sip:anonymous[^@>]*@anonymous\.invalid>$/);
      assert.ok(!invite.raw.toString('utf8').includes(ada.uri));
    }));

  test('R-7.2.1.1-ims R-7.2.1.2-ims A-50 what a digest user would have charged is not believed: neither echoed nor passed on', () =>
    users(['Ben', 'Cleo'], async (ben, cleo) => {
      const mallory = await outsider(stack, 'mallory');
      const forged = CHARGING.map((name) => [name, 'icid-value=forged;ccf=192.0.2.66'] as const);
      try {
        const call = dialFactory(mallory, { invite: [ben.uri], headers: forged });
        const his = await ben.answerNext();
        const invite = one(fromFocus(his.dialog.callId, 'INVITE', 'request'));
        const responses = [await call.final(), await call.dialog.update({ headers: forged })];
        const refer = await call.dialog.refer(`<${cleo.uri}>`, {
          headers: [...forged, ['Refer-Sub', 'false']],
        });
        const cleos = await cleo.answerNext();
        const bye = await call.dialog.bye({ headers: forged });
        for (const message of [invite, ...responses, refer.response, cleos.setUpBy, bye])
          for (const name of CHARGING) assert.equal(message.header(name), undefined, message.summary);
        for (const [id, clause] of [
          ['R-7.2.1.2-ims', '7.2.1.2'],
          ['R-7.2.1.6-ims', '7.2.1.6'],
          ['R-7.2.1.7-ims', '7.2.1.7'],
          ['R-7.2.1.10-ims', '7.2.1.10'],
        ] as const) {
          const step = await stepOf(stack, { callId: call.request.callId, clause }, id);
          assert.equal(step.verdict, 'skip');
          assert.match(step.found, /^P-Charging-Vector and P-Charging-Function-Addresses not believed of /);
        }
      } finally {
        await mallory.stop();
      }
    }));
});
