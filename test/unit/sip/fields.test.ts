import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { formatContentType, parseContentDisposition, parseContentType } from '../../../src/sip/content.ts';
import { formatCSeq, parseCSeq } from '../../../src/sip/cseq.ts';
import {
  formatEvent,
  formatSubscriptionState,
  parseEvent,
  parseSubscriptionState,
} from '../../../src/sip/event.ts';
import { acceptContacts, parseAssertedIdentity } from '../../../src/sip/identity.ts';
import { parseSipMessage } from '../../../src/sip/message.ts';
import { allowedMethods, optionTags, privacyValues, requiredTags } from '../../../src/sip/option-tags.ts';
import { parseReferTo, referredBy, referTo, wantsReferSubscription } from '../../../src/sip/refer.ts';
import {
  formatRetryAfter,
  formatSessionExpires,
  parseExpires,
  parseMinSe,
  parseRetryAfter,
  parseSessionExpires,
} from '../../../src/sip/session-expires.ts';
import { formatWarning, parseWarning } from '../../../src/sip/warning.ts';

const BAD_FIELD = { name: 'ParseError', code: 'SIP_BAD_FIELD' };

function message(...lines: string[]) {
  return parseSipMessage(Buffer.from(`REFER sip:s@im.test SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n`));
}

test('CSeq', () => {
  assert.deepEqual(parseCSeq(' 0009 \t INVITE'), { number: 9, method: 'INVITE' });
  assert.equal(formatCSeq({ number: 1, method: 'BYE' }), '1 BYE');
  assert.equal(parseCSeq('2147483647 A').number, 2147483647);
  for (const text of ['', '1', 'INVITE 1', '1 2 3', '-1 BYE', '2147483648 BYE', '1 B@D']) {
    assert.throws(() => parseCSeq(text), BAD_FIELD, text);
  }
});

test('Session-Expires, Min-SE, Expires, Retry-After', () => {
  assert.deepEqual(parseSessionExpires('1800; refresher = UAC'), { deltaS: 1800, refresher: 'uac' });
  assert.deepEqual(parseSessionExpires('90;x=y'), { deltaS: 90 });
  assert.equal(formatSessionExpires({ deltaS: 3600, refresher: 'uas' }), '3600;refresher=uas');
  assert.equal(formatSessionExpires({ deltaS: 60 }), '60');
  assert.throws(() => parseSessionExpires('1800;refresher=me'), BAD_FIELD);
  assert.throws(() => parseSessionExpires(';refresher=uac'), BAD_FIELD);
  assert.throws(() => parseSessionExpires('4294967296'), BAD_FIELD);
  assert.equal(parseMinSe('90;a'), 90);
  assert.equal(parseExpires('0'), 0);
  assert.throws(() => parseExpires('soon'), BAD_FIELD);
  assert.deepEqual(parseRetryAfter('120 (I am (away))  ;duration=3600'), { seconds: 120, durationS: 3600 });
  assert.equal(formatRetryAfter({ seconds: 5 }), '5');
  assert.equal(formatRetryAfter({ seconds: 5, durationS: 7 }), '5;duration=7');
});

test('R-7.2.1.2-3: Allow, if there was one', () => {
  assert.equal(allowedMethods(message('A: b')), undefined);
  assert.deepEqual(allowedMethods(message('Allow: INVITE, ACK', 'Allow: bye')), ['INVITE', 'ACK', 'bye']);
  assert.deepEqual(allowedMethods(message('Allow:')), []);
});

test('option tags and Privacy', () => {
  assert.deepEqual(optionTags(message('k: Timer, norefersub'), 'Supported'), ['timer', 'norefersub']);
  assert.deepEqual(requiredTags(message('Require: multiple-refer'), 'Require'), ['multiple-refer']);
  assert.throws(() => requiredTags(message('Require: two words'), 'Require'), { code: 'SIP_BAD_FIELD' });
  assert.deepEqual(privacyValues(message('Privacy: ID; header', 'Privacy: user,critical')), [
    'id',
    'header',
    'user',
    'critical',
  ]);
  assert.deepEqual(privacyValues(message('A: b')), []);
  for (const odd of ['', '"id"', 'id user', 'id;<x>'])
    assert.throws(() => privacyValues(message(`Privacy: ${odd}`)), { code: 'SIP_BAD_FIELD' }, odd);
});

test('Event and Subscription-State', () => {
  const event = parseEvent('refer;id=93809824');
  assert.equal(event.package, 'refer');
  assert.equal(event.id, '93809824');
  assert.equal(formatEvent('refer', '7'), 'refer;id=7');
  assert.equal(formatEvent('conference'), 'conference');
  assert.throws(() => parseEvent(''), BAD_FIELD);
  assert.deepEqual(parseSubscriptionState('Active;expires=60'), { state: 'active', expiresS: 60 });
  const ended = { state: 'terminated', reason: 'noresource', retryAfterS: 3 };
  assert.equal(formatSubscriptionState(ended), 'terminated;reason=noresource;retry-after=3');
  assert.deepEqual(parseSubscriptionState(formatSubscriptionState(ended)), ended);
});

describe('Refer-To', () => {
  test('method as URI parameter, as header parameter, and by default', () => {
    const bye = parseReferTo('"Bob" <sip:bob@x;method=BYE;a=b?Replaces=c%40d%3Bto-tag%3D1>');
    assert.ok(bye.kind === 'uri');
    assert.equal(bye.uri, 'sip:bob@x;a=b');
    assert.equal(bye.method, 'BYE');
    assert.equal(bye.displayName, 'Bob');
    assert.equal(bye.uriHeaders.get('Replaces'), 'c@d;to-tag=1');
    for (const [text, method] of [
      ['<sip:bob@x>;method=INVITE', 'INVITE'],
      ['sip:bob@x;method=BYE', 'BYE'],
      ['<sip:bob@x;method=BYE>;method=INVITE', 'BYE'],
      ['<sip:bob@x>', 'INVITE'],
    ] as const) {
      const target = parseReferTo(text);
      assert.deepEqual(target.kind === 'uri' && [target.uri, target.method], ['sip:bob@x', method], text);
    }
  });

  test('cid: names the body part with the list', () => {
    const target = parseReferTo('<cid:list%25one@host.test>');
    assert.equal(target.kind === 'cid' && target.contentId, 'list%one@host.test');
  });

  test('there must be exactly one', () => {
    assert.equal(referTo(message('r: <sip:a@b>')).kind, 'uri');
    assert.throws(() => referTo(message('A: b')), BAD_FIELD);
    assert.throws(() => referTo(message('Refer-To: <sip:a@b>, <sip:c@d>')), BAD_FIELD);
  });
});

test('Refer-Sub and Referred-By', () => {
  assert.equal(wantsReferSubscription(message('A: b')), true);
  assert.equal(wantsReferSubscription(message('Refer-Sub: FALSE ;x')), false);
  assert.equal(wantsReferSubscription(message('Refer-Sub: true')), true);
  assert.equal(referredBy(message('A: b')), undefined);
  assert.equal(referredBy(message('Referred-By: sip:a@b;cid="x"'))?.uri, 'sip:a@b');
  assert.equal(referredBy(message('b: "A" <sip:a@b>'))?.displayName, 'A');
});

test('A-12: Warning', () => {
  const text = 'isfocus already assigned';
  assert.equal(formatWarning(399, 'im.example.test', text), '399 im.example.test "isfocus already assigned"');
  assert.deepEqual(parseWarning('399 im.example.test:5060 "a \\"b\\" c"'), {
    code: 399,
    agent: 'im.example.test:5060',
    text: 'a "b" c',
  });
  assert.deepEqual(parseWarning(formatWarning(305, '[::1]:5060', 'x\r\ny')), {
    code: 305,
    agent: '[::1]:5060',
    text: 'x  y',
  });
  for (const [code, host] of [
    [299, 'h'],
    [400, 'h'],
    [399, 'a b'],
    [399, ''],
    [399, 'h\r\nX:'],
  ] as const) {
    assert.throws(() => formatWarning(code, host, ''), BAD_FIELD);
  }
  for (const value of ['399 h', '399 h x', '399 h "x', '399 h "x" y', 'abc h "x"', '']) {
    assert.throws(() => parseWarning(value), BAD_FIELD, value);
  }
});

test('Content-Type and Content-Disposition', () => {
  const type = parseContentType(' Multipart / Mixed ; Boundary="a;b \\" c"');
  assert.equal(type.mediaType, 'multipart/mixed');
  assert.equal(type.params.get('boundary'), 'a;b " c');
  assert.deepEqual(parseContentType(formatContentType(type)), type);
  for (const text of ['', 'text', 'text/', '/plain', 'text plain'])
    assert.throws(() => parseContentType(text), BAD_FIELD, text);
  assert.equal(parseContentDisposition('recipient-list-history; handling=optional').handling, 'optional');
  assert.equal(parseContentDisposition('Session').handling, 'required');
  assert.equal(parseContentDisposition('Session').type, 'session');
  assert.throws(() => parseContentDisposition(';x'), BAD_FIELD);
});

test('asserted identities: SIP and tel, in order', () => {
  const values = ['"A" <sip:a@b>, <tel:+1>', '<mailto:x@y>'];
  assert.deepEqual(
    parseAssertedIdentity(values).map(({ uri }) => uri),
    ['sip:a@b', 'tel:+1'],
  );
});

test('Accept-Contact', () => {
  const [first, second] = acceptContacts(message('a: *;+g.oma.sip-im, *;audio;REQUIRE;explicit'));
  assert.deepEqual(
    [first?.require, first?.explicit, [...(first?.features ?? [])]],
    [false, false, [['+g.oma.sip-im', undefined]]],
  );
  assert.deepEqual([second?.require, second?.explicit, second?.features.has('audio')], [true, true, true]);
  assert.throws(() => acceptContacts(message('a: audio')), BAD_FIELD);
});
