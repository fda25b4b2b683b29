/** 7.2.1.3 Pre-defined IM group session set-up: the checks of an INVITE to a group that has no session. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { audioOnly, offer, picturesOnly } from './support/groups-offers.ts';
import {
  assertAccepted,
  assertNobodyInvited,
  assertNoSession,
  assertNotAcceptable,
  assertRefused,
  assertSteps,
  foundAt,
} from './support/groups-outcomes.ts';
import { ruleFor, Stage } from './support/groups-stage.ts';

const stage = new Stage();
const ANONYMOUS: HeaderOverrides = [['Privacy', 'id']];

describe('7.2.1.3 INVITE to an idle group: checks', { concurrency: 4 }, () => {
  const unknown = stage.cast('unknown');
  it('R-7.2.1.3-1: a group identity that is not owned is answered 404, before all other checks', async () => {
    const [ada] = await unknown.come('ada');
    const plain = ada.sip.invite({ to: unknown.group, body: offer() });
    assertRefused(await plain.final(), 404, /^Conference URI does not exist$/, 'R-7.2.1.3-1');
    const bad = ada.sip.invite({
      to: unknown.group,
      headers: [
        ['Contact', `<${ada.sip.contactUri}>;isfocus`],
        ['P-Asserted-Identity', null],
      ],
      body: audioOnly(),
    });
    assertRefused(await bad.final(), 404, /^Conference URI does not exist$/);
    assert.match(
      await foundAt(stage.stack, plain.request.callId, 'R-7.2.1.3-1'),
      /is no conference of this server/,
    );
  });

  const focus = stage.cast('focus', { members: ['ada', 'ben'] });
  it('R-7.2.1.3-2: isfocus in Contact is answered 403 with its own Warning, wherever it stands, before the later checks', async () => {
    const [ada, ben, xia] = await focus.come('ada', 'ben', 'xia');
    const at = ada.sip.contactUri;
    const contacts = [
      `<${at}>;isfocus`,
      `<${at};isfocus>`,
      `<${at}>;+g.oma.sip-im;IsFocus`,
      `<${at}>;isfocus="TRUE"`,
      `<${at}>;+g.oma.sip-im, <${at}>;isfocus`,
    ];
    for (const contact of contacts) {
      const call = ada.sip.invite({ to: focus.group, headers: [['Contact', contact]], body: offer() });
      assertRefused(await call.final(), 403, /^isfocus already assigned$/, 'R-7.2.1.3-2');
      await assertSteps(stage.stack, call.request.callId, ['R-7.2.1.3-1 pass', 'R-7.2.1.3-2 refuse']);
    }
    // Not allowed, not authenticated, not acceptable: isfocus is looked at first.
    const stranger = xia.sip.invite({
      to: focus.group,
      headers: [
        ['Contact', `<${xia.sip.contactUri}>;isfocus`],
        ['P-Asserted-Identity', null],
      ],
      body: picturesOnly(),
    });
    assertRefused(await stranger.final(), 403, /^isfocus already assigned$/);
    await assertNoSession(stage.stack, focus.group);
    await assertNobodyInvited([ben]);
  });

  it('R-7.2.1.3-2: isfocus="FALSE" denies the tag (RFC 3840)', async () => {
    const [ada] = await focus.come('ada');
    const call = ada.sip.invite({
      to: focus.group,
      headers: [['Contact', `<${ada.sip.contactUri}>;isfocus="FALSE"`]],
      body: picturesOnly(),
    });
    assertNotAcceptable(await call.final());
  });

  const rights = stage.cast('rights', {
    members: ['ada', 'ben', 'cyd'],
    actions: { 'join-handling': true, 'allow-conference-state': true },
    rules: stageRule('rights', ['ada', 'eve'], { 'allow-initiate-conference': true }),
  });
  it('R-7.2.1.3-3, R-7.2.1.3-3-warn: without the right to initiate 403 with a reason, before the offer is looked at', async () => {
    const [ben, cyd, xia] = await rights.come('ben', 'cyd', 'xia');
    const member = ben.sip.invite({ to: rights.group, body: offer() });
    assertRefused(await member.final(), 403, /not allowed to start/, 'R-7.2.1.3-3 R-7.2.1.3-3-warn');
    await assertSteps(stage.stack, member.request.callId, ['R-7.2.1.3-2 pass', 'R-7.2.1.3-3 refuse']);
    const stranger = xia.sip.invite({ to: rights.group, body: offer() });
    assertRefused(await stranger.final(), 403, /not allowed to start/);
    const twice = ben.sip.invite({ to: rights.group, headers: ANONYMOUS, body: audioOnly() });
    assertRefused(await twice.final(), 403, /not allowed to start/);
    await assertNoSession(stage.stack, rights.group);
    await assertNobodyInvited([cyd]);
  });

  it('R-7.2.1.3-3: no asserted identity, no identity: 403 (A-9)', async () => {
    const [ada] = await rights.come('ada');
    const call = ada.sip.invite({
      to: rights.group,
      headers: [['P-Asserted-Identity', null]],
      body: offer(),
    });
    assertRefused(await call.final(), 403, /not authenticated/);
  });

  const granted = stage.cast('granted', {
    members: ['ada'],
    actions: { 'join-handling': true },
    rules: stageRule('granted', ['eve'], { 'allow-initiate-conference': true }),
    inviteMembers: false,
  });
  it('R-7.2.1.3-3: a rule that names one user lets that user initiate, member or not', async () => {
    const [eve] = await granted.come('eve');
    const call = eve.sip.invite({ to: granted.group, body: offer() });
    const response = await call.final();
    assertAccepted(response, call.request, { asserted: granted.group });
    assert.match(await foundAt(stage.stack, call.request.callId, 'R-7.2.1.3-3'), /by rule "named"/);
  });

  const media = stage.cast('media', { members: ['ada', 'ben'] });
  it('R-7.2.1.3-7, R-7.2.1.3-7-warn: an offer without usable MSRP is answered 488 that tells what is', async () => {
    const [ada, ben] = await media.come('ada', 'ben');
    for (const body of [audioOnly(), picturesOnly(), offer({ path: 'msrps://127.0.0.1:9/secure;tcp' })]) {
      const call = ada.sip.invite({ to: media.group, body });
      assertNotAcceptable(await call.final(), 'R-7.2.1.3-7 R-7.2.1.3-7-warn');
      await assertSteps(stage.stack, call.request.callId, ['R-7.2.1.3-3 pass', 'R-7.2.1.3-7 refuse']);
    }
    await assertNoSession(stage.stack, media.group);
    await assertNobodyInvited([ben]);
  });

  it('R-7.2.1.3-7: an offer that cannot be read is answered 400', async () => {
    const [ada] = await media.come('ada');
    const call = ada.sip.invite({
      to: media.group,
      body: { contentType: 'application/sdp', content: 'm=message\r\nv=1\r\n' },
    });
    assertRefused(await call.final(), 400, /SDP/);
  });

  const interval = stage.cast('interval', { members: ['ada', 'ben'] });
  it('R-7.2.1.1-3: a session interval below ours is answered 422 with Min-SE, or raised for who knows no timer (A-6)', async () => {
    const [ada, ben] = await interval.come('ada', 'ben');
    const known = ada.sip.invite({
      to: interval.group,
      headers: [
        ['Session-Expires', '20'],
        ['Supported', 'timer'],
      ],
      body: offer(),
    });
    const refused = await known.final();
    assertRefused(refused, 422, /at least 90 s/);
    assert.equal(refused.header('Min-SE'), '90');
    const bad = ada.sip.invite({
      to: interval.group,
      headers: [
        ['Session-Expires', '20'],
        ['Supported', 'timer'],
      ],
      body: audioOnly(),
    });
    assertNotAcceptable(await bad.final());
    await assertNobodyInvited([ben]);
    const call = await ada.dial(interval.group, { headers: [['Session-Expires', '20']] });
    const [room] = await Promise.all([call.room(), ben.answerNext()]);
    assert.equal(room.setUpBy.header('Session-Expires'), '90;refresher=uac');
    assert.equal(room.setUpBy.header('Require'), undefined);
  });

  const anonymity = stage.cast('anonymity', { members: ['ada', 'ben'] });
  it('R-7.2.1.3-6: privacy that the group does not allow is answered 403 with a reason, before 488', async () => {
    const [ada, ben] = await anonymity.come('ada', 'ben');
    const call = ada.sip.invite({ to: anonymity.group, headers: ANONYMOUS, body: audioOnly() });
    assertRefused(await call.final(), 403, /anonymity is not allowed/);
    await assertSteps(stage.stack, call.request.callId, ['R-7.2.1.3-5 done', 'R-7.2.1.3-6 refuse']);
    await assertNobodyInvited([ben]);
  });
});

before(() => stage.open());
after(() => stage.close());

/** As Cast.rule, for a cast that is being made. */
function stageRule(
  key: string,
  names: readonly string[],
  actions: Readonly<Record<string, boolean>>,
): string {
  return ruleFor(
    names.map((name) => `sip:${name}.${key}@${DOMAIN}`),
    actions,
  );
}
