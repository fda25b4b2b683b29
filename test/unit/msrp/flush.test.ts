/** When what was gathered for a connection is written: at the end of the turn, or before when there are few to write to. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { FlushRound } from '../../../src/msrp/transport/flush-round.ts';
import { DEFAULT_OUTBOX_LIMITS, Outbox } from '../../../src/msrp/transport/outbox.ts';

const TEXT = 'x'.repeat(1000);

/** Outboxes whose connections take everything at once. */
function outboxes(count: number) {
  const round = new FlushRound(0);
  const made = Array.from({ length: count }, () => {
    const writes: number[] = [];
    const socket = new Writable({
      write(chunk: Buffer, _encoding, done) {
        writes.push(chunk.length);
        done();
      },
    });
    const events = {
      onOverflow: () => assert.fail('too much'),
      onEased: () => {},
      onDefect: (error: unknown) => assert.fail(String(error)),
    };
    return {
      outbox: new Outbox(socket as unknown as Socket, null, round, DEFAULT_OUTBOX_LIMITS, events),
      writes,
    };
  });
  return made;
}

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

test('a little is written once, at the end of the turn', async () => {
  const [only] = outboxes(1);
  assert(only !== undefined);
  for (let count = 0; count < 5; count++) only.outbox.sendUrgent(TEXT);
  assert.deepEqual(only.writes, []);
  await endOfTurn();
  assert.deepEqual(only.writes, [5000]);
});

test('much for one of few is written while the turn goes on, so that its peer need not wait for the end of it', async () => {
  const [sender, receiver] = outboxes(2);
  assert(sender !== undefined && receiver !== undefined);
  for (let count = 0; count < 16; count++) {
    receiver.outbox.sendUrgent(TEXT);
    sender.outbox.sendUrgent('ok');
  }
  assert.deepEqual([receiver.writes, sender.writes], [[7000, 7000], []]);
  await endOfTurn();
  assert.deepEqual([receiver.writes, sender.writes], [[7000, 7000, 2000], [32]]);
});

test('of many each is written to once: there the writes are what costs', async () => {
  const all = outboxes(4);
  for (let count = 0; count < 16; count++) for (const { outbox } of all) outbox.sendUrgent(TEXT);
  assert.deepEqual(
    all.map(({ writes }) => writes),
    all.map(() => []),
  );
  await endOfTurn();
  assert.deepEqual(
    all.map(({ writes }) => writes),
    all.map(() => [16_000]),
  );
});
