import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { intersectTypes } from '../../../src/sdp/media-types.ts';
import { answerDirection, dialAddresses, msrpMedia } from '../../../src/sdp/msrp-media.ts';
import { negotiateMsrp } from '../../../src/sdp/negotiate.ts';
import {
  formatAnswer,
  formatOffer,
  formatSupportedDescription,
  newOrigin,
} from '../../../src/sdp/offer-answer.ts';
import { parseSdp, type SdpSession } from '../../../src/sdp/session.ts';

function load(name: string): SdpSession {
  return parseSdp(readFileSync(new URL(`../../fixtures/sdp/${name}.sdp`, import.meta.url), 'utf8'));
}

const ABILITIES = {
  protocols: ['TCP/MSRP', 'TCP/TLS/MSRP'],
  acceptTypes: ['message/cpim', 'text/plain', 'application/im-iscomposing+xml'],
  acceptWrappedTypes: ['*'],
};

const LOCAL = {
  origin: newOrigin('77', '192.0.2.9'),
  address: '192.0.2.9',
  port: 2855,
  path: ['msrp://192.0.2.9:2855/s1;tcp'],
  acceptTypes: ['message/cpim'],
  acceptWrappedTypes: ['text/plain', '*'],
  setup: 'passive',
  maxSizeBytes: 65_536,
} as const;

/** An offer of one chat line, with some of its lines replaced. */
function offer(replace: readonly (readonly [string, string])[]): SdpSession {
  let text =
    'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=message 7654 TCP/MSRP *\r\n' +
    'a=accept-types:text/plain message/cpim\r\na=path:msrp://192.0.2.1:7654/x;tcp\r\n';
  for (const [from, to] of replace) text = text.replace(from, to);
  return parseSdp(text);
}

function viewOf(session: SdpSession, index = 0) {
  const section = session.media[index];
  assert.ok(section !== undefined);
  return msrpMedia(section, session);
}

describe('the MSRP view of a media section', () => {
  test('of a desktop client', () => {
    assert.deepEqual(viewOf(load('offer-actpass')), {
      protocol: 'TCP/MSRP',
      isTls: false,
      address: '198.51.100.7',
      port: 2855,
      path: ['msrp://198.51.100.7:2855/f00ba7/=+x;tcp'],
      acceptTypes: ['message/cpim', 'text/*', 'image/*', 'application/im-iscomposing+xml'],
      acceptWrappedTypes: ['text/*', 'image/*', 'application/im-iscomposing+xml'],
      setup: 'actpass',
      direction: 'sendrecv',
      chatroom: ['nickname', 'private-messages'],
      hasCema: false,
      hasFileSelector: false,
    });
  });

  test('of a handset: inherited direction and fingerprint, a=maxsize, a relay in the path, cema', () => {
    const view = viewOf(load('offer-handset'));
    assert.equal(view.direction, 'sendonly');
    assert.match(view.fingerprint ?? '', /^SHA-1 00:11/);
    assert.equal(view.maxSizeBytes, 1_048_576);
    assert.equal(view.path.length, 2);
    assert.equal(view.isTls, true);
    assert.equal(view.hasCema, true);
    assert.equal(view.setup, 'active');
  });

  test('values that make no sense are left out', () => {
    const view = viewOf(offer([['a=path', 'a=setup:sideways\r\na=max-size:-5\r\na=path']]));
    assert.equal(view.setup, undefined);
    assert.equal(view.maxSizeBytes, undefined);
  });
});

describe('choosing the m= line', () => {
  test('R-7.2.1.2-6, case 71: audio and a file transfer are passed over, the chat line is taken', () => {
    const result = negotiateMsrp(load('offer-mixed'), ABILITIES);
    assert.ok(result.ok);
    assert.equal(result.index, 2);
    assert.deepEqual(result.acceptTypes, ['text/plain', 'message/cpim']);
  });

  test('R-7.2.1.2-ok-2a: the types are those of the offer that we take', () => {
    const result = negotiateMsrp(load('offer-actpass'), ABILITIES);
    assert.ok(result.ok);
    assert.deepEqual(result.acceptTypes, ['message/cpim', 'text/plain', 'application/im-iscomposing+xml']);
    assert.deepEqual(result.acceptWrappedTypes, ['text/*', 'image/*', 'application/im-iscomposing+xml']);
  });

  for (const [reason, replace] of [
    ['no-message-media', [['m=message 7654 TCP/MSRP *', 'm=audio 7654 RTP/AVP 0']]],
    ['port-zero', [['7654 TCP', '0 TCP']]],
    ['protocol', [['TCP/MSRP', 'TCP/WSS/MSRP']]],
    ['format', [['MSRP *', 'MSRP 0']]],
    ['file-transfer', [['a=path', 'a=file-selector:name:"x"\r\na=path']]],
    ['no-path', [['a=path', 'a=xpath']]],
    ['bad-path', [['msrp://192.0.2.1:7654/x;tcp', 'msrp://192.0.2.1:7654/x']]],
    ['bad-path', [['msrp://192.0.2.1:7654/x;tcp', 'msrp://192.0.2.1:7654;tcp']]],
    ['no-accept-types', [['a=accept-types', 'a=other']]],
    ['no-common-type', [['text/plain message/cpim', 'image/png']]],
  ] as const) {
    test(`R-7.2.1.2-6: ${JSON.stringify(replace[0])} is refused: ${reason}`, () => {
      const result = negotiateMsrp(offer(replace), ABILITIES);
      assert.ok(!result.ok);
      assert.equal(result.reason, reason);
      assert.ok(result.warningCode >= 300 && result.warningCode <= 399);
      assert.notEqual(result.text, '');
    });
  }

  test('the protocol is compared without case, and TLS only where we do it', () => {
    assert.ok(negotiateMsrp(offer([['TCP/MSRP', 'tcp/msrp']]), ABILITIES).ok);
    assert.ok(!negotiateMsrp(load('offer-handset'), { ...ABILITIES, protocols: ['TCP/MSRP'] }).ok);
  });
});

describe('the answer', () => {
  const answer = parseSdp(formatAnswer(load('offer-mixed'), 2, LOCAL));

  test('R-7.2.1.2-ok-2: one m= line per offered line, in order, the others with port 0', () => {
    assert.deepEqual(
      answer.media.map(({ kind, port, protocol, formats }) => [kind, port, protocol, formats.join(' ')]),
      [
        ['audio', 0, 'RTP/AVP', '0 8 97'],
        ['message', 0, 'TCP/MSRP', '*'],
        ['message', 2855, 'TCP/MSRP', '*'],
        ['video', 0, 'RTP/AVP', '31'],
      ],
    );
  });

  test('R-7.2.1.2-ok-2b: all attributes of MSRP stand under the chosen line', () => {
    assert.deepEqual(answer.media[2]?.attributes, [
      { name: 'accept-types', value: 'message/cpim' },
      { name: 'accept-wrapped-types', value: 'text/plain *' },
      { name: 'max-size', value: '65536' },
      { name: 'path', value: 'msrp://192.0.2.9:2855/s1;tcp' },
      { name: 'setup', value: 'passive' },
      { name: 'sendrecv' },
    ]);
    assert.deepEqual(answer.origin, LOCAL.origin);
  });

  test('the direction mirrors the offer’s', () => {
    assert.equal(viewOf(parseSdp(formatAnswer(load('offer-handset'), 0, LOCAL))).direction, 'recvonly');
    for (const [offered, ours, expected] of [
      ['sendrecv', 'sendrecv', 'sendrecv'],
      ['sendonly', 'sendrecv', 'recvonly'],
      ['recvonly', 'sendrecv', 'sendonly'],
      ['inactive', 'sendrecv', 'inactive'],
      ['sendrecv', 'recvonly', 'recvonly'],
      ['sendonly', 'sendonly', 'inactive'],
    ] as const) {
      assert.equal(answerDirection(offered, ours), expected);
    }
  });

  test('a line that is not there cannot be chosen', () => {
    assert.throws(() => formatAnswer(load('offer-mixed'), 9, LOCAL), { code: 'SDP_BAD_MEDIA' });
  });

  test('it ends every line in CRLF', () => {
    assert.match(formatAnswer(load('offer-mixed'), 2, LOCAL), /^(?:[a-z]=[^\r\n]*\r\n)+$/);
  });
});

test('an offer of ours is one that we would take', () => {
  const text = formatOffer({
    ...LOCAL,
    setup: 'actpass',
    chatroom: [],
    fingerprint: 'SHA-256 AB',
    hasCema: true,
    protocol: 'TCP/TLS/MSRP',
  });
  const result = negotiateMsrp(parseSdp(text), ABILITIES);
  assert.ok(result.ok);
  assert.equal(result.view.setup, 'actpass');
  assert.deepEqual(result.view.chatroom, []);
  assert.equal(result.view.fingerprint, 'SHA-256 AB');
  assert.equal(result.view.hasCema, true);
  assert.equal(result.view.isTls, true);
});

test('R-7.2.1.2-6: the description in a 488 lists each protocol with port 0 and the types', () => {
  const session = parseSdp(formatSupportedDescription({ ...LOCAL, protocols: ABILITIES.protocols }));
  assert.deepEqual(
    session.media.map(({ protocol, port }) => [protocol, port]),
    [
      ['TCP/MSRP', 0],
      ['TCP/TLS/MSRP', 0],
    ],
  );
  assert.deepEqual(viewOf(session, 1).acceptTypes, ['message/cpim']);
});

describe('where to dial', () => {
  test('case 68: port 9 is never dialled', () => {
    const nowhere = offer([['msrp://192.0.2.1:7654', 'msrp://192.0.2.1:9']]);
    assert.deepEqual(dialAddresses(viewOf(nowhere)), []);
    // Behind a relay of its own: that is reached, whatever c= and m= say.
    const relay = [{ host: 'relay.example.test', port: 2855 }];
    assert.deepEqual(dialAddresses(viewOf(load('offer-handset'))), relay);
  });

  test('case 69: c= and m= with cema, the path without', () => {
    const other = [['msrp://192.0.2.1:7654', 'msrp://10.0.0.1:1111']] as const;
    assert.deepEqual(dialAddresses(viewOf(offer(other))), [
      { host: '10.0.0.1', port: 1111 },
      { host: '192.0.2.1', port: 7654 },
    ]);
    const cema = offer([...other, ['a=path', 'a=msrp-cema\r\na=path']]);
    assert.deepEqual(dialAddresses(viewOf(cema)), [{ host: '192.0.2.1', port: 7654 }]);
    assert.deepEqual(dialAddresses(viewOf(offer([]))), [{ host: '192.0.2.1', port: 7654 }]);
  });

  test('case 32: the first URI of the path; IPv6 without brackets; port 2855 by default', () => {
    const relay = offer([['msrp://192.0.2.1:7654/x', 'msrps://[2001:db8::1];tcp msrp://192.0.2.1:7654/x']]);
    assert.deepEqual(dialAddresses(viewOf(relay)), [{ host: '2001:db8::1', port: 2855 }]);
    const nonsense = offer([['msrp://192.0.2.1:7654/x;tcp', 'nonsense']]);
    assert.deepEqual(dialAddresses(viewOf(nonsense)), []);
  });
});

test('types common to two lists, wildcards on either side', () => {
  for (const [offered, supported, expected] of [
    ['a/b c/d', 'c/d a/b', 'a/b c/d'],
    ['*', 'a/b c/d', 'a/b c/d'],
    ['a/b', '*', 'a/b'],
    ['*', '*', '*'],
    ['text/*', 'text/plain a/b text/html', 'text/plain text/html'],
    ['text/plain', 'text/*', 'text/plain'],
    ['texts/plain', 'text/*', ''],
    ['* a/b', 'a/b', 'a/b'],
    ['', 'a/b', ''],
  ] as const) {
    const words = (text: string) => text.split(' ').filter(Boolean);
    assert.deepEqual(intersectTypes(words(offered), words(supported)), words(expected), offered);
  }
});
