import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accepts } from '../../../src/sip/accept.ts';
import { parseSipMessage } from '../../../src/sip/message.ts';
import { allowedMethods } from '../../../src/sip/option-tags.ts';
import { parseReferTo, wantsReferSubscription } from '../../../src/sip/refer.ts';
import { checkSingleValued } from '../../../src/sip/single-valued.ts';

const BAD_FIELD = { name: 'ParseError', code: 'SIP_BAD_FIELD' };
const TYPE = 'application/conference-info+xml';

function message(...lines: string[]) {
  return parseSipMessage(Buffer.from(`REFER sip:s@im.test SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n`));
}

function response(...lines: string[]) {
  return parseSipMessage(Buffer.from(`SIP/2.0 200 OK\r\n${lines.join('\r\n')}\r\n\r\n`));
}

test('Accept: the closest range decides, and its quality', () => {
  assert.equal(accepts(message('A: b'), TYPE), true, 'no Accept at all');
  for (const field of [
    TYPE,
    'Application/Conference-Info+XML',
    'application/*',
    '*/*;q=0.001',
    `text/plain, ${TYPE};q=1.0`,
  ])
    assert.equal(accepts(message(`Accept: ${field}`), TYPE), true, field);
  for (const field of ['', 'text/*', `${TYPE};q=0`, `*/*, ${TYPE};q=0.000`, 'application/*;q=0, */*'])
    assert.equal(accepts(message(`Accept: ${field}`), TYPE), false, field);
  for (const field of ['xml', `${TYPE};q=2`, `${TYPE};q=`, `${TYPE};q=0.0001`])
    assert.throws(() => accepts(message(`Accept: ${field}`), TYPE), BAD_FIELD, field);
});

test('RFC 4475 3.3.8: what may stand once stands once, in the long form or the short', () => {
  checkSingleValued(message('From: <sip:a@b>', 'Via: x', 'Via: y', 'Allow: A', 'Allow: B'));
  for (const lines of [
    ['From: <sip:a@b>', 'f: <sip:c@d>'],
    ['Session-Expires: 90', 'x: 90'],
    ['Event: conference', 'o: refer'],
    ['s: one', 'SUBJECT: two'],
  ])
    assert.throws(() => checkSingleValued(message(...lines)), BAD_FIELD, lines.join());
});

test('Allow of a response is read as far as it makes sense; of a request it must', () => {
  assert.deepEqual(allowedMethods(response('Allow: INVITE BYE, ACK, <x>')), ['ACK']);
  assert.throws(() => allowedMethods(message('Allow: INVITE BYE, ACK')), BAD_FIELD);
  const many = Array.from({ length: 101 }, (_, n) => `M${n}`).join(',');
  assert.throws(() => allowedMethods(message(`Allow: ${many}`)), BAD_FIELD);
  assert.equal(allowedMethods(response(`Allow: ${many}`))?.length, 100);
});

test('Refer-To and Refer-Sub say a method and a wish, or nothing', () => {
  assert.deepEqual(parseReferTo('<cid:l@x>;method=BYE'), {
    kind: 'cid',
    contentId: 'l@x',
    method: 'BYE',
    params: new Map([['method', 'BYE']]),
  });
  for (const text of ['<sip:a@b;method>', '<sip:a@b;method=>', '<sip:a@b>;method', '<cid:x>;method=""'])
    assert.throws(() => parseReferTo(text), { code: 'SIP_BAD_PARAMETER' }, text);
  assert.equal(wantsReferSubscription(message('Refer-Sub: TRUE;x')), true);
  assert.equal(wantsReferSubscription(message('Refer-Sub: False')), false);
  for (const text of ['', 'no', '0', 'true false'])
    assert.throws(() => wantsReferSubscription(message(`Refer-Sub: ${text}`)), BAD_FIELD, text);
});
