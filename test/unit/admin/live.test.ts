import assert from 'node:assert/strict';
import test from 'node:test';
import { liveBench } from './live-bench.ts';

test('decisions and what they did to sessions, from now on, each once and with its number', () => {
  const { decide, listen, poll } = liveBench();
  decide();
  const { sink } = listen();
  decide({ status: 403, warning: '127 not allowed' });
  decide({}, [{ change: 'created', participant: null }, { change: 'joined' }]);
  poll();
  poll();
  const told = sink.told();
  assert.deepEqual(
    told.map(({ name, id }) => [name, id]),
    [
      ['hello', '1'],
      ['decision', '2'],
      ['session', undefined],
      ['session', undefined],
      ['decision', '3'],
    ],
  );
  assert.deepEqual(told[1]?.data, {
    id: 2,
    at: '2026-11-22T10:00:00.000Z',
    clause: '7.2.1.4',
    trigger: 'INVITE',
    callId: 'c1',
    user: 'sip:alice@example.com',
    status: 403,
    warning: '127 not allowed',
    session: 's1',
  });
  assert.deepEqual(told[2]?.data, {
    change: 'created',
    session: 's1',
    participant: null,
    reason: null,
    at: '2026-11-22T10:00:00.000Z',
    decision: 3,
    participants: { connected: 2, invited: 1 },
  });
});

test('who wants one kind or one session gets no other', () => {
  const { decide, listen, poll } = liveBench();
  const onlySessions = listen({ kinds: new Set(['sessions']) }).sink;
  const onlyS2 = listen({ session: 's2' }).sink;
  decide({ session: 's1' }, [{ change: 'joined' }]);
  decide({ session: 's2' }, [{ change: 'left' }]);
  poll();
  assert.deepEqual(onlySessions.names(), ['hello', 'session joined', 'session left']);
  assert.deepEqual(onlyS2.names(), ['hello', 'session left', 'decision']);
});

test('who resumes gets what it missed, at its own pace, and then what is new', () => {
  const { decide, listen, poll } = liveBench();
  for (let n = 0; n < 1_200; n += 1) decide();
  const { sink } = listen({ after: 3 });
  sink.told();
  sink.isStuck = true;
  sink.waiting = 400_000;
  poll();
  assert.equal(sink.waiting, 400_000, 'nothing is sent to who has not read');
  sink.isStuck = false;
  sink.waiting = 0;
  decide();
  for (let n = 0; n < 4; n += 1) poll();
  const ids = sink.told().map(({ id }) => Number(id));
  assert.deepEqual(
    ids,
    Array.from({ length: 1_198 }, (_, index) => index + 4),
  );
});

test('who resumes from what is not kept any more, or from another log, is told of the gap', () => {
  const { decide, listen } = liveBench();
  decide({ id: 10 });
  decide({ id: 11 });
  assert.deepEqual(listen({ after: 5 }).sink.names(), ['hello', 'gap']);
  assert.deepEqual(listen({ after: 99 }).sink.names(), ['hello', 'gap']);
  assert.deepEqual(listen({ after: 9 }).sink.names(), ['hello']);
  assert.deepEqual(listen({ after: 11 }).sink.names(), ['hello']);
});

test('the log is read only while somebody listens, and once for all', () => {
  const { decide, hub, listen, poll, reads, tasks } = liveBench();
  assert.equal(tasks.size, 0);
  const clients = Array.from({ length: 10 }, () => listen().client);
  decide();
  poll();
  assert.equal(reads(), 1);
  for (const client of clients) if (client !== undefined) hub.remove(client);
  assert.equal(tasks.size, 0);
});

test('states come to who arrives and when they change, and not otherwise', async () => {
  let isReady = true;
  const { listen, look } = liveBench({
    readiness: () => {
      if (!isReady) throw new Error('no answer');
      return { ready: true, reasons: [] };
    },
  });
  const first = listen().sink;
  await look();
  await look();
  assert.deepEqual(first.names(), ['hello', 'readiness', 'switches']);
  assert.deepEqual(listen({ kinds: new Set(['readiness']) }).sink.names(), ['hello', 'readiness']);
  isReady = false;
  await look();
  const [told] = first.told();
  assert.deepEqual(told?.data, { ready: false, reasons: ['the focus does not answer'] });
});

test('one listener more than may be is not taken, until another goes', () => {
  const { hub, listen } = liveBench({}, { maxClients: 2 });
  const { client } = listen();
  listen();
  assert.equal(listen().client, undefined);
  assert(client !== undefined);
  hub.remove(client);
  assert(listen().client !== undefined);
});

test('a heartbeat carries the number, also of what was of no interest', () => {
  const { beat, decide, listen, poll } = liveBench();
  const { sink } = listen({ session: 'other' });
  for (let n = 0; n < 7; n += 1) decide();
  poll();
  beat();
  assert.match(sink.text, /:\nid: 7\n\n$/);
});

test('a stream is ended after its time, so that its token is asked for again', () => {
  const { beat, clock, hub, listen } = liveBench({}, { maxStreamMs: 60_000 });
  const { sink } = listen();
  clock.ms = 60_000;
  beat();
  assert.deepEqual(sink.told().at(-1)?.data, { reason: 'renew' });
  assert(sink.isEnded);
  assert.equal(hub.clients, 0);
});

test('closing tells all listeners', () => {
  const { hub, listen, tasks } = liveBench();
  const { sink } = listen();
  hub.close();
  assert.deepEqual(sink.told().at(-1)?.data, { reason: 'stopping' });
  assert(sink.isEnded);
  assert.equal(tasks.size, 0);
  assert.equal(listen().client, undefined);
});

test('500 events a second for a minute: who reads gets all, who does not is cut off with a bounded queue', () => {
  const maxBufferedBytes = 200_000;
  const { decide, entries, hub, listen, poll } = liveBench({}, { maxBufferedBytes });
  const reader = listen().sink;
  const stuck = listen().sink;
  stuck.isStuck = true;
  let got = reader.told().length - 1;
  let ofOnePoll = 0;
  for (let tick = 0; tick < 300; tick += 1) {
    for (let n = 0; n < 100; n += 1) decide({}, [{ change: 'joined' }]);
    poll();
    ofOnePoll = Math.max(ofOnePoll, reader.text.length);
    got += reader.told().length;
    entries.splice(0, entries.length - 100);
  }
  assert.equal(got, 300 * 100 * 2);
  assert.match(stuck.text, /event: closed\ndata: {"reason":"slow"}/);
  assert(stuck.isEnded);
  assert(stuck.mostWaiting <= maxBufferedBytes + ofOnePoll + 100, `${stuck.mostWaiting} waited`);
  assert.equal(hub.clients, 1);
});

test('a log that cannot be read now is read again', () => {
  let isBroken = true;
  const { lines, listen, poll } = liveBench({
    feed: {
      newest: () => 0,
      since: () => {
        if (isBroken) throw new Error('locked');
        return [];
      },
      presences: () => new Map(),
    },
  });
  const { client } = listen();
  poll();
  assert.equal(lines.filter(({ msg }) => /cannot be followed/.test(msg)).length, 1);
  isBroken = false;
  poll();
  assert.equal(lines.length, 1);
  assert(client?.isOpen);
});
