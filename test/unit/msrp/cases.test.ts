import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MSRP_CASES } from '../../msrp-cases/cases.ts';
import { findCaseTests, formatPage, mappingFaults, PAGE, pageFaults } from '../../msrp-cases/page.ts';

test('each of the 71 MSRP cases has a test that talks to a running switch, and no test names another', () => {
  assert.equal(MSRP_CASES.length, 71);
  assert.deepEqual(mappingFaults(findCaseTests()), []);
});

test('docs/msrp-cases.md names no test that there is not (npm run docs:msrp-cases)', () => {
  const tests = findCaseTests();
  const page = readFileSync(PAGE, 'utf8');
  assert.deepEqual(pageFaults(page, tests), []);
  assert.deepEqual(pageFaults(formatPage(tests), tests), []);
  const renamed = page.replace('two frames in one segment', 'three frames in one segment');
  assert.deepEqual(pageFaults(renamed, tests), [
    'case 4: no test is called three frames in one segment get two 200s in order',
  ]);
  assert.deepEqual(pageFaults(page.replace(/^\| 9 .*$/m, ''), tests), ['case 9 is not on the page']);
});

test('a case without a test, and a test of a case that there is not, are noticed', () => {
  const tests = findCaseTests().filter(({ number }) => number !== 42);
  const stray = { number: 72, file: 'test/integration/x.test.ts', name: 'x', isOnTheWire: true };
  const ofPart = { number: 42, file: 'test/unit/x.test.ts', name: 'x', isOnTheWire: false };
  assert.deepEqual(mappingFaults([...tests, stray, ofPart]), [
    'case 42 has no test on the wire',
    'test/integration/x.test.ts: there is no case 72',
  ]);
});
