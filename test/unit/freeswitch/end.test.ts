import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  endKey,
  endOfPath,
  type FreeSwitchEnd,
  isLocalHost,
  pathOfEnd,
} from '../../../src/freeswitch/end.ts';
import { parseMsrpPath } from '../../../src/msrp/protocol/uri.ts';
import { parseMsrpUri } from '../../../src/sdp/msrp-uri.ts';

const HEAD = { node: 'fs1', group: 'sip:im-g-crew@example.net', identity: 'sip:zoe@example.net' };
const CALL = '0b5e2c1e-0000-4000-8000-000000000001';
const ENDS: readonly FreeSwitchEnd[] = [
  { ...HEAD, kind: 'channel', call: CALL, endsCall: true },
  { ...HEAD, kind: 'channel', call: CALL, endsCall: false },
  { ...HEAD, kind: 'message' },
  { ...HEAD, kind: 'room' },
];
const passwordOf = (node: string) => (node === 'fs1' ? 'the password' : undefined);

test('the path of an end is an MSRP path, and tells the switch whom to write to', () => {
  for (const end of ENDS) {
    for (const isTls of [false, true]) {
      const path = pathOfEnd(end, 'the password', isTls);
      assert.deepEqual(endOfPath(path, passwordOf), end);
      assert.ok(isLocalHost(parseMsrpUri(path).host));
      assert.equal(parseMsrpPath(path).length, 1);
    }
  }
});

test('a path that was not made with the password of its node names nobody', () => {
  const [end] = ENDS as [FreeSwitchEnd];
  const good = pathOfEnd(end, 'the password');
  const other = pathOfEnd({ ...end, identity: 'sip:eve@example.net' }, 'the password');
  const [, token = '', mac = ''] = /\/([^/.]+)\.([^.;/]+);tcp$/.exec(good) ?? [];
  const forged = [
    pathOfEnd(end, 'another password'),
    pathOfEnd({ ...end, node: 'fs2' }, 'the password'),
    good.replace('//fs1.', '//fs2.'),
    good.replace(mac, `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`),
    good.replace(`${token}.`, `${/\/([^/.]+)\./.exec(other.slice(8))?.[1]}.`),
    good.replace(`.${mac}`, ''),
    'msrp://fs1.freeswitch.invalid:2855/abc;tcp',
    'msrp://192.0.2.1:2855/abc;tcp',
    '',
  ];
  for (const path of forged) assert.equal(endOfPath(path, passwordOf), undefined, path);
});

test('joining twice is one place; another call, user, group or node is another', () => {
  const [end] = ENDS as [Extract<FreeSwitchEnd, { kind: 'channel' }>];
  assert.equal(endKey(end), endKey({ ...end, identity: 'sip:other@example.net', endsCall: false }));
  const pager: FreeSwitchEnd = { ...HEAD, kind: 'message' };
  assert.equal(endKey(pager), endKey({ ...pager, identity: 'sip:zo%65@EXAMPLE.NET;transport=tcp' }));
  const keys = [
    end,
    { ...end, call: CALL.replace(/1$/, '2') },
    { ...end, group: 'sip:im-g-board@example.net' },
    { ...end, node: 'fs2' },
    pager,
    { ...pager, identity: 'sip:ada@example.net' },
    { ...HEAD, kind: 'room' as const },
  ].map(endKey);
  assert.equal(new Set(keys).size, keys.length);
});
