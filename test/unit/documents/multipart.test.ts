import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bodyParts, formatMultipart, parseMultipart } from '../../../src/documents/multipart.ts';

const lines = (...text: string[]): Buffer => Buffer.from(text.join('\r\n'));
const shown = (type: string, body: Buffer) =>
  parseMultipart(type, body).map((part) => [
    part.contentType,
    part.disposition,
    part.contentId,
    part.body.toString(),
  ]);

const TYPE = 'multipart/mixed;boundary="boundary1"';

describe('parseMultipart', () => {
  it('R-7.2.1.2-8 reads SDP and resource-lists, passing over preamble and epilogue', () => {
    const body = lines(
      'a preamble',
      '--boundary1',
      'Content-Type: application/SDP; charset=utf-8',
      '',
      'v=0',
      's=-',
      '',
      '--boundary1',
      'content-type: application/resource-lists+xml',
      'Content-Disposition: Recipient-List;handling=required',
      'Content-ID: <id1@home>',
      'X-Folded: one',
      '\ttwo',
      '',
      '<a/>',
      '--boundary1--',
      'an epilogue --boundary1',
    );
    assert.deepEqual(shown(TYPE, body), [
      ['application/sdp', undefined, undefined, 'v=0\r\ns=-\r\n'],
      ['application/resource-lists+xml', 'recipient-list', 'id1@home', '<a/>'],
    ]);
    assert.equal(parseMultipart(TYPE, body)[1]?.headers.get('x-folded'), 'one two');
    const withBareLineFeeds = Buffer.from(body.toString().replaceAll('\r\n', '\n'));
    assert.deepEqual(shown(TYPE, withBareLineFeeds)[0]?.[3], 'v=0\ns=-\n');
    assert.equal(shown(TYPE, withBareLineFeeds).length, 2);
  });

  it('takes a boundary without quotes, padded delimiters, and a last one at the very end', () => {
    assert.deepEqual(shown('multipart/mixed; boundary=b', lines('--b  ', '', 'x', '--b-- ')), [
      ['text/plain', undefined, undefined, 'x'],
    ]);
    assert.equal(shown('multipart/mixed; boundary=b', lines('--b', '', 'x', '--b--')).length, 1);
  });

  it('takes no text for a delimiter that only starts like one or stands within a line', () => {
    const body = lines('--b', '', '--bb', 'x --b', '--b-', 'y', '--b--');
    assert.equal(shown('multipart/mixed;boundary=b', body)[0]?.[3], '--bb\r\nx --b\r\n--b-\r\ny');
  });

  it('keeps a multipart within a part as that part', () => {
    const body = lines(
      '--b',
      'Content-Type: multipart/mixed;boundary=c',
      '',
      '--c',
      '',
      'x',
      '--c--',
      '--b--',
    );
    assert.deepEqual(shown('multipart/mixed;boundary=b', body), [
      ['multipart/mixed', undefined, undefined, '--c\r\n\r\nx\r\n--c--'],
    ]);
  });

  it('gives empty bodies for parts that have none', () => {
    assert.deepEqual(
      shown(
        'multipart/mixed;boundary=b',
        lines('--b', '--b', 'Content-Type: a/b', '--b', '', '', '--b--'),
      ).map((row) => row[3]),
      ['', '', ''],
    );
  });

  it('lets the first of two equal header fields count, folds included', () => {
    const body = lines('--b', 'Content-Type: a/b', 'Content-Type: c/d', ' ;x=y', '', 'x', '--b--');
    assert.equal(parseMultipart('multipart/mixed;boundary=b', body)[0]?.headers.get('content-type'), 'a/b');
  });

  const refused: [string, string, string, Buffer][] = [
    ['no boundary', 'SIP_MULTIPART_BOUNDARY', 'multipart/mixed', lines('--b', '', 'x', '--b--')],
    [
      'an empty boundary',
      'SIP_MULTIPART_BOUNDARY',
      'multipart/mixed;boundary=""',
      lines('--', '', 'x', '----'),
    ],
    [
      'a boundary that does not occur',
      'SIP_MULTIPART_MALFORMED',
      'multipart/mixed;boundary=c',
      lines('--b', '', 'x', '--b--'),
    ],
    ['no last boundary', 'SIP_MULTIPART_MALFORMED', 'multipart/mixed;boundary=b', lines('--b', '', 'x', '')],
    [
      'a bad header line',
      'SIP_MULTIPART_MALFORMED',
      'multipart/mixed;boundary=b',
      lines('--b', 'v=0', '', 'x', '--b--'),
    ],
    [
      'a bad type in a part',
      'SIP_MEDIA_TYPE',
      'multipart/mixed;boundary=b',
      lines('--b', 'Content-Type: ;', '', '--b--'),
    ],
    [
      '17 parts',
      'SIP_MULTIPART_LIMIT',
      'multipart/mixed;boundary=b',
      Buffer.from(`${'--b\r\n\r\n'.repeat(17)}--b--`),
    ],
    [
      'long headers',
      'SIP_MULTIPART_LIMIT',
      'multipart/mixed;boundary=b',
      lines('--b', `X: ${'x'.repeat(9000)}`, '', '--b--'),
    ],
  ];
  for (const [name, code, type, body] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => parseMultipart(type, body), { code }));
  }

  it('has a bound on bytes and accepts 16 parts', () => {
    const body = Buffer.from(`${'--b\r\n\r\n'.repeat(16)}--b--`);
    assert.equal(parseMultipart('multipart/mixed;boundary=b', body).length, 16);
    assert.throws(() => parseMultipart('multipart/mixed;boundary=b', body, { maxBytes: 20 }), {
      code: 'SIP_MULTIPART_LIMIT',
    });
  });
});

describe('bodyParts', () => {
  it('treats a body that is no multipart as the one part, with the message’s own Content fields', () => {
    const parts = bodyParts('Application/resource-lists+xml;charset=utf-8', Buffer.from('<a/>'), [
      ['Content-ID', '<Id_1@home>'],
      ['Content-Disposition', 'recipient-list'],
      ['Subject', 'x'],
    ]);
    assert.equal(parts.length, 1);
    assert.equal(parts[0]?.contentType, 'application/resource-lists+xml');
    assert.equal(parts[0]?.contentId, 'Id_1@home');
    assert.equal(parts[0]?.disposition, 'recipient-list');
    assert.deepEqual([...(parts[0]?.headers.keys() ?? [])].sort(), [
      'content-disposition',
      'content-id',
      'content-type',
    ]);
    assert.equal(parts[0]?.body.toString(), '<a/>');
  });

  it('opens a multipart, has nothing for an empty body, and refuses one without a type', () => {
    assert.equal(
      bodyParts('MULTIPART/related;boundary=b', lines('--b', '', 'x', '--b', '', 'y', '--b--')).length,
      2,
    );
    assert.deepEqual(bodyParts(undefined, Buffer.alloc(0)), []);
    assert.throws(() => bodyParts(undefined, Buffer.from('x')), { code: 'SIP_CONTENT_TYPE_MISSING' });
  });
});

describe('formatMultipart', () => {
  it('writes parts with their fields', () => {
    const { contentType, body } = formatMultipart([
      { contentType: 'application/sdp', body: 'v=0\r\n' },
      {
        contentType: 'a/b',
        contentId: 'x@y',
        disposition: 'recipient-list-history; handling=optional',
        body: '<a/>',
      },
    ]);
    assert.deepEqual(shown(contentType, body), [
      ['application/sdp', undefined, undefined, 'v=0\r\n'],
      ['a/b', 'recipient-list-history', 'x@y', '<a/>'],
    ]);
    assert.match(
      body.toString(),
      /^--parley-boundary\r\nContent-Type: application\/sdp\r\n\r\nv=0\r\n\r\n--parley-boundary\r\n/,
    );
  });

  it('moves to another boundary when a body holds it, and lets no value start a field', () => {
    const text = 'x\r\n--parley-boundary--\r\n--parley-boundary-1';
    const { contentType, body } = formatMultipart([
      { contentType: 'text/plain', disposition: 'inline;x="y\r\nContent-ID: z"', body: text },
    ]);
    const [part] = parseMultipart(contentType, body);
    assert.equal(part?.body.toString(), text);
    assert.equal(part?.contentId, undefined);
  });
});
