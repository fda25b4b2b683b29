import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatGroupDocument, parseGroupDocument } from '../../../src/documents/group-document.ts';
import { groupFromJson, groupToJson } from '../../../src/documents/group-json.ts';
import { formatMultipart, parseMultipart } from '../../../src/documents/multipart.ts';
import { formatResourceLists, parseResourceLists } from '../../../src/documents/resource-lists.ts';
import { formatSipfrag, parseSipfrag } from '../../../src/documents/sipfrag.ts';
import { readXml, XmlParseError } from '../../../src/xml/reader.ts';
import { escapeXml, formatElement, legalXmlText, xml } from '../../../src/xml/writer.ts';
import {
  anyText,
  groupArbitrary,
  maybe,
  name,
  record,
  some,
  token,
  uniqueUris,
  uri,
} from './group-arbitrary.ts';

const wildText = fc.oneof(
  anyText,
  fc.constantFrom('\u0000', '\ud800', ']]>', '<!--', '\r\n', '&amp;', '\ufffe'),
);

describe('XML', () => {
  it('gives back any text that XML can carry, in content and in attributes', () => {
    fc.assert(
      fc.property(wildText, (text) => {
        const root = readXml(xml`<a b="${text}">${text}</a>`.markup);
        assert.equal(root.text, legalXmlText(text));
        assert.equal(root.attributes[0]?.value, legalXmlText(text));
      }),
    );
  });

  const tree: fc.Arbitrary<string> = fc.letrec<{ element: string }>((tie) => ({
    element: fc
      .tuple(
        token,
        fc.constantFrom('', 'urn:a', 'urn:b'),
        fc.uniqueArray(token, { maxLength: 3 }),
        wildText,
        fc.array(fc.oneof({ maxDepth: 4 }, wildText.map(escapeXml), tie('element')), {
          maxLength: 4,
        }),
      )
      .map(
        ([local, ns, attributes, value, inner]) =>
          `<${local} xmlns="${ns}" xmlns:q="urn:q"${attributes.map((key, at) => ` ${at === 0 ? 'q:' : ''}${key}="${escapeXml(value)}"`).join('')}>${inner.join('')}</${local}>`,
      ),
  })).element;

  it('writes an element as it was read, and the same again', () => {
    const bare = (element: ReturnType<typeof readXml>): unknown => [
      element.ns,
      element.local,
      element.attributes,
      element.content.map((item) => (typeof item === 'string' ? item : bare(item))),
    ];
    fc.assert(
      fc.property(tree, (source) => {
        const read = readXml(source);
        const written = formatElement(read);
        assert.deepEqual(bare(readXml(written)), bare(read));
        assert.equal(formatElement(readXml(written)), written);
      }),
    );
  });

  it('answers any bytes with a tree or a coded error', () => {
    const soup = fc
      .array(
        fc.oneof(
          fc.constantFrom(
            '<',
            '>',
            '/',
            '<a',
            '</a>',
            '&',
            ';',
            '"',
            '=',
            '<![CDATA[',
            ']]>',
            '<?',
            '<!DOCTYPE',
            ' ',
            'xmlns:',
          ),
          anyText,
        ),
      )
      .map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          soup,
          soup.map((text) => `<a>${text}</a>`),
        ),
        (source) => {
          try {
            readXml(source);
          } catch (error) {
            assert.ok(error instanceof XmlParseError, String(error));
            assert.match(error.code, /^XML_/);
          }
        },
      ),
    );
  });
});

describe('bodies', () => {
  it('formats and parses a multipart of any bytes', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc
        .array(fc.constantFrom('--parley-boundary', '--', '\r\n', '\n', 'x', '-1'))
        .map((pieces) => Buffer.from(pieces.join(''))),
    );
    const part = record({
      contentType: fc.constantFrom('application/sdp', 'message/cpim'),
      contentId: token,
      disposition: token,
      body,
    });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 16 }), (parts) => {
        const { contentType, body: bytes } = formatMultipart(parts);
        const read = parseMultipart(contentType, bytes).map((one) => ({
          contentType: one.contentType,
          contentId: one.contentId,
          disposition: one.disposition,
          body: Buffer.from(one.body),
        }));
        assert.deepEqual(read, parts);
      }),
    );
  });

  it('refuses a multipart cut anywhere, or reads it whole', () => {
    const { contentType, body } = formatMultipart([
      { contentType: 'application/sdp', body: 'v=0\r\n' },
      { contentType: 'application/resource-lists+xml', disposition: 'recipient-list', body: '<a/>' },
    ]);
    const whole = body.length - '\r\n'.length;
    for (let length = 0; length <= body.length; length += 1) {
      const cut = body.subarray(0, length);
      if (length >= whole) assert.equal(parseMultipart(contentType, cut).length, 2);
      else
        assert.throws(() => parseMultipart(contentType, cut), {
          name: 'ParseError',
          code: 'SIP_MULTIPART_MALFORMED',
        });
    }
  });

  it('formats and parses resource-lists', () => {
    const entry = record({
      uri,
      displayName: maybe(name),
      copyControl: maybe(fc.constantFrom('to', 'cc', 'bcc')),
      anonymize: fc.boolean(),
      replaces: maybe(fc.stringMatching(/^[!-~]{1,20}$/)),
    }).map((value) => some(value.uri.startsWith('tel:') ? { ...value, replaces: undefined } : value));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
        const typed = entries as Parameters<typeof formatResourceLists>[0];
        assert.deepEqual(parseResourceLists(formatResourceLists(typed)), entries);
      }),
    );
  });

  it('formats and parses fragments', () => {
    const text = fc.stringMatching(/^[!-~][ -~]{0,30}$/);
    const fragment = record({
      status: fc.integer({ min: 100, max: 699 }),
      reason: text,
      warning: maybe(text),
    }).map(some);
    fc.assert(
      fc.property(fragment, (value) => {
        const typed = value as Parameters<typeof formatSipfrag>[0];
        assert.deepEqual(parseSipfrag(formatSipfrag(typed)), value);
      }),
    );
  });
});

describe('group documents', () => {
  it('come back from XML as they were', () => {
    fc.assert(
      fc.property(groupArbitrary, (one) =>
        assert.deepEqual(parseGroupDocument(formatGroupDocument(one)), { ok: true, groups: [one] }),
      ),
    );
  });

  it('come back from JSON as they were', () => {
    fc.assert(
      fc.property(groupArbitrary, (one) => {
        const json: unknown = JSON.parse(JSON.stringify(groupToJson(one)));
        assert.deepEqual(groupFromJson(json), { ok: true, groups: [one] });
      }),
    );
  });

  it('name the element of an error wherever it is', () => {
    fc.assert(
      fc.property(uniqueUris, fc.nat({ max: 5 }), (uris, at) => {
        const members = uris.map((text) => ({ uri: text }));
        const place = Math.min(at, members.length);
        members.splice(place, 0, { uri: 'no uri' });
        const result = parseGroupDocument(
          formatGroupDocument({
            uri: 'sip:g@h',
            members,
            externals: [],
            inviteMembers: true,
            rules: [],
            extensions: [],
          }),
        );
        assert.ok(!result.ok);
        const step = place === 0 ? 'entry' : `entry[${place + 1}]`;
        assert.deepEqual(
          result.errors.map(({ path }) => path),
          [`/group/list-service/list/${step}`],
        );
      }),
    );
  });
});
