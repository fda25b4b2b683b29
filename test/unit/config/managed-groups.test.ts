import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { folder, good } from './config-folder.ts';

test('managed groups: servers are origins, the folder is absolute', (t) => {
  const file = folder(
    t,
    'managedGroups: { importFolder: groups, xdmsServers: ["https://XDMS.example.net", "http://10.0.0.1:80/"] }',
  );
  const loaded = loadConfig({ file, env: {} });
  assert(loaded.ok, JSON.stringify(loaded));
  const { importFolder, xdmsServers, maxVersions, revalidateS } = loaded.config.managedGroups;
  assert.equal(importFolder, join(dirname(file), 'groups'));
  assert.deepEqual(xdmsServers, ['https://xdms.example.net', 'http://10.0.0.1']);
  assert.deepEqual([maxVersions, revalidateS], [100, 0]);
  assert.deepEqual(good(t, '{}').config.managedGroups.xdmsServers, []);
});

for (const [yaml, path] of [
  ['importFolder: nowhere', 'managedGroups.importFolder'],
  ['xdmsServers: [xdms.example.net]', 'managedGroups.xdmsServers[0]'],
  ['xdmsServers: ["https://h/", "https://h/xcap-root"]', 'managedGroups.xdmsServers[1]'],
  ['xdmsServers: ["https://user@h"]', 'managedGroups.xdmsServers[0]'],
  ['xdmsServers: ["ftp://h"]', 'managedGroups.xdmsServers[0]'],
  ['xdmsIdentity: parley', 'managedGroups.xdmsIdentity'],
  ['xdmsMaxBytes: 9999999', 'managedGroups.xdmsMaxBytes'],
  ['maxVersions: 0', 'managedGroups.maxVersions'],
  ['revalidateS: -1', 'managedGroups.revalidateS'],
] as const) {
  test(`managedGroups refuses ${yaml}`, (t) => {
    const loaded = loadConfig({ file: folder(t, `managedGroups: { ${yaml} }`), env: {} });
    assert(!loaded.ok);
    assert.deepEqual(
      loaded.errors.map((error) => error.path),
      [path],
    );
  });
}
