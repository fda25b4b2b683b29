#!/usr/bin/env node
/**
 * The first step of every command: `node deploy/setup.mjs <demo|test|bench|up|parley|install> -- arguments`.
 * Plain JavaScript without dependencies, because it runs on Node 20 in a fresh clone. It installs what is missing
 * (saying so first, on stderr), then hands over to the Node of the project and keeps its exit status.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDebianPackages, missingDebianPackages, packagesFor } from './setup/debian.mjs';
import { ensureNpmPackages, npmPackagesAreCurrent, withoutProjectBin } from './setup/npm.mjs';
import { answerOf, runProgram, runUnderLock } from './setup/run.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const WHATS = ['demo', 'test', 'bench', 'up', 'parley', 'install'];
/** What runs under another name than its own. */
const PROGRAMS = { test: ['test/run.ts'], bench: ['test/bench/main.ts'], parley: ['src/main.ts'] };
const say = (line) => process.stderr.write(`setup: ${line}\n`);

/** Debian packages are needed for sure by demo and test; `up` asks the program, which reads the configuration. */
async function main() {
  const [what = '', ...rest] = process.argv.slice(2);
  const args = rest[0] === '--' ? rest.slice(1) : rest;
  if (!WHATS.includes(what)) {
    say(`unknown command ${JSON.stringify(what)}; use one of ${WHATS.join(', ')}`);
    return 2;
  }
  const env = withoutProjectBin(process.env, root);
  if (what === 'install') return install(args, env);

  const wanted = packagesFor(what, process.env);
  if (!npmPackagesAreCurrent(root) || (what !== 'up' && missingDebianPackages(wanted, env).length > 0)) {
    const status = await runUnderLock(root, env, ['install', ...(what === 'up' ? [] : wanted)], say);
    if (status !== 0) return status;
  }
  if (what === 'up' && missingDebianPackages(wanted, env).length > 0 && process.getuid?.() === 0) {
    const answer = answerOf(root, ['config', 'check', '--json', ...args]);
    if (answer?.needsKamailio === true) {
      const status = await runUnderLock(root, env, ['install', ...wanted], say);
      if (status !== 0) return status;
    }
  }
  return runProgram(root, [...(PROGRAMS[what] ?? ['src/main.ts', what]), ...args]);
}

/** Runs alone (under the lock); looks again, because another start may have done the work meanwhile. */
async function install(packages, env) {
  await ensureNpmPackages({ root, env, say });
  await ensureDebianPackages({ packages, env, say, uid: process.getuid?.() ?? -1 });
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
