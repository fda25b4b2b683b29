import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AuditLog } from '../../../src/admin/records/audit.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { type Command, helpOf, parseArguments } from '../../../src/cli/command.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { runToEnd } from '../../support/children.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

function parley(...args: string[]) {
  return parleyIn(process.cwd(), ...args);
}

function parleyIn(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = runToEnd(process.execPath, [MAIN, ...args], cwd);
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

test('each group of commands has its own help, with those of it and no others', () => {
  const families = new Set(
    COMMANDS.flatMap(({ name }) => (name.includes(' ') ? [name.split(' ')[0] ?? ''] : [])),
  );
  for (const family of families) {
    const run = parley(family, '--help');
    assert.deepEqual([run.status, run.stderr], [0, '']);
    const listed = [...run.stdout.matchAll(/^ {2}([a-z]+ [a-z]+) /gm)].map(([, name]) => name);
    assert.deepEqual(
      listed,
      COMMANDS.flatMap(({ name }) => (name.startsWith(`${family} `) ? [name] : [])),
    );
  }
  assert.equal(parley('help', 'group', 'put').stdout, parley('group', 'put', '--help').stdout);
});

test('--version is that of package.json', () => {
  assert.match(parley('--version').stdout, /^\d+\.\d+\.\d+\n$/);
});

const REFUSED: readonly [args: string[], words: string][] = [
  [['uo'], 'unknown command "uo"; did you mean up? (parley --help says more)'],
  [['nonsense'], 'unknown command "nonsense" ('],
  [['--hepl'], 'unknown flag --hepl; did you mean --help?'],
  [['up', '--confg', 'x'], 'up: unknown flag --confg; did you mean --config?'],
  [['up', '-config', 'x'], 'up: unknown flag -config; did you mean --config?'],
  [['up', '--config'], 'up: --config needs a value (FILE) (parley up --help says more)'],
  [['up', 'file.yaml'], 'up: does not take "file.yaml"'],
  [['config', 'chek'], 'config needs one of: check (parley config --help says more)'],
  [['group', 'shwo', '--help'], 'group needs one of: show,'],
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
  assert.deepEqual(JSON.parse(good.stdout), {
    ok: true,
    errors: [],
    groupFaults: [],
    warnings: [],
    needsKamailio: true,
  });
});

test('without --config a command says that the defaults count, and names a parley.yaml that stands there', (t) => {
  const directory = dirname(file(t, 'admin: {sqlite: named.sqlite}\n'));
  const list = (...flags: string[]) => parleyIn(directory, 'token', 'list', ...flags);
  assert.equal(
    list().stderr,
    'parley: no --config: defaults and PARLEY_* variables are used; parley.yaml is not read unless you say --config parley.yaml\n',
  );
  assert.deepEqual(list('--config', 'parley.yaml'), { status: 0, stdout: 'no tokens\n', stderr: '' });
  rmSync(join(directory, 'parley.yaml'));
  assert.equal(list().stderr, 'parley: no --config: defaults and PARLEY_* variables are used\n');
  assert.equal(parleyIn(directory, 'config', 'check').stderr.split('\n')[0], list().stderr.trim());
});

test('a token is a viewer, unless a role is named', (t) => {
  const config = file(t, '');
  for (const [role, ...flags] of [['viewer'], ['admin', '--role', 'admin']] as const) {
    const made = parley('token', 'create', '--json', '--config', config, ...flags);
    assert.equal((JSON.parse(made.stdout) as { role: string }).role, role);
  }
  assert.match(parley('token', 'create', '--config', config).stderr, /Its role is viewer\./);
  assert.match(parley('token', 'list', '--config', config).stdout, /viewer +\S+ +viewer\n/);
});

test('a token that is revoked: the audit log says whose it was', (t) => {
  const directory = dirname(file(t, 'admin: {sqlite: named.sqlite}\n'));
  const token = (...words: string[]) => parleyIn(directory, 'token', ...words, '--config', 'parley.yaml');
  const made = token('create', '--json', '--name', 'noc', '--role', 'operator');
  const { id } = JSON.parse(made.stdout) as { id: string };
  assert.equal(token('revoke', id).status, 0);
  assert.equal(token('revoke', id).status, 1, 'it is worth nothing already');
  const records = openRecords(join(directory, 'named.sqlite'));
  t.after(() => records.close());
  const [entry, ...more] = new AuditLog(records, () => 0).find({ action: 'token.revoke', limit: 9 });
  assert.deepEqual(
    [entry?.who, entry?.target, entry?.before, entry?.after, more],
    ['cli', id, { name: 'noc', role: 'operator' }, null, []],
  );
});

test('behind -- a word is no flag: a token whose id begins with a dash, as older ones may, is looked for', (t) => {
  const directory = dirname(file(t, 'admin: {sqlite: named.sqlite}\n'));
  const run = parleyIn(directory, 'token', 'revoke', '--config', 'parley.yaml', '--', '-AbcdefghijK');
  assert.deepEqual(
    [run.status, run.stderr],
    [1, 'parley: token: no token -AbcdefghijK that could be revoked\n'],
  );
});

test('a request to explain that cannot be read: where it was looked for, and what to do', (t) => {
  const config = file(t, '');
  const directory = dirname(config);
  for (const flags of [
    ['--config', config],
    ['--url', 'http://127.0.0.1:1'],
  ]) {
    const run = parleyIn(directory, 'explain', ...flags, 'nofile.sip');
    assert.deepEqual(
      [run.status, run.stdout, run.stderr.replace(realpathSync(directory), 'DIR')],
      [
        1,
        '',
        'parley: explain: DIR/nofile.sip cannot be read: there is no such file; mend the name, or give - for standard input\n',
      ],
    );
  }
  const noise = join(directory, 'noise.sip');
  writeFileSync(noise, 'hello\n\n');
  const nothing = parley('explain', '--config', config, noise);
  assert.equal(
    nothing.stderr,
    `parley: explain: ${noise} has no SIP request: neither a request line nor a status line. It begins with a line such as INVITE sip:… SIP/2.0; header fields, an empty line and the body follow\n`,
  );
  const folder = parley('explain', '--config', config, directory);
  assert.match(folder.stderr, /cannot be read: it is a folder; name a file in it/);
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

test('an output larger than a pipe holds reaches its reader whole, and a reader that goes away is no fault', (t) => {
  const keys = Array.from({ length: 2_500 }, (_, index) => `unknownKey${index}: 1\n`);
  const bad = file(t, keys.join(''));
  const whole = parley('config', 'check', '--json', bad);
  assert.equal(whole.status, 1);
  assert.ok(whole.stdout.length > 500_000, 'more than a pipe takes at once');
  assert.equal((JSON.parse(whole.stdout) as { errors: unknown[] }).errors.length, keys.length);
  const script = `set -o pipefail; "$0" "$1" config check --json "$2" | head -c 1 >/dev/null`;
  const cut = runToEnd('bash', ['-c', script, process.execPath, MAIN, bad]);
  assert.deepEqual([cut.status, cut.stderr], [1, '']);
});
