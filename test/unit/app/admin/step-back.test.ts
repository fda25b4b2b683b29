import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

/** Of the thread that asks: the 19th field, of which the second may hold blanks. */
const NICE_OF_THREAD = `Number(readFileSync('/proc/thread-self/stat', 'utf8').split(') ')[1].split(' ')[16])`;

test('a thread that steps back has a lower priority, and it alone', async () => {
  const niceHere = () =>
    Number(readFileSync('/proc/thread-self/stat', 'utf8').split(') ')[1]?.split(' ')[16]);
  const before = niceHere();
  const file = new URL('../../../../src/app/admin/step-back.ts', import.meta.url).href;
  const worker = new Worker(
    `const { readFileSync } = require('node:fs');
     const { parentPort } = require('node:worker_threads');
     import('${file}').then(({ stepBack }) => {
       const isTaken = stepBack();
       parentPort.postMessage({ isTaken, nice: ${NICE_OF_THREAD} });
     });`,
    { eval: true },
  );
  const [answer] = (await once(worker, 'message')) as [unknown];
  assert.deepEqual(answer, { isTaken: true, nice: Math.max(before, 10) });
  assert.equal(niceHere(), before);
  await worker.terminate();
});
