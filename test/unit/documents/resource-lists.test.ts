import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  formatResourceLists,
  formatResourceListsHistory,
  parseResourceLists,
  type ResourceListEntry,
} from '../../../src/documents/resource-lists.ts';
import { XmlParseError } from '../../../src/xml/reader.ts';

const document = (inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:cp="urn:ietf:params:xml:ns:copycontrol" xmlns:x="urn:x">${inner}</resource-lists>`;

describe('parseResourceLists', () => {
  it('R-7.2.1.2-8 flattens lists inside lists and keeps order and duplicates', () => {
    const text = document(
      `<list name="l"><display-name>L</display-name><entry uri=" sip:b@example.net "/><x:ignored/>
       <list><entry uri="tel:+46700000003"><display-name> Cy </display-name></entry></list>
       <entry uri="sip:b@example.net" cp:copyControl="cc"/></list>
       <list><entry uri="sips:d@example.net" cp:copyControl="bcc" cp:anonymize="true"/></list>`,
    );
    assert.deepEqual(parseResourceLists(Buffer.from(text)), [
      { uri: 'sip:b@example.net', anonymize: false },
      { uri: 'tel:+46700000003', displayName: 'Cy', anonymize: false },
      { uri: 'sip:b@example.net', copyControl: 'cc', anonymize: false },
      { uri: 'sips:d@example.net', copyControl: 'bcc', anonymize: true },
    ]);
  });

  it('has no entries for an empty list', () => {
    assert.deepEqual(parseResourceLists(document('')), []);
    assert.deepEqual(parseResourceLists(document('<list/>')), []);
  });

  it('takes the Replaces header field off an entry and leaves a ? of the user part alone', () => {
    const replaces = (uri: string) => {
      const [entry] = parseResourceLists(document(`<list><entry uri="${uri}"/></list>`));
      return [entry?.uri, entry?.replaces];
    };
    assert.deepEqual(replaces('sip:b@h?Subject=x&amp;Replaces=c%40h%3Bto-tag%3D1%3Bfrom-tag%3D2'), [
      'sip:b@h',
      'c@h;to-tag=1;from-tag=2',
    ]);
    assert.deepEqual(replaces('sip:b@h?Replaces=c@h;to-tag=1'), ['sip:b@h', 'c@h;to-tag=1']);
    assert.deepEqual(replaces('sip:b?c@h'), ['sip:b?c@h', undefined]);
    assert.deepEqual(replaces('sip:b@h?Replaces=100%'), ['sip:b@h', '100%']);
    assert.deepEqual(replaces('tel:+1;x=?'), ['tel:+1;x=?', undefined]);
  });

  it('takes copy control without its prefix or in other letters', () => {
    const text = document('<list><entry uri="sip:b@h" copyControl="bcc"/></list>');
    assert.equal(parseResourceLists(text)[0]?.copyControl, 'bcc');
    const upper = document(
      '<list><entry uri="sip:b@h" cp:copyControl="cc" cp:anonymize="1"/></list>',
    ).replace('ns:copycontrol', 'ns:copyControl');
    assert.deepEqual(parseResourceLists(upper)[0], { uri: 'sip:b@h', copyControl: 'cc', anonymize: true });
  });

  const refused: [string, string, string, string][] = [
    ['another root', '<list xmlns="urn:ietf:params:xml:ns:resource-lists"/>', 'XML_INVALID', '/list'],
    ['a root of no namespace', '<resource-lists/>', 'XML_INVALID', '/resource-lists'],
    ['an entry outside a list', document('<entry uri="sip:b@h"/>'), 'XML_INVALID', '/resource-lists/entry'],
    [
      'an entry without uri',
      document('<list><entry uri="sip:a@h"/><entry/></list>'),
      'XML_INVALID',
      '/resource-lists/list/entry[2]',
    ],
    [
      'an entry that is no URI',
      document('<list><entry uri="bob"/></list>'),
      'XML_INVALID',
      '/resource-lists/list/entry',
    ],
    [
      'a URI with a space',
      document('<list><entry uri="sip:b ob@h"/></list>'),
      'XML_INVALID',
      '/resource-lists/list/entry',
    ],
    [
      'an unknown copyControl',
      document('<list><entry uri="sip:b@h" cp:copyControl="all"/></list>'),
      'XML_INVALID',
      '/resource-lists/list/entry',
    ],
    [
      'an anonymize of no boolean',
      document('<list><entry uri="sip:b@h" cp:anonymize="yes"/></list>'),
      'XML_INVALID',
      '/resource-lists/list/entry',
    ],
    [
      'entry-ref',
      document('<list><entry-ref ref="x"/></list>'),
      'XML_UNSUPPORTED',
      '/resource-lists/list/entry-ref',
    ],
    [
      'external',
      document('<list><list><external anchor="x"/></list></list>'),
      'XML_UNSUPPORTED',
      '/resource-lists/list/list/external',
    ],
    ['an unknown element', document('<list><foo/></list>'), 'XML_INVALID', '/resource-lists/list/foo'],
    ['an entity', document('<list>&b;</list>'), 'XML_MALFORMED', '/resource-lists/list'],
  ];
  for (const [name, text, code, path] of refused) {
    it(`refuses ${name}, naming the element`, () => {
      assert.throws(
        () => parseResourceLists(text),
        (error) => {
          assert.ok(error instanceof XmlParseError);
          assert.deepEqual([error.code, error.path], [code, path]);
          return true;
        },
      );
    });
  }
});

describe('formatResourceListsHistory', () => {
  const entry = (uri: string, more: Partial<ResourceListEntry> = {}): ResourceListEntry => ({
    uri,
    copyControl: 'to',
    anonymize: false,
    ...more,
  });

  it('R-7.2.1.2-8 hides bcc entries and merges the anonymous ones', () => {
    const text = formatResourceListsHistory([
      entry('sip:b@h', { displayName: 'B <1>', replaces: 'secret' }),
      entry('sip:hidden@h', { copyControl: 'bcc' }),
      entry('sip:hidden2@h', { copyControl: 'bcc', anonymize: true }),
      entry('sip:shy@h', { anonymize: true, displayName: 'Shy' }),
      entry('sip:c@h', { copyControl: 'cc' }),
      entry('sip:shy2@h', { anonymize: true }),
      entry('sip:shy3@h', { anonymize: true, copyControl: 'cc' }),
    ]);
    assert.doesNotMatch(text, /hidden|shy|Shy|secret/);
    assert.deepEqual(
      parseResourceLists(text).map(({ uri, copyControl }) => [uri, copyControl]),
      [
        ['sip:b@h', 'to'],
        ['sip:c@h', 'cc'],
        ['sip:anonymous@anonymous.invalid', 'to'],
        ['sip:anonymous@anonymous.invalid', 'cc'],
      ],
    );
    assert.match(text, /cp:copyControl="to" cp:anonymize="true" cp:count="2"/);
    assert.equal(parseResourceLists(text)[0]?.displayName, 'B <1>');
  });

  it('writes for a client all that the entries say', () => {
    const entries = [
      entry('sip:b@h', { displayName: 'B', replaces: 'c@h;to-tag=1&2', anonymize: true }),
      entry('sip:c@h', { copyControl: 'bcc' }),
    ];
    assert.deepEqual(parseResourceLists(formatResourceLists(entries)), entries);
  });
});
