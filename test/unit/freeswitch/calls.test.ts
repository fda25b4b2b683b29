/** The user agents of FreeSWITCH users, against a focus that is played: what they send, and when. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SipReply } from '../../../src/focus/decision.ts';
import { FreeSwitchCalls } from '../../../src/freeswitch/calls.ts';
import type { FreeSwitchEnd } from '../../../src/freeswitch/end.ts';
import type { RequestEffect } from '../../../src/freeswitch/sip-side.ts';
import { header, type SipRequest, type SipResponse } from '../../../src/sip/message.ts';

const END: FreeSwitchEnd = {
  node: 'fs1',
  kind: 'message',
  group: 'sip:im-g-crew@example.net',
  identity: 'sip:ada@example.net',
};
const SESSION = 'sip:im-s-1@focus.example.net';
const OK: SipReply = {
  code: 200,
  reason: 'OK',
  toTag: 'focus',
  headers: [
    ['Contact', `<${SESSION}>;isfocus`],
    ['Session-Expires', '90;refresher=uac'],
  ],
};
const REFUSED: SipReply = {
  code: 403,
  reason: 'Forbidden',
  toTag: 'x',
  headers: [['Warning', '399 example.net "the user is not allowed to join this group"']],
};

function play(t: TestContext, maxEnds = 10) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const state = { nowMs: 1_000, answer: { reply: OK } as { reply: SipReply } | { pending: true } };
  const sent: SipRequest[] = [];
  const responses: SipResponse[] = [];
  const asserted: string[] = [];
  const removed: FreeSwitchEnd[] = [];
  const tids: string[] = [];
  const keep = (request: SipRequest) => {
    sent.push(request);
    return true;
  };
  let number = 0;
  const calls = new FreeSwitchCalls({
    focus: {
      request: (request, origin) => {
        keep(request);
        asserted.push(...origin.asserted);
        tids.push(origin.transaction.tid);
        return state.answer;
      },
      ack: keep,
      cancel: keep,
      response: (response) => {
        responses.push(response);
        return true;
      },
    },
    kamailio: () => ({ kam: 'kam1', epoch: 'e' }),
    passwordOf: () => 'the password',
    isTls: false,
    maxBytes: 1_000,
    maxEnds,
    messageIdleMs: 60_000,
    clock: { nowMs: () => state.nowMs },
    ids: { token: () => `token${++number}` },
    log: { info() {}, warn() {}, error() {} },
    onRemoved: (end) => removed.push(end),
  });
  calls.start();
  const methods = () => sent.map(({ method }) => method);
  return { calls, state, sent, responses, asserted, removed, tids, methods };
}

function effect(request: SipRequest, method: string, body?: string): RequestEffect {
  return {
    stage: 3,
    kind: 'request',
    method,
    callId: header(request, 'call-id') ?? '',
    cseq: 7,
    of: { row: 'none' },
    kam: 'kam1',
    requestUri: 'sip:x',
    headers: [
      ['From', '<sip:im-g-crew@example.net>;tag=focus'],
      ['To', '<sip:ada@example.net>;tag=ours'],
      ['Session-Expires', '90;refresher=uas'],
    ],
    ...(body === undefined ? {} : { body }),
  };
}

test('an INVITE in the name of the user, an ACK, refreshes in time, a BYE', async (t) => {
  const { calls, state, sent, asserted, methods } = play(t);
  assert.deepEqual(await calls.join(END, 'Ada'), { ok: true, session: SESSION });
  const [invite] = sent as [SipRequest];
  assert.equal(invite.uri, END.group);
  assert.deepEqual(asserted, ['"Ada" <sip:ada@example.net>']);
  const sdp = invite.body.toString();
  assert.match(sdp, /^a=path:msrp:\/\/fs1\.freeswitch\.invalid:2855\/[^\s]+;tcp\r$/m);
  assert.match(sdp, /^a=setup:passive\r$/m);
  assert.match(sdp, /^a=max-size:1000\r$/m);
  assert.deepEqual(methods(), ['INVITE', 'ACK']);
  assert.match(header(sent[1] as SipRequest, 'to') ?? '', /;tag=focus$/);

  for (let second = 0; second < 46; second += 1) {
    state.nowMs += 1_000;
    await calls.join(END);
    t.mock.timers.tick(1_000);
  }
  assert.deepEqual(methods(), ['INVITE', 'ACK', 'UPDATE'], 'half way, and who writes stays');
  assert.equal(sent[2]?.uri, SESSION);
  assert.equal(calls.leave(END, 'enough'), true);
  assert.deepEqual(methods().at(-1), 'BYE');
  assert.deepEqual(
    sent.map((request) => header(request, 'cseq')),
    ['1 INVITE', '1 ACK', '2 UPDATE', '3 BYE'],
  );
  assert.equal(calls.leave(END, 'twice'), false);
  calls.stop();
});

test('a refusal is told with its Warning; one too many is not even asked for', async (t) => {
  const { calls, state, sent } = play(t, 1);
  state.answer = { reply: REFUSED };
  assert.deepEqual(await calls.join(END), {
    ok: false,
    status: 403,
    reason: 'the user is not allowed to join this group',
  });
  state.answer = { reply: OK };
  assert.equal((await calls.join(END)).ok, true);
  const before = sent.length;
  const other = await calls.join({ ...END, identity: 'sip:ben@example.net' });
  assert.deepEqual([other.ok, !other.ok && other.status, sent.length], [false, 503, before]);
  assert.equal(calls.counters.overLimit, 1);
  calls.stop();
});

test('an answer that comes late; a user who leaves before it gives up by CANCEL', async (t) => {
  const { calls, state, tids, methods } = play(t);
  state.answer = { pending: true };
  const joining = calls.join(END);
  const also = calls.join(END);
  assert.equal(calls.takesReply(tids[0] ?? ''), true);
  assert.equal(calls.takesReply('1234:5678'), false, 'a transaction of Kamailio');
  assert.equal(calls.reply(tids[0] ?? '', OK), 'sent');
  assert.equal((await joining).ok, true);
  assert.equal((await also).ok, true);
  assert.equal(calls.reply(tids[0] ?? '', OK), 'not-pending');

  const ben: FreeSwitchEnd = { ...END, identity: 'sip:ben@example.net' };
  const waiting = calls.join(ben);
  calls.leave(ben, 'gone');
  assert.equal(methods().at(-1), 'CANCEL');
  // The 200 was under way already.
  assert.equal(calls.reply(tids[1] ?? '', OK), 'sent');
  await nextTurn();
  assert.deepEqual(methods().slice(-2), ['ACK', 'BYE']);
  assert.equal(calls.size, 1);
  assert.deepEqual(await waiting, { ok: false, status: 487, reason: 'the user has left' });
  calls.stop();
});

test('what the focus sends in the dialog is answered; its BYE ends it', async (t) => {
  const { calls, sent, responses, removed } = play(t);
  await calls.join(END);
  const [invite] = sent as [SipRequest];
  assert.equal(calls.takesRequest(header(invite, 'call-id') ?? ''), true);
  assert.equal(calls.takesRequest('somebody@freeswitch.invalid'), false, 'a client that names itself so');
  calls.request(effect(invite, 'INVITE', 'v=0'));
  await nextTurn();
  assert.equal(responses[0]?.status, 200);
  assert.match(responses[0]?.body.toString() ?? '', /^o=- 1 2 IN IP4/m);
  assert.equal(header(responses[0] as SipResponse, 'session-expires'), '90;refresher=uas');
  calls.request(effect(invite, 'ACK'));
  calls.request(effect(invite, 'BYE'));
  await nextTurn();
  assert.deepEqual(
    responses.map((response) => header(response, 'cseq')),
    ['7 INVITE', '7 BYE'],
  );
  assert.deepEqual(removed, [END]);
  assert.equal(calls.size, 0);
  calls.stop();
});

test('who writes nothing for too long has left', async (t) => {
  const { calls, state, methods } = play(t);
  await calls.join(END);
  state.nowMs += 60_001;
  t.mock.timers.tick(1_000);
  assert.equal(methods().at(-1), 'BYE');
  assert.equal(calls.size, 0);
  calls.stop();
});
