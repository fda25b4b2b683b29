import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { EventStream, type LinkState } from '../../../src/page/net/event-stream.ts';
import { Problem } from '../../../src/page/net/problem.ts';

type Answer = string | Problem;

/** Each connection gets the next answer and ends; the last one goes on for ever. */
function following(t: TestContext, answers: readonly Answer[]) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const asked: (string | undefined)[] = [];
  const states: LinkState[] = [];
  const told: string[] = [];
  let count = 0;
  const api = {
    open: async (_path: string, { headers = {} }: { headers?: Readonly<Record<string, string>> } = {}) => {
      asked.push(headers['last-event-id']);
      const answer = answers[count];
      count += 1;
      if (answer === undefined) return new Promise<Response>(() => {});
      if (answer instanceof Problem) throw answer;
      return new Response(answer);
    },
  };
  const stream = new EventStream(api, {
    event: ({ name }) => told.push(name),
    state: (state) => states.push(state),
  });
  const ended = stream.follow();
  t.after(() => stream.close());
  return {
    stream,
    asked,
    states,
    told,
    ended,
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

const EVENT = 'id: 41\nevent: decision\ndata: {}\n\n';

test('what breaks is taken up again after the last event, and later each time', async (t) => {
  const { asked, states, told, settle } = following(t, [EVENT, Problem.unreachable(), EVENT]);
  await settle();
  assert.deepEqual([asked, states, told], [[undefined], ['live', 'lost'], ['decision']]);
  t.mock.timers.tick(500);
  await settle();
  assert.deepEqual(asked, [undefined, '41']);
  t.mock.timers.tick(499);
  await settle();
  assert.equal(asked.length, 2, 'the second delay is longer');
  t.mock.timers.tick(501);
  await settle();
  assert.deepEqual(asked, [undefined, '41', '41']);
  assert.deepEqual(states, ['live', 'lost', 'lost', 'live', 'lost']);
});

test('a stream that is renewed comes back at once, and nobody is told that it was lost', async (t) => {
  const { asked, states, settle } = following(t, [`${EVENT}event: closed\ndata: {"reason":"renew"}\n\n`]);
  await settle();
  assert.deepEqual([asked, states], [[undefined, '41'], ['live']]);
});

test('who may not listen does not ask for ever', async (t) => {
  const { asked, states, ended } = following(t, [
    new Problem({ code: 'ADMIN_TOKEN_NEEDED', status: 401, detail: 'revoked' }),
  ]);
  await ended;
  assert.deepEqual([asked.length, states], [1, ['refused']]);
});

test('a retry that is asked for does not wait', async (t) => {
  const { stream, asked, settle } = following(t, [Problem.unreachable()]);
  await settle();
  stream.retryNow();
  await settle();
  assert.equal(asked.length, 2);
});

test('a stream that is paused lets go, says nothing, and goes on after the last event', async (t) => {
  const { stream, asked, states, settle } = following(t, [EVENT]);
  stream.pause();
  await settle();
  t.mock.timers.tick(60_000);
  await settle();
  assert.deepEqual([asked, states], [[undefined], ['live']]);
  stream.resume();
  await settle();
  assert.deepEqual(asked, [undefined, '41']);
});
