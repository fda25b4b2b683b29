/** The conditions of a rule as `parley group show` says them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { whom } from '../../../src/cli/group-text.ts';

const addresses = (count: number) => Array.from({ length: count }, (_, index) => `sip:u${index}@x.net`);

const WORDS: readonly (readonly [when: Parameters<typeof whom>[0], words: string])[] = [
  [{}, 'everybody'],
  [{ members: true }, 'members'],
  [{ others: true }, 'whom no other rule names'],
  [{ anonymous: true }, 'users that are not known'],
  [{ uris: ['sip:ada@x.net'] }, 'sip:ada@x.net'],
  [{ uris: addresses(6) }, 'sip:u0@x.net or sip:u1@x.net or sip:u2@x.net or sip:u3@x.net or 2 more'],
  [{ uris: addresses(5) }, addresses(5).join(' or ')],
  [{ uris: [], domains: [] }, 'nobody'],
  [{ domains: [{}] }, 'everybody who is known'],
  [
    {
      uris: ['sip:ada@y.net'],
      domains: [{ domain: 'x.net', exceptUris: ['sip:eve@x.net'], exceptDomains: ['old.x.net'] }],
    },
    'sip:ada@y.net or all of x.net except sip:eve@x.net or old.x.net',
  ],
  [{ externalLists: ['crew', 'staff'] }, 'users of crew or staff'],
  [
    { members: true, validity: [{ from: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z' }] },
    'members, and 2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z',
  ],
  [{ members: true, unknown: ['<x/>'] }, 'nobody: it has a condition that is not known here'],
];

for (const [when, words] of WORDS) {
  test(`${JSON.stringify(when).slice(0, 60)}: ${words.slice(0, 40)}`, () => {
    assert.equal(whom(when), words);
  });
}
