import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { attributeOf, childOf, childrenOf, readXml, XmlParseError } from '../../../src/xml/reader.ts';

const HOSTILE = new URL('../../fixtures/xml/hostile/', import.meta.url);

function refusal(read: () => unknown): XmlParseError {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof XmlParseError, String(error));
    return error;
  }
  assert.fail('the document was accepted');
}

describe('readXml', () => {
  it('resolves namespaces and keeps text, CDATA, attributes and order', () => {
    const root = readXml(
      '<?xml version="1.0"?><!-- c --><p:a xmlns:p="urn:p" xmlns="urn:d" p:x="1" x="2">one<b/><![CDATA[<two>]]> &amp; &#65;<p:b>in</p:b></p:a>',
    );
    assert.equal(root.ns, 'urn:p');
    assert.equal(root.local, 'a');
    assert.equal(attributeOf(root, 'x'), '2');
    assert.equal(attributeOf(root, 'x', 'urn:p'), '1');
    assert.equal(attributeOf(root, 'y'), undefined);
    assert.equal(root.attributes.length, 2);
    assert.equal(root.text, 'one<two> & A');
    assert.deepEqual(
      root.content.map((item) => (typeof item === 'string' ? item : item.local)),
      ['one', 'b', '<two> & A', 'b'],
    );
    assert.equal(childOf(root, 'urn:p', 'b')?.text, 'in');
    assert.equal(childrenOf(root, 'urn:d', 'b').length, 1);
  });

  it('gives each element its path, and line and column of its start tag', () => {
    const root = readXml(
      '<a>\n <b/>\n <b\n  x="1"/>\r\n  é𝄞<c\r\n/><d x="<"/>'.replace('<"', '&lt;"') + '</a>',
    );
    assert.deepEqual(
      [root, ...root.children].map(({ path, line, column }) => [path, line, column]),
      [
        ['/a', 1, 1],
        ['/a/b', 2, 2],
        ['/a/b[2]', 3, 2],
        ['/a/c', 5, 6],
        ['/a/d', 6, 3],
      ],
    );
  });

  it('reads bytes with a byte-order mark, and a string that once declared another encoding', () => {
    assert.equal(readXml(Buffer.from('\ufeff<a>é</a>')).text, 'é');
    assert.equal(readXml('\ufeff<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>').text, 'é');
  });

  it('holds documents to XML 1.0 even when they say 1.1', () => {
    assert.equal(refusal(() => readXml('<?xml version="1.1"?><a>&#1;</a>')).code, 'XML_MALFORMED');
  });

  const vectors = readdirSync(HOSTILE);
  it('has hostile vectors to check', () => assert.ok(vectors.length >= 15));
  for (const name of vectors) {
    it(`refuses ${name}`, () => {
      const error = refusal(() => readXml(readFileSync(new URL(name, HOSTILE))));
      assert.equal(error.code, /^XML_[A-Z]+/.exec(name)?.[0]);
      assert.match(error.path, /^\//);
      assert.ok(error.line >= 1);
    });
  }

  it('names the element in which the fault stands', () => {
    const error = refusal(() => readXml('<a>\n<b/>\n<b>\n&nope;</b></a>'));
    assert.equal(error.path, '/a/b[2]');
    assert.equal(error.line, 4);
    assert.match(error.message, /^\/a\/b\[2\] \(line 4, column 6\): undefined entity/);
  });

  it('accepts what stands on a bound and refuses one more', () => {
    const options = { maxBytes: 100, maxDepth: 3, maxElements: 5, maxAttributes: 2 };
    const onTheBound = [
      `<a>${'x'.repeat(93)}</a>`,
      '<a><b><c/></b></a>',
      '<a><b/><b/><b/><b/></a>',
      '<a b="" c=""/>',
    ];
    const over = [
      `<a>${'x'.repeat(94)}</a>`,
      '<a><b><c><d/></c></b></a>',
      '<a><b/><b/><b/><b/><b/></a>',
      '<a b="" c="" d=""/>',
    ];
    for (const text of onTheBound) assert.doesNotThrow(() => readXml(text, options), text);
    for (const text of over) assert.equal(refusal(() => readXml(text, options)).code, 'XML_LIMIT', text);
  });

  it('counts namespace declarations as attributes and bytes, not characters', () => {
    const declarations = Array.from({ length: 65 }, (_, at) => `xmlns:p${at}="u"`).join(' ');
    assert.equal(refusal(() => readXml(`<a ${declarations}/>`)).code, 'XML_LIMIT');
    assert.equal(refusal(() => readXml('<a>ééé</a>', { maxBytes: 12 })).code, 'XML_LIMIT');
  });

  it('refuses more elements than the default by itself', () => {
    assert.equal(refusal(() => readXml(`<a>${'<b/>'.repeat(20_000)}</a>`)).code, 'XML_LIMIT');
  });

  it('keeps paths in errors short', () => {
    const error = refusal(() => readXml(`<${'n'.repeat(5000)}>&x;`));
    assert.ok(error.message.length < 600);
  });
});
