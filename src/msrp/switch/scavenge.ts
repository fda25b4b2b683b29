/**
 * Bodies lie outside V8's heap, and V8 collects the young generation by what is allocated inside it: long messages alone
 * would pile up some 64 MiB of dead buffers before it looks. So it is told to, once in so many bytes; a collection of
 * a nearly empty young generation takes well under a millisecond.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_BYTES = 16 * 1024 ** 2;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
setFlagsFromString('--no-expose-gc');

let streamedBytes = 0;

/** So many bytes of a long message have passed. */
export function noteStreamed(bytes: number): void {
  streamedBytes += bytes;
  if (streamedBytes < EVERY_BYTES) return;
  streamedBytes = 0;
  collect({ type: 'minor' });
}
