import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOOPBACK, parseAccessList } from '../../../src/event-socket/access-list.ts';
import { ApiCommands } from '../../../src/event-socket/api-commands.ts';
import { backoffMs, DEFAULT_BACKOFF } from '../../../src/event-socket/backoff.ts';
import { parseCommandReply } from '../../../src/event-socket/command-reply.ts';
import { JobQueue } from '../../../src/event-socket/job-queue.ts';
import { silentLog } from '../../../src/event-socket/log.ts';
import { RequestMemory } from '../../../src/event-socket/request-memory.ts';
import { Subscription } from '../../../src/event-socket/subscription.ts';

test('access list: loopback is in, IPv4 inside IPv6 too, others are out', () => {
  const isAllowed = parseAccessList(LOOPBACK);
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
    assert.ok(isAllowed(address), address);
  for (const address of ['10.0.0.1', '::2', '::ffff:10.0.0.1', 'nonsense', undefined]) {
    assert.ok(!isAllowed(address), address);
  }
});

test('access list: a network, a single address, and nothing at all', () => {
  const isAllowed = parseAccessList(['10.1.0.0/16', '192.0.2.7', '2001:db8::/32']);
  for (const address of ['10.1.255.255', '192.0.2.7', '2001:db8::5']) assert.ok(isAllowed(address), address);
  for (const address of ['10.2.0.0', '192.0.2.8', '127.0.0.1', '2001:db9::'])
    assert.ok(!isAllowed(address), address);
  assert.ok(!parseAccessList([])('127.0.0.1'));
});

for (const cidr of ['', 'localhost', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/a', '10.0.0/8']) {
  test(`access list: ${JSON.stringify(cidr)} is refused`, () => {
    assert.throws(() => parseAccessList([cidr]), { code: 'ESL_BAD_OPTION' });
  });
}

test('subscription: names, subclasses after CUSTOM, ALL', () => {
  const wants = (words: string[], name: string, subclass = ''): boolean => {
    const subscription = new Subscription();
    assert.equal(subscription.add(words), null);
    return subscription.wants({ name, subclass });
  };
  assert.ok(wants(['CUSTOM', 'im::event'], 'CUSTOM', 'im::event'));
  assert.ok(!wants(['CUSTOM', 'im::event'], 'CUSTOM', 'im::Event'));
  assert.ok(!wants(['CUSTOM', 'im::event'], 'CUSTOM', 'im::hello'));
  assert.ok(!wants(['CUSTOM'], 'CUSTOM', 'im::hello'));
  assert.ok(wants(['background_job', 'CUSTOM', 'im::event'], 'BACKGROUND_JOB'));
  assert.ok(!wants(['CUSTOM', 'BACKGROUND_JOB'], 'BACKGROUND_JOB'));
  assert.ok(wants(['all'], 'CUSTOM', 'im::hello'));
});

test('subscription: taken back one by one, and bounded', () => {
  const subscription = new Subscription();
  subscription.add(['BACKGROUND_JOB', 'CUSTOM', 'im::event', 'im::hello']);
  subscription.remove(['CUSTOM', 'im::event']);
  assert.ok(!subscription.wants({ name: 'CUSTOM', subclass: 'im::event' }));
  assert.ok(subscription.wants({ name: 'CUSTOM', subclass: 'im::hello' }));
  subscription.remove(['ALL']);
  assert.ok(subscription.isEmpty);
  assert.equal(subscription.add([]), 'no keywords supplied');
  assert.equal(subscription.add(['a b']), 'malformed keyword');
  assert.equal(subscription.add(Array.from({ length: 257 }, (_, index) => `E${index}`)), 'too many keywords');
});

test('request memory: kept for its time, then forgotten', () => {
  const memory = new RequestMemory({ rememberMs: 60_000 });
  memory.begin('a', 'op', 0);
  assert.equal(memory.find('a', 1)?.answer, null);
  memory.finish('a', 'yes');
  assert.equal(memory.find('a', 59_999)?.answer, 'yes');
  assert.equal(memory.find('a', 60_000), undefined);
  assert.equal(memory.size, 0);
});

test('request memory: bounded in requests and in bytes, the oldest gives way', () => {
  const byCount = new RequestMemory({ maxRequests: 2 });
  for (const key of ['a', 'b', 'c']) byCount.begin(key, 'op', 0);
  assert.equal(byCount.find('a', 0), undefined);
  assert.equal(byCount.size, 2);
  const byBytes = new RequestMemory({ maxBytes: 10 });
  for (const key of ['a', 'b', 'c']) {
    byBytes.begin(key, 'op', 0);
    byBytes.finish(key, '12345');
  }
  assert.equal(byBytes.find('a', 0), undefined);
  assert.equal(byBytes.find('c', 0)?.answer, '12345');
});

test('backoff: full jitter under a ceiling that doubles from 0.2 s to 5 s', () => {
  const ceilings = [0, 1, 2, 3, 4, 5, 50].map((attempt) => backoffMs(attempt, DEFAULT_BACKOFF, 0.999_999));
  assert.deepEqual(ceilings, [199, 399, 799, 1599, 3199, 4999, 4999]);
  assert.equal(backoffMs(5, DEFAULT_BACKOFF, 0), 0);
});

test('job queue: in order behind a slow job, bounded, and a failing job holds nothing up', async () => {
  const done: number[] = [];
  const errors: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const queue = new JobQueue(2, (error) => errors.push(error));
  assert.ok(queue.push(() => void done.push(1)));
  assert.deepEqual(done, [1]);
  assert.ok(queue.push(() => promise));
  const failing = (): void => {
    throw new Error('boom');
  };
  assert.ok(queue.push(failing));
  const last = Promise.withResolvers<void>();
  assert.ok(queue.push(() => last.resolve()));
  assert.ok(!queue.push(() => undefined));
  resolve();
  await last.promise;
  assert.equal(errors.length, 1);
});

test('api commands: the longest name wins, unknown ones and failures are -ERR', async () => {
  const commands = new ApiCommands(silentLog);
  commands.add({
    im: { help: '', run: (argument) => `im(${argument})` },
    'im sessions': { help: '', run: async (argument) => `sessions(${argument})` },
    bad: {
      help: '',
      run: () => {
        throw new Error('secret');
      },
    },
    late: { help: '', run: () => Promise.reject(new Error('secret')) },
  });
  assert.equal(await commands.run('IM  Sessions a  b'), 'sessions(a b)');
  assert.equal(await commands.run('im status'), 'im(status)');
  assert.equal(await commands.run('nope x'), '-ERR nope Command not found!\n');
  assert.equal(await commands.run(''), '-ERR  Command not found!\n');
  assert.equal(await commands.run('bad'), '-ERR command failed\n');
  assert.equal(await commands.run('late'), '-ERR command failed\n');
});

test('command replies: only what the vocabulary knows', () => {
  assert.deepEqual(parseCommandReply('{"ok":true,"revision":3}'), { ok: true, revision: 3 });
  assert.deepEqual(parseCommandReply('{"ok":false,"code":"stale","reason":"r"}'), {
    ok: false,
    code: 'stale',
    reason: 'r',
  });
  for (const text of ['', '{}', 'null', '{"ok":true}', '{"ok":false,"code":"other","reason":"r"}']) {
    assert.equal(parseCommandReply(text), null, text);
  }
});
