import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { profilesPage } from '../../../src/app/profiles-document.ts';
import { focusSettings } from '../../../src/app/settings.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { ReadingsSection } from '../../../src/config/schema-readings.ts';
import { READINGS } from '../../../src/focus/readings.ts';
import { readingRows, readingsSection } from '../../conformance/report/readings-section.ts';
import { STATEMENT_IDS } from '../../conformance/report/statements.ts';

function settingsOf(env: Record<string, string>) {
  const loaded = loadConfig({ env });
  assert(loaded.ok, JSON.stringify(loaded));
  return focusSettings(loaded.config);
}

test('docs/profiles.md is current', () => {
  assert.equal(
    readFileSync(new URL('../../../docs/profiles.md', import.meta.url), 'utf8'),
    profilesPage(readingsSection()),
  );
});

test('every reading is a key of the configuration, and every key a reading', () => {
  assert.deepEqual(Object.keys(ReadingsSection.properties).sort(), READINGS.map(({ key }) => key).sort());
});

test('A-27: the profile chooses a reading, and a reading set by itself wins', () => {
  assert.equal(settingsOf({}).readings.goneSession, 403);
  assert.equal(settingsOf({ PARLEY_PROFILE: 'rcc07' }).readings.goneSession, 404);
  const both = settingsOf({ PARLEY_PROFILE: 'rcc07', PARLEY_READINGS_GONE_SESSION: '403' });
  assert.equal(both.readings.goneSession, 403);
  assert.equal(both.readings.cpmFeatureTag, true);
});

test('each of A-1 … A-53 has a row, and a test on the wire unless there is nothing to be done', () => {
  const rows = readingRows();
  assert.deepEqual(
    rows.map(({ id }) => id),
    Array.from({ length: 53 }, (_, index) => `A-${index + 1}`),
  );
  for (const { id, statements, proofs } of rows) {
    assert.deepEqual(
      statements.filter((statement) => !STATEMENT_IDS.has(statement)),
      [],
      `${id} is about statements that there are not`,
    );
    if (statements.length > 0) assert.ok(proofs > 0, `${id} has no test`);
  }
});

test('every setting of the table is tried in the tests of readings, in both of its values', () => {
  const files = readingRows().flatMap((row) => row.files);
  const sources = [...new Set(files)].map((file) =>
    readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8'),
  );
  for (const { key } of READINGS)
    assert.ok(
      sources.some((source) => source.includes(`'${key}'`) || source.includes(`${key}:`)),
      `readings.${key} is not tried`,
    );
});
