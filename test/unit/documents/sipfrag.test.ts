import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatSipfrag, parseSipfrag } from '../../../src/documents/sipfrag.ts';

describe('sipfrag', () => {
  it('R-7.2.1.7-10 writes a status line', () => {
    assert.equal(formatSipfrag({ status: 100, reason: 'Trying' }), 'SIP/2.0 100 Trying\r\n');
  });

  it('R-7.2.1.7-fwd403 carries the Warning', () => {
    const fragment = { status: 403, reason: 'Forbidden', warning: '399 host "isfocus already assigned"' };
    const text = formatSipfrag(fragment);
    assert.equal(text, 'SIP/2.0 403 Forbidden\r\nWarning: 399 host "isfocus already assigned"\r\n');
    assert.deepEqual(parseSipfrag(text), fragment);
  });

  it('lets no text start a line of its own', () => {
    const text = formatSipfrag({ status: 486, reason: 'Busy\r\nX: y', warning: 'a\nb' });
    assert.equal(text, 'SIP/2.0 486 Busy X: y\r\nWarning: a b\r\n');
  });

  it('reads fragments without a line end, with other fields, or without a reason', () => {
    assert.deepEqual(parseSipfrag('SIP/2.0 200 OK'), { status: 200, reason: 'OK' });
    assert.deepEqual(
      parseSipfrag('SIP/2.0 603 Decline\nTo: x\nwarning:a\nFrom: y\nWarning: c\n\nWarning: b'),
      {
        status: 603,
        reason: 'Decline',
        warning: 'a',
      },
    );
    assert.deepEqual(parseSipfrag('SIP/2.0 180 '), { status: 180, reason: '' });
  });

  for (const bad of [
    '',
    'INVITE sip:a SIP/2.0',
    'SIP/2.0 99 x',
    'SIP/2.0 700 x',
    'SIP/2.0 2000 x',
    ' SIP/2.0 200 OK',
  ]) {
    it(`refuses ${JSON.stringify(bad)}`, () =>
      assert.throws(() => parseSipfrag(bad), { code: 'SIP_FRAGMENT' }));
  }
});
