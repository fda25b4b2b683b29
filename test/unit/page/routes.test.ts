import assert from 'node:assert/strict';
import test from 'node:test';
import { decisionsHash, groupHash, routeOf, sessionHash } from '../../../src/page/shell/routes.ts';
import { readingsOf, valueOf } from '../../../src/page/views/search-query.ts';

test('each screen has an address, whatever stands in a name', () => {
  const uri = 'sip:im-g-å/b?c#d%@example.net;x=y';
  assert.deepEqual(routeOf(groupHash(uri)), { name: 'group', uri });
  assert.deepEqual(routeOf(sessionHash('im-s-1')), { name: 'session', id: 'im-s-1' });
  const route = routeOf(decisionsHash({ q: 'a&b=c #?' }));
  assert(route.name === 'decisions');
  assert.equal(route.query.get('q'), 'a&b=c #?');
  for (const hash of ['', '#', '#/']) assert.deepEqual(routeOf(hash), { name: 'live' });
  for (const hash of ['#/nowhere', '#/groups/', '#/groups/%', '#/sessions/a/b']) {
    assert.deepEqual(routeOf(hash), { name: 'unknown' }, hash);
  }
});

test('what is typed into the search is read as what it looks like', () => {
  const readings: readonly (readonly [string, string])[] = [
    ['403', 'status'],
    ['sip:eve@example.net', 'user'],
    ['tel:+4670', 'user'],
    ['+46700000003', 'user'],
    ['7.2.1.4', 'clause'],
    ['R-7.2.1.4-3b', 'clause'],
    ['a84b4c76e66710@pc33.example.com', 'callId user'],
    ['im-s-xfaryu1ycyhddf0ci4v2', 'session callId user'],
    ['49f3dfe979aa221482', 'callId user'],
  ];
  for (const [text, fields] of readings) assert.equal(readingsOf(` ${text} `).join(' '), fields, text);
  assert.equal(valueOf('clause', 'R-7.2.1.4-3b'), '7.2.1.4');
});
