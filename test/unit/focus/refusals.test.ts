/** What each clause refuses, and which refusal wins when a request is wrong in two ways (the decision order of the spec). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DOMAIN, listBody, type RequestOptions, sdpBody, user } from './messages.ts';
import { AUDIO, type Case, last, NOBODY, names, runCases } from './refused.ts';
import { headerOf, SETTINGS, Stage, warningOf } from './stage.ts';

describe('7.2.1.2 ad-hoc set-up', () => {
  const cases: readonly Case[] = [
    {
      name: 'R-7.2.1.2-1 a factory URI that is not allocated',
      refused: ['R-7.2.1.2-1', 404, /Conference-factory URI does not exist/],
      request: { uri: `sip:nobody@${DOMAIN}`, ...listBody(names(1)) },
    },
    {
      name: 'R-7.2.1.2-1 before R-7.2.1.2-2: not allocated, not authenticated',
      refused: ['R-7.2.1.2-1', 404, /does not exist/],
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
