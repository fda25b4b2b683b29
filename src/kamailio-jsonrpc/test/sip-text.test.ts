import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatInboxKey, type InboxKey, parseInboxKey } from '../inbox-key.ts';
import { splitNameAddrs } from '../sip-call.ts';
import { formatHeaders, formatReply, formatRequestHeaders } from '../sip-text.ts';

const reply = { code: 200, reason: 'OK', toTag: 't', headers: [] };

test('headers are lines, and nothing can begin a line of its own', () => {
  assert.equal(
    formatHeaders([
      ['Subject', 'ü "x"'],
      ['Contact', '<sip:a@b>'],
    ]),
    'Subject: ü "x"\r\nContact: <sip:a@b>\r\n',
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
      let text: string;
      try {
        text = formatHeaders([[name, value]]);
      } catch (error) {
        assert.equal((error as { code: string }).code, 'RPC_BAD_HEADER');
        return;
      }
      assert.equal(text.split(/[\r\n]+/).length, 2);
      assert.ok(!text.includes('\0'));
    }),
  );
  for (const value of ['a\r\nX: y', 'a\n', 'a\r', 'a\0b']) {
    assert.throws(() => formatHeaders([['Subject', value]]), { code: 'RPC_BAD_HEADER' });
  }
  for (const name of ['', 'a b', 'a:', 'ü', 'a\r\n', 'a!']) {
    assert.throws(() => formatHeaders([[name, 'x']]), { code: 'RPC_BAD_HEADER' });
  }
});

test('no exclamation mark of a request header reaches Kamailio, and each can be taken back', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('!', 'a', '"', '<', ' '), { maxLength: 20 }), (letters) => {
      const value = letters.join('');
      const text = formatRequestHeaders([['Subject', value]], '');
      assert.ok(!text.includes('!'));
      assert.equal(text.split('\r\n')[0]?.replaceAll('~im21~', '!'), `Subject: ${value}`);
      assert.match(text, value.includes('!') ? /X-IM-Uac: marks/ : /X-IM-Uac: plain/);
    }),
  );
  assert.match(formatRequestHeaders([['From', '"Hey!! You!" <sip:a@b>;tag=1']], ''), /^From: "Hey!! You!"/);
  assert.throws(() => formatRequestHeaders([['Subject', 'a ~im21~']], ''), { code: 'RPC_BAD_HEADER' });
  assert.throws(() => formatRequestHeaders([['Subject', 'a!']], '~im21~'), { code: 'RPC_BAD_BODY' });
});

test('a reply is checked before it is handed over', () => {
  assert.deepEqual(formatReply('1:2', { ...reply, headers: [['Contact', '<sip:a@b>']] }), [
    200,
    'OK',
    '1:2',
    't',
    'Contact: <sip:a@b>\r\n',
    '',
  ]);
  const bad = (change: object) => () => formatReply('1:2', { ...reply, ...change });
  for (const change of [
    { code: 100 },
    { code: 700 },
    { code: 200.5 },
    { reason: '' },
    { reason: 'O\r\nK' },
    { toTag: '' },
    { toTag: 'a b' },
    { headers: [['Content-Length', '1']] },
    { headers: [['l', '1']] },
  ]) {
    assert.throws(bad(change), { code: 'RPC_BAD_HEADER' }, JSON.stringify(change));
  }
  assert.throws(bad({ body: 'x' }), { code: 'RPC_BAD_BODY' });
  assert.throws(bad({ body: 'a\0', headers: [['Content-Type', 'text/plain']] }), { code: 'RPC_BAD_BODY' });
});

test('an inbox key is read from the right, for a Call-ID may hold colons', () => {
  const key = fc.record<InboxKey>(
    {
      callId: fc.string({ minLength: 1 }),
      cseq: fc.integer({ min: 0, max: 2147483647 }),
      kind: fc.constantFrom('INVITE' as const, 'TIMEOUT' as const, 'ACK' as const, 'CANCEL' as const),
      tag: fc.stringMatching(/^[A-Za-z0-9.-]*$/),
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(key, (value) => assert.deepEqual(parseInboxKey(formatInboxKey(value)), value)));
  assert.equal(parseInboxKey('a:1:ACK:<null>')?.tag, '');
  for (const text of ['', 'a', 'a:1:ACK', ':1:ACK:t', 'a:x:ACK:t', 'a:1:BYE:t', '1:ACK:t']) {
    assert.equal(parseInboxKey(text), undefined, text);
  }
});

test('asserted identities are split at the commas between them only', () => {
  assert.deepEqual(splitNameAddrs('"A, \\"B\\", <C>" <sip:a,b@c;x="1,2">, sip:d@e ,<tel:+1>'), [
    '"A, \\"B\\", <C>" <sip:a,b@c;x="1,2">',
    'sip:d@e',
    '<tel:+1>',
  ]);
  assert.deepEqual(splitNameAddrs(' , ,'), []);
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const part of splitNameAddrs(text)) assert.ok(part !== '' && text.includes(part));
    }),
  );
});
