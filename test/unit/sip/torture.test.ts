import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { contacts } from '../../../src/sip/contact.ts';
import { parseContentType } from '../../../src/sip/content.ts';
import { parseCSeq } from '../../../src/sip/cseq.ts';
import {
  formatSipMessage,
  header,
  headers,
  listHeader,
  parseSipMessage,
  requiredHeader,
  type SipMessage,
} from '../../../src/sip/message.ts';
import { parseNameAddr } from '../../../src/sip/name-addr.ts';
import { canonicalAddress, parseUri } from '../../../src/sip/uri.ts';

const FOLDER = new URL('../../fixtures/sip/', import.meta.url);

function load(name: string): SipMessage {
  return parseSipMessage(readFileSync(new URL(`${name}.sip`, FOLDER)));
}

function address(message: SipMessage, field: string) {
  return parseNameAddr(requiredHeader(message, field));
}

function uriOf(message: SipMessage) {
  assert.equal(message.kind, 'request');
  return parseUri(message.kind === 'request' ? message.uri : '');
}

const VALID: Record<string, (message: SipMessage) => void> = {
  'valid-odd-white-space': (message) => {
    assert.equal(address(message, 'to').uri, 'sip:vera@chicago.test');
    assert.equal(address(message, 'to').params.get('tag'), '4711a');
    assert.equal(address(message, 'from').displayName, 'V\\ "The Conf"');
    assert.equal(address(message, 'from').params.get('tag'), '98asj');
    assert.deepEqual(parseCSeq(requiredHeader(message, 'cseq')), { number: 9, method: 'INVITE' });
    assert.equal(listHeader(message, 'via').length, 3);
    assert.equal(header(message, 'newfangledheader'), 'new value continued ; with more');
    assert.equal(header(message, 'subject'), '');
    const [contact] = contacts(message);
    assert.equal(contact?.displayName, 'Quoted ; ""');
    assert.deepEqual(
      [...(contact?.params ?? [])],
      [
        ['newparam', 'newvalue'],
        ['secondparam', undefined],
        ['q', '0.33'],
      ],
    );
    assert.equal(message.body.toString(), 'v=0\n');
  },
  'valid-unusual-tokens': (message) => {
    const uri = uriOf(message);
    assert.equal(uri.user, "1_odd.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert.equal(uri.host, 'chicago.test');
    assert.equal(address(message, 'to').displayName, 'BEL:\u0007 NUL:\0 DEL:\u007f');
    assert.equal(address(message, 'from').displayName, "token1~` token2'+_ token3*%!.-");
    assert.equal(address(message, 'from').params.get("fromparam''~+*_!.-%"), 'группа');
  },
  'valid-escaped-user': (message) => {
    assert.equal(uriOf(message).user, 'sips%3Auser%40home.test');
    assert.equal(canonicalAddress(address(message, 'to').uri), 'sip:user@chicago.test');
    assert.equal(canonicalAddress(address(message, 'from').uri), 'sip:I%20have%20spaces@biloxi.test');
  },
  'valid-escaped-nul': (message) => {
    assert.deepEqual(
      contacts(message).map((contact) => parseUri(contact.uri).user),
      ['%00', '%00%00'],
    );
  },
  'valid-display-name-touching': (message) => {
    assert.equal(address(message, 'from').displayName, 'caller');
  },
  'valid-long-values': (message) => {
    assert.equal(listHeader(message, 'via').length, 40);
    assert.equal(address(message, 'from').params.get('tag')?.length, 256);
  },
  'valid-bytes-after-body': (message) => assert.equal(message.body.toString(), 'ok'),
  'valid-semicolon-in-user': (message) => {
    const uri = uriOf(message);
    assert.equal(uri.user, 'user;par=u%40home.test');
    assert.equal(uri.host, 'chicago.test');
    assert.equal(uri.params.size, 0);
  },
  'valid-utf8-reason': (message) => {
    assert.ok(message.kind === 'response');
    assert.equal(message.reason, '= 2**3 * 5**2 но сто');
  },
  'valid-empty-reason': (message) => {
    assert.ok(message.kind === 'response');
    assert.equal(message.reason, '');
  },
  'valid-bare-line-feeds': (message) => {
    assert.equal(header(message, 'Call-ID'), 'lf1');
    assert.equal(message.body.toString(), 'hi');
  },
  'valid-binary-multipart': (message) => {
    const type = parseContentType(requiredHeader(message, 'content-type'));
    assert.equal(type.mediaType, 'multipart/mixed');
    assert.equal(type.params.get('boundary'), '7a 9cbec02ceef655');
    assert.ok(message.body.includes(Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))));
  },
  'valid-unknown-scheme': (message) => assert.equal(uriOf(message).opaque, 'totallyopaquecontent'),
  'valid-latin1-value': (message) => {
    assert.equal(header(message, 'subject'), 'naïve');
    assert.equal(header(message, 'organization'), 'Åsa');
  },
  'valid-no-tags-2543': (message) => assert.equal(address(message, 'from').params.get('tag'), undefined),
};

const BAD: Record<string, string> = {
  'bad-content-length-too-long': 'SIP_TRUNCATED',
  'bad-content-length-negative': 'SIP_BAD_CONTENT_LENGTH',
  'bad-content-length-twice': 'SIP_BAD_CONTENT_LENGTH',
  'bad-request-uri-brackets': 'SIP_BAD_START_LINE',
  'bad-request-uri-space': 'SIP_BAD_START_LINE',
  'bad-request-line-spaces': 'SIP_BAD_START_LINE',
  'bad-request-line-trailing-space': 'SIP_BAD_START_LINE',
  'bad-version': 'SIP_BAD_VERSION',
  'bad-status-code-large': 'SIP_BAD_START_LINE',
  'bad-header-without-colon': 'SIP_BAD_HEADER',
  'bad-header-name-space': 'SIP_BAD_HEADER',
  'bad-first-line-folded': 'SIP_BAD_START_LINE',
  'bad-lone-carriage-return': 'SIP_BAD_HEADER',
  'bad-no-empty-line': 'SIP_TRUNCATED',
};

const BAD_FIELD: Record<string, readonly [read: (message: SipMessage) => unknown, code: string]> = {
  'field-unbalanced-quote': [(message) => address(message, 'to'), 'SIP_BAD_NAME_ADDR'],
  'field-address-without-scheme': [(message) => address(message, 'to'), 'SIP_BAD_NAME_ADDR'],
  'field-display-name-needs-quotes': [(message) => address(message, 'from'), 'SIP_BAD_NAME_ADDR'],
  'field-cseq-too-large': [(message) => parseCSeq(requiredHeader(message, 'cseq')), 'SIP_BAD_FIELD'],
};

describe('messages of the shapes of RFC 4475', () => {
  test('every fixture has its outcome here', () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.sip'));
    const known = [VALID, BAD, BAD_FIELD].flatMap((table) => Object.keys(table)).map((name) => `${name}.sip`);
    assert.deepEqual(files.sort(), known.sort());
  });

  for (const [name, check] of Object.entries(VALID)) {
    test(`${name} parses, and parses alike after formatting`, () => {
      const message = load(name);
      check(message);
      const again = parseSipMessage(formatSipMessage(message));
      assert.deepEqual(again.body, message.body);
      for (const { name: field } of message.headers) {
        if (field.toLowerCase() !== 'content-length')
          assert.deepEqual(headers(again, field), headers(message, field));
      }
    });
  }

  for (const [name, code] of Object.entries(BAD)) {
    test(`${name} is refused with ${code}`, () => {
      assert.throws(() => load(name), { name: 'ParseError', code });
    });
  }

  for (const [name, [read, code]] of Object.entries(BAD_FIELD)) {
    test(`${name}: the message parses, the field is refused with ${code}`, () => {
      const message = load(name);
      assert.throws(() => read(message), { name: 'ParseError', code });
    });
  }
});
