/** What the clauses about groups and running sessions refuse, and in which order. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DOMAIN, type RequestOptions, sdpBody, user } from './messages.ts';
import {
  AUDIO,
  type Case,
  CREW,
  crew,
  FOCUS_CONTACT,
  last,
  NOBODY,
  PRIVATE,
  runCases,
  runningCrew,
} from './refused.ts';
import { group, Stage, warningOf } from './stage.ts';

describe('7.2.1.3 group set-up', () => {
  const cases: readonly Case[] = [
    {
      name: 'R-7.2.1.3-1 an unknown group, before isfocus',
      refused: ['R-7.2.1.3-1', 404, /Conference URI does not exist/],
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
      refused: ['R-7.2.1.4-3b', 486, /Too many participants/],
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
