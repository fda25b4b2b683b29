import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatMsrpUri, parseMsrpUri } from '../../../src/sdp/msrp-uri.ts';

test('case 31: a session-id with slash, equals and plus stays whole', () => {
  const uri = parseMsrpUri('msrp://bob@relay.example.test:2855/a/b==+c/;tcp;Foo=bar;x');
  assert.deepEqual(
    { ...uri, params: [...uri.params] },
    {
      scheme: 'msrp',
      userinfo: 'bob',
      host: 'relay.example.test',
      port: 2855,
      sessionId: 'a/b==+c/',
      transport: 'tcp',
      params: [
        ['foo', 'bar'],
        ['x', undefined],
      ],
    },
  );
});

test('case 30: scheme and transport in any case, the session-id as received', () => {
  const uri = parseMsrpUri('MSRPS://[2001:DB8::1]/AbC;TCP');
  assert.deepEqual(
    [uri.scheme, uri.host, uri.sessionId, uri.transport, uri.port],
    ['msrps', '[2001:DB8::1]', 'AbC', 'tcp', undefined],
  );
});

test('a relay has no session-id; WebSocket is a transport', () => {
  assert.equal(parseMsrpUri('msrps://r.example.test:2855;tcp').sessionId, undefined);
  assert.equal(parseMsrpUri('msrps://df7jal23ls0d.invalid:2855/98cjs;ws').transport, 'ws');
});

test('formatting says the same again', () => {
  for (const text of ['msrp://a:1/b/c=;tcp', 'msrps://u@[::1]:9/x;ws;p=q;r', 'msrp://a;tcp']) {
    assert.equal(formatMsrpUri(parseMsrpUri(text)), text);
  }
});

for (const text of [
  '',
  'msrp:',
  'msrp://',
  'msrp://a:1/b',
  'msrp://a:1/;tcp',
  'msrp://a:70000/b;tcp',
  'msrp://a:/b;tcp',
  'msrp://a b/c;tcp',
  'msrp://a/b c;tcp',
  'http://a/b;tcp',
  'msrp://a/b;',
  'msrp://a/b;tcp;',
  'msrp://a/b;tcp;=x',
  'msrp://[::1/b;tcp',
  'msrp://a/b;tcp\r\nX',
  'msrp://a/b?c;tcp',
  `msrp://a/${'x'.repeat(1100)};tcp`,
]) {
  test(`refuses ${JSON.stringify(text.slice(0, 30))}`, () => {
    assert.throws(() => parseMsrpUri(text), { name: 'ParseError', code: 'SDP_BAD_MSRP_URI' });
  });
}
