import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  addressKey,
  canonicalAddress,
  formatUri,
  parseUri,
  requestUriOf,
  sameUser,
  unescapeUri,
} from '../../../src/sip/uri.ts';

const BAD_URI = { name: 'ParseError', code: 'SIP_BAD_URI' };

describe('parseUri', () => {
  test('takes a SIP URI apart', () => {
    const uri = parseUri(
      'SIPS:alice:se%20cret@[2001:db8::9]:5061;Transport=tcp;lr?Subject=hi&Replaces=a%40b',
    );
    assert.deepEqual(
      { ...uri, params: [...uri.params], headers: [...uri.headers] },
      {
        scheme: 'sips',
        user: 'alice',
        password: 'se%20cret',
        host: '[2001:db8::9]',
        port: 5061,
        params: [
          ['transport', 'tcp'],
          ['lr', undefined],
        ],
        headers: [
          ['Subject', 'hi'],
          ['Replaces', 'a%40b'],
        ],
      },
    );
  });

  test('tel, cid and others', () => {
    assert.equal(parseUri('tel:+46-70;isub=1').user, '+46-70');
    assert.equal(parseUri('tel:7042;phone-context=example.test').params.get('phone-context'), 'example.test');
    assert.equal(parseUri('cid:abc@host').opaque, 'abc@host');
    assert.equal(parseUri('urn:uuid:1').scheme, 'urn');
    assert.equal(parseUri('im:alice@example.test').host, 'example.test');
  });

  for (const text of [
    '',
    'sip',
    'sip:',
    ':a',
    '1sip:a@b',
    'sip:@host',
    'sip:a@',
    'sip:a@b@c',
    'sip:a@[::1',
    'sip:a@b:99999',
    'sip:a@b:',
    'sip:a@b:5x',
    'sip:a b@c',
    'sip:a@b c',
    'sip:a@b>',
    'sip:"a"@b',
    'sip:a%4@b',
    'sip:a%zz@b',
    'sip:a@b?x',
    'sip:a@b;=x',
    'sip:a\r\n@b',
    'tel:',
    'tel:+',
    'tel:bob smith',
    'tel:x@y',
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseUri(text), BAD_URI));
  }

  test('formatting says the same again', () => {
    for (const text of [
      'sip:b',
      'sip:a:p@b:5060;lr;x=y?h=v&i=w',
      'sip:[::1]:5',
      'tel:+1-2;ext=3',
      'cid:a@b',
      'sip:a;b=c@d',
    ]) {
      assert.equal(formatUri(parseUri(text)), text);
    }
  });
});

describe('the Request-URI of an invitation', () => {
  for (const [given, uri] of [
    [
      'sip:ada@10.0.0.5:5070;gr=urn:uuid:1;method=BYE?Subject=x&Replaces=y',
      'sip:ada@10.0.0.5:5070;gr=urn:uuid:1',
    ],
    ['sip:Ada:secret@EXAMPLE.net;lr', 'sip:Ada:secret@EXAMPLE.net;lr'],
    ['sips:ada@example.net', 'sip:ada@example.net;transport=tls'],
    ['sips:ada@example.net:5071;transport=tcp', 'sip:ada@example.net:5071;transport=tls'],
    ['sips:ada@example.net;transport=ws', 'sip:ada@example.net;transport=ws'],
    ['sip:+46-70.1@x.net;user=phone', 'sip:+46701@x.net;user=phone'],
    ['sip:5-1;phone-context=x.net@x.net;user=phone', 'sip:51;phone-context=x.net@x.net;user=phone'],
    ['tel:+46 (70) 1;ext=3', 'tel:+46701;ext=3'],
  ] as const)
    test(given, () => assert.equal(requestUriOf(given), uri));
});

describe('A-51: the canonical address is scheme, user and host', () => {
  for (const [text, expected] of [
    ['sip:alice@EXAMPLE.Test', 'sip:alice@example.test'],
    ['sips:alice:pw@example.test:5061;transport=tls?x=y', 'sip:alice@example.test'],
    ['sip:%61lice@example.test.', 'sip:alice@example.test'],
    ['sip:a%2fb%c3%a5@h', 'sip:a/b%C3%A5@h'],
    ['sip:a%40b@h', 'sip:a%40b@h'],
    ['sip:a%3ab@h', 'sip:a%3Ab@h'],
    ['sip:Alice@h', 'sip:Alice@h'],
    ['sip:h;isfocus', 'sip:h'],
    ['tel:+46-70 000', 'tel:+4670000'],
    ['TEL:+46(70).000;ext=1', 'tel:+4670000'],
    ['tel:70-42;phone-context=Example.Test', 'tel:7042;phone-context=example.test'],
    ['sip:+46-70@d;user=phone', 'sip:+4670@d'],
    ['cid:X@y', 'cid:X@y'],
  ] as const) {
    test(`${text} → ${expected}`, () => {
      assert.equal(canonicalAddress(text), expected);
      assert.equal(canonicalAddress(expected), expected);
    });
  }
});

describe('one user behind a tel and a SIP address', () => {
  test('tel:+n and sip:+n@d;user=phone have one key', () => {
    assert.equal(addressKey('tel:+46-70-000'), 'tel:+4670000');
    assert.equal(addressKey('sip:+46.70000@carrier.test;user=phone'), 'tel:+4670000');
    assert.equal(addressKey('sips:%2B4670000;ext=5@carrier.test;user=PHONE'), 'tel:+4670000');
  });

  test('without user=phone, or with a local number, a SIP address keeps its domain', () => {
    assert.equal(addressKey('sip:+4670000@evil.test'), 'sip:+4670000@evil.test');
    assert.equal(addressKey('sip:7042@d;user=phone'), 'sip:7042@d');
  });

  test('sameUser', () => {
    assert.ok(sameUser('tel:+1', 'sip:+1@x;user=phone'));
    assert.ok(sameUser('sips:a@X:5061', 'sip:a@x;transport=tcp'));
    assert.ok(!sameUser('sip:a@x', 'sip:b@x'));
    assert.ok(!sameUser('sip:a@x', 'im:a@x'));
    assert.throws(() => sameUser('nonsense', 'nonsense'), BAD_URI);
  });
});

test('unescapeUri falls back to Latin-1', () => {
  assert.equal(unescapeUri('%C3%A5%20x'), 'å x');
  assert.equal(unescapeUri('%E5'), 'å');
});
