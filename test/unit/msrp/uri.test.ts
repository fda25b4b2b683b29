import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMsrpUri, isSameMsrpUri, parseMsrpPath, parseMsrpUri } from '../../../src/msrp/protocol/uri.ts';

function same(a: string, b: string): boolean {
  return isSameMsrpUri(parseMsrpUri(a), parseMsrpUri(b));
}

test('case 30: scheme, host and transport without case, session-id with, parameters and userinfo ignored', () => {
  assert.ok(same('msrp://Host.example:2855/Ab;tcp', 'MSRP://hOST.EXAMPLE:2855/Ab;TCP;x=y'));
  assert.ok(same('msrp://u@h:1/s;tcp', 'msrp://h:1/s;tcp'));
  assert.ok(!same('msrp://h:1/s;tcp', 'msrp://h:1/S;tcp'));
  assert.ok(!same('msrp://h:1/s;tcp', 'msrps://h:1/s;tcp'));
  assert.ok(!same('msrp://h:1/s;tcp', 'msrp://h:2/s;tcp'));
  assert.ok(!same('msrp://h:1/s;tcp', 'msrp://h/s;tcp'));
  assert.ok(!same('msrp://h:1/s;tcp', 'msrp://h:1/s;ws'));
});

test('case 31: session-ids of real relays', () => {
  assert.equal(parseMsrpUri('msrps://r.example:2855/a/b=+c==;tcp').sessionId, 'a/b=+c==');
});

test('hosts: names, IPv4, IPv6', () => {
  assert.equal(parseMsrpUri('msrp://[2001:db8::1]:2855/x;tcp').host, '[2001:db8::1]');
  assert.equal(parseMsrpUri('msrp://192.0.2.1/x;tcp').port, -1);
  assert.equal(formatMsrpUri(parseMsrpUri('msrp://u@h:1;tcp;a=b;c')), 'msrp://u@h:1;tcp;a=b;c');
});

for (const bad of [
  '',
  'msrp:',
  'http://h/x;tcp',
  'msrp://h/x',
  'msrp://h:99999/x;tcp',
  'msrp://h:x/y;tcp',
  'msrp:// h/x;tcp',
  'msrp://h/x y;tcp',
  'msrp://h/x;tcp\r\nX: y',
  `msrp://${'h'.repeat(2000)}/x;tcp`,
]) {
  test(`refused: ${JSON.stringify(bad.slice(0, 30))}`, () => {
    assert.throws(() => parseMsrpUri(bad), { code: 'MSRP_BAD_URI' });
  });
}

test('a path is split at single spaces', () => {
  assert.equal(parseMsrpPath('msrp://a:1/x;tcp msrp://b:1/y;tcp').length, 2);
  assert.throws(() => parseMsrpPath('msrp://a:1/x;tcp  msrp://b:1/y;tcp'), { code: 'MSRP_BAD_URI' });
  assert.throws(() => parseMsrpPath(Array(17).fill('msrp://a:1/x;tcp').join(' ')), { code: 'MSRP_BAD_URI' });
});
