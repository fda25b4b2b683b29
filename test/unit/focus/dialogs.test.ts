/** Requests inside dialogs: their order, modification and refresh, BYE, and what a dialog of ours looks like. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Dialog } from '../../../src/focus/conference.ts';
import type { Decision } from '../../../src/focus/decide.ts';
import { dialogFromRequest, inDialog } from '../../../src/focus/dialogs.ts';
import { listBody, type RequestOptions, sdp, sdpBody, sipRequest, user } from './messages.ts';
import { headerOf, ofKind, requestsOf, Stage, warningOf } from './stage.ts';

function running(): Stage {
  const stage = new Stage();
  stage.running();
  return stage;
}

const replyOf = (decision: Decision) => decision.reply ?? ofKind(decision, 'reply')[0]?.reply;

describe('dialogs of ours', () => {
  const dialog: Dialog = {
    callId: 'c',
    localTag: 'us',
    remoteTag: 'them',
    localUri: 'sip:us@x',
    remoteUri: 'sip:them@y',
    remoteTarget: 'sip:them@10.0.0.9:5070',
    routeSet: [],
    localCSeq: 4,
    kam: 'k1',
    flow: 'tcp:198.51.100.7:40000',
  };

  test('without routes a request goes back on the flow that the peer came in on', () => {
    const { requestUri, nextHop, headers } = inDialog(dialog, 'BYE', 5);
    assert.equal(requestUri, 'sip:them@10.0.0.9:5070');
    assert.equal(nextHop, 'sip:198.51.100.7:40000;transport=tcp');
    assert.deepEqual(headers, [
      ['From', '<sip:us@x>;tag=us'],
      ['To', '<sip:them@y>;tag=them'],
      ['Call-ID', 'c'],
      ['CSeq', '5 BYE'],
    ]);
    const v6 = inDialog({ ...dialog, flow: 'udp:[2001:db8::7]:5060' }, 'BYE', 5);
    assert.equal(v6.nextHop, 'sip:[2001:db8::7]:5060;transport=udp');
  });

  test('with routes it goes to the first of them', () => {
    const { nextHop, headers } = inDialog({ ...dialog, routeSet: ['<sip:p1;lr>', '<sip:p2;lr>'] }, 'BYE', 5);
    assert.equal(nextHop, 'sip:p1;lr');
    assert.deepEqual(headers.slice(4), [
      ['Route', '<sip:p1;lr>'],
      ['Route', '<sip:p2;lr>'],
    ]);
  });

  const origin = new Stage().origin();
  for (const [name, extra] of [
    ['a route that is no address', [['Record-Route', 'garbage']]],
    ['a route with a URI that is none', [['Record-Route', '<sip:p..;lr>, <sip:%zz@p;lr>']]],
    ['a target that is no URI', [['Contact', '<sip:@>']]],
    ['no target', [['Contact', '-']]],
  ] as const) {
    test(`${name} is refused when it arrives, not when a request is to be sent there`, () => {
      assert.throws(() => dialogFromRequest(sipRequest({ extra }), origin, 't'), { name: 'ParseError' });
      const decision = new Stage().request({ ...listBody([user('bob')]), extra });
      assert.equal(decision.reply?.code, 400);
    });
  }
});

describe('requests in a dialog', () => {
  test('RFC3261-12.2.2 one that is not above the last number gets 500, one of no dialog 481', () => {
    const stage = running();
    const options = stage.inDialog('alice');
    assert.equal(stage.request({ ...options, method: 'BYE', cseq: 1 }).reply?.code, 500);
    assert.equal(stage.request({ ...options, method: 'BYE', toTag: 'other' }).reply?.code, 481);
    assert.equal(stage.request({ ...options, method: 'BYE', fromTag: 'other' }).reply?.code, 481);
    assert.equal(stage.request({ ...options, method: 'INFO' }).reply?.code, 405);
    assert.equal(stage.request({ ...options, method: 'OPTIONS' }).reply?.code, 500);
    const next = stage.inDialog('alice');
    assert.equal(stage.request({ ...next, method: 'OPTIONS' }).reply?.code, 200);
    assert.equal(stage.request({ ...next, method: 'BYE' }).reply?.code, 500);
    assert.equal(replyOf(stage.request({ ...stage.inDialog('alice'), method: 'BYE' }))?.code, 200);
    assert.equal(stage.request({ ...options, method: 'BYE', cseq: 9 }).reply?.code, 481);
  });

  test('5.1 somebody else does not end a dialog by knowing its tags', () => {
    const stage = running();
    const mallory = { asserted: [`<${user('mallory')}>`], src: 'udp:203.0.113.66:5060' };
    const decision = stage.request({ ...stage.inDialog('alice'), method: 'BYE', ...mallory });
    assert.equal(decision.reply?.code, 403);
    assert.equal(stage.presence()['alice'], 'connected');
    // Without an identity it counts from where the dialog was made, and from there alone.
    const nobody = { asserted: [], src: 'udp:203.0.113.66:5060' };
    assert.equal(stage.request({ ...stage.inDialog('alice'), method: 'BYE', ...nobody }).reply?.code, 403);
    const own = stage.request({ ...stage.inDialog('alice'), method: 'BYE', asserted: [] });
    assert.equal(replyOf(own)?.code, 200);
  });

  test('while our BYE is under way only a BYE that crosses it is taken', () => {
    const stage = running();
    stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    stage.request({ ...stage.inDialog('carol'), method: 'BYE' });
    assert.equal(stage.legOf('alice').state, 'leaving');
    const options = stage.inDialog('alice');
    assert.equal(stage.request({ ...options, ...sdpBody() }).reply?.code, 481);
    assert.equal(stage.request({ ...options, method: 'UPDATE' }).reply?.code, 481);
    const crossing = stage.request({ ...options, method: 'BYE' });
    assert.equal(replyOf(crossing)?.code, 200);
    assert.equal(stage.sessions.size, 0);
  });

  test('an invited user has no dialog before answering', () => {
    const stage = new Stage();
    stage.adHoc(['bob']);
    const { callId, localTag } = stage.legOf('bob').dialog;
    const early: RequestOptions = { method: 'BYE', callId, toTag: localTag, from: user('bob'), cseq: 1 };
    assert.equal(stage.request(early).reply?.code, 481);
    const tagless = { ...early, extra: [['From', `<${user('bob')}>`]] } as const;
    assert.equal(stage.request(tagless).reply?.code, 481);
    assert.equal(stage.legOf('bob').state, 'inviting');
  });
});

describe('7.2.1.10 BYE', () => {
  test('the answer, then the MSRP session and the roster; the session goes on', () => {
    const stage = running();
    const decision = stage.request({ ...stage.inDialog('carol'), method: 'BYE' });
    assert.deepEqual(
      decision.trace
        .map(({ id }) => id)
        .filter((id) => /^R-7\.2\.1\.10-\d$/.test(id))
        .at(0),
      'R-7.2.1.10-1',
    );
    assert.equal(replyOf(decision)?.code, 200);
    assert.deepEqual(
      ofKind(decision, 'switch').map(({ op }) => op),
      ['leg.drop'],
    );
    assert.deepEqual(stage.presence(), { alice: 'connected', bob: 'connected', carol: 'disconnected' });
  });
});

describe('7.2.1.6 modification, 7.2.1.11 refresh', () => {
  const changed = sdp({ version: 2, path: 'msrp://192.0.2.9:9/new;tcp', acceptTypes: 'text/plain' });

  test('R-7.2.1.6-2 a new offer: the switch first, then the 200 with an answer of the next version', () => {
    const stage = running();
    const decision = stage.request({ ...stage.inDialog('alice'), ...sdpBody(changed) });
    const [put] = ofKind(decision, 'switch');
    assert.deepEqual([put?.op, put?.isGate], ['leg.put', true]);
    assert.match(JSON.stringify(put?.body), /msrp:\/\/192\.0\.2\.9:9\/new;tcp/);
    const reply = replyOf(decision);
    assert.equal(reply?.code, 200);
    assert.match(reply?.body ?? '', /^o=.* 2 IN/m);
    assert.match(reply?.body ?? '', /a=accept-types:text\/plain\r/);
    assert.equal(headerOf(reply, 'Session-Expires'), '1800;refresher=uac');
  });

  test('R-7.2.1.11-1 the same offer again is a refresh: nothing for the switch, the timer starts anew', () => {
    const stage = running();
    stage.nowMs += 100_000;
    const decision = stage.request({
      ...stage.inDialog('alice'),
      ...sdpBody(),
      extra: [['Session-Expires', '600']],
    });
    assert.deepEqual(ofKind(decision, 'switch'), []);
    assert.equal(headerOf(replyOf(decision), 'Session-Expires'), '600;refresher=uac');
    assert.equal(stage.legOf('alice').deadlines.session, stage.nowMs + (600 - 32) * 1000);
  });

  test('A-31 a re-INVITE without an offer gets ours, UPDATE without one gets none', () => {
    const stage = running();
    const offer = replyOf(stage.request(stage.inDialog('alice')));
    assert.match(offer?.body ?? '', /m=message/);
    const update = replyOf(stage.request({ ...stage.inDialog('alice'), method: 'UPDATE' }));
    assert.deepEqual([update?.code, update?.body], [200, undefined]);
    assert.equal(headerOf(update, 'Content-Type'), undefined);
  });

  test('the answer to our offer comes in the ACK', () => {
    const stage = running();
    stage.request(stage.inDialog('alice'));
    const answer = sdp({ path: 'msrp://192.0.2.9:9/acked;tcp', setup: 'active' });
    const decision = stage.ack({ ...stage.inDialog('alice'), ...sdpBody(answer) });
    assert.match(JSON.stringify(ofKind(decision, 'switch')[0]?.body), /acked/);
    assert.equal(stage.legOf('alice').deadlines.ack, undefined);
  });

  for (const [name, options, code, warning] of [
    ['R-7.2.1.6-1 an offer of audio', sdpBody(sdp({ media: 'audio', version: 3 })), 488, /message media/],
    ['RFC4028-9 too small an interval', { extra: [['Session-Expires', '30']] }, 422, /at least 90/],
    [
      'both: the interval is looked at first',
      { ...sdpBody(sdp({ media: 'audio', version: 3 })), extra: [['Session-Expires', '30']] },
      422,
      /./,
    ],
  ] as const) {
    test(`${name}: ${code}, and the session stays as it was`, () => {
      const stage = running();
      const before = stage.theOnly();
      const decision = stage.request({ ...stage.inDialog('alice'), ...options });
      assert.equal(decision.reply?.code, code);
      assert.match(warningOf(decision.reply), warning);
      // But for the number of the request, which counts as well (RFC 3261 section 12.2.2).
      const { legs, participants } = stage.theOnly();
      assert.equal(participants, before.participants);
      const { id, dialog } = stage.legOf('alice');
      const leg = before.legs.get(id) ?? assert.fail();
      const { remoteCSeq } = dialog;
      assert.deepEqual(
        legs,
        new Map(before.legs).set(id, {
          ...leg,
          dialog: { ...leg.dialog, ...(remoteCSeq && { remoteCSeq }) },
        }),
      );
    });
  }

  test('RFC3261-14.2, RFC3311-5.2 one at a time: 500 with Retry-After while the first INVITE is unanswered', () => {
    const stage = new Stage();
    const { invites } = stage.adHoc(['bob']);
    stage.respond(invites[0] ?? assert.fail(), { status: 180, toTag: 'b' });
    for (const method of ['INVITE', 'UPDATE']) {
      const { reply } = stage.request({ ...stage.inDialog('alice'), method, ...sdpBody(changed) });
      assert.equal(reply?.code, 500);
      assert.ok(Number(headerOf(reply, 'Retry-After')) <= 10);
    }
    // Without an offer it changes nothing that is open.
    const update = stage.request({ ...stage.inDialog('alice'), method: 'UPDATE' });
    assert.equal(replyOf(update)?.code, 200);
    assert.equal(stage.legOf('alice').deadlines.session, undefined, 'no session to supervise yet');
  });

  test('the Contact of a refresh moves the target of our next request', () => {
    const stage = running();
    stage.request({ ...stage.inDialog('alice'), contact: '<sip:alice@203.0.113.9>' });
    stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    const decision = stage.request({ ...stage.inDialog('carol'), method: 'BYE' });
    assert.deepEqual(
      requestsOf(decision, 'BYE').map(({ requestUri }) => requestUri),
      ['sip:alice@203.0.113.9'],
    );
  });
});
