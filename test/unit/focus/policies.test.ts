import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConferenceRow, ParticipantRow } from '../../../src/focus/conference.ts';
import { decideConferenceDeadline, decideSwitchMove } from '../../../src/focus/decide-switch-move.ts';
import { chooseDisplayName } from '../../../src/focus/display-name.ts';
import { chooseAcceptTypes } from '../../../src/focus/media.ts';
import { authenticatedOriginator } from '../../../src/focus/originator.ts';
import { failureCode } from '../../../src/focus/policy/failure-code.ts';
import { minimumParticipants } from '../../../src/focus/policy/release.ts';
import { negotiateInterval, sessionDeadlineMs } from '../../../src/focus/session-timer.ts';
import { nameAddr, shown } from '../../../src/focus/shown.ts';
import { isStranded } from '../../../src/focus/stranding.ts';
import { listBody, sdpBody, sipRequest, user } from './messages.ts';
import { group, headerOf, ofKind, requestsOf, SETTINGS, Stage } from './stage.ts';

describe('R-7.2.1.2-fail-1s the code for the inviter (A-16)', () => {
  for (const [codes, policy, expected] of [
    [[486, 603], 'lowest', 486],
    [[603, 404, 486], 'lowest', 404],
    [[486, 603, 600], 'highest-class', 600],
    [[404, 486], 'highest-class', 404],
    [[404, 486], 503, 503],
    [[302], 'lowest', 480],
    [[302, 302], 'highest-class', 480],
    [[], 'lowest', 480],
    [[], 403, 403],
    [[999, 606], 'lowest', 480],
  ] as const) {
    test(`${codes} by ${policy}: ${expected}`, () => assert.equal(failureCode(codes, policy), expected));
  }
});

describe('7.2.2.8 the release policy', () => {
  const settings = { ...SETTINGS.releasePolicy, groupMinimum: 3 };
  const row = (kind: ConferenceRow['kind'], inviteMembers = true) =>
    ({ kind, group: group('g', [], { inviteMembers }) }) as unknown as ConferenceRow;

  test('has a minimum for each kind of session', () => {
    assert.equal(minimumParticipants({ kind: 'ad-hoc' } as ConferenceRow, settings), 2);
    assert.equal(minimumParticipants(row('group'), settings), 3);
    assert.equal(minimumParticipants(row('group', false), settings), 1);
  });

  test('counts who may still come, and releases everybody once', () => {
    const stage = new Stage();
    const { invites } = stage.adHoc();
    stage.answer(invites[0] ?? assert.fail());
    // alice leaves: bob is there and carol may come.
    stage.request({ ...stage.inDialog('alice'), method: 'BYE' });
    assert.equal(stage.theOnly().row.phase, 'active');
    const last = stage.respond(invites[1] ?? assert.fail(), { status: 486 });
    assert.deepEqual(requestsOf(last, 'BYE').length, 1);
    assert.equal(last?.trace.filter(({ id }) => id === 'A-43').length, 1);
    assert.equal(stage.theOnly().row.phase, 'ending');
  });

  for (const [kind, maxLengthS, lastsS] of [
    ['adHoc', { adHoc: 60 }, 60],
    ['adHoc', { group: 60, chatGroup: 60 }, undefined],
    ['group', { adHoc: 1, group: 7, chatGroup: 1 }, 7],
    ['chatGroup', { group: 7, chatGroup: 9 }, 9],
    ['chatGroup', {}, undefined],
  ] as const) {
    test(`${kind} with maxLengthS ${JSON.stringify(maxLengthS)} lasts ${lastsS ?? 'on'}`, () => {
      const inviteMembers = kind === 'group';
      const stage = new Stage({ releasePolicy: { ...SETTINGS.releasePolicy, maxLengthS } }, [
        group('room', ['alice', 'bob'], { inviteMembers }),
      ]);
      if (kind === 'adHoc') stage.running();
      else {
        const { changes } = stage.request({ uri: user('room'), callId: 'a', ...sdpBody() });
        for (const effect of changes?.effects ?? [])
          if (effect.kind === 'request' && effect.method === 'INVITE') stage.answer(effect);
        stage.ack(stage.inDialog('alice'));
      }
      const { id, deadlines, phase } = stage.theOnly().row;
      assert.equal(phase, 'active');
      assert.equal(deadlines?.maxLength, lastsS === undefined ? undefined : stage.nowMs + lastsS * 1000);
      const due = () => stage.take(decideConferenceDeadline(stage.world(), id, 'maxLength'));
      stage.nowMs += (lastsS ?? 1e6) * 1000 - 1;
      assert.equal(due(), undefined);
      stage.nowMs += 1;
      const over = due();
      assert.equal(requestsOf(over, 'BYE').length, lastsS === undefined ? 0 : stage.theOnly().legs.size);
      assert.equal(stage.theOnly().row.phase, lastsS === undefined ? 'active' : 'ending');
      assert.equal(due(), undefined, 'once');
    });
  }

  test('how long a session may last stays while it waits for a switch and when it has one again', () => {
    const stage = new Stage({ releasePolicy: { ...SETTINGS.releasePolicy, maxLengthS: { adHoc: 3600 } } });
    stage.running();
    const { id, deadlines, switchId } = stage.theOnly().row;
    const { maxLength } = deadlines ?? assert.fail();
    const { placement } = stage;
    const move = (why: 'dead' | 'back') =>
      stage.take(decideSwitchMove(stage.world(), { session: id, from: switchId, why }));
    stage.placement = undefined;
    move('dead');
    assert.equal(isStranded(stage.theOnly().row), true);
    assert.equal(stage.theOnly().row.deadlines?.maxLength, maxLength);
    stage.placement = placement;
    move('back');
    assert.equal(isStranded(stage.theOnly().row), false);
    stage.placement = { id: 'switch-2', host: '192.0.2.2', port: 2855 };
    move('dead');
    assert.equal(stage.theOnly().row.switchId, 'switch-2');
    assert.deepEqual(stage.theOnly().row.deadlines, { maxLength });
  });

  test('a chat group goes on with one and ends with none', () => {
    const stage = new Stage({}, [group('room', ['alice', 'bob'], { inviteMembers: false })]);
    stage.request({ uri: user('room'), callId: 'a', ...sdpBody() });
    stage.request({ uri: user('room'), callId: 'b', from: user('bob'), ...sdpBody() });
    stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    assert.equal(stage.theOnly().row.phase, 'active');
    stage.request({ ...stage.inDialog('alice'), method: 'BYE' });
    assert.equal(stage.sessions.size, 0);
  });
});

describe('5.5 display names', () => {
  const originator = authenticatedOriginator(['"From PAI" <sip:alice@im.example>']);
  const document = group('g', [], {
    members: [{ uri: 'sip:ALICE@IM.example;transport=tcp', displayName: 'From group' }],
  });
  const request = sipRequest({ extra: [['From', '"From From" <sip:alice@im.example>;tag=t']] });

  test('the first source of the priority that has one', () => {
    assert(originator !== undefined);
    const choose = (...priority: readonly ('pai' | 'from' | 'group')[]) =>
      chooseDisplayName(priority, originator, request, document)?.name;
    assert.equal(choose('pai', 'from', 'group'), 'From PAI');
    assert.equal(choose('from', 'pai'), 'From From');
    assert.equal(choose('group'), undefined);
    assert.equal(choose(), undefined);
    const bare = authenticatedOriginator(['<sip:alice@im.example>']);
    assert(bare !== undefined);
    assert.deepEqual(chooseDisplayName(['pai', 'from'], bare, request, undefined), {
      name: 'From From',
      source: 'from',
    });
    assert.equal(chooseDisplayName(['pai', 'group'], bare, request, undefined), undefined);
  });

  test('from the list of the group, whatever the case of the host', () => {
    assert(originator !== undefined);
    const known = group('g', [], { members: [{ uri: 'sip:alice@IM.EXAMPLE', displayName: 'From group' }] });
    assert.deepEqual(chooseDisplayName(['group'], originator, request, known), {
      name: 'From group',
      source: 'group',
    });
  });

  test('R-7.2.1.2-4 others see it in From, and with privacy only the alias (A-25)', () => {
    const invite = (extra: readonly (readonly [string, string])[]) => {
      const options = { asserted: ['"Alice A." <sip:alice@im.example>'], extra, ...listBody([user('bob')]) };
      return requestsOf(new Stage().request(options), 'INVITE')[0];
    };
    assert.match(headerOf(invite([]), 'From') ?? '', /^"Alice A\." <sip:im-s-/);
    const hidden = invite([['Privacy', 'id']]);
    assert.match(headerOf(hidden, 'From') ?? '', /^"Anonymous 1" </);
    assert.match(headerOf(hidden, 'Referred-By') ?? '', /anonymous\.invalid/);
    assert.doesNotMatch(JSON.stringify(hidden), /alice/i);
  });
});

describe('who asks (5.1, A-9)', () => {
  for (const [asserted, primary, addresses] of [
    [['<tel:+49301>', '"A" <sip:alice@x>'], 'sip:alice@x', ['sip:alice@x', 'tel:+49301']],
    [['<tel:+49301>'], 'tel:+49301', ['tel:+49301']],
    [['garbage', 'sip:bob@x'], 'sip:bob@x', ['sip:bob@x']],
  ] as const) {
    test(`${asserted.join(', ')}: ${primary}`, () => {
      const originator = authenticatedOriginator(asserted);
      assert.equal(originator?.primary, primary);
      assert.deepEqual(originator?.addresses, addresses);
      assert.equal(originator?.keys.length, addresses.length);
    });
  }
  test('nothing usable is nobody', () => {
    for (const asserted of [[], [''], ['<>'], ['no address']])
      assert.equal(authenticatedOriginator(asserted), undefined);
  });

  test('a participant is shown by alias or by address and name', () => {
    const participant = { address: 'sip:a@x', displayName: 'A "B"' } as ParticipantRow;
    assert.equal(nameAddr(shown(participant)), '"A \\"B\\"" <sip:a@x>');
    const alias = '"Anonymous" <sip:anonymous.1@anonymous.invalid>';
    assert.equal(nameAddr(shown({ ...participant, alias })), alias);
  });
});

describe('R-7.2.1.2-ok-2a accept-types', () => {
  for (const [offered, ofOther, allowed, expected] of [
    [['message/cpim', 'text/plain'], ['text/plain'], ['message/cpim', 'text/plain'], ['text/plain']],
    [['message/cpim', 'text/html'], undefined, ['message/cpim', 'text/plain'], ['message/cpim']],
    [['message/cpim'], ['text/plain'], ['*'], ['message/cpim']],
    [['text/plain'], ['*'], ['*'], ['text/plain']],
  ] as const) {
    test(`${offered} and ${ofOther ?? 'nobody'} under ${allowed}: ${expected}`, () =>
      assert.deepEqual(chooseAcceptTypes(offered, ofOther, allowed), expected));
  }
});

describe('session timers (RFC 4028, A-6)', () => {
  test('a session is given up min(32 s, a third) before its end', () => {
    assert.equal(sessionDeadlineMs(1_000, 1800), 1_000 + 1_768_000);
    assert.equal(sessionDeadlineMs(0, 90), 60_000);
    assert.equal(sessionDeadlineMs(0, 96), 64_000);
    assert.equal(sessionDeadlineMs(0, 10), 6_667);
  });

  const ours = { expiresS: 1800, minSeS: 90 };
  for (const [sessionExpires, minSe, supportsTimer, expected] of [
    [undefined, undefined, true, { ok: true, expiresS: 1800 }],
    ['600', undefined, true, { ok: true, expiresS: 600 }],
    ['600;refresher=uas', undefined, false, { ok: true, expiresS: 600 }],
    ['7200', undefined, true, { ok: true, expiresS: 1800 }],
    ['7200', '3600', true, { ok: true, expiresS: 3600 }],
    ['90', undefined, true, { ok: true, expiresS: 90 }],
    ['89', undefined, true, { ok: false, minSeS: 90 }],
    ['89', undefined, false, { ok: true, expiresS: 90 }],
  ] as const) {
    test(`${sessionExpires}, Min-SE ${minSe}, ${supportsTimer ? 'with' : 'without'} timer`, () => {
      const extra = [
        ...(sessionExpires === undefined ? [] : ([['Session-Expires', sessionExpires]] as const)),
        ...(minSe === undefined ? [] : ([['Min-SE', minSe]] as const)),
      ];
      assert.deepEqual(negotiateInterval(sipRequest({ extra }), supportsTimer, ours), expected);
    });
  }

  test('an interval that is not one is a 400', () => {
    const decision = new Stage().request({
      ...listBody([user('bob')]),
      extra: [['Session-Expires', 'soon']],
    });
    assert.equal(decision.reply?.code, 400);
  });
});

describe('chat aliases and invitations of a group', () => {
  test('R-7.2.1.3-6 with the right, members see the alias; the group invites by its own name', () => {
    const rules = [
      { id: 'all', conditions: { members: true as const }, grant: { initiate: true, anonymity: true } },
    ];
    const stage = new Stage({}, [group('crew', ['alice', 'bob'], { rules, displayName: 'The crew' })]);
    const decision = stage.request({ uri: user('crew'), ...sdpBody(), extra: [['Privacy', 'user']] });
    const [invite] = requestsOf(decision, 'INVITE');
    assert.match(headerOf(invite, 'From') ?? '', /^"The crew" <sip:crew@im\.example>;tag=/);
    assert.equal(headerOf(invite, 'P-Asserted-Identity'), '<sip:crew@im.example>');
    assert.doesNotMatch(JSON.stringify(invite), /alice/);
    // The switch hears of the initiator when there is an answer, in one command with who has answered.
    const [put] = ofKind(stage.answer(invite ?? assert.fail()), 'switch');
    assert.match(JSON.stringify(put?.body), /"alias":"\\"Anonymous 1\\" <sip:anonymous-1\./);
  });

  test('Privacy: none asks for nothing', () => {
    const stage = new Stage({}, [group('crew', ['alice', 'bob'])]);
    const decision = stage.request({ uri: user('crew'), ...sdpBody(), extra: [['Privacy', 'none']] });
    assert.equal(decision.refusal, undefined);
  });
});
