import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  dialogFromUac,
  dialogFromUas,
  dialogKey,
  dialogKeyOf,
  inDialogRequest,
  receiveInDialog,
  refreshTarget,
  type SipDialog,
} from '../../../src/sip/dialog.ts';
import { parseSipMessage, type SipRequest, type SipResponse } from '../../../src/sip/message.ts';

function request(method: string, ...lines: string[]): SipRequest {
  const message = parseSipMessage(
    Buffer.from(`${method} sip:im-s-1@im.test SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n`),
  );
  assert.ok(message.kind === 'request');
  return message;
}

function response(status: number, ...lines: string[]): SipResponse {
  const message = parseSipMessage(Buffer.from(`SIP/2.0 ${status} x\r\n${lines.join('\r\n')}\r\n\r\n`));
  assert.ok(message.kind === 'response');
  return message;
}

const INVITE = request(
  'INVITE',
  'Record-Route: <sip:p2.test;lr>, <sip:p1.test;lr>',
  'Record-Route: <sip:p0.test;lr>',
  'From: "A" <sip:a@x.test>;tag=at',
  'To: <sip:factory@im.test>',
  'Call-ID: c1',
  'CSeq: 10 INVITE',
  'Contact: <sip:a@10.0.0.1;transport=tcp>',
);

test('as UAS the route set is Record-Route in the order received', () => {
  assert.deepEqual(dialogFromUas(INVITE, 'ours'), {
    callId: 'c1',
    localTag: 'ours',
    remoteTag: 'at',
    localUri: 'sip:factory@im.test',
    remoteUri: 'sip:a@x.test',
    remoteTarget: 'sip:a@10.0.0.1;transport=tcp',
    routeSet: ['<sip:p2.test;lr>', '<sip:p1.test;lr>', '<sip:p0.test;lr>'],
    localCSeq: 0,
    remoteCSeq: 10,
  });
});

test('as UAS a request without Contact makes no dialog', () => {
  const { headers } = INVITE;
  const bare = { ...INVITE, headers: headers.filter(({ name }) => name !== 'Contact') };
  assert.throws(() => dialogFromUas(bare, 't'), { name: 'ParseError', code: 'SIP_MISSING_HEADER' });
});

test('as UAC the route set is Record-Route reversed', () => {
  const sent = {
    callId: 'c2',
    localTag: 'lt',
    localUri: 'sip:im-s-1@im.test',
    remoteUri: 'sip:b@x.test',
    cseq: 4,
  };
  const answer = response(
    200,
    'Record-Route: <sip:p0.test;lr>, <sip:p1.test;lr>',
    'From: <sip:im-s-1@im.test>;tag=lt',
    'To: <sip:b@x.test>;tag=rt',
    'Call-ID: c2',
    'CSeq: 4 INVITE',
    'Contact: <sip:b@10.0.0.2>',
  );
  const dialog = dialogFromUac(sent, answer);
  assert.deepEqual(dialog.routeSet, ['<sip:p1.test;lr>', '<sip:p0.test;lr>']);
  assert.equal(dialog.remoteTag, 'rt');
  assert.equal(dialog.remoteTarget, 'sip:b@10.0.0.2');
  assert.equal(dialog.localCSeq, 4);
  assert.equal(dialog.remoteCSeq, undefined);
  assert.equal(dialogKeyOf(answer), dialogKey('c2', 'lt', 'rt'));
});

test('both sides name one dialog by their own tag first', () => {
  const bye = request(
    'BYE',
    'f: <sip:a@x.test>;tag=at',
    't: <sip:factory@im.test>;tag=ours',
    'i: c1',
    'CSeq: 11 BYE',
  );
  assert.equal(dialogKeyOf(bye), dialogKey('c1', 'ours', 'at'));
  assert.equal(dialogKeyOf(INVITE), undefined);
});

const dialog = dialogFromUas(INVITE, 'ours');

test('loose routes: the target is the Request-URI, the first route the next hop', () => {
  const sent = inDialogRequest(dialog, 'BYE');
  assert.equal(sent.requestUri, 'sip:a@10.0.0.1;transport=tcp');
  assert.equal(sent.nextHop, 'sip:p2.test;lr');
  assert.deepEqual(sent.headers, [
    ['From', '<sip:factory@im.test>;tag=ours'],
    ['To', '<sip:a@x.test>;tag=at'],
    ['Call-ID', 'c1'],
    ['CSeq', '1 BYE'],
    ['Route', '<sip:p2.test;lr>'],
    ['Route', '<sip:p1.test;lr>'],
    ['Route', '<sip:p0.test;lr>'],
  ]);
  assert.equal(sent.dialog.localCSeq, 1);
  assert.equal(dialog.localCSeq, 0);
});

test('a strict first route becomes the Request-URI and the target the last route', () => {
  const strict: SipDialog = { ...dialog, routeSet: ['<sip:old.test;method=X?a=b>', '<sip:p1.test;lr>'] };
  const sent = inDialogRequest(strict, 'BYE');
  assert.equal(sent.requestUri, 'sip:old.test');
  assert.equal(sent.nextHop, 'sip:old.test');
  assert.deepEqual(
    sent.headers.filter(([name]) => name === 'Route').map(([, value]) => value),
    ['<sip:p1.test;lr>', '<sip:a@10.0.0.1;transport=tcp>'],
  );
});

test('without routes all goes to the target; a peer without a tag gets none', () => {
  const sent = inDialogRequest({ ...dialog, routeSet: [], remoteTag: '' }, 'NOTIFY');
  assert.equal(sent.nextHop, dialog.remoteTarget);
  assert.ok(sent.headers.some(([name, value]) => name === 'To' && value === '<sip:a@x.test>'));
});

test('an ACK has its INVITE’s number and leaves the dialog’s alone', () => {
  const ack = inDialogRequest({ ...dialog, localCSeq: 5 }, 'ACK', 4);
  assert.ok(ack.headers.some(([name, value]) => name === 'CSeq' && value === '4 ACK'));
  assert.equal(ack.dialog.localCSeq, 5);
});

test('requests of the peer must count up; a target refresh moves the target', () => {
  const moved = request('INVITE', 'CSeq: 12 INVITE', 'Contact: <sip:a@10.0.0.9>');
  const arrival = receiveInDialog(dialog, moved);
  assert.ok(arrival.outcome === 'in-order');
  assert.equal(arrival.dialog.remoteCSeq, 12);
  assert.equal(arrival.dialog.remoteTarget, 'sip:a@10.0.0.9');
  assert.equal(receiveInDialog(arrival.dialog, moved).outcome, 'out-of-order');
  assert.equal(receiveInDialog(arrival.dialog, request('ACK', 'CSeq: 12 ACK')).outcome, 'in-order');
  const info = receiveInDialog(dialog, request('INFO', 'CSeq: 13 INFO', 'Contact: <sip:elsewhere@x>'));
  assert.ok(info.outcome === 'in-order');
  assert.equal(info.dialog.remoteTarget, dialog.remoteTarget);
});

test('only a 2xx moves the target from the answering side', () => {
  const contact = 'Contact: <sip:a@10.0.0.7>';
  assert.equal(refreshTarget(dialog, 'INVITE', response(200, contact)).remoteTarget, 'sip:a@10.0.0.7');
  assert.equal(refreshTarget(dialog, 'INVITE', response(488, contact)).remoteTarget, dialog.remoteTarget);
  assert.equal(refreshTarget(dialog, 'BYE', response(200, contact)).remoteTarget, dialog.remoteTarget);
});
