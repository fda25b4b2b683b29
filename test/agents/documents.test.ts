import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cpimMessage,
  multipart,
  partOfType,
  partsOf,
  readConferenceInfo,
  readCpim,
  readResourceLists,
  resourceLists,
} from '../../src/agents/documents.ts';
import { msrpSdp, offererConnects, parseMsrpUri, readSdp } from '../../src/agents/sdp.ts';

test('multipart: parts come back byte by byte, with their headers', () => {
  const binary = Buffer.from([0, 255, 13, 10, 45, 45]);
  const body = multipart([
    { contentType: 'application/sdp', content: 'v=0\r\n' },
    { contentType: 'application/octet-stream', content: binary, headers: [['Content-ID', '<a@b>']] },
  ]);
  const parts = partsOf(body.contentType, body.content as Buffer);
  assert.deepEqual(
    parts.map((part) => part.content),
    [Buffer.from('v=0\r\n'), binary],
  );
  assert.equal(parts[1]?.headers.get('content-id'), '<a@b>');
  assert.equal(
    partOfType(body.contentType, body.content as Buffer, 'APPLICATION/SDP')?.content.toString(),
    'v=0\r\n',
  );
});

test('resource-lists: escaped in, unescaped out', () => {
  const list = resourceLists([
    'sip:a@b;x="1"&y',
    { uri: 'tel:+1', displayName: '<T>', copyControl: 'bcc', anonymize: true },
  ]);
  const xml = String(list.content);
  assert.deepEqual(readResourceLists(xml), ['sip:a@b;x="1"&y', 'tel:+1']);
  assert.match(xml, /cp:copyControl="bcc" cp:anonymize="true"/);
  assert.deepEqual(list.headers, [['Content-Disposition', 'recipient-list']]);
});

test('message/cpim: what is missing is named', () => {
  const bytes = cpimMessage('hi', { from: 'sip:a@b', to: 'Room <sip:r@b>', dateTime: null });
  assert.equal(
    bytes.toString(),
    'From: <sip:a@b>\r\nTo: Room <sip:r@b>\r\n\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi',
  );
  assert.equal(readCpim(bytes).toUri, 'sip:r@b');
  assert.throws(() => readCpim(Buffer.from('From: <sip:a@b>\r\n\r\n\r\n\r\n')), /without to/);
});

test('conference-info: prefixes, endpoints and reasons', () => {
  const info = readConferenceInfo(`<?xml version="1.0"?>
    <ci:conference-info xmlns:ci="urn:ietf:params:xml:ns:conference-info" entity="sip:s@b" state="partial" version="7">
      <ci:conference-description><ci:subject>Tea &amp; cake</ci:subject><ci:maximum-user-count>9</ci:maximum-user-count></ci:conference-description>
      <ci:conference-state><ci:user-count>1</ci:user-count></ci:conference-state>
      <ci:users>
        <ci:user entity="sip:ada@b" yourown="true"><ci:display-text>Ada</ci:display-text>
          <ci:endpoint entity="sip:ada@c"><ci:display-text>phone</ci:display-text><ci:status>connected</ci:status></ci:endpoint></ci:user>
        <ci:user entity="sip:ben@b" state="full"><ci:endpoint><ci:status>disconnected</ci:status>
          <ci:disconnection-method>failed</ci:disconnection-method>
          <ci:disconnection-info><ci:reason>SIP;cause=603;text="Decline"</ci:reason></ci:disconnection-info></ci:endpoint></ci:user>
        <ci:user entity="sip:cleo@b" state="deleted"/>
      </ci:users>
    </ci:conference-info>`);
  assert.deepEqual(
    [info.entity, info.state, info.version, info.subject],
    ['sip:s@b', 'partial', 7, 'Tea & cake'],
  );
  assert.deepEqual([info.userCount, info.maximumUserCount], [1, 9]);
  assert.deepEqual(
    info.users.map((user) => [user.entity, user.state, user.displayText, user.status, user.yourOwn]),
    [
      ['sip:ada@b', 'full', 'Ada', 'connected', true],
      ['sip:ben@b', 'full', '', 'disconnected', false],
      ['sip:cleo@b', 'deleted', '', '', false],
    ],
  );
  assert.deepEqual(
    [info.users[1]?.disconnectionMethod, info.users[1]?.disconnectionReason],
    ['failed', 'SIP;cause=603;text="Decline"'],
  );
});

test('SDP: an offer reads back; a refused medium does not count', () => {
  const sdp = msrpSdp({
    path: 'msrp://127.0.0.1:5000/a+b=;tcp',
    setup: 'actpass',
    maxSizeBytes: 9,
    mediaBefore: ['m=message 0 TCP/MSRP *', 'a=path:msrp://x/y;tcp'],
  });
  const read = readSdp(sdp);
  assert.deepEqual(read.path, ['msrp://127.0.0.1:5000/a+b=;tcp']);
  assert.deepEqual([read.setup, read.maxSizeBytes, read.media.length], ['actpass', 9, 2]);
  assert.deepEqual(parseMsrpUri(read.path[0] ?? ''), {
    secure: false,
    host: '127.0.0.1',
    port: 5000,
    sessionId: 'a+b=',
  });
});

test('RFC 6135: who connects', () => {
  assert.equal(offererConnects('actpass', 'active'), false);
  assert.equal(offererConnects('actpass', 'passive'), true);
  assert.equal(offererConnects(undefined, undefined), true);
  assert.equal(offererConnects('passive', 'active'), false);
});
