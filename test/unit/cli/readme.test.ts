/** The README's file to start from, made as the README says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const START = 'npm run -s up -- --config ';

test('what the README has one type makes a configuration that up takes as it is', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'parley-readme-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [, block = ''] = /```sh\n((?:(?!```).*\n)*?npm run -s up .*\n)```/.exec(readme) ?? [];
  const lines = block.trimEnd().split('\n');
  const file = lines.pop()?.slice(START.length) ?? '';
  const typed = spawnSync('bash', ['-e'], { cwd: directory, input: lines.join('\n'), encoding: 'utf8' });
  assert.deepEqual([typed.status, typed.stdout, typed.stderr], [0, '', '']);
  const check = spawnSync(process.execPath, [join(ROOT, 'src/main.ts'), 'config', 'check', file], {
    cwd: directory,
    encoding: 'utf8',
  });
  assert.deepEqual(
    [check.status, check.stdout, check.stderr],
    [0, 'the configuration is good; groups: 0\n', 'warning: groups[0]: groups/*.xml matches no file\n'],
  );
});
