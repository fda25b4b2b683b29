import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readXml } from '../../../src/xml/reader.ts';
import {
  escapeXml,
  formatElement,
  legalXmlText,
  optionalAttribute,
  optionalElement,
  rawXml,
  xml,
} from '../../../src/xml/writer.ts';

describe('xml', () => {
  it('escapes values in text and attributes, and leaves markup alone', () => {
    const name = `</a><b c="d">&'`;
    const inner = xml`<i n="${name}">${name}</i>`;
    assert.equal(
      xml`<a>${inner}</a>`.markup,
      '<a><i n="&lt;/a&gt;&lt;b c=&quot;d&quot;&gt;&amp;&apos;">&lt;/a&gt;&lt;b c=&quot;d&quot;&gt;&amp;&apos;</i></a>',
    );
  });

  it('joins arrays, writes booleans and numbers, and nothing for undefined', () => {
    assert.equal(
      xml`${[xml`<a/>`, undefined, 'x<']}${undefined}${false}${0}${rawXml('<z/>')}`.markup,
      '<a/>x&lt;false0<z/>',
    );
  });

  it('has parts that are left out when there is no value', () => {
    assert.equal(optionalElement('a', undefined), undefined);
    assert.equal(optionalAttribute('a', undefined), undefined);
    assert.equal(
      xml`<x${optionalAttribute('a', 1)}>${optionalElement('b', '<')}</x>`.markup,
      '<x a="1"><b>&lt;</b></x>',
    );
  });

  it('drops what XML 1.0 can not carry, and keeps what it can', () => {
    const text = 'a\u0000\u0008\u001f\ud800\udc00\ud800b\ufffe\uffff\t\n\r😀';
    assert.equal(escapeXml(text), 'a\ud800\udc00b&#9;&#10;&#13;😀');
    assert.equal(legalXmlText(text), 'a\ud800\udc00b\t\n\r😀');
  });
});

describe('formatElement', () => {
  const written = (source: string): string => formatElement(readXml(source));

  it('declares the namespaces it needs, wherever it is put', () => {
    const source =
      '<p:a xmlns:p="urn:p" xmlns:q="urn:q" q:x="&lt;1" y="2" xml:lang="en">t<b/><p:c q:z="3"/></p:a>';
    const once = written(source);
    assert.equal(
      once,
      '<a xmlns="urn:p" xmlns:a1="urn:q" a1:x="&lt;1" y="2" xml:lang="en">t<b xmlns=""/><c xmlns:a1="urn:q" a1:z="3"/></a>',
    );
    const inside = readXml(`<r xmlns="urn:r">${once}</r>`).children[0];
    assert.ok(inside);
    assert.equal(formatElement(inside), once);
  });

  it('keeps an element without a namespace out of the one around it', () => {
    const inside = readXml(`<r xmlns="urn:r">${written('<a/>')}</r>`).children[0];
    assert.equal(inside?.ns, '');
  });

  it('keeps line ends readable and carriage returns alive', () => {
    const once = written('<a>\n\tx&#13;</a>');
    assert.equal(once, '<a xmlns="">\n\tx&#13;</a>');
    assert.equal(written(once), once);
  });
});
