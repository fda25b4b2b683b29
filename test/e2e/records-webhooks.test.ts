/** What is told of a conversation while it goes on, and kept of it when it is over. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { SessionRecord } from '../../src/admin/session-records/record.ts';
import type { Subscriber } from '../../src/agents/chat.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { chat, conversation } from './support/conversing.ts';
import { eventually } from './support/eventually.ts';

let stack: Stack;
let [ada, ben] = [] as unknown as [Subscriber, Subscriber];
const told: { event: string; participant: string | null; signature: string; body: string }[] = [];
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => {
    const { event, participant } = JSON.parse(body) as { event: string; participant: string | null };
    told.push({ event, participant, signature: String(request.headers['parley-signature']), body });
    response.writeHead(204).end();
  });
});

before(async () => {
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  stack = await Stack.start({ config: { sessionRecords: { file: 'records.jsonl' } } });
  [ada, ben] = await Promise.all([stack.subscriber('ada'), stack.subscriber('ben')]);
});
after(async () => {
  await stack.stop();
  receiver.close();
});

test('a conversation in webhooks and in its record, with what the switch has counted, and no word of it', async () => {
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/in`;
  const made = await fetch(new URL('/api/v1/webhooks', stack.ready.admin), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url, secret: 'a-secret-for-this-test' }),
  });
  assert.equal(made.status, 201, await made.text());

  const [adas, bens] = await conversation(FACTORY, ada, ben);
  assert(adas !== undefined && bens !== undefined);
  await chat('a word for nobody else', adas, bens);
  await chat('nor this', bens, adas);
  await bens.leave();
  await adas.dialog.nextRequest('BYE');

  await eventually(
    () => told.some(({ event }) => event === 'session.ended'),
    () => `told of ${told.map(({ event }) => event).join(', ')} only`,
  );
  assert.deepEqual(told.map(({ event, participant }) => `${event} ${participant ?? ''}`.trim()).toSorted(), [
    `participant.invited ${ben.uri}`,
    `participant.joined ${ada.uri}`,
    `participant.joined ${ben.uri}`,
    `participant.left ${ada.uri}`,
    `participant.left ${ben.uri}`,
    'session.created',
    'session.ended',
  ]);
  for (const { signature, body } of told) {
    const [, atS = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
    assert.equal(createHmac('sha256', 'a-secret-for-this-test').update(`${atS}.${body}`).digest('hex'), mac);
  }

  const records = async () => {
    const response = await fetch(new URL('/api/v1/session-records', stack.ready.admin));
    return ((await response.json()) as { items: (SessionRecord & { id: number })[] }).items;
  };
  let items: Awaited<ReturnType<typeof records>> = [];
  await eventually(
    async () => {
      items = await records();
      return items.length > 0;
    },
    () => 'no record of the session',
  );
  const [{ id: _id, ...record } = assert.fail()] = items;
  assert.deepEqual(
    [record.kind, record.address, record.initiator, record.peak, record.endReason],
    ['ad-hoc', FACTORY, ada.uri, 2, 'the session is released: too few participants remain'],
  );
  assert.deepEqual([record.traffic?.messagesIn, record.traffic?.messagesOut], [2, 2]);
  assert((record.traffic?.bytesIn ?? 0) > 'a word for nobody else'.length);
  for (const { stays } of record.participants) {
    const [stay] = stays;
    assert.equal(stays.length, 1);
    assert((stay?.joinedAt ?? 'z') < (stay?.leftAt ?? ''));
  }
  const file = readFileSync(join(stack.directory, 'records.jsonl'), 'utf8');
  assert.deepEqual(
    file
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    [record],
  );
  assert.doesNotMatch(`${file}${JSON.stringify(told)}`, /a word for|nor this/);
});
