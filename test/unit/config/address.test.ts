import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  eventSocketTargets,
  formatHostPort,
  isCidr,
  parseHostMaybePort,
  parseHostPort,
  switchAddresses,
} from '../../../src/config/address.ts';
import { editDistance, nearest } from '../../../src/config/nearest.ts';

test('parse∘format of host:port is the identity, IPv6 in brackets', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.nat(65535), (name, port) => {
      assert.deepEqual(parseHostPort(formatHostPort({ host: name, port })), { host: name, port });
    }),
  );
});

test('any text is an address or undefined, never an exception', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]:.-/a1 \n'.split('')) }), (text) => {
      const parsed = parseHostMaybePort(text);
      if (parsed !== undefined) assert.doesNotMatch(parsed.host, /[[\]\s/]/);
      isCidr(text);
    }),
  );
});

test('switch process i takes every port + i, and the focus connects to all of them', () => {
  const config = {
    msrp: { listen: [{ proto: 'tcp', host: '127.0.0.1', port: 2855 } as const] },
    switch: { processes: 2 },
    eventSocket: { listen: { host: '127.0.0.1', port: 8022 }, switches: [{ host: 'sw.example', port: 9 }] },
  };
  assert.deepEqual(switchAddresses(config, 1), {
    msrp: [{ proto: 'tcp', host: '127.0.0.1', port: 2856 }],
    eventSocket: { host: '127.0.0.1', port: 8023 },
  });
  assert.deepEqual(eventSocketTargets(config).map(formatHostPort), [
    '127.0.0.1:8022',
    '127.0.0.1:8023',
    'sw.example:9',
  ]);
});

test('the nearest name is one slip away, and nothing is near to nonsense', () => {
  assert.equal(editDistance('domian', 'domain'), 1);
  assert.equal(nearest('lisen', ['listen', 'domain']), 'listen');
  assert.equal(nearest('zzzz', ['listen', 'domain']), undefined);
});
