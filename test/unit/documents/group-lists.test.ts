/** Lists kept elsewhere: where a reference points, and who is in the list that it leads to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ListLoader, readExternalList } from '../../../src/documents/external-lists.ts';
import { parseGroupDocument } from '../../../src/documents/group-document.ts';
import { isGroupMember } from '../../../src/documents/group-rights.ts';
import { parseListAnchor } from '../../../src/documents/list-anchor.ts';
import { readXml } from '../../../src/xml/reader.ts';

describe('parseListAnchor', () => {
  const XCAP = 'http://xcap.example.net';
  for (const [anchor, document, steps] of [
    ['crew.xml', 'crew.xml', []],
    ['/teams/crew', 'teams/crew', []],
    [`${XCAP}/services/resource-lists/users/sip:ada@h/index`, 'resource-lists/users/sip:ada@h/index', []],
    [`${XCAP}/lists/crew`, 'lists/crew', []],
    [
      `${XCAP}/resource-lists/users/sip%3Aada%40h/index/~~/resource-lists/list%5B@name=%22a%20b%22%5D`,
      'resource-lists/users/sip:ada@h/index',
      [{ name: 'a b' }],
    ],
    [
      `${XCAP}/resource-lists/users/x/index/~~/rl:resource-lists/rl:list[2]/list[@name='in']/list`,
      'resource-lists/users/x/index',
      [{ position: 2 }, { name: 'in' }, { position: 1 }],
    ],
  ] as const) {
    it(`reads ${anchor}`, () => assert.deepEqual(parseListAnchor(anchor), { document, steps }));
  }

  for (const anchor of [
    '',
    '../secret.xml',
    'a/../../b',
    'a//b',
    'a/%2e%2e/b',
    'a%2Fb',
    'a%00b',
    'a/~~/entry[1]',
    'a/~~/list[0]',
    'a/~~b/~~c',
    '%zz',
    `${XCAP}/resource-lists/..%2f..%2fetc/passwd`,
  ]) {
    it(`refuses ${JSON.stringify(anchor)}`, () => assert.equal(parseListAnchor(anchor), undefined));
  }
});

const lists = (inner: string): string =>
  `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">${inner}</resource-lists>`;

function folder(documents: Readonly<Record<string, string>>): ListLoader {
  return (document) => {
    const text = documents[document];
    return text === undefined ? { fault: `${document}: nothing there` } : readXml(text);
  };
}

function membersOf(anchor: string, documents: Readonly<Record<string, string>>): string[] {
  const found = readExternalList(anchor, folder(documents), { maxDepth: 3, maxMembers: 5 });
  assert.ok(!('fault' in found), JSON.stringify(found));
  return found.map(({ uri }) => uri);
}

function faultOf(anchor: string, documents: Readonly<Record<string, string>>): string {
  const found = readExternalList(anchor, folder(documents), { maxDepth: 3, maxMembers: 5 });
  assert.ok('fault' in found, JSON.stringify(found));
  return found.fault;
}

describe('readExternalList', () => {
  it('gives each user once, through lists inside lists and references, in document order', () => {
    const documents = {
      a: lists(
        '<list><display-name>All</display-name><entry uri="sip:b@h"/><list><entry uri="SIP:b@H;x=1"/><entry uri="tel:+12"/></list><external anchor="b/~~/list[2]"/><x xmlns="urn:x"/></list>',
      ),
      b: lists('<list><entry uri="sip:no@h"/></list><list name="in"><entry uri="sip:c@h"/></list>'),
    };
    assert.deepEqual(membersOf('a', documents), ['sip:b@h', 'tel:+12', 'sip:c@h']);
    assert.equal(membersOf('b/~~/list[@name="in"]', documents)[0], 'sip:c@h');
  });

  it('says what is wrong and where: nothing there, itself, too deep, too many, elements that it does not follow', () => {
    const documents = {
      missing: lists('<list>\n <external anchor="none"/></list>'),
      loop: lists('<list><external anchor="loop2"/></list>'),
      loop2: lists('<list><external anchor="loop"/></list>'),
      d1: lists('<list><external anchor="d2"/></list>'),
      d2: lists('<list><external anchor="d3"/></list>'),
      d3: lists('<list><external anchor="d4"/></list>'),
      d4: lists('<list/>'),
      many: lists(`<list>${[1, 2, 3, 4, 5, 6].map((n) => `<entry uri="sip:u${n}@h"/>`).join('')}</list>`),
      ref: lists('<list>\n  <entry-ref ref="x"/></list>'),
      odd: lists('<list><person/></list>'),
      bare: lists('<list><entry/></list>'),
      other: '<group xmlns="urn:oma:xml:poc:list-service"/>',
      blank: lists('<list><external/></list>'),
    };
    assert.match(faultOf('missing', documents), /^none: nothing there$/);
    assert.match(faultOf('loop', documents), /^loop refers to itself \(by way of loop, loop2\)$/);
    assert.match(faultOf('d1', documents), /^d4 is more than 3 references away/);
    assert.deepEqual(membersOf('d2', documents), []);
    assert.match(faultOf('many', documents), /more than 5 users: divide the group/);
    assert.match(
      faultOf('ref', documents),
      /^ref:2:3: \/resource-lists\/list\/entry-ref: .*write the entry itself/,
    );
    assert.match(faultOf('odd', documents), /person may not stand in a list/);
    assert.match(faultOf('bare', documents), /no usable uri/);
    assert.match(faultOf('other', documents), /no resource-lists document/);
    assert.match(faultOf('blank', documents), /external has no anchor/);
    assert.match(faultOf('d4/~~/list[7]', documents), /has no list at/);
    assert.match(faultOf('../x', documents), /names no list: write a path/);
  });

  it('is bounded where lists refer to one another many times over', () => {
    const wide = (next: string): string =>
      lists(`<list>${`<external anchor="${next}"/>`.repeat(1000)}</list>`);
    const documents = { a: wide('b'), b: wide('c'), c: lists('<list><entry uri="sip:u@h"/></list>') };
    let loads = 0;
    const found = readExternalList(
      'a',
      (document) => {
        loads += 1;
        return folder(documents)(document);
      },
      { maxDepth: 8, maxMembers: 100 },
    );
    assert.ok('fault' in found);
    assert.ok(loads <= 402, `${loads} documents were looked at`);
  });
});

describe('a group document that refers to lists', () => {
  const document = `<group xmlns="urn:oma:xml:poc:list-service" xmlns:cr="urn:ietf:params:xml:ns:common-policy" xmlns:ocp="urn:oma:xml:xdm:common-policy"><list-service uri="sip:g@h">
<list>
  <external anchor="crew"/></list>
<cr:ruleset><cr:rule id="r"><cr:conditions>
  <ocp:external-list><ocp:entry anc="friends"/></ocp:external-list></cr:conditions></cr:rule></cr:ruleset></list-service></group>`;

  it('keeps what the lists held, and counts their users as members', () => {
    const result = parseGroupDocument(document, {
      resolveList: (anchor) => [{ uri: `sip:${anchor}@h` }],
    });
    assert.ok(result.ok);
    const [group] = result.groups;
    assert.ok(group);
    assert.deepEqual(group.lists, [
      { anchor: 'crew', members: [{ uri: 'sip:crew@h' }] },
      { anchor: 'friends', members: [{ uri: 'sip:friends@h' }] },
    ]);
    assert.ok(isGroupMember(group, ['sip:crew@h']));
    assert.ok(!isGroupMember(group, ['sip:friends@h']), 'a list of a condition makes no members');
  });

  it('is refused with the place of each reference that leads nowhere', () => {
    const result = parseGroupDocument(document, { resolveList: (anchor) => ({ fault: `no ${anchor}` }) });
    assert.ok(!result.ok);
    assert.deepEqual(result.errors, [
      { path: '/group/list-service/list/external', line: 3, column: 3, message: 'no crew' },
      {
        path: '/group/list-service/ruleset/rule/conditions/external-list/entry',
        line: 5,
        column: 22,
        message: 'no friends',
      },
    ]);
  });
});
