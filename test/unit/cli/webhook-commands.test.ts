/** `parley webhook …` against an admin interface, and a receiver that hears of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { commandsOn } from './run-command.ts';

async function webhooks(t: TestContext) {
  const run = await commandsOn(t, { nowMs: () => Date.now() });
  return (...words: string[]) => run('webhook', ...words);
}

test('a webhook is added, listed, tried and removed', async (t) => {
  const { promise: heard, resolve: hear } = Promise.withResolvers<unknown>();
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      hear((JSON.parse(body) as { event: unknown }).event);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.after(() => receiver.close());
  const target = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/in`;

  const webhook = await webhooks(t);
  assert.equal((await webhook('list')).out, 'no webhooks\n');
  const added = await webhook('add', '--events', 'session.created,session.ended', target);
  assert.equal(added.status, 0);
  assert.match(added.out, /^[\w-]{32}\n$/);
  const [, id = ''] = /is webhook ([a-z0-9]+)\. This key .* is shown once/.exec(added.err) ?? [];
  const { out } = await webhook('list');
  assert.match(out, /^ID +STATE +WAITING +DELIVERED +FAILED +DROPPED +TO +EVENTS +LAST FAULT\n/);
  assert.match(out, new RegExp(`\n${id} +on +0 +0 +0 +0 +${target} +session\\.created session\\.ended\n$`));
  assert.match((await webhook('test', id)).out, /^a test is on its way to http/);
  assert.equal(await heard, 'test');
  assert.equal((await webhook('remove', id)).out, `webhook ${id} is removed\n`);
  assert.deepEqual(JSON.parse((await webhook('list', '--json')).out), []);
});

test('what is refused is status 1, what is not understood 2', async (t) => {
  const webhook = await webhooks(t);
  const bad = await webhook('add', 'ftp://nowhere');
  assert.deepEqual([bad.status, bad.out], [1, '']);
  assert.match(bad.err, /^parley: webhook add: .*must be an http or https URL \(ADMIN_BAD_PARAMETER\)\n/);
  const unknown = await webhook('add', '--events', 'session.begun', 'http://127.0.0.1:1/');
  assert.deepEqual([unknown.status, unknown.out], [1, '']);
  assert.match((await webhook('remove', 'abcdefabcdef')).err, /no webhook abcdefabcdef is known/);
  for (const word of ['add', 'remove', 'test']) assert.equal((await webhook(word)).status, 2);
});
