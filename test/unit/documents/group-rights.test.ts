import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type ExternalList,
  type GroupDocument,
  type GroupRule,
  RIGHT_DEFAULTS,
  type RightName,
  type RuleConditions,
} from '../../../src/documents/group-model.ts';
import { isGroupMember, rightsOf } from '../../../src/documents/group-rights.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const HOUR = 3_600_000;

const rule = (id: string, conditions: RuleConditions, grant: GroupRule['grant']): GroupRule => ({
  id,
  conditions,
  grant,
});
const groupOf = (...rules: GroupRule[]): GroupDocument => ({
  uri: 'sip:g@h',
  members: [{ uri: 'sip:ada@example.net' }, { uri: 'tel:+46700000003' }],
  externals: ['http://l/crew'],
  inviteMembers: false,
  rules,
  extensions: [],
});

const named = (...one: string[]): RuleConditions => ({ identities: { one, many: [] } });
const many = (
  more: Partial<{ domain: string; exceptUris: string[]; exceptDomains: string[] }> = {},
): RuleConditions => ({
  identities: { one: [], many: [{ exceptUris: [], exceptDomains: [], ...more }] },
});

/** Whether a rule with these conditions lets the user in. */
function lets(
  conditions: RuleConditions,
  addresses: string[],
  nowMs = NOW,
  lists?: readonly ExternalList[],
): boolean {
  const group = { ...groupOf(rule('r', conditions, { join: true })), ...(lists && { lists }) };
  return rightsOf(group, addresses, nowMs).rights.join;
}

const ADA = ['sip:ada@example.net'];
const EVE = ['sip:eve@elsewhere.example'];

describe('rightsOf', () => {
  it('R-7.2.1.3-3 grants nothing where nothing matches, save private messages', () => {
    const decision = rightsOf(groupOf(rule('r', named('sip:bo@example.net'), { join: true })), ADA, NOW);
    assert.deepEqual(decision.rights, RIGHT_DEFAULTS);
    assert.deepEqual(decision.applied, []);
    for (const [right, granted] of Object.entries(decision.rights))
      assert.equal(granted, right === 'privateMessage');
  });

  it('unites the grants of all rules that apply, whatever others refuse, and says which granted what', () => {
    const { rights, rules, applied } = rightsOf(
      groupOf(
        rule('members', { members: true }, { join: true, addUsers: false, initiate: false }),
        rule('chair', named(...ADA), { addUsers: true, join: true, expel: true }),
        rule('nobody', named(), { anonymity: true }),
        rule('all', {}, { conferenceState: true, addUsers: false }),
      ),
      ADA,
      NOW,
    );
    assert.deepEqual(
      Object.entries(rights)
        .filter(([, granted]) => granted)
        .map(([right]) => right),
      ['join', 'conferenceState', 'addUsers', 'expel', 'privateMessage'],
    );
    assert.deepEqual(rules, {
      initiate: [],
      join: ['members', 'chair'],
      conferenceState: ['all'],
      addUsers: ['chair'],
      anonymity: [],
      keyParticipant: [],
      expel: ['chair'],
      privateMessage: [],
    } satisfies Record<RightName, string[]>);
    assert.deepEqual(applied, ['members', 'chair', 'all']);
  });

  it('takes private messages away only by a rule that applies and that none outdoes', () => {
    const privateMessage = (...rules: GroupRule[]) =>
      rightsOf(groupOf(...rules), ADA, NOW).rights.privateMessage;
    const no = rule('no', { members: true }, { privateMessage: false });
    assert.equal(privateMessage(no), false);
    assert.equal(privateMessage(no, rule('yes', named(...ADA), { privateMessage: true })), true);
    assert.equal(privateMessage(rule('no', named(...EVE), { privateMessage: false })), true);
  });

  it('knows users by any of their addresses in any spelling, telephone numbers too', () => {
    assert.equal(
      lets(named('sip:ada@EXAMPLE.net'), ['tel:+1', 'sips:ada@example.net:5061;transport=tls']),
      true,
    );
    assert.equal(lets({ members: true }, ['sip:+46700000003@gw.example;user=phone']), true);
    assert.equal(lets({ members: true }, ['tel:+46-700-000003']), true);
    assert.equal(lets(named('sip:Ada@example.net'), ADA), false);
    assert.equal(lets({ members: true }, ['not a uri']), false);
    assert.equal(lets({ members: true }, EVE), false);
  });

  it('looks members and external lists up in the lists that were fetched', () => {
    const lists = [{ anchor: 'http://l/crew', members: EVE.map((uri) => ({ uri })) }];
    assert.equal(lets({ members: true }, EVE, NOW, lists), true);
    assert.equal(lets({ externalLists: ['http://l/crew'] }, EVE, NOW, lists), true);
    assert.equal(lets({ externalLists: ['http://l/other', 'http://l/crew'] }, EVE, NOW, lists), true);
    assert.equal(lets({ externalLists: ['http://l/other'] }, EVE, NOW, lists), false);
    assert.equal(lets({ externalLists: [] }, EVE, NOW, lists), false);
    assert.equal(lets({ externalLists: ['http://l/crew'] }, EVE), false);
    assert.equal(isGroupMember({ ...groupOf(), lists }, EVE), true);
    assert.equal(isGroupMember(groupOf(), EVE), false);
    assert.equal(isGroupMember(groupOf(), ADA), true);
  });

  it('matches many by domain, with exceptions for any of the addresses', () => {
    assert.equal(lets(many(), EVE), true);
    assert.equal(lets(many(), []), false);
    assert.equal(lets(many({ domain: 'EXAMPLE.net' }), ADA), true);
    assert.equal(lets(many({ domain: 'example.net' }), EVE), false);
    assert.equal(lets(many({ domain: 'example.net' }), ['sip:ada@sub.example.net']), false);
    assert.equal(lets(many({ domain: 'gw.example' }), ['sip:+46700000003@gw.example;user=phone']), true);
    assert.equal(lets(many({ domain: 'example.net' }), ['sip:x;y=@example.net:5060;z']), true);
    assert.equal(lets(many({ exceptUris: ['sip:ada@example.net'] }), [...EVE, ...ADA]), false);
    assert.equal(lets(many({ exceptDomains: ['Elsewhere.example'] }), EVE), false);
    assert.equal(lets(many({ exceptDomains: ['elsewhere.example'] }), ADA), true);
  });

  it('asks all conditions of a rule to hold', () => {
    assert.equal(lets({ members: true, ...named(...EVE) }, ADA), false);
    assert.equal(lets({ members: true, ...named(...ADA) }, ADA), true);
    assert.equal(lets({ members: true, validity: [] }, ADA), false);
  });

  it('applies a rule from its start to just before its end', () => {
    const validity = [
      { fromMs: NOW - 5 * HOUR, untilMs: NOW - 4 * HOUR },
      { fromMs: NOW, untilMs: NOW + HOUR },
    ];
    const at = (nowMs: number) => lets({ validity }, ADA, nowMs);
    assert.deepEqual([NOW - 5 * HOUR, NOW - 4 * HOUR, NOW - 1, NOW, NOW + HOUR - 1, NOW + HOUR].map(at), [
      true,
      false,
      false,
      true,
      true,
      false,
    ]);
  });

  it('never applies a rule with a condition that it does not know', () => {
    assert.equal(
      lets({ unknown: ['<sphere xmlns="urn:ietf:params:xml:ns:common-policy" value="x"/>'] }, ADA),
      false,
    );
  });

  it('tells unknown users from known ones', () => {
    const anonymous = ['sip:anonymous@anonymous.invalid'];
    assert.equal(lets({ anonymous: true }, []), true);
    assert.equal(lets({ anonymous: true }, anonymous), true);
    assert.equal(lets({ anonymous: true }, ADA), false);
    assert.equal(lets(many(), anonymous), false);
    assert.equal(lets({ others: true }, anonymous), false);
    assert.equal(lets({}, []), true);
  });

  describe('other-identity', () => {
    const guests = rule('guests', { others: true }, { join: true });
    const mayJoin = (addresses: string[], ...rules: GroupRule[]) =>
      rightsOf(groupOf(...rules, guests), addresses, NOW).rules.join.includes('guests');

    it('matches whom no other rule names', () => {
      const members = rule('members', { members: true }, {});
      assert.equal(mayJoin(EVE, members), true);
      assert.equal(mayJoin(ADA, members), false);
      assert.equal(mayJoin(ADA), true);
      assert.equal(mayJoin(EVE, members, rule('eve', named(...EVE), {})), false);
      assert.equal(mayJoin(EVE, rule('domain', many({ domain: 'elsewhere.example' }), {})), false);
    });

    it('does not take somebody for a stranger whose own rule is out of its hours', () => {
      assert.equal(
        mayJoin(EVE, rule('eve', { ...named(...EVE), validity: [{ fromMs: 0, untilMs: 1 }] }, {})),
        false,
      );
    });

    it('is not undone by a rule that names nobody, nor by another of its kind', () => {
      assert.equal(
        mayJoin(EVE, rule('all', {}, {}), rule('hours', { validity: [{ fromMs: 0, untilMs: NOW * 2 }] }, {})),
        true,
      );
      assert.equal(mayJoin(EVE, rule('guests2', { others: true }, {})), true);
      assert.equal(mayJoin(EVE, rule('guests3', { others: true, ...named(...EVE) }, {})), true);
    });
  });
});
