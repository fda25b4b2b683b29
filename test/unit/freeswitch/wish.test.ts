import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EslEvent } from '../../../src/event-socket/event.ts';
import { readWish } from '../../../src/freeswitch/wish.ts';
import { ParseError } from '../../../src/lib/errors.ts';

const RULES = { node: 'fs1', domains: ['example.net'] };
const CALL = '0b5e2c1e-0000-4000-8000-000000000001';
const GROUP = 'sip:im-g-crew@example.net';

function event(headers: Record<string, string>, body = ''): EslEvent {
  const all = { 'im-corr': 'c1', ...headers };
  return { name: 'CUSTOM', subclass: 'im::freeswitch', headers: new Map(Object.entries(all)), body };
}

test('what the scripts ask for', () => {
  const ada = { identity: '"Ada, of Kent" <sip:ada@example.net>, <tel:+49123>', group: GROUP };
  const end = { node: 'fs1', identity: 'sip:ada@example.net', group: GROUP };
  assert.deepEqual(
    readWish(
      event({ 'im-op': 'join', kind: 'channel', call: CALL, 'when-removed': 'hangup', ...ada }),
      RULES,
    ),
    {
      op: 'join',
      corr: 'c1',
      end: { ...end, kind: 'channel', call: CALL, endsCall: true },
      displayName: 'Ada, of Kent',
    },
  );
  assert.deepEqual(readWish(event({ 'im-op': 'message', ...ada, identity: 'sip:ada@Example.NET' }), RULES), {
    op: 'message',
    corr: 'c1',
    end: { ...end, kind: 'message' },
  });
  assert.deepEqual(readWish(event({ 'im-op': 'leave', kind: 'channel', call: CALL }), RULES), {
    op: 'leave',
    corr: 'c1',
    of: { kind: 'channel', call: CALL },
  });
  assert.deepEqual(readWish(event({ 'im-op': 'add', ...ada, user: 'tel:+49123' }), RULES), {
    op: 'add',
    corr: 'c1',
    group: GROUP,
    identity: 'sip:ada@example.net',
    user: 'tel:+49123',
  });
  assert.deepEqual(readWish(event({ 'im-op': 'announce', group: GROUP }, ' dinner \n'), RULES), {
    op: 'announce',
    corr: 'c1',
    group: GROUP,
    text: 'dinner',
  });
});

test('what lacks something, or speaks for users that are not its own, is refused', () => {
  const join = {
    'im-op': 'join',
    kind: 'channel',
    call: CALL,
    identity: 'sip:ada@example.net',
    group: GROUP,
  };
  const bad: readonly [string, Record<string, string>, string?][] = [
    ['FS_BAD_WISH', { ...join, 'im-op': 'reboot' }],
    ['FS_BAD_WISH', { ...join, 'im-corr': '' }],
    ['FS_BAD_WISH', { ...join, kind: 'spaceship' }],
    ['FS_BAD_WISH', { ...join, call: `${CALL} lua x` }],
    ['FS_BAD_WISH', { ...join, group: 'tel:+49123' }],
    ['FS_BAD_WISH', { ...join, identity: '' }],
    ['FS_FOREIGN_IDENTITY', { ...join, identity: 'sip:ada@example.org' }],
    ['FS_FOREIGN_IDENTITY', { ...join, identity: '"x" <sip:ada@example.net.evil>' }],
    ['FS_FOREIGN_IDENTITY', { ...join, identity: 'tel:+49123' }],
    ['SIP_BAD_NAME_ADDR', { ...join, identity: '<sip:a b@example.net>' }],
    ['SIP_BAD_URI', { 'im-op': 'add', identity: 'sip:ada@example.net', group: GROUP, user: 'not a uri' }],
    ['FS_BAD_WISH', { 'im-op': 'announce', group: GROUP }, '  '],
    ['FS_BAD_WISH', { 'im-op': 'announce', group: GROUP }, 'x'.repeat(8_193)],
  ];
  for (const [code, headers, body] of bad) {
    assert.throws(
      () => readWish(event(headers, body), RULES),
      (error) => error instanceof ParseError && error.code === code,
      JSON.stringify(headers),
    );
  }
});
