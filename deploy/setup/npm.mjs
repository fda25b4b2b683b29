/** The npm packages of the lock file, among them the Node that runs the project. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runLong } from './run.mjs';

/** Inside node_modules, so that it goes when npm removes what it vouches for. */
const STAMP = 'node_modules/.parley-setup';

/** What the npm that started us passes on and a set-up must not follow: being silent, leaving packages out. */
const INHERITED =
  /^npm_config_(loglevel|silent|quiet|omit|include|production|only|dry_run|ignore_scripts|workspaces?|global)$/i;

/** Lock file and platform: what decides which files `npm ci` puts there. */
function fingerprint(root) {
  const hash = createHash('sha256');
  hash.update(readFileSync(join(root, 'package-lock.json')));
  return `${hash.digest('hex')} ${process.platform} ${process.arch}\n`;
}

/** True when the stamp of the last `npm ci` fits the lock file of now. */
export function npmPackagesAreCurrent(root) {
  try {
    return (
      readFileSync(join(root, STAMP), 'utf8') === fingerprint(root) &&
      existsSync(join(root, 'node_modules/.bin/node'))
    );
  } catch {
    return false;
  }
}

/** npm must not run on the Node that it is about to replace. */
export function withoutProjectBin(env, root) {
  const own = join(root, 'node_modules/.bin');
  const path = (env.PATH ?? '').split(delimiter).filter((entry) => entry !== own);
  return { ...env, PATH: path.join(delimiter) };
}

/** Installs when the stamp is missing or old. A nested npm inherits `--silent`: it gets its own log level, and its status counts. */
export async function ensureNpmPackages({ root, env, say }) {
  if (npmPackagesAreCurrent(root)) return;
  say('installing the npm packages of package-lock.json into node_modules (npm ci)');
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !INHERITED.test(name)));
  const args = ['ci', '--loglevel=error', '--include=dev', '--no-audit', '--no-fund'];
  const status = await runLong('npm ci', 'npm', args, { env: own, cwd: root, say });
  if (status !== 0) {
    throw new Error(
      `npm ci failed with status ${status}; its own words are above. Mend what it names, then run the command again.`,
    );
  }
  if (!existsSync(join(root, 'node_modules/.bin/node'))) {
    throw new Error(
      'npm ci brought no node_modules/.bin/node; check that install scripts are allowed (npm config get ignore-scripts)',
    );
  }
  writeFileSync(join(root, STAMP), fingerprint(root));
}
