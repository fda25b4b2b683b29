import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { type LinkOptions, ThreadLink } from '../../../src/app/admin/link.ts';
import { CodedError } from '../../../src/lib/errors.ts';

const own = {
  twice: (n: number) => n * 2,
  later: () => Promise.resolve('then'),
  refuse: () => {
    throw new CodedError('NO_SUCH_ROOM', 'there is no such room');
  },
  unsendable: () => () => 'a function',
  never: () => new Promise<string>(() => undefined),
};

function linked(t: TestContext, options: LinkOptions = {}): ThreadLink<typeof own> {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  new ThreadLink(port2, own);
  return new ThreadLink<typeof own>(port1, {}, options);
}

test('answers find their question, in whatever order they come', async (t) => {
  const link = linked(t);
  const answers = await Promise.all([link.ask('later'), link.ask('twice', 4), link.ask('twice', 5)]);
  assert.deepEqual(answers, ['then', 8, 10]);
});

test('what was thrown arrives with its code; an answer that cannot cross is a fault, not a silence', async (t) => {
  const link = linked(t);
  await assert.rejects(link.ask('refuse'), { code: 'NO_SUCH_ROOM', message: 'there is no such room' });
  await assert.rejects(link.ask('unsendable'), { code: 'ADMIN_LINK_FAULT' });
  await assert.rejects(link.ask('toString' as 'later'), { code: 'ADMIN_LINK_UNKNOWN' });
});

test('a question without answer ends at its deadline, and one beyond the bound at once', async (t) => {
  const link = linked(t, { timeoutMs: 20, maxWaiting: 1 });
  const first = link.ask('never');
  await assert.rejects(link.ask('twice', 1), { code: 'ADMIN_LINK_BUSY' });
  await assert.rejects(first, { code: 'ADMIN_LINK_TIMEOUT' });
  assert.equal(await link.ask('twice', 1), 2);
});

test('a thread that is gone fails what waits and what comes', async (t) => {
  const link = linked(t);
  const waiting = link.ask('never');
  link.close('it ended');
  await assert.rejects(waiting, { code: 'ADMIN_LINK_CLOSED', message: 'it ended' });
  await assert.rejects(link.ask('twice', 1), { code: 'ADMIN_LINK_CLOSED' });
});
