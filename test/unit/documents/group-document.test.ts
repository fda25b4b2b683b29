import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { formatGroupDocument, parseGroupDocument } from '../../../src/documents/group-document.ts';
import type { GroupDocument, GroupError } from '../../../src/documents/group-model.ts';

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../fixtures/groups/${name}`, import.meta.url));

function groupsOf(source: string | Buffer): GroupDocument[] {
  const result = parseGroupDocument(source);
  assert.ok(result.ok, JSON.stringify(result));
  return result.groups;
}

function errorsOf(source: string | Buffer): GroupError[] {
  const result = parseGroupDocument(source);
  assert.ok(!result.ok, 'the document was accepted');
  return result.errors;
}

const group = (inner: string): string =>
  `<group xmlns="urn:oma:xml:poc:list-service" xmlns:rl="urn:ietf:params:xml:ns:resource-lists" xmlns:cr="urn:ietf:params:xml:ns:common-policy" xmlns:ocp="urn:oma:xml:xdm:common-policy" xmlns:x="urn:x"><list-service uri="sip:g@h">${inner}</list-service></group>`;
const conditions = (inner: string): string =>
  group(`<cr:ruleset><cr:rule id="r"><cr:conditions>${inner}</cr:conditions></cr:rule></cr:ruleset>`);
const LS = '/group/list-service';
const RULE = `${LS}/ruleset/rule`;

describe('parseGroupDocument', () => {
  it('reads a common document', () => {
    assert.deepEqual(groupsOf(fixture('harbour-watch.xml')), [
      {
        uri: 'sip:harbour-watch@im.example.net',
        displayName: 'Harbour watch',
        displayNameLang: 'en',
        members: [
          { uri: 'sip:ada@example.net', displayName: 'Ada' },
          { uri: 'sip:bo@example.net' },
          { uri: 'tel:+46700000003' },
        ],
        externals: ['http://xcap.example.net/resource-lists/users/sip:ada@example.net/index/~~/crew'],
        inviteMembers: true,
        maxParticipantCount: 20,
        rules: [
          {
            id: 'members',
            conditions: { members: true },
            grant: { initiate: true, join: true, conferenceState: true, addUsers: false, anonymity: false },
          },
          {
            id: 'chair',
            conditions: { identities: { one: ['sip:ada@example.net'], many: [] } },
            grant: { addUsers: true, keyParticipant: true },
          },
          { id: 'guest-bar', conditions: { others: true }, grant: { join: false } },
        ],
        extensions: [
          '<supported-services xmlns="urn:oma:xml:xdm:extensions"><service enabler="org.openmobilealliance.IM-session"/></supported-services>',
        ],
      },
    ]);
  });

  it('reads the words and namespaces of older documents', () => {
    const [read] = groupsOf(fixture('drafts-of-2005.xml'));
    assert.deepEqual(read?.rules, [
      {
        id: 'r1',
        conditions: { members: true },
        grant: { join: true, anonymity: false, conferenceState: true },
      },
    ]);
    assert.equal(read?.inviteMembers, false);
    assert.equal(read?.maxParticipantCount, undefined);
  });

  it('reports all errors at once, each with its element and line', () => {
    assert.deepEqual(
      errorsOf(fixture('many-errors.xml')).map(({ path, line }) => `${line} ${path}`),
      [
        `5 ${LS}`,
        `6 ${LS}/invite-members`,
        `7 ${LS}/list`,
        `9 ${LS}/list/entry[2]`,
        `10 ${LS}/list/entry[3]`,
        `11 ${LS}/list/external`,
        `12 ${LS}/list/entry-ref`,
        `14 ${LS}/max-participant-count`,
        `15 ${LS}/colour`,
        `17 ${RULE}`,
        `18 ${RULE}/conditions/is-list-member`,
        `19 ${RULE}/actions/join-handling`,
        `23 ${RULE}[2]/conditions`,
        `23 ${RULE}[2]/conditions/validity/from`,
        `23 ${RULE}[2]/conditions/validity`,
        `25 ${RULE}[3]`,
        `26 ${RULE}[3]/conditions/identity/one`,
        '30 /group/list-service[2]',
      ],
    );
  });

  it('has a language for the name where one is named, which the JSON form takes as well', () => {
    for (const [written, taken] of [
      ['de-CH-1996', 'de-CH-1996'],
      ['', undefined],
      ['&gt;en', undefined],
      ['x'.repeat(36), undefined],
    ]) {
      const [read] = groupsOf(group(`<display-name xml:lang="${written}">Crew</display-name>`));
      assert.deepEqual([read?.displayName, read?.displayNameLang], ['Crew', taken]);
    }
  });

  it('keeps users named twice once, by their canonical address', () => {
    const [read] = groupsOf(
      group(
        '<list><entry uri="sip:a@H"/><entry uri="sip:a@h;transport=tcp"/><entry uri="tel:+46-70"/><entry uri="sip:+4670@h;user=phone"/></list>',
      ),
    );
    assert.deepEqual(read?.members, [{ uri: 'sip:a@H' }, { uri: 'tel:+46-70' }]);
  });

  it('A-22 takes only a non-negative integer for max-participant-count', () => {
    const read = (text: string) =>
      parseGroupDocument(group(`<max-participant-count>${text}</max-participant-count>`));
    for (const [text, count] of [
      ['0', 0],
      [' 12\n', 12],
      ['+5', 5],
    ] as const) {
      const result = read(text);
      assert.equal(result.ok && result.groups[0]?.maxParticipantCount, count, text);
    }
    for (const text of ['', '-1', '1.0', '1e3', 'many', '99999999999999999999', '0x10'])
      assert.ok(!read(text).ok, text);
  });

  it('reads every kind of condition', () => {
    const [read] = groupsOf(
      conditions(`<cr:identity><cr:one id="sip:a@h"/><cr:many/><cr:many domain="h"><cr:except id="sip:b@h"/><cr:except domain="sub.h"/></cr:many></cr:identity>
        <ocp:external-list><ocp:entry anc="http://l/1"/><ocp:entry anc="http://l/2"/></ocp:external-list>
        <ocp:anonymous-request/><cr:validity><cr:from>2026-01-31T08:00:00+01:00</cr:from><cr:until>2026-01-31T08:00:00Z</cr:until></cr:validity>`),
    );
    assert.deepEqual(read?.rules[0]?.conditions, {
      identities: {
        one: ['sip:a@h'],
        many: [
          { exceptUris: [], exceptDomains: [] },
          { domain: 'h', exceptUris: ['sip:b@h'], exceptDomains: ['sub.h'] },
        ],
      },
      externalLists: ['http://l/1', 'http://l/2'],
      anonymous: true,
      validity: [{ fromMs: Date.UTC(2026, 0, 31, 7), untilMs: Date.UTC(2026, 0, 31, 8) }],
    });
  });

  it('keeps conditions and actions that it does not know, and identities that others refine', () => {
    const source = group(
      `<cr:ruleset><cr:rule id="r"><cr:conditions><cr:sphere value="work"/><cr:identity><cr:one id="sip:a@h"><x:only-on-monday/></cr:one></cr:identity></cr:conditions>
       <cr:actions><allow-subconf>true</allow-subconf><x:foo a="1"/></cr:actions><cr:transformations><x:t/></cr:transformations></cr:rule></cr:ruleset>`,
    );
    const [read] = groupsOf(source);
    const [rule] = read?.rules ?? [];
    assert.equal(rule?.conditions.unknown?.length, 2);
    assert.equal(rule?.conditions.identities, undefined);
    assert.deepEqual(rule?.otherActions, [
      '<allow-subconf xmlns="urn:oma:xml:poc:list-service">true</allow-subconf>',
      '<foo xmlns="urn:x" a="1"/>',
    ]);
    assert.deepEqual(rule?.transformations, ['<t xmlns="urn:x"/>']);
    assert.ok(read);
    assert.deepEqual(groupsOf(formatGroupDocument(read)), [read]);
  });

  const single: [string, string, string][] = [
    ['a wrong root', '<list-service xmlns="urn:oma:xml:poc:list-service"/>', '/list-service'],
    ['a root of another namespace', '<group xmlns="urn:oma:xml:xdm:group"/>', '/group'],
    ['an unbound prefix', '<group xmlns="urn:oma:xml:poc:list-service"><cr:x/></group>', '/group'],
    ['no group', '<group xmlns="urn:oma:xml:poc:list-service"/>', '/group'],
    [
      'an element after its place',
      group('<invite-members>1</invite-members><display-name>x</display-name>'),
      `${LS}/display-name`,
    ],
    ['an extension before its place', group('<x:y/><list/>'), `${LS}/list`],
    ['two lists', group('<list/><list/>'), `${LS}/list[2]`],
    ['two rulesets', group('<cr:ruleset/><cr:ruleset/>'), `${LS}/ruleset[2]`],
    [
      'an action twice',
      group(
        '<cr:ruleset><cr:rule id="r"><cr:actions><join-handling>1</join-handling><cr:join-handling>0</cr:join-handling></cr:actions></cr:rule></cr:ruleset>',
      ),
      `${RULE}/actions/join-handling[2]`,
    ],
    [
      'a condition twice',
      conditions('<is-list-member/><is-list-member/>'),
      `${RULE}/conditions/is-list-member[2]`,
    ],
    [
      'a time without its zone',
      conditions(
        '<cr:validity><cr:from>2026-01-31T08:00:00</cr:from><cr:until>2026-01-31T09:00:00Z</cr:until></cr:validity>',
      ),
      `${RULE}/conditions/validity/from`,
    ],
    [
      'a window that ends before it starts',
      conditions(
        '<cr:validity><cr:from>2026-01-31T08:00:00Z</cr:from><cr:until>2026-01-31T07:00:00Z</cr:until></cr:validity>',
      ),
      `${RULE}/conditions/validity/until`,
    ],
    [
      'an exception of nobody',
      conditions('<cr:identity><cr:many><cr:except/></cr:many></cr:identity>'),
      `${RULE}/conditions/identity/many/except`,
    ],
    [
      'an external list of nowhere',
      conditions('<ocp:external-list><ocp:entry/></ocp:external-list>'),
      `${RULE}/conditions/external-list/entry`,
    ],
    [
      'two lots of actions',
      group('<cr:ruleset><cr:rule id="r"><cr:actions/><cr:actions/></cr:rule></cr:ruleset>'),
      `${RULE}/actions[2]`,
    ],
    ['a stranger in the ruleset', group('<cr:ruleset><x:y/></cr:ruleset>'), `${LS}/ruleset/y`],
    ['an id that is no name', group('<cr:ruleset><cr:rule id="&gt;chair"/></cr:ruleset>'), RULE],
    ['an id that is too long', group(`<cr:ruleset><cr:rule id="${'r'.repeat(129)}"/></cr:ruleset>`), RULE],
    ['a stranger in a rule', group('<cr:ruleset><cr:rule id="r"><x:y/></cr:rule></cr:ruleset>'), `${RULE}/y`],
  ];
  for (const [name, source, path] of single) {
    it(`refuses ${name}, naming the element`, () => {
      assert.deepEqual(
        errorsOf(source).map((error) => error.path),
        [path],
      );
    });
  }

  it('refuses the same group twice, in one document and by canonical address', () => {
    const twice = group('').replace('</group>', '<list-service uri="sip:g@H"/></group>');
    assert.deepEqual(
      errorsOf(twice).map(({ path }) => path),
      [`${LS}[2]`],
    );
  });

  it('stops collecting at 100 errors and says how many more there are', () => {
    const errors = errorsOf(group(`<list>${'<entry/>'.repeat(150)}</list>`));
    assert.equal(errors.length, 101);
    assert.match(errors.at(-1)?.message ?? '', /50 more/);
  });
});

describe('formatGroupDocument', () => {
  for (const name of ['harbour-watch.xml', 'drafts-of-2005.xml']) {
    it(`writes what it read from ${name}`, () => {
      const groups = groupsOf(fixture(name));
      assert.deepEqual(groupsOf(formatGroupDocument(groups)), groups);
    });
  }

  it('writes several groups', () => {
    const groups = [...groupsOf(fixture('harbour-watch.xml')), ...groupsOf(fixture('drafts-of-2005.xml'))];
    assert.deepEqual(groupsOf(formatGroupDocument(groups)), groups);
  });
});
