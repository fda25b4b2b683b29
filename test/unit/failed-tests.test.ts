import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import test from 'node:test';
import { FailedTests } from '../support/failed-tests.ts';

function followed() {
  const stream = new EventEmitter();
  const failed = new FailedTests('/house');
  failed.follow(stream);
  return { failed, stream };
}

function failing(name: string, cause: unknown, failureType = 'testCodeFailure') {
  const error = Object.assign(new Error('as the runner says it', { cause }), { failureType });
  return { name, file: '/house/test/unit/a.test.ts', line: 7, details: { error } };
}

test('the end of a run says of a failed test where it stands, the error and where that was thrown', () => {
  const { failed, stream } = followed();
  stream.emit('test:fail', failing('seats are counted', new Error('one too many')));
  stream.emit('test:fail', failing('/house/test/unit/a.test.ts', 'one', 'subtestsFailed'));
  const [told = '', ...others] = failed.tell();
  assert.deepEqual(others, [], 'a suite says nothing that its tests do not say');
  const [first, second, third = ''] = told.split('\n');
  assert.equal(first, '✖ seats are counted (test/unit/a.test.ts:7)');
  assert.equal(second, '    Error: one too many');
  assert.match(third, /^ +at .*failed-tests\.test\.ts:/);
});

test('what is no error, or has no end, is told within bounds', () => {
  const { failed, stream } = followed();
  stream.emit('test:fail', failing('ended from outside', 'test timed out'));
  stream.emit('test:fail', failing('long', new Error('line\n'.repeat(1_000) + 'x'.repeat(10_000))));
  for (let count = 0; count < 30; count++) stream.emit('test:fail', failing(`test ${count}`, undefined));
  const told = failed.tell();
  assert.match(told[0] ?? '', /as the runner says it/);
  assert.equal(told[1]?.split('\n').length, 26);
  assert.equal(told.length, 21);
  assert.equal(told.at(-1), 'and 12 more failed tests');
});
