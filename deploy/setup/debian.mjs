/** The Debian packages. Installing them must not leave Debian's own Kamailio running, nor touch one that was there before. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { runLong } from './run.mjs';

const KAMAILIO = ['kamailio', 'kamailio-extra-modules', 'kamailio-tls-modules'];
const FOR_TESTS = ['sip-tester', 'chromium', 'lua5.4'];
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const POLICY_MARK = 'parley-setup';
const POLICY_TEXT = `#!/bin/sh\n# ${POLICY_MARK}: no daemon starts while packages are installed; removed right after.\nexit 101\n`;

/** A Kamailio of one's own (PARLEY_KAMAILIO_BINARY) needs no package. */
export function packagesFor(what, env) {
  const kamailio = env.PARLEY_KAMAILIO_BINARY ? [] : KAMAILIO;
  if (what === 'test') return [...KAMAILIO, ...FOR_TESTS];
  if (what === 'bench') return KAMAILIO;
  return what === 'demo' || what === 'up' ? kamailio : [];
}

/** Those of the list that dpkg does not know as installed. */
export function missingDebianPackages(packages, env) {
  return packages.filter((name) => {
    const query = spawnSync('dpkg-query', ['-W', '-f=${db:Status-Status}', name], { env, encoding: 'utf8' });
    return query.status !== 0 || query.stdout.trim() !== 'installed';
  });
}

/** Throws with the exact line to type when it may not install, or when apt-get fails. `policyFile` is for tests. */
export async function ensureDebianPackages({ packages, env, say, uid, policyFile = POLICY_FILE }) {
  const missing = missingDebianPackages(packages, env);
  if (missing.length === 0) return;
  const line = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (spawnSync('apt-get', ['--version'], { env, stdio: 'ignore' }).error !== undefined) {
    throw new Error(
      `these Debian packages are missing: ${missing.join(', ')}; there is no apt-get here, install them in your own way (or name your Kamailio in PARLEY_KAMAILIO_BINARY)`,
    );
  }
  if (uid !== 0) {
    throw new Error(
      `these Debian packages are missing, and installing them needs root: ${missing.join(', ')}. Run:\n  sudo ${line}`,
    );
  }
  say(`installing Debian packages: ${missing.join(' ')} (${line}); none of their daemons will be started`);
  const status = await withoutDaemons(policyFile, say, () => aptInstall(missing, env, say));
  if (status !== 0)
    throw new Error(
      `apt-get install failed with status ${status}; its own words are above. By hand: ${line}`,
    );
  if (missing.includes('kamailio')) quietOwnKamailio(env, say);
}

async function aptInstall(missing, env, say) {
  const own = { ...env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1' };
  const apt = (label, args) =>
    runLong(label, 'apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-q', ...args], { env: own, say });
  const install = () => apt('apt-get install', ['install', '-y', '--no-install-recommends', ...missing]);
  let updated = false;
  const update = async () => {
    say('refreshing the package lists (apt-get update)');
    updated = true;
    return apt('apt-get update', ['update']);
  };
  if (!missing.every((name) => hasCandidate(name, own))) await update();
  const status = await install();
  if (status === 0 || updated) return status;
  await update(); // Old lists name package files that the mirror no longer has.
  return install();
}

function hasCandidate(name, env) {
  const policy = spawnSync('apt-cache', ['policy', name], { env: { ...env, LC_ALL: 'C' }, encoding: 'utf8' });
  return /^\s*Candidate: (?!\(none\))\S/m.test(policy.stdout ?? '');
}

/** invoke-rc.d and systemd's helper both ask this file before they start a daemon. One that is there already is the operator's. */
async function withoutDaemons(policyFile, say, work) {
  const leftover = existsSync(policyFile) && readFileSync(policyFile, 'utf8').includes(POLICY_MARK);
  const ours = leftover || !existsSync(policyFile);
  if (!ours) {
    say(`${policyFile} exists and stays as it is`);
    return work();
  }
  const remove = () => rmSync(policyFile, { force: true });
  const stop = (signal) => {
    remove();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  writeFileSync(policyFile, POLICY_TEXT, { mode: 0o755 });
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await work();
  } finally {
    remove();
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
  }
}

/** Only after we brought the package ourselves: an operator's Kamailio is never touched. */
function quietOwnKamailio(env, say) {
  const run = (command, args) => spawnSync(command, args, { env, encoding: 'utf8' });
  run('invoke-rc.d', ['kamailio', 'stop']); // Started all the same where the machine has a policy-rc.d that allows it.
  const disabled = run('systemctl', ['disable', 'kamailio.service']);
  if (disabled.error !== undefined) return; // No systemd here, so nothing starts it at the next boot either.
  if (disabled.status === 0) {
    say(
      "disabled Debian's kamailio.service; it does not start at the next boot (undo: systemctl enable kamailio)",
    );
  } else {
    say(`could not disable kamailio.service: ${disabled.stderr.trim()}`);
  }
}
