/** What is made up for when a Kamailio connects, and in which order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { KamailioCalls } from '../../../src/app/kamailio-calls.ts';
import { KamailioPresence } from '../../../src/app/kamailio-presence.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { OutboxBatch, Store } from '../../../src/focus/ports.ts';
import { quiet } from '../../support/kamailio/stub-service.ts';

const CALLS = {} as KamailioCalls;
const CANCEL = { stage: 1, kind: 'cancel', callId: 'c', cseq: 1, kam: 'k1', leg: 'l' } as const;
const LEFTOVERS: OutboxBatch[] = [{ id: 1, conference: '', effects: [{ id: 2, effect: CANCEL }] }];

function start({ epoch = () => Promise.resolve({ kam: 'k1', epoch: 'e1' }) } = {}) {
  const log: string[] = [];
  const tell =
    (what: string) =>
    (...args: unknown[]): undefined => {
      log.push([what, ...args.filter((arg) => typeof arg === 'string')].join(' '));
    };
  const epochs = new Map<string, string>();
  const engine = {
    holdDeadlines: tell('hold'),
    releaseDeadlines: tell('release'),
    sessions: { all: () => [] },
    world: () => ({}),
  } as unknown as Engine;
  const presence = new KamailioPresence({
    engine,
    store: { effectsDone: tell('done') } as unknown as Store,
    nodes: {
      ids: ['k1'],
      client: () => ({ epoch }),
      epochOf: (kam) => epochs.get(kam),
      setEpoch: (kam, value) => {
        log.push(`epoch ${value}`);
        epochs.set(kam, value);
      },
      reply: () => Promise.resolve('sent'),
      request: () => Promise.resolve(),
      cancel: () => Promise.resolve(tell('cancel')()),
    },
    inbox: {
      answeredInvites: () => Promise.resolve(new Set<string>()),
      read: () => Promise.resolve(tell('inbox')()),
      readSoon: () => Promise.resolve(tell('inbox soon')()),
    },
    leftovers: LEFTOVERS,
    log: quiet as unknown as Logger,
  });
  /** Everything up to here has run, as nothing waits for a timer. */
  const settled = async () => {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    return log.splice(0);
  };
  return { presence, settled };
}

test('nothing is due before a Kamailio has connected; then epoch, inbox, effects of the last run, deadlines', async () => {
  const { presence, settled } = start();
  assert.deepEqual(await settled(), ['hold']);
  assert.equal(presence.isSeen, false);
  presence.connected(CALLS);
  assert.deepEqual(await settled(), ['epoch e1', 'inbox', 'cancel', 'done', 'release']);
  assert.equal(presence.isSeen, true);
});

test('deadlines wait again while none is connected; what a return brings comes first; the last run is over', async () => {
  const { presence, settled } = start();
  for (let time = 0; time < 2; time += 1) presence.connected(CALLS);
  await settled();
  presence.disconnected();
  assert.deepEqual(await settled(), []);
  presence.disconnected();
  assert.deepEqual(await settled(), ['hold']);
  presence.connected(CALLS);
  assert.deepEqual(await settled(), ['inbox soon', 'release']);
});

test('a Kamailio that is gone before all was made up for leaves the deadlines held; one that says no epoch does not', async () => {
  const { presence, settled } = start({ epoch: () => Promise.reject(new Error('refused')) });
  presence.connected(CALLS);
  presence.disconnected();
  assert.deepEqual(await settled(), ['hold', 'hold', 'inbox', 'cancel', 'done']);
  presence.connected(CALLS);
  assert.deepEqual(await settled(), ['inbox soon', 'release']);
});
