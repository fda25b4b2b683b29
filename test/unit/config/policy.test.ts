/** What may change while the focus runs, and what is told of a policy with faults. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { policyIn, withPolicy } from '../../../src/config/policy.ts';
import { POLICY_SCHEMA } from '../../../src/config/policy-schema.ts';

function configured(env: Record<string, string> = {}): Config {
  const loaded = loadConfig({ env });
  assert(loaded.ok);
  return loaded.config;
}

const pathsOf = (policy: unknown) => {
  const checked = withPolicy(configured(), policy);
  return checked.ok ? [] : checked.errors.map(({ path }) => path);
};

describe('a policy', () => {
  test('what it says is in force, what it does not say is as configured, nothing else changes', () => {
    const config = configured({ PARLEY_AD_HOC_MAX_PARTICIPANTS: '7', PARLEY_AD_HOC_MAY_ADD: 'nobody' });
    const checked = withPolicy(config, { adHoc: { maxParticipants: 3 }, profile: 'rcc07' });
    assert(checked.ok);
    assert.deepEqual(checked.config, {
      ...config,
      adHoc: { ...config.adHoc, maxParticipants: 3 },
      profile: 'rcc07',
    });
  });

  test('none: the configuration as it is; null says nothing', () => {
    const config = configured();
    for (const policy of [{}, { adHoc: null, limits: { maxSessions: null } }]) {
      const checked = withPolicy(config, policy);
      assert(checked.ok);
      assert.deepEqual(checked.config, config);
    }
  });

  test('all that is wrong is told at once, with the key', () => {
    assert.deepEqual(
      pathsOf({
        adHoc: { maxParticipants: 'many', maxPartcipants: 3, mayInitiate: ['a.example', 'sip:@', 'b_?'] },
        session: { expiresS: 60, minSeS: 90 },
        conferenceFactories: ['sip:im-s-room@example.net'],
        history: { functions: ['nobody'] },
        sip: { domain: 'example.org' },
        conference: { sessionPrefix: 'x-' },
        limits: { maxDecisions: 5 },
        __proto__: { polluted: true },
      }).toSorted(),
      [
        'adHoc.maxPartcipants',
        'adHoc.maxParticipants',
        'adHoc.mayInitiate[1]',
        'adHoc.mayInitiate[2]',
        'conference.sessionPrefix',
        'conferenceFactories[0]',
        'history.functions[0]',
        'limits.maxDecisions',
        'session.expiresS',
        'sip',
      ],
    );
  });

  for (const policy of [null, 7, 'text', [], [{}]]) {
    test(`what is no policy: ${JSON.stringify(policy)}`, () => assert.deepEqual(pathsOf(policy), ['']));
  }

  test('what is shown of it is what it may say', () => {
    const shown = policyIn(configured());
    assert.deepEqual(pathsOf(shown), []);
    assert.equal('sessionPrefix' in (shown['conference'] as object), false);
    assert.equal('maxDecisions' in (shown['limits'] as object), false);
  });
});

test('the schema of a policy allows what is in force, any part of it and null, and nothing that cannot change', () => {
  const schema = POLICY_SCHEMA as TSchema;
  const shown = policyIn(configured());
  assert.deepEqual([...Value.Errors(schema, shown)], []);
  for (const [section, value] of Object.entries(shown)) {
    assert(Value.Check(schema, { [section]: value }), section);
    assert(Value.Check(schema, { [section]: null }), section);
  }
  for (const wrong of [
    [],
    { sip: {} },
    { adHoc: { maxParticipants: 1 } },
    { adHoc: { maxParticipant: 5 } },
    { conference: { sessionPrefix: 'x-' } },
    { limits: { maxDecisions: 5 } },
  ]) {
    assert(!Value.Check(schema, wrong), JSON.stringify(wrong));
    assert(!withPolicy(configured(), wrong).ok, JSON.stringify(wrong));
  }
});
