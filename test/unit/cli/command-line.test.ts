import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Command, helpOf, parseArguments } from '../../../src/cli/command.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

function parley(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function file(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'parley-cli-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'parley.yaml'), text);
  return join(directory, 'parley.yaml');
}

test('--help, and no word at all, list every command', () => {
  for (const args of [['--help'], [], ['help']]) {
    const run = parley(...args);
    assert.equal(run.status, 0);
    for (const { name, summary } of COMMANDS)
      assert(run.stdout.includes(`  ${name} `) && run.stdout.includes(summary));
  }
});

test('every command has its own help, without what is for the program itself', () => {
  for (const command of COMMANDS) {
    const run = parley(...command.name.split(' '), '--help');
    assert.equal(run.status, 0);
    assert.equal(run.stdout, helpOf(command));
    assert.doesNotMatch(run.stdout, /--resolved/);
  }
});

test('--version is that of package.json', () => {
  assert.match(parley('--version').stdout, /^\d+\.\d+\.\d+\n$/);
});

const REFUSED: readonly [args: string[], words: string][] = [
  [['uo'], 'unknown command "uo"; did you mean up?'],
  [['nonsense'], 'unknown command "nonsense" ('],
  [['--hepl'], 'unknown flag --hepl; did you mean --help?'],
  [['up', '--confg', 'x'], 'up: unknown flag --confg; did you mean --config?'],
  [['up', '-config', 'x'], 'up: unknown flag -config; did you mean --config?'],
  [['up', '--config'], 'up: --config needs a value (FILE)'],
  [['up', 'file.yaml'], 'up: does not take "file.yaml"'],
  [['config', 'chek'], 'config needs one of: check'],
  [['switch', '--index', '-1', '--config', 'x'], 'switch: --index must be a whole number from 0 to 63'],
];

for (const [args, words] of REFUSED) {
  test(`not understood, status 2: ${args.join(' ')}`, () => {
    const run = parley(...args);
    assert.equal(run.status, 2);
    assert.equal(run.stdout, '');
    assert(run.stderr.includes(words), run.stderr);
    assert.equal(run.stderr.trim().split('\n').length, 1);
  });
}

test('flags are read with = and with a blank, once each', () => {
  const command = COMMANDS.find(({ name }) => name === 'up') as Command;
  for (const words of [['--config', 'a=b'], ['--config=a=b']]) {
    const parsed = parseArguments(command, words);
    assert(parsed.ok);
    assert.equal(parsed.args.flags.get('config'), 'a=b');
  }
  const twice = parseArguments(command, ['--config=a', '--config=b']);
  assert(!twice.ok && twice.message.includes('stands twice'));
});

test('config check says all faults, each on a line, and as JSON', (t) => {
  const bad = file(t, 'sip: {lisen: 1}\nadHoc: {maxParticipants: 1}\n');
  const plain = parley('config', 'check', bad);
  assert.equal(plain.status, 1);
  assert.equal(plain.stderr.trim().split('\n').length, 2);
  const json = parley('config', 'check', '--json', bad);
  assert.equal(json.status, 1);
  const answer = JSON.parse(json.stdout) as { ok: boolean; errors: { path: string }[] };
  assert.equal(answer.ok, false);
  assert.deepEqual(
    answer.errors.map((error) => error.path),
    ['sip.lisen', 'adHoc.maxParticipants'],
  );

  const good = parley('config', 'check', '--json', file(t, 'sip: {trustedPeers: [10.0.0.1]}\n'));
  assert.equal(good.status, 0);
  assert.deepEqual(JSON.parse(good.stdout), { ok: true, errors: [], warnings: [], needsKamailio: true });
});

test('up with a bad configuration ends with the faults and nothing on stdout', (t) => {
  const run = parley('up', '--config', file(t, 'sip: {listen: ["udp:nowhere"]}\n'));
  assert.equal(run.status, 1);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /^parley: sip\.listen\[0\]: "udp:nowhere" is no address; write /);
});

test('up without a Kamailio names the key, the value and the mend', (t) => {
  const yaml = `kamailio: {binary: ./no-kamailio}
sip: {listen: ["udp:127.0.0.1:0"]}
`;
  const run = parley('up', '--config', file(t, yaml));
  assert.equal(run.status, 1);
  assert.equal(run.stdout, '');
  assert.match(
    run.stderr,
    /^parley: kamailio\.binary: ".*\/no-kamailio" is not a program that can be run; install Kamailio/m,
  );
});

test('focus and switch, started one by one, say what they miss', (t) => {
  const config = file(t, '');
  const focus = parley('focus', '--config', config);
  assert.equal(focus.status, 1);
  assert.match(focus.stderr, /parley: kamailio\.manage: true /);
  assert.match(focus.stderr, /parley: eventSocket\.passwordFile: is missing/);
  const lone = parley('switch', '--config', config);
  assert.equal(lone.status, 1);
  assert.match(lone.stderr, /parley: eventSocket\.passwordFile: is missing/);
});
