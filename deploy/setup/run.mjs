/** Starting other programs: quietly on stdout, with progress on stderr, with signals passed on. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

const PROGRESS_EVERY_MS = 10_000;
const PARENT_CHECK_EVERY_MS = 500;

/** Runs a long command with its output on stderr; says every 10 s that it is still at it. Resolves to the exit status. */
export function runLong(label, command, args, { env, cwd, say }) {
  return new Promise((resolve, reject) => {
    const startedMs = Date.now();
    const child = spawn(command, args, { env, cwd, stdio: ['ignore', 2, 2] });
    const progress = setInterval(
      () => say(`${label} … ${Math.round((Date.now() - startedMs) / 1000)} s`),
      PROGRESS_EVERY_MS,
    );
    child.on('error', (error) => {
      clearInterval(progress);
      reject(new Error(`${command} cannot be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearInterval(progress);
      resolve(statusOf(code, signal));
    });
  });
}

/** This script again, alone: `flock` frees the lock even when its holder is killed. */
export async function runUnderLock(root, env, args, say) {
  const directory = join(root, 'var');
  mkdirSync(directory, { recursive: true });
  const lock = join(directory, 'setup.lock');
  const self = [process.execPath, join(root, 'deploy/setup.mjs'), ...args];
  if (spawnSync('flock', ['--version'], { env, stdio: 'ignore' }).status !== 0) {
    say('flock is missing (package util-linux); two starts at one time are not kept apart');
    return runLong('installing', self[0], self.slice(1), { env, cwd: root, say: () => undefined });
  }
  if (spawnSync('flock', ['--nonblock', lock, 'true'], { env, stdio: 'ignore' }).status !== 0) {
    say('another start is installing; waiting for it');
  }
  return runLong('installing', 'flock', [lock, ...self], { env, cwd: root, say: () => undefined });
}

const projectNode = (root) => join(root, 'node_modules/.bin/node');

/** What a command of the program prints as JSON; undefined when it does not. */
export function answerOf(root, args) {
  const run = spawnSync(projectNode(root), [join(root, 'src/main.ts'), ...args], { encoding: 'utf8' });
  try {
    return JSON.parse(run.stdout);
  } catch {
    return undefined;
  }
}

/**
 * Runs a program of the project with our stdin, stdout and stderr; resolves to its exit status.
 * The channel lets it notice when this process is killed. npm is watched because it may be killed without telling us.
 */
export function runProgram(root, [file, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(projectNode(root), [join(root, file), ...args], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    const above = npmAbove();
    const watch = setInterval(() => {
      if (process.env.npm_lifecycle_event !== undefined && npmAbove() !== above) {
        process.stderr.write('setup: npm has ended without a word; stopping\n');
        child.kill('SIGTERM');
      }
    }, PARENT_CHECK_EVERY_MS);
    child.on('error', (error) => {
      clearInterval(watch);
      reject(new Error(`${projectNode(root)} cannot be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearInterval(watch);
      resolve(statusOf(code, signal));
    });
  });
}

/**
 * Names npm: our parent, or our grandparent where npm's shell stands between and would live on when npm is killed. Who
 * started npm is left alone: a stack started with nohup outlives its shell.
 */
function npmAbove() {
  const parent = process.ppid;
  try {
    const stat = readFileSync(`/proc/${parent}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const isShell = /^(ba|da|z|k)?sh$/.test(stat.slice(stat.indexOf('(') + 1, end));
    return isShell ? `${parent} ${stat.slice(end + 2).split(' ')[1]}` : `${parent}`;
  } catch {
    return `${parent}`;
  }
}

function statusOf(code, signal) {
  return code ?? 128 + (constants.signals[signal] ?? 1);
}
