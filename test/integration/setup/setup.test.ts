import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { FakeMachine, outcome } from './fake-machine.ts';

const KAMAILIO = ['kamailio', 'kamailio-extra-modules', 'kamailio-tls-modules'];
const ROOT = 0;
const NOBODY = 65534;

test('says what it installs, installs it once, and leaves stdout to the program', async (t) => {
  const machine = new FakeMachine(t).has(...KAMAILIO);
  const first = await machine.run(['demo', '--', '--fast', 'x']);
  assert.equal(first.status, 0, first.stderr);
  assert.equal(first.stdout, '["demo","--fast","x"]\n');
  assert.match(first.stderr, /setup: installing the npm packages .*npm ci/);
  assert.deepEqual(machine.calls('npm'), ['npm ci --loglevel=error --include=dev --no-audit --no-fund']);
  assert.deepEqual(machine.calls('apt-get'), []);

  const second = await machine.run(['demo', '--', 'y']);
  assert.deepEqual(second, { status: 0, stdout: '["demo","y"]\n', stderr: '' });
  assert.equal(machine.calls('npm').length, 1);
});

test('a changed lock file, or a node_modules that is gone, is installed again', async (t) => {
  const machine = new FakeMachine(t);
  await machine.run(['parley', '--', 'x']);
  writeFileSync(join(machine.root, 'package-lock.json'), '{"lockfileVersion": 3, "packages": {}}');
  await machine.run(['parley', '--', 'x']);
  rmSync(join(machine.root, 'node_modules'), { recursive: true });
  assert.equal((await machine.run(['parley', '--', 'x'])).stdout, '["x"]\n');
  assert.equal(machine.calls('npm').length, 3);
});

test('a lock file problem is shown and ends the start, also under npm run --silent', async (t) => {
  const machine = new FakeMachine(t);
  machine.flag('npm-fails');
  const run = await machine.run(['parley', '--', 'x'], {
    npm_config_loglevel: 'silent',
    npm_config_omit: 'dev',
  });
  assert.equal(run.status, 1);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /Missing: x@1 from lock file/);
  assert.match(run.stderr, /setup: npm ci failed with status 1/);
  assert.equal(machine.remembered('npm-env'), '');
});

test('two starts at one time install once', async (t) => {
  const machine = new FakeMachine(t);
  const runs = await Promise.all([1, 2, 3].map((n) => machine.run(['parley', '--', String(n)])));
  assert.deepEqual(
    runs.map((run) => run.stdout),
    ['["1"]\n', '["2"]\n', '["3"]\n'],
  );
  assert.equal(machine.calls('npm').length, 1);
});

test('without root the exact line is named, nothing is touched, and the status says so', async (t) => {
  const machine = new FakeMachine(t).has('kamailio');
  const run = await machine.installPackages([...KAMAILIO, 'sip-tester'], NOBODY);
  assert.equal(run.status, 1);
  assert.match(
    run.stderr,
    /^ {2}sudo apt-get install --no-install-recommends kamailio-extra-modules kamailio-tls-modules sip-tester$/m,
  );
  assert.deepEqual(machine.calls('apt-get'), []);
  assert(!existsSync(machine.policyFile));
});

test('as root: lists are refreshed first, no daemon may start, and the unit is disabled', async (t) => {
  const machine = new FakeMachine(t);
  const run = await machine.installPackages(KAMAILIO, ROOT);
  assert.equal(run.status, 0, run.stderr);
  assert.equal(run.stdout, '');
  const options = 'apt-get -o DPkg::Lock::Timeout=300 -q';
  assert.deepEqual(machine.calls('apt-get'), [
    `${options} update DEBIAN_FRONTEND=noninteractive`,
    `${options} install -y --no-install-recommends ${KAMAILIO.join(' ')} DEBIAN_FRONTEND=noninteractive`,
  ]);
  assert.match(machine.remembered('policy-during-install'), /\nexit 101\n/);
  assert(!existsSync(machine.policyFile), 'the policy file was left');
  assert.deepEqual(machine.calls('systemctl'), ['systemctl disable kamailio.service']);
  assert.match(run.stderr, /setup: installing Debian packages: kamailio .*daemons/);
  assert.match(run.stderr, /disabled Debian's kamailio\.service/);
});

test('a Kamailio that was there already is never stopped or disabled', async (t) => {
  const machine = new FakeMachine(t).has('kamailio');
  const run = await machine.installPackages([...KAMAILIO, 'sip-tester'], ROOT);
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(machine.calls('systemctl'), []);
  assert.deepEqual(machine.calls('invoke-rc.d'), []);
  assert.doesNotMatch(machine.calls('apt-get').join(), /recommends kamailio /);
});

test("an operator's policy-rc.d stays as it is; one that a killed set-up left is removed", async (t) => {
  const machine = new FakeMachine(t);
  writeFileSync(machine.policyFile, '#!/bin/sh\nexit 101\n');
  await machine.installPackages(['sip-tester'], ROOT);
  assert.equal(readFileSync(machine.policyFile, 'utf8'), '#!/bin/sh\nexit 101\n');

  writeFileSync(machine.policyFile, '#!/bin/sh\n# parley-setup: left\nexit 101\n');
  await machine.installPackages(['kamailio'], ROOT);
  assert(!existsSync(machine.policyFile));
});

test('an apt-get that fails is told with its status, after a second try on fresh lists, and the policy file goes', async (t) => {
  const machine = new FakeMachine(t);
  machine.flag('apt-fails');
  machine.flag('updated');
  const run = await machine.installPackages(['kamailio'], ROOT);
  assert.equal(run.status, 1);
  assert.match(run.stderr, /apt-get install failed with status 100/);
  assert.match(run.stderr, /output of apt-get/);
  assert.equal(machine.calls('apt-get').length, 3);
  assert(!existsSync(machine.policyFile));
});

test('a machine without apt-get is told what is missing', async (t) => {
  const machine = new FakeMachine(t).without('apt-get').without('dpkg-query');
  const run = await machine.installPackages(['kamailio'], ROOT);
  assert.equal(run.status, 1);
  assert.match(run.stderr, /missing: kamailio; there is no apt-get here/);
});

test('signals reach the program and its status comes back', async (t) => {
  const machine = new FakeMachine(t);
  machine.program(`process.on('SIGTERM', () => process.exit(42));
setInterval(() => {}, 60000); console.log('on');`);
  const child = machine.start(['parley', '--']);
  const ended = outcome(child);
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.equal((await ended).status, 42);
});

test('the program notices when the set-up is killed', async (t) => {
  const machine = new FakeMachine(t);
  machine.program(`process.on('disconnect', () => { console.log('noticed'); process.exit(0); });
setInterval(() => {}, 60000); console.log('on');`);
  const child = machine.start(['parley', '--']);
  const ended = outcome(child);
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  assert.equal((await ended).stdout, 'on\nnoticed\n');
});

test('the program is ended when npm is killed and only its shell lives on', async (t) => {
  const machine = new FakeMachine(t);
  machine.program(`process.on('SIGTERM', () => { console.log('ended'); process.exit(0); });
setInterval(() => {}, 60000); console.log('on');`);
  const npm = machine.startUnderNpm(['parley', '--']);
  const ended = outcome(npm);
  await once(npm.stdout, 'data');
  npm.kill('SIGKILL');
  assert.equal((await ended).stdout, 'on\nended\n');
});

test('an unknown command is refused', async (t) => {
  const run = await new FakeMachine(t).run(['dmeo']);
  assert.equal(run.status, 2);
  assert.match(run.stderr, /unknown command "dmeo"; use one of demo, test, bench, up, parley, install/);
});
