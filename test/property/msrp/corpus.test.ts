/** The fuzzer's corpus (npm run fuzz:msrp): inputs that reach every corner of parser and switch that it has found so far. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SEEDS } from '../../fuzz/msrp/mutate.ts';
import { checkParser, SwitchTarget } from '../../fuzz/msrp/target.ts';

const CORPUS = new URL('../../fixtures/msrp/corpus/', import.meta.url);

const inputs = [
  ...readdirSync(CORPUS)
    .filter((name) => name.endsWith('.bin'))
    .map((name) => [name, readFileSync(new URL(name, CORPUS))] as const),
  ...SEEDS.map((bytes, index) => [`seed ${index}`, bytes] as const),
];

test('the parser finds the same in every input of the corpus however it is cut, as a second reader does', () => {
  assert.ok(inputs.length > SEEDS.length + 20, `${inputs.length} inputs`);
  for (const [name, bytes] of inputs) {
    const third = Math.floor(bytes.length / 3);
    try {
      checkParser(bytes, [third, 2 * third]);
    } catch (error) {
      throw new Error(name, { cause: error });
    }
  }
});

test('a running switch lets every client of the corpus go, keeps nothing of it, and the room goes on', async () => {
  const target = await SwitchTarget.open();
  for (const [name, bytes] of inputs) {
    try {
      await target.check(bytes);
    } catch (error) {
      throw new Error(name, { cause: error });
    }
  }
  await target.close();
});
