/** What `parley explain` says of each kind of refusal, beside a running stack: in words, and the same as on the wire. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import type { Explanation, Trust } from '../../src/app/explain.ts';
import { dialFactory, plainSdp } from '../conformance/support/ad-hoc.ts';
import { warningOf } from '../conformance/support/expect.ts';
import { progressOf } from '../conformance/support/refer-progress.ts';
import { together } from '../conformance/support/refer-rooms.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { eventually } from './support/eventually.ts';
import { explainOn, type Parts, request, uriOf } from './support/explaining.ts';

const FULL = `sip:im-g-full@${DOMAIN}`;
const CLOSED = `sip:im-g-closed@${DOMAIN}`;
const NOBODYS = `sip:im-g-nobodys@${DOMAIN}`;

let stack: Stack;
let people: Record<'ada' | 'ben' | 'cleo' | 'dan', Subscriber>;
/** Ada's room of each session. */
let inFull: Room;
let inClosed: Room;
let inAdHoc: Room;

before(async () => {
  const members = ['ada', 'ben', 'cleo'].map(uriOf);
  const may = { 'allow-initiate-conference': true, 'join-handling': true };
  stack = await Stack.start({
    config: {
      adHoc: { maxParticipants: 3, mayInitiate: [DOMAIN] },
      readings: { rejoinCountsAdHoc: true },
      history: { functions: [uriOf('recorder')] },
      notify: { minIntervalMs: 0 },
    },
    groups: [
      groupDocument({
        uri: FULL,
        displayName: 'Team',
        members,
        inviteMembers: false,
        maxParticipants: 2,
        actions: { ...may, 'allow-invite-users-dynamically': true, 'allow-conference-state': true },
      }),
      groupDocument({ uri: NOBODYS, displayName: 'Nobody', members, maxParticipants: 0, actions: may }),
      groupDocument({
        uri: CLOSED,
        displayName: 'Closed',
        members: members.slice(0, 2),
        actions: may,
        inviteMembers: false,
      }),
    ],
  });
  const [ada, ben, cleo, dan] = await Promise.all(
    (['ada', 'ben', 'cleo', 'dan'] as const).map((name) => stack.subscriber(name)),
  );
  assert.ok(ada && ben && cleo && dan);
  people = { ada, ben, cleo, dan };
  inFull = await ada.join(FULL);
  await ben.join(FULL);
  inClosed = await ada.join(CLOSED);
  // Ada and Cleo are there, Dan has Ben's seat.
  const [hers, his] = await together(ada, ben, cleo);
  inAdHoc = hers;
  await his.leave();
  const [refer] = await Promise.all([hers.dialog.refer(`<${dan.uri}>`), dan.answerNext({ ring: false })]);
  await progressOf(refer);
  await eventually(
    () => explain(request('INVITE', inAdHoc.uri, 'ben', OFFER)).reply?.code === 486,
    () => 'the store does not know of all of it',
  );
});
after(() => stack.stop());

const OFFER: Parts = { body: sdpBody(plainSdp()) };

const explain = (text: string, trust: Trust = 'core'): Explanation => explainOn(stack.directory, text, trust);

/** What the stack itself answered is what was told beforehand. */
function assertSame(told: Explanation, final: SipMessage): void {
  assert.equal(final.status, told.reply?.code);
  assert.equal(warningOf(final).text, told.decision.refusal?.warning);
}

describe('parley explain, why an INVITE or REFER gets 486', () => {
  test('R-7.2.1.4-3b a group whose seats are taken: who has them, where the limit is, what would help', async () => {
    const told = explain(request('INVITE', FULL, 'cleo', OFFER));
    assert.equal(
      told.answer.summary,
      'This INVITE would get 486 Busy Here, because the room "Team" is full: 2 of 2 seats are taken (ada, ben); cleo would be the 3rd.',
    );
    assert.match(told.answer.details[0] ?? '', /^The limit is max-participant-count in \S*group-0\.xml\.$/);
    assert.match(
      told.answer.remedies.join('; '),
      /wait until one of them leaves.*raise max-participant-count in \S+\.xml/,
    );
    assert.match(
      told.answer.rule ?? '',
      /^join-handling is granted to cleo by rule "members" of \S+\.xml\.$/,
    );
    assertSame(told, await people.cleo.sip.invite({ to: FULL, body: sdpBody(plainSdp()) }).final());
  });

  for (const [what, headers, said] of [
    ['no Referred-By', [], 'this INVITE has none'],
    ['that of a stranger', [`Referred-By: <${uriOf('xena')}>`], 'this one names xena'],
  ] as const) {
    test(`R-7.2.1.4-3a R-7.2.1.4-3b a History Function with ${what}: that it needs no seat, but somebody who asked for it`, () => {
      const told = explain(request('INVITE', FULL, 'recorder', with_(...headers)));
      assert.equal(
        told.answer.summary,
        'This INVITE would get 486 Busy Here, because the room "Team" is full: 2 of 2 seats are taken (ada, ben); recorder is a History Function, and nobody who may has asked for it.',
      );
      assert.equal(
        told.answer.details[0],
        `A History Function takes no seat and enters a full session when Referred-By names somebody who is there (ada, ben); ${said}.`,
      );
      assert.match(told.answer.remedies.join('; '), /REFER.*history\.invokers/);
    });
  }

  test('R-7.2.1.4-3b A-22 a room whose limit is 0', async () => {
    const told = explain(request('INVITE', NOBODYS, 'ada', OFFER));
    assert.equal(
      told.answer.summary,
      'This INVITE would get 486 Busy Here, because the room "Nobody" lets nobody in: its limit is 0.',
    );
    assert.match(told.answer.remedies.join('; '), /^raise max-participant-count in \S+\.xml$/);
    assertSame(told, await people.ada.sip.invite({ to: NOBODYS, body: sdpBody(plainSdp()) }).final());
  });

  test('R-7.2.1.5-3 rejoining a group by its session: the same', async () => {
    const told = explain(request('INVITE', inFull.uri, 'cleo', OFFER));
    assert.match(
      told.answer.summary,
      /486 Busy Here, because the room "Team" is full: 2 of 2 seats are taken \(ada, ben\)/,
    );
    assertSame(told, await people.cleo.sip.invite({ to: inFull.uri, body: sdpBody(plainSdp()) }).final());
  });

  test('R-7.2.1.5-3 A-29 rejoining an ad hoc session, and the reading that looks at the limit', async () => {
    const told = explain(request('INVITE', inAdHoc.uri, 'ben', OFFER));
    assert.equal(
      told.answer.summary,
      'This INVITE would get 486 Busy Here, because the ad hoc session that ada set up is full: 3 of 3 seats are taken (ada, cleo, dan); ben would be the 4th.',
    );
    assert.match(told.answer.details.join(' '), /adHoc\.maxParticipants.*readings\.rejoinCountsAdHoc/);
    assertSame(told, await people.ben.sip.invite({ to: inAdHoc.uri, body: sdpBody(plainSdp()) }).final());
  });

  test('R-7.2.1.2-7 an ad hoc list that is too long: who counts, and which setting', async () => {
    const invite = ['ben', 'cleo', 'dan'].map(uriOf);
    const call = dialFactory(people.ada, { invite });
    const { body } = call.request;
    const contentType = call.request.header('Content-Type') ?? '';
    const told = explain(request('INVITE', FACTORY, 'ada', { body: { contentType, content: body } }));
    assert.equal(
      told.answer.summary,
      'This INVITE would get 486 Busy Here, because ada asks for too many participants: 3 invited and the inviter for 3 seats.',
    );
    assert.deepEqual(told.answer.details, ['The limit is adHoc.maxParticipants: 3.']);
    assertSame(told, await call.final());
  });

  test('R-7.2.1.7-4 A-29 a REFER into a group that is full, in its dialog', async () => {
    const headers = [`Refer-To: <${uriOf('cleo')}>`];
    const told = explain(request('REFER', inFull.uri, 'ada', { headers, room: inFull }));
    assert.equal(
      told.answer.summary,
      'This REFER would get 486 Busy Here, because the room "Team" has no room for all whom ada wants to add: 2 of 2 seats are taken, 1 more is asked for.',
    );
    assert.match(told.answer.details.join(' '), /taken by ada, ben\. The limit is max-participant-count in /);
    assertSame(told, (await inFull.dialog.refer(`<${uriOf('cleo')}>`)).response);
  });

  test('R-7.2.1.7-4 a REFER into an ad hoc session that is full, outside of its dialog', async () => {
    const headers = [`Refer-To: <${uriOf('ben')}>`];
    const told = explain(request('REFER', inAdHoc.uri, 'ada', { headers }));
    assert.match(
      told.answer.summary,
      /486 Busy Here, because the ad hoc session that ada set up has no room .*: 3 of 3 seats are taken, 1 more is asked for\.$/,
    );
    assertSame(
      told,
      (await people.ada.sip.refer({ to: inAdHoc.uri, referTo: `<${uriOf('ben')}>` })).response,
    );
  });
});

type Refusal = readonly [name: string, status: number, summary: RegExp, text: () => string, trust?: Trust];

const AUDIO: Parts = {
  body: { contentType: 'application/sdp', content: plainSdp().replace(/m=message.*/, 'm=audio 9 RTP/AVP 0') },
};
const referTo = (target: string): Parts => ({ headers: [`Refer-To: <${target}>`] });
const with_ = (...headers: readonly string[]): Parts => ({ ...OFFER, headers });

const REFUSALS: readonly Refusal[] = [
  [
    'R-7.2.1.3-1 nobody there',
    404,
    /sip:nobody@\S+ is no conference factory, group or session of this server/,
    () => request('INVITE', uriOf('nobody'), 'ada', OFFER),
  ],
  [
    'R-7.2.1.4-1 isfocus',
    403,
    /it comes from another conference server: its Contact has isfocus/,
    () => request('INVITE', FULL, 'cleo', OFFER).replace(/^(Contact: .*)$/m, '$1;isfocus'),
  ],
  [
    'R-7.2.1.4-2 nobody authenticated',
    403,
    /nobody knows who sends it/,
    () => request('INVITE', FULL, 'cleo', OFFER),
    'none',
  ],
  [
    'R-7.2.1.4-2 no right to join',
    403,
    /no rule of \S+group-2\.xml lets dan join the room "Closed"/,
    () => request('INVITE', CLOSED, 'dan', OFFER),
  ],
  [
    'R-7.2.1.4-6 privacy',
    403,
    /it asks for privacy, and no rule of \S+ lets ben hide behind an alias in the room "Closed"/,
    () => request('INVITE', CLOSED, 'ben', with_('Privacy: id')),
  ],
  [
    'R-7.2.1.4-7 media',
    488,
    /no message session that can be served: No message media offered/,
    () => request('INVITE', CLOSED, 'ben', AUDIO),
  ],
  [
    'RFC4028-9 interval',
    422,
    /refreshed more often than every 90 s/,
    () => request('INVITE', CLOSED, 'ben', with_('Supported: timer', 'Session-Expires: 5')),
  ],
  [
    'RFC3261-8.2.2.3 extension',
    420,
    /an extension of SIP that is not known here: 100rel/,
    () => request('INVITE', CLOSED, 'ben', with_('Require: 100rel')),
  ],
  [
    'R-7.2.1.5-1 gone',
    403,
    /the session that it wants to return to is over, or never was/,
    () => request('INVITE', uriOf('im-s-gone'), 'ada', OFFER),
  ],
  [
    'R-7.2.1.5-2 never invited',
    403,
    /eve was never invited to the ad hoc session that ada set up/,
    () => request('INVITE', inAdHoc.uri, 'eve', OFFER),
  ],
  [
    'R-7.2.1.7-1 no right to add',
    403,
    /no rule of \S+ lets ada add users to the room "Closed"/,
    () => request('REFER', inClosed.uri, 'ada', referTo(uriOf('dan'))),
  ],
  [
    'R-7.2.1.7-1 not in it',
    403,
    /dan is not in the room "Closed", and only who is may add or remove others/,
    () => request('REFER', inClosed.uri, 'dan', referTo(uriOf('ben'))),
  ],
  [
    'R-7.2.1.8-2b nobody to remove',
    403,
    /who is to be removed is not in the room "Team": sip:dan@\S+ is not there/,
    () => request('REFER', inFull.uri, 'ada', referTo(`${uriOf('dan')};method=BYE`)),
  ],
  [
    'R-7.2.1.8-2b no right to remove',
    403,
    /no rule of \S+ lets ada remove users from the room "Team"/,
    () => request('REFER', inFull.uri, 'ada', referTo(`${uriOf('ben')};method=BYE`)),
  ],
  [
    'A-36 another method',
    501,
    /it asks us to send a MESSAGE to somebody/,
    () => request('REFER', inFull.uri, 'ada', referTo(`${uriOf('ben')};method=MESSAGE`)),
  ],
  [
    'R-7.2.1.12-4 no right to see',
    403,
    /no rule of \S+ lets ada see who is in the room "Closed"/,
    () => request('SUBSCRIBE', CLOSED, 'ada', { headers: ['Event: conference'] }),
  ],
  [
    'R-7.2.1.12-4 not in it',
    403,
    /cleo is not in the room "Team", and only who is may see who is there/,
    () => request('SUBSCRIBE', FULL, 'cleo', { headers: ['Event: conference'] }),
  ],
  [
    'RFC6665-7.2.1 event',
    489,
    /it subscribes to what is not told here \(Event: presence\)/,
    () => request('SUBSCRIBE', FULL, 'ada', { headers: ['Event: presence'] }),
  ],
  [
    'RFC3261-12.2.2 no dialog',
    481,
    /there is no dialog with its Call-ID and tags/,
    () => request('BYE', FULL, 'ada'),
  ],
  [
    '5.1 somebody else',
    403,
    /cleo is not who this dialog was set up with/,
    () => request('BYE', inFull.uri, 'cleo', { room: inFull }),
    'digest',
  ],
  [
    'R-7.2.1.2-2 A-26 no right to set up',
    403,
    /eve@elsewhere\.example is not among those who may set up ad hoc sessions \(adHoc\.mayInitiate\)/,
    () => request('INVITE', FACTORY, 'eve', OFFER).replace(/eve@[^>]*/g, 'eve@elsewhere.example'),
  ],
  [
    'R-7.2.1.2-7 nobody to invite',
    400,
    /names no users to invite/,
    () => request('INVITE', FACTORY, 'ada', OFFER),
  ],
];

describe('parley explain, the other refusals', () => {
  for (const [name, status, summary, text, trust] of REFUSALS) {
    test(`${name}: ${status}`, () => {
      const { answer, reply, decision } = explain(text(), trust ?? 'core');
      assert.equal(reply?.code, status, answer.summary);
      assert.match(answer.summary, summary);
      assert.match(answer.summary, new RegExp(`^This \\w+ would get ${status} [\\w/ ]+, because .*[^.]\\.$`));
      // Not a word of the specification before the steps.
      assert.doesNotMatch(
        [answer.summary, ...answer.details, ...answer.remedies].join(' '),
        /R-7\.2|7\.2\.|RFC|undefined/,
      );
      assert.ok(decision.trace.length > 0);
    });
  }
});

describe('parley explain, what passes', () => {
  const passing: readonly (readonly [summary: RegExp, text: () => string])[] = [
    [
      /^This INVITE would get 200 OK: ben joins the room "Closed"\.$/,
      () => request('INVITE', CLOSED, 'ben', OFFER),
    ],
    [
      /^This INVITE would get 200 OK: ben joins the room "Team" \(2 of 2 seats are taken then\)\.$/,
      () => request('INVITE', FULL, 'ben', OFFER),
    ],
    [
      /^This BYE would get 200 OK: ada leaves the room "Team"\.$/,
      () => request('BYE', inFull.uri, 'ada', { room: inFull }),
    ],
    [
      /^This SUBSCRIBE would get 200 OK: ada is told who is in the room "Team"\.$/,
      () => request('SUBSCRIBE', FULL, 'ada', { headers: ['Event: conference'] }),
    ],
    [
      /^This REFER would get 202 Accepted: dan is removed from the ad hoc session that ada set up\.$/,
      () => request('REFER', inAdHoc.uri, 'ada', referTo(`${uriOf('dan')};method=BYE`)),
    ],
    [/^An ACK is never answered\.$/, () => request('ACK', inFull.uri, 'ada', { room: inFull })],
    [
      /^This CANCEL would get 200 OK: there is no INVITE with this Call-ID that still waits\.$/,
      () => request('CANCEL', FULL, 'ada'),
    ],
  ];
  for (const [summary, text] of passing) {
    test(String(summary), () => {
      const { answer } = explain(text());
      assert.match(answer.summary, summary);
      assert.deepEqual(answer.remedies, []);
    });
  }
});

test('R-7.2.1.8-2a-v who was removed by a participant: by whom', async () => {
  const refer = await inAdHoc.dialog.refer(`<${people.dan.uri};method=BYE>`);
  await progressOf(refer);
  assert.equal(
    explain(request('INVITE', inAdHoc.uri, 'dan', OFFER)).answer.summary,
    'This INVITE would get 403 Forbidden, because dan was removed from the ad hoc session that ada set up by the participant ada and may not return.',
  );
});
