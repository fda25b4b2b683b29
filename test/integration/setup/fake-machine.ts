/**
 * A machine on which nothing is really installed: a copy of the set-up in an empty folder, and a PATH whose npm, apt-get,
 * dpkg-query and systemctl only write down that they were called. `state/` holds what they remember.
 */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** What the set-up needs of the real machine. */
const REAL = ['sh', 'cat', 'flock', 'mkdir', 'ln', 'grep', 'sleep', 'rm', 'env', 'true'];

const PROGRAMS: Readonly<Record<string, string>> = {
  npm: `echo "npm $*" >> "$STATE/calls"; env | grep -i '^npm_config_' >> "$STATE/npm-env"
[ -f "$STATE/npm-fails" ] && { echo "npm error: Missing: x@1 from lock file" >&2; exit 1; }
sleep 0.3; mkdir -p node_modules/.bin; ln -sf "$NODE" node_modules/.bin/node; echo added 1 package`,
  'dpkg-query': `for last; do :; done; echo "dpkg-query $last" >> "$STATE/calls"
[ -f "$STATE/installed-$last" ] && { printf installed; exit 0; }; exit 1`,
  'apt-cache': `[ -f "$STATE/updated" ] && echo "  Candidate: 1.0" || echo "  Candidate: (none)"`,
  'apt-get': `case "$*" in --version) exit 0;; esac
echo "apt-get $* DEBIAN_FRONTEND=$DEBIAN_FRONTEND" >> "$STATE/calls"; echo "output of apt-get"
case "$*" in
  *update) : > "$STATE/updated"; exit 0;;
  *install*) [ -f "$POLICY" ] && cat "$POLICY" > "$STATE/policy-during-install"
    [ -f "$STATE/apt-fails" ] && exit 100
    for word; do : > "$STATE/installed-$word"; done 2>/dev/null; exit 0;;
esac`,
  systemctl: `echo "systemctl $*" >> "$STATE/calls"`,
  'invoke-rc.d': `echo "invoke-rc.d $*" >> "$STATE/calls"`,
};

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class FakeMachine {
  readonly root: string;
  readonly policyFile: string;
  readonly #state: string;
  readonly #path: string;

  constructor(t: TestContext) {
    const directory = mkdtempSync(join(tmpdir(), 'parley-setup-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    this.root = join(directory, 'clone');
    this.policyFile = join(directory, 'policy-rc.d');
    this.#state = join(directory, 'state');
    this.#path = join(directory, 'bin');
    for (const folder of [this.root, this.#state, this.#path, join(this.root, 'src')]) mkdirSync(folder);
    cpSync(join(ROOT, 'deploy'), join(this.root, 'deploy'), { recursive: true });
    writeFileSync(join(this.root, 'package-lock.json'), '{"lockfileVersion": 3}');
    writeFileSync(join(this.root, 'package.json'), '{"type": "module"}');
    this.program('process.stdout.write(JSON.stringify(process.argv.slice(2)) + "\\n");');
    for (const [name, script] of Object.entries(PROGRAMS)) {
      writeFileSync(join(this.#path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    for (const name of REAL) symlinkSync(realProgram(name), join(this.#path, name));
    for (const folder of [directory, this.root, this.#state]) chmodSync(folder, 0o777);
  }

  /** What src/main.ts does. */
  program(code: string): void {
    writeFileSync(join(this.root, 'src/main.ts'), code);
  }

  has(...packages: readonly string[]): this {
    for (const name of packages) this.flag(`installed-${name}`);
    return this;
  }

  flag(name: string): void {
    writeFileSync(join(this.#state, name), '');
  }

  remembered(name: string): string {
    const file = join(this.#state, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  calls(program: string): string[] {
    return this.remembered('calls')
      .split('\n')
      .filter((line) => line.startsWith(program));
  }

  without(program: string): this {
    rmSync(join(this.#path, program));
    return this;
  }

  /** `node deploy/setup.mjs …` */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    return spawn(process.execPath, [join(this.root, 'deploy/setup.mjs'), ...args], {
      env: this.#env(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** As npm does: npm starts a shell, and the shell starts the set-up. */
  startUnderNpm(args: readonly string[]) {
    const line = `${process.execPath} ${join(this.root, 'deploy/setup.mjs')} ${args.join(' ')}; exit $?`;
    const npm = `require('node:child_process').spawn('sh', ['-c', ${JSON.stringify(line)}], { stdio: 'inherit' })`;
    return spawn(process.execPath, ['-e', npm], {
      env: this.#env({ npm_lifecycle_event: 'parley' }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    return outcome(this.start(args, env));
  }

  /** The Debian part alone, as the given user, with a policy file of this machine. */
  async installPackages(packages: readonly string[], uid: number): Promise<Outcome> {
    const module = join(this.root, 'deploy/setup/debian.mjs');
    const options = { packages, uid, policyFile: this.policyFile };
    const code = `import { ensureDebianPackages } from ${JSON.stringify(module)};
const say = (line) => process.stderr.write('setup: ' + line + '\\n');
try { await ensureDebianPackages({ ...${JSON.stringify(options)}, env: process.env, say }); }
catch (error) { say(error.message); process.exitCode = 1; }`;
    const args = ['--input-type=module', '-e', code];
    return outcome(spawn(process.execPath, args, { env: this.#env({}), stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  #env(extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const PATH = [this.#path].join(delimiter);
    return { PATH, STATE: this.#state, POLICY: this.policyFile, NODE: process.execPath, ...extra };
  }
}

export async function outcome(child: ReturnType<FakeMachine['start']>): Promise<Outcome> {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  return { status: await promise, stdout, stderr };
}

function realProgram(name: string): string {
  const found = ['/usr/bin', '/bin', '/usr/sbin']
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error(`this machine has no ${name}`);
  return found;
}
