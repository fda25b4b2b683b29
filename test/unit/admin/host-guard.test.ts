import assert from 'node:assert/strict';
import test from 'node:test';
import { isHostServed, isLoopback } from '../../../src/admin/host-guard.ts';

for (const host of ['127.0.0.1', '127.8.9.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'localhost']) {
  test(`${host} is loopback`, () => assert(isLoopback(host)));
}
for (const host of ['0.0.0.0', '::', '128.0.0.1', '10.0.0.1', '127.evil.example', 'focus.example', '']) {
  test(`"${host}" is not loopback`, () => assert(!isLoopback(host)));
}

const SERVED = [
  '127.0.0.1',
  '127.0.0.1:8080',
  '[::1]:80',
  '[::1]',
  'localhost',
  'LOCALHOST:1',
  'a.localhost:5',
];
for (const field of SERVED) {
  test(`on loopback Host ${field} is answered`, () => assert(isHostServed(field, '127.0.0.1')));
}
const REFUSED = [
  'evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '127.0.0.1:80:80',
  '',
  '[evil]',
];
for (const field of REFUSED) {
  test(`on loopback Host "${field}" is refused`, () => assert(!isHostServed(field, '::1')));
}
test('on loopback a request without Host is refused', () => assert(!isHostServed(undefined, 'localhost')));
test('elsewhere any Host is answered', () => assert(isHostServed('focus.example', '192.0.2.1')));
