import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { profilesPage } from '../../../src/app/profiles-document.ts';
import { focusSettings } from '../../../src/app/settings.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { ReadingsSection } from '../../../src/config/schema-readings.ts';
import { READINGS } from '../../../src/focus/readings.ts';

function settingsOf(env: Record<string, string>) {
  const loaded = loadConfig({ env });
  assert(loaded.ok, JSON.stringify(loaded));
  return focusSettings(loaded.config);
}

test('docs/profiles.md is current', () => {
  assert.equal(readFileSync(new URL('../../../docs/profiles.md', import.meta.url), 'utf8'), profilesPage());
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
