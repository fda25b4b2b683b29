import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseMediaType } from '../../../src/documents/content-types.ts';

describe('parseMediaType', () => {
  it('takes type and parameters apart, quoted or not, with spaces and stray semicolons', () => {
    const { type, parameters } = parseMediaType(
      ' Multipart/Mixed ; Boundary="a;b\\"c" ;; charset = utf-8;x;',
    );
    assert.equal(type, 'multipart/mixed');
    assert.deepEqual(
      [...parameters],
      [
        ['boundary', 'a;b"c'],
        ['charset', 'utf-8'],
        ['x', ''],
      ],
    );
  });

  it('reads a disposition', () => {
    assert.equal(parseMediaType('recipient-list;handling=optional').type, 'recipient-list');
  });

  it('lets the first of two equal parameters count', () => {
    assert.equal(parseMediaType('a/b;c=1;C=2').parameters.get('c'), '1');
  });

  it('takes boundaries with = and / without quotes', () => {
    assert.equal(parseMediaType('multipart/mixed;boundary=a=b/c?').parameters.get('boundary'), 'a=b/c?');
  });

  for (const bad of [
    '',
    ';',
    'a b/c',
    'a/b/c',
    '/b',
    'a/',
    'a/b;c="open',
    'a/b;=x',
    'a/b;c=',
    'a/b;c=d e',
    'a/b, c/d',
  ]) {
    it(`refuses ${JSON.stringify(bad)}`, () => {
      assert.throws(() => parseMediaType(bad), { code: 'SIP_MEDIA_TYPE' });
    });
  }
});
