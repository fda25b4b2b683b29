/** What each clause refuses, and which refusal wins when a request is wrong in two ways (the decision order of the spec). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision } from '../../../src/focus/decide.ts';
import { DOMAIN, listBody, type RequestOptions, sdp, sdpBody, user } from './messages.ts';
import { group, headerOf, SETTINGS, Stage, warningOf } from './stage.ts';

interface Case {
  readonly name: string;
  /** Step that refuses, its status, and words of its Warning. */
  readonly refused: readonly [step: string, code: number, warning: RegExp];
  readonly request: RequestOptions & { readonly asserted?: readonly string[] };
}

const NOBODY = { asserted: [] as const };
const AUDIO = sdp({ media: 'audio' });
const FOCUS_CONTACT = { contact: '<sip:other@focus.example>;isfocus' };
const names = (count: number) => Array.from({ length: count }, (_, index) => user(`u${index}`));

function runCases(cases: readonly Case[], stage: () => Stage): void {
  for (const { name, refused, request } of cases) {
    test(name, () => {
      const on = stage();
      const before = on.sessions.size;
      const decision = on.request(request);
      const [step, code, warning] = refused;
      assert.equal(decision.reply?.code, code, last(decision));
      assert.equal(decision.trace.at(-1)?.id, step);
      assert.equal(decision.trace.at(-1)?.verdict, 'refuse');
      assert.match(warningOf(decision.reply), warning);
      assert.match(warningOf(decision.reply), /^399 im\.example "/);
      // A refusal leaves nothing behind: no state, no effect.
      assert.equal(decision.changes, undefined);
      assert.equal(on.sessions.size, before);
    });
  }
}

const last = (decision: Decision) => JSON.stringify(decision.trace.at(-1));

describe('7.2.1.2 ad-hoc set-up', () => {
  const cases: readonly Case[] = [
    {
      name: 'R-7.2.1.2-1 a factory URI that is not allocated',
      refused: ['11.1/11.2', 404, /Conference-factory URI does not exist/],
      request: { uri: `sip:nobody@${DOMAIN}`, ...listBody(names(1)) },
    },
    {
      name: 'R-7.2.1.2-1 before R-7.2.1.2-2: not allocated, not authenticated',
      refused: ['11.1/11.2', 404, /does not exist/],
      request: { uri: `sip:nobody@${DOMAIN}`, ...listBody(names(9), AUDIO), ...NOBODY },
    },
    {
      name: 'R-7.2.1.2-2 nobody is asserted (A-9)',
      refused: ['R-7.2.1.2-2', 403, /not authenticated/],
      request: { ...listBody(names(1)), ...NOBODY },
    },
    {
      name: 'R-7.2.1.2-2 before -6: not authenticated, offer of audio',
      refused: ['R-7.2.1.2-2', 403, /not authenticated/],
      request: { ...listBody(names(1), AUDIO), ...NOBODY },
    },
    {
      name: 'R-7.2.1.2-2 before -7: not authenticated, too many',
      refused: ['R-7.2.1.2-2', 403, /not authenticated/],
      request: { ...listBody(names(9)), asserted: ['no address'] },
    },
    {
      name: 'R-7.2.1.2-6 an offer of audio alone',
      refused: ['R-7.2.1.2-6', 488, /message media/],
      request: listBody(names(1), AUDIO),
    },
    {
      name: 'R-7.2.1.2-6 no offer',
      refused: ['R-7.2.1.2-6', 488, /no SDP offer/],
      request: {},
    },
    {
      name: 'R-7.2.1.2-6 before -7 (A-8): audio and too many',
      refused: ['R-7.2.1.2-6', 488, /message media/],
      request: listBody(names(9), AUDIO),
    },
    {
      name: 'RFC4028-9 an interval that is too small, before R-7.2.1.2-7',
      refused: ['RFC4028-9', 422, /at least 90 s/],
      request: { ...listBody(names(9)), extra: [['Session-Expires', '30']] },
    },
    {
      name: 'R-7.2.1.2-7 one more than the maximum',
      refused: ['R-7.2.1.2-7', 486, /too many participants/],
      request: listBody(names(4)),
    },
    {
      name: 'R-7.2.1.2-7 no list (A-11)',
      refused: ['R-7.2.1.2-7', 400, /names no users/],
      request: sdpBody(),
    },
    {
      name: 'R-7.2.1.2-7 an empty list (A-11)',
      refused: ['R-7.2.1.2-7', 400, /names no users/],
      request: listBody([]),
    },
    {
      name: 'R-7.2.1.2-7 a list of the inviter alone names nobody (A-10, A-11)',
      refused: ['R-7.2.1.2-7', 400, /names no users/],
      request: listBody([user('alice')]),
    },
    {
      name: 'limits.maxListEntries',
      refused: ['R-7.2.1.2-7', 486, /"too many participants"$/],
      request: listBody(names(11)),
    },
  ];
  runCases(cases, () => new Stage());

  test('the maximum itself is allowed, and entries of one user count once (A-10)', () => {
    for (const invited of [names(3), [...names(3), user('alice'), `${user('u0')};transport=tcp`]]) {
      const decision = new Stage().request(listBody(invited));
      assert.equal(decision.refusal, undefined, last(decision));
      assert.equal(decision.changes?.rows.filter(({ kind }) => kind === 'participant').length, 4);
    }
  });

  test('R-7.2.1.2-6 the 488 describes what is supported (A-49)', () => {
    const { reply } = new Stage().request(listBody(names(1), AUDIO));
    assert.equal(headerOf(reply, 'Content-Type'), 'application/sdp');
    assert.match(reply?.body ?? '', /m=message .*TCP\/MSRP \*/);
    assert.match(reply?.body ?? '', /a=accept-types:message\/cpim text\/plain/);
  });

  test('7.2.3 limits and a missing switch are refused with Retry-After', () => {
    const limits = { ...SETTINGS.limits };
    const stages = [
      new Stage({ limits: { ...limits, maxSessions: 0 } }),
      new Stage({ limits: { ...limits, maxPendingInvites: 0 } }),
      Object.assign(new Stage(), { placement: undefined }),
    ];
    for (const stage of stages) {
      const { reply, trace } = stage.request(listBody(names(1)));
      assert.deepEqual([reply?.code, trace.at(-1)?.id], [503, '7.2.3']);
      assert.equal(headerOf(reply, 'Retry-After'), '5');
      assert.equal(stage.sessions.size, 0);
    }
  });
});

const crew = () =>
  group('crew', ['alice', 'bob', 'carol'], {
    rules: [
      {
        id: 'members',
        conditions: { members: true },
        grant: { initiate: true, join: true, conferenceState: true },
      },
      {
        id: 'guest',
        conditions: { identities: { one: [user('guest')], many: [] } },
        grant: { join: true },
      },
      {
        id: 'host',
        conditions: { identities: { one: [user('host')], many: [] } },
        grant: { initiate: true },
      },
    ],
    maxParticipantCount: 3,
  });
const CREW = { uri: user('crew') };
const PRIVATE = [['Privacy', 'id']] as const;

describe('7.2.1.3 group set-up', () => {
  const cases: readonly Case[] = [
    {
      name: 'R-7.2.1.3-1 an unknown group, before isfocus',
      refused: ['11.1/11.2', 404, /Conference URI does not exist/],
      request: { uri: user('nogroup'), ...sdpBody(), ...FOCUS_CONTACT },
    },
    {
      name: 'R-7.2.1.3-2 isfocus, before the rights',
      refused: ['R-7.2.1.3-2', 403, /isfocus already assigned/],
      request: { ...CREW, ...sdpBody(), ...FOCUS_CONTACT, ...NOBODY },
    },
    {
      name: 'R-7.2.1.3-2 isfocus as URI parameter (A-3)',
      refused: ['R-7.2.1.3-2', 403, /isfocus already assigned/],
      request: { ...CREW, ...sdpBody(), contact: '<sip:other@focus.example;isfocus>' },
    },
    {
      name: 'R-7.2.1.3-3 nobody is asserted',
      refused: ['R-7.2.1.3-3', 403, /not authenticated/],
      request: { ...CREW, ...sdpBody(), ...NOBODY },
    },
    {
      name: 'R-7.2.1.3-3 may join but not start',
      refused: ['R-7.2.1.3-3', 403, /not allowed to start/],
      request: { ...CREW, ...sdpBody(), from: user('guest') },
    },
    {
      name: 'R-7.2.1.3-3 before -7: no right, audio',
      refused: ['R-7.2.1.3-3', 403, /not allowed to start/],
      request: { ...CREW, ...sdpBody(AUDIO), from: user('stranger') },
    },
    {
      name: 'R-7.2.1.3-6 anonymity is not granted',
      refused: ['R-7.2.1.3-6', 403, /anonymity is not allowed/],
      request: { ...CREW, ...sdpBody(AUDIO), extra: PRIVATE },
    },
    {
      name: 'R-7.2.1.3-7 audio',
      refused: ['R-7.2.1.3-7', 488, /message media/],
      request: { ...CREW, ...sdpBody(AUDIO) },
    },
    {
      name: 'RFC4028-9 after the offer',
      refused: ['RFC4028-9', 422, /at least/],
      request: { ...CREW, ...sdpBody(), extra: [['Session-Expires', '89']] },
    },
  ];
  runCases(cases, () => new Stage({}, [crew()]));
});

/** alice has set the group up and bob has answered: carol's invitation still takes a seat. */
function runningCrew(): Stage {
  const stage = new Stage({}, [crew()]);
  const decision = stage.request({ ...CREW, ...sdpBody(), callId: 'alice-1' });
  const [bob] = decision.changes?.effects.filter((effect) => effect.kind === 'request') ?? [];
  assert(bob !== undefined);
  stage.answer(bob);
  return stage;
}

describe('7.2.1.4 joining a group', () => {
  const cases: readonly Case[] = [
    {
      name: 'R-7.2.1.4-1 isfocus, before everything but ownership',
      refused: ['R-7.2.1.4-1', 403, /isfocus already assigned/],
      request: { ...CREW, ...sdpBody(AUDIO), ...FOCUS_CONTACT, ...NOBODY },
    },
    {
      name: 'R-7.2.1.4-2 may start but not join, before the seats',
      refused: ['R-7.2.1.4-2', 403, /not allowed to join/],
      request: { ...CREW, ...sdpBody(AUDIO), from: user('host') },
    },
    {
      name: 'R-7.2.1.4-3b every seat is taken, before the offer',
      refused: ['R-7.2.1.4-3', 486, /Too many participants/],
      request: { ...CREW, ...sdpBody(AUDIO), from: user('guest'), extra: PRIVATE },
    },
    {
      name: 'R-7.2.1.4-6 anonymity, before the offer',
      refused: ['R-7.2.1.4-6', 403, /anonymity is not allowed/],
      request: { ...CREW, ...sdpBody(AUDIO), from: user('carol'), extra: PRIVATE },
    },
    {
      name: 'R-7.2.1.4-7 audio',
      refused: ['R-7.2.1.4-7', 488, /message media/],
      request: { ...CREW, ...sdpBody(AUDIO), from: user('carol') },
    },
  ];
  runCases(cases, runningCrew);
});

test('R-7.2.1.4-3 who sets the session up has a seat before being answered', () => {
  const stage = new Stage({}, [crew()]);
  stage.request({ ...CREW, ...sdpBody(), callId: 'alice-1' });
  const { reply } = stage.request({ ...CREW, ...sdpBody(), callId: 'guest-1', from: user('guest') });
  assert.equal(reply?.code, 486);
});

describe('7.2.1.5 rejoining', () => {
  const identity = () => {
    const stage = runningCrew();
    return { stage, uri: stage.theOnly().row.identity };
  };
  runCases(
    [
      {
        name: 'R-7.2.1.5-1 a session that is gone (A-27), before everything',
        refused: ['R-7.2.1.5-1', 403, /does not exist any more/],
        request: { uri: `sip:im-s-gone@${DOMAIN}`, ...sdpBody(AUDIO), ...NOBODY },
      },
    ],
    runningCrew,
  );

  const cases: readonly (readonly [
    name: string,
    step: string,
    code: number,
    request: RequestOptions & { readonly asserted?: readonly string[] },
  ])[] = [
    ['R-7.2.1.5-2 nobody asserted', 'R-7.2.1.5-2', 403, { ...sdpBody(AUDIO), ...NOBODY }],
    ['R-7.2.1.5-2 no right to join', 'R-7.2.1.5-2', 403, { ...sdpBody(AUDIO), from: user('stranger') }],
    ['R-7.2.1.5-3 no seat, before the offer', 'R-7.2.1.5-3', 486, { ...sdpBody(AUDIO), from: user('guest') }],
    ['R-7.2.1.5-7 audio', 'R-7.2.1.5-7', 488, { ...sdpBody(AUDIO), from: user('bob') }],
  ];
  for (const [name, step, code, request] of cases) {
    test(name, () => {
      const { stage, uri } = identity();
      const decision = stage.request({ uri, ...request });
      assert.deepEqual([decision.trace.at(-1)?.id, decision.reply?.code], [step, code]);
      assert.equal(decision.changes, undefined);
    });
  }

  test('R-7.2.1.5-2 an ad-hoc session takes back only who was invited; there is no check of seats (A-29)', () => {
    const stage = new Stage();
    stage.running();
    const uri = stage.theOnly().row.identity;
    assert.equal(stage.request({ uri, from: user('dave'), ...sdpBody() }).reply?.code, 403);
    const decision = stage.request({ uri, from: user('bob'), callId: 'bob-2', ...sdpBody() });
    assert.equal(decision.refusal, undefined, last(decision));
    assert.equal(stage.presence()['bob'], 'connected');
  });

  test('R-7.2.1.5-2 who was removed stays out', () => {
    const { stage, uri } = identity();
    const conference = stage.theOnly();
    const bob = [...conference.participants.values()].find(({ address }) => address === user('bob'));
    assert(bob !== undefined);
    const participants = new Map(conference.participants).set(bob.id, { ...bob, isExpelled: true });
    stage.sessions.add({ ...conference, participants });
    const decision = stage.request({ uri, from: user('bob'), ...sdpBody() });
    assert.match(warningOf(decision.reply), /removed from this session/);
  });

  test('R-7.2.1.5-1 a session that is being released takes nobody in', () => {
    const stage = new Stage();
    stage.running();
    const uri = stage.theOnly().row.identity;
    stage.request({ ...stage.inDialog('alice'), method: 'BYE' });
    stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    assert.equal(stage.theOnly().row.phase, 'ending');
    const decision = stage.request({ uri, from: user('bob'), ...sdpBody() });
    assert.deepEqual([decision.reply?.code, decision.trace.at(-1)?.id], [403, 'R-7.2.1.5-1']);
  });
});

describe('7.2.1.12 subscribing', () => {
  const subscribe = (options: RequestOptions & { readonly asserted?: readonly string[] }) => ({
    method: 'SUBSCRIBE',
    extra: [['Event', 'conference']] as const,
    ...options,
  });
  const stage = () => {
    const on = runningCrew();
    on.groups.set(user('idle'), group('idle', ['alice']));
    on.groups.set(user('closed'), group('closed', ['alice'], { rules: [], uri: user('closed') }));
    return on;
  };
  runCases(
    [
      {
        name: 'RFC6665-7.2.1 another package, before everything',
        refused: ['RFC6665-7.2.1', 489, /conference/],
        request: subscribe({ uri: `sip:im-s-gone@${DOMAIN}`, extra: [['Event', 'presence']], ...NOBODY }),
      },
      {
        name: 'RFC6665-7.2.1 no Event',
        refused: ['RFC6665-7.2.1', 489, /conference/],
        request: subscribe({ ...CREW, extra: [] }),
      },
      {
        name: 'R-7.2.1.12-1 no such session, before who asks',
        refused: ['R-7.2.1.12-1', 404, /does not exist/],
        request: subscribe({ uri: `sip:im-s-gone@${DOMAIN}`, ...NOBODY }),
      },
      {
        name: 'R-7.2.1.12-2 no such group, before who asks',
        refused: ['R-7.2.1.12-2', 404, /does not exist/],
        request: subscribe({ uri: user('nogroup'), ...NOBODY }),
      },
      {
        name: 'R-7.2.1.12-3 nobody asserted, before taking part',
        refused: ['R-7.2.1.12-3', 403, /not authenticated/],
        request: subscribe({ ...CREW, ...NOBODY }),
      },
      {
        name: 'R-7.2.1.12-4 takes part, but no right to see',
        refused: ['R-7.2.1.12-4', 403, /not allowed to see/],
        request: subscribe({ uri: user('closed') }),
      },
      {
        name: 'R-7.2.1.12-4 a member that is invited and not there yet',
        refused: ['R-7.2.1.12-4', 403, /does not take part/],
        request: subscribe({ ...CREW, from: user('carol') }),
      },
      {
        name: 'R-7.2.1.12-4 a group without a session (A-46)',
        refused: ['R-7.2.1.12-4', 403, /does not take part/],
        request: subscribe({ uri: user('idle') }),
      },
    ],
    stage,
  );

  test('R-7.2.1.12-3-note no more subscriptions than a user may have', () => {
    const on = stage();
    const codes = ['s1', 's2', 's3'].map((callId) => {
      const { reply, changes } = on.request(subscribe({ ...CREW, callId }));
      return reply?.code ?? changes?.effects.flatMap((e) => (e.kind === 'reply' ? [e.reply.code] : []))[0];
    });
    assert.deepEqual(codes, [200, 200, 403]);
  });
});

describe('what no clause takes', () => {
  const cases: readonly (readonly [string, RequestOptions, number])[] = [
    ['OPTIONS of the factory', { method: 'OPTIONS' }, 200],
    ['OPTIONS of nobody', { method: 'OPTIONS', uri: user('nobody') }, 404],
    ['BYE outside a dialog', { method: 'BYE' }, 481],
    ['NOTIFY outside a dialog', { method: 'NOTIFY' }, 481],
    ['an in-dialog INVITE of no dialog', { toTag: 'nothing' }, 481],
    ['PUBLISH', { method: 'PUBLISH' }, 405],
    ['MESSAGE', { method: 'MESSAGE' }, 405],
    ['INVITE to a user', { uri: user('bob') }, 404],
    ['Require of the unknown', { extra: [['Require', 'teleport, timer']] }, 420],
    ['a body above the limit', { body: Buffer.alloc(20_001) }, 413],
    ['a malformed To', { extra: [['To', '<']] }, 400],
    ['a malformed Request-URI', { uri: 'sip:%%@x' }, 400],
    ['no Contact', { ...listBody(names(1)), contact: '-' }, 400],
    ['a broken list', { ...listBody(names(1)), body: 'x' }, 400],
  ];
  for (const [name, request, code] of cases) {
    test(`${name}: ${code}`, () => {
      const stage = new Stage();
      const { reply, changes } = stage.request(
        request.contact === '-' ? { ...request, extra: [['Contact', '-']] } : request,
      );
      assert.equal(reply?.code, code, warningOf(reply));
      assert.notEqual(reply?.toTag, '');
      assert.equal(changes, undefined);
    });
  }

  test('420 names the unknown option and not the known one', () => {
    const { reply } = new Stage().request({ extra: [['Require', 'teleport, timer']] });
    assert.equal(headerOf(reply, 'Unsupported'), 'teleport');
  });
});
