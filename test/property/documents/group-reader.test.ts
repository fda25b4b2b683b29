/** The reader of group documents on bytes that are not what they should be: an answer, always, and in bounded time. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ListLoader, readExternalList } from '../../../src/documents/external-lists.ts';
import { formatGroupDocument, parseGroupDocument } from '../../../src/documents/group-document.ts';
import { groupFromJson, groupToJson } from '../../../src/documents/group-json.ts';
import { rightsOf } from '../../../src/documents/group-rights.ts';
import { parseListAnchor } from '../../../src/documents/list-anchor.ts';
import { parseResourceLists } from '../../../src/documents/resource-lists.ts';
import { readXml, XmlParseError } from '../../../src/xml/reader.ts';

const FIXTURES = new URL('../../fixtures/groups/', import.meta.url);
const DOCUMENTS = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.xml'))
  .map((name) => readFileSync(new URL(name, FIXTURES), 'utf8'));

/** What stands in group documents, right and wrong, in any order. */
const WORDS = [
  'group',
  'list-service',
  'list',
  'entry',
  'external',
  'invite-members',
  'max-participant-count',
  'cr:ruleset',
  'cr:rule',
  'cr:conditions',
  'cr:actions',
  'cr:transformations',
  'cr:identity',
  'cr:one',
  'cr:many',
  'cr:except',
  'cr:validity',
  'cr:from',
  'cr:until',
  'is-list-member',
  'ocp:external-list',
  'ocp:other-identity',
  'join-handling',
  'is-key-participant',
  'x:other',
];
const NAMESPACES =
  'xmlns="urn:oma:xml:poc:list-service" xmlns:rl="urn:ietf:params:xml:ns:resource-lists" xmlns:cr="urn:ietf:params:xml:ns:common-policy" xmlns:ocp="urn:oma:xml:xdm:common-policy" xmlns:x="urn:x"';
const attribute = fc.constantFrom(
  '',
  ' uri="sip:g@h"',
  ' uri=""',
  ' id="a"',
  ' domain="h"',
  ' anchor="list"',
  ' anc="list"',
);
const text = fc.constantFrom('', 'true', 'block', '2', '-1', '1e9', '2026-01-31T08:00:00Z', 'x', '&amp;');

const element: fc.Arbitrary<string> = fc.letrec<{ element: string }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom(...WORDS),
      attribute,
      fc.array(fc.oneof({ maxDepth: 5 }, text, tie('element')), { maxLength: 4 }),
    )
    .map(([name, attributes, inner]) => `<${name}${attributes}>${inner.join('')}</${name}>`),
})).element;

const shaped = fc
  .array(element, { maxLength: 6 })
  .map(
    (inner) => `<group ${NAMESPACES}><list-service uri="sip:g@h">${inner.join('')}</list-service></group>`,
  );

/** A good document with some of its bytes changed, cut out or doubled. */
const mangled = fc
  .tuple(
    fc.constantFrom(...DOCUMENTS),
    fc.array(
      fc.tuple(fc.nat(), fc.nat({ max: 40 }), fc.constantFrom('', '<', '"', '>', '&', 'true', '<list>')),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  )
  .map(([document, edits]) =>
    edits.reduce((source, [at, length, inserted]) => {
      const start = at % (source.length + 1);
      return source.slice(0, start) + inserted + source.slice(start + length);
    }, document),
  );

const load: ListLoader = (document) => (document === 'list' ? readXml('<a/>') : { fault: 'nothing there' });

describe('the reader of group documents', () => {
  it('answers any document with groups or with errors that have a place and a text', () => {
    fc.assert(
      fc.property(fc.oneof(shaped, mangled, fc.uint8Array({ maxLength: 80 })), (source) => {
        const result = parseGroupDocument(source, {
          resolveList: (anchor) => readExternalList(anchor, load),
        });
        if (result.ok) {
          for (const group of result.groups) rightsOf(group, ['sip:a@h'], 0);
          return;
        }
        assert.ok(result.errors.length > 0);
        for (const { path, line, column, message } of result.errors) {
          assert.match(path, /^\//);
          assert.ok(message.length > 0 && message.length < 2000);
          if (line !== undefined) assert.ok(line >= 1 && (column ?? 0) >= 1, `${line}:${column}`);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('what it accepts is written and read as the same again, through XML and through JSON', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(shaped, mangled), (source) => {
        const result = parseGroupDocument(source);
        if (!result.ok) return;
        accepted += 1;
        const again = parseGroupDocument(formatGroupDocument(result.groups));
        assert.deepEqual(again, result);
        for (const group of result.groups) {
          const json = groupFromJson(JSON.parse(JSON.stringify(groupToJson(group))));
          assert.deepEqual(json, { ok: true, groups: [group] });
        }
      }),
      { numRuns: 500 },
    );
    assert.ok(accepted >= 20, `only ${accepted} of 500 documents were good`);
  });

  it('answers any resource-lists document with entries or with an XmlParseError', () => {
    fc.assert(
      fc.property(fc.oneof(mangled, fc.uint8Array({ maxLength: 80 })), (source) => {
        const lists =
          typeof source === 'string'
            ? source.replaceAll('urn:oma:xml:poc:list-service', 'urn:ietf:params:xml:ns:resource-lists')
            : source;
        try {
          parseResourceLists(lists);
        } catch (error) {
          assert.ok(error instanceof XmlParseError, String(error));
        }
      }),
    );
  });

  it('never lets an anchor out of the folder of lists', () => {
    const pieces = fc.constantFrom(
      '..',
      '.',
      '/',
      '%2e',
      '%2F',
      '\\',
      'a',
      '~~',
      'http://h/',
      'resource-lists',
      '%00',
      '%',
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(pieces, fc.string({ maxLength: 3 })), { maxLength: 10 }).map((all) => all.join('')),
        (anchor) => {
          const found = parseListAnchor(anchor);
          if (found === undefined) return;
          for (const segment of found.document.split('/')) {
            assert.ok(segment !== '' && segment !== '.' && segment !== '..', found.document);
            assert.doesNotMatch(segment, /[\\\u0000]/);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
