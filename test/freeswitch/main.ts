/**
 * What concerns FreeSWITCH, against a real one: `npm run test:freeswitch -- --binary /usr/bin/freeswitch`. The same files run
 * in `npm test` on one that is played, but for those of this folder. Without `--binary` it is looked for in the PATH.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Further arguments choose among them by a part of their name. */
const FILES = [
  'test/e2e/freeswitch*.test.ts',
  'test/e2e/{,attach-}bus.test.ts',
  'test/integration/event-socket/{bus,coordination}*.test.ts',
  'test/freeswitch/real-*.ts',
];

const { values, positionals } = parseArgs({
  options: { binary: { type: 'string' }, help: { type: 'boolean' } },
  allowPositionals: true,
});
if (values.help === true) {
  process.stdout.write('npm run test:freeswitch -- [--binary PATH] [PART OF A FILE NAME…]\n');
  process.exit(0);
}
const binary = values.binary ?? inPath('freeswitch');
if (binary === undefined || !existsSync(binary)) {
  giveUp(`no FreeSWITCH${binary === undefined ? '' : ` at ${binary}`}: name the program with --binary PATH`);
}
const files = globSync(FILES, { cwd: ROOT }).filter(
  (file) => positionals.length === 0 || positionals.some((part) => file.includes(part)),
);
if (files.length === 0) {
  giveUp(`no test file has ${positionals.join(' or ')} in its name`);
}
const child = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files.sort()], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, PARLEY_FREESWITCH: binary },
});
child.once('exit', (code) => process.exit(code ?? 1));

function inPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

function giveUp(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
