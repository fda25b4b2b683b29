/** `parley demo` as a newcomer starts it: what it prints, what its exit status says, and that nothing stays behind. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const TIMEOUT_MS = 40_000;
const SCENES = [
  'Ada sets up a chat with Ben and Cleo',
  'Three people talk, and Ada watches who is there',
  'Cleo leaves',
  'Dan calls a group; Ben comes later',
  'A request that is refused',
  'Everybody leaves',
];

class Demo {
  readonly directory: string;
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #watchers = new Set<() => void>();
  readonly #exited: Promise<number | null>;

  constructor(t: TestContext, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.directory = mkdtempSync(join(tmpdir(), 'parley-demo-test-'));
    const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
    this.child = spawn(process.execPath, [MAIN, 'demo', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...inherited, TMPDIR: this.directory, ...env },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      for (const watcher of this.#watchers) watcher();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#exited = once(this.child, 'close', { signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
      ([code]) => code as number | null,
    );
    this.#exited.catch(() => undefined);
    t.after(() => {
      this.child.kill('SIGKILL');
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  /** Its exit status; fails when it does not end in time. */
  exit(): Promise<number | null> {
    return this.#exited;
  }

  /** Resolves with the match as soon as stdout has it. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout);
      if (found !== null) return found;
      const { promise, resolve } = Promise.withResolvers<'more'>();
      const more = () => resolve('more');
      this.#watchers.add(more);
      const next = await Promise.race([promise, this.#exited]);
      this.#watchers.delete(more);
      assert.equal(next, 'more', `it ended before it showed ${pattern}\n${this.stdout}\n${this.stderr}`);
    }
  }

  /** Every part that it told of leads a process group; its members are looked for, and files of it. */
  assertNothingIsLeft(leaders: readonly number[]): void {
    assert.deepEqual(membersOf(leaders), [], 'processes are left');
    assert.deepEqual(readdirSync(this.directory), [], 'files are left');
  }
}

function pidsIn(stdout: string): number[] {
  return [...stdout.matchAll(/ready after .* pid (\d+)/g)].map((match) => Number(match[1]));
}

function membersOf(leaders: readonly number[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return state !== 'Z' && leaders.includes(Number(group));
      } catch {
        return false; // It ended while we looked.
      }
    });
}

test('the conversation is told, every check holds, and nothing is left behind', async (t) => {
  const demo = new Demo(t, []);
  await demo.shows(/kamailio +ready after/);
  const leaders = pidsIn(demo.stdout);
  assert.equal(leaders.length, 3);
  assert(membersOf(leaders).length > leaders.length, 'the workers of Kamailio are seen');

  assert.equal(await demo.exit(), 0, demo.stdout + demo.stderr);
  demo.assertNothingIsLeft(leaders);
  assert.equal(demo.stderr, '');
  const lines = demo.stdout.split('\n');
  for (const [index, title] of SCENES.entries()) {
    assert(demo.stdout.includes(`── Scene ${index + 1} · ${title} ──`), title);
  }
  const held = /✓ all (\d+) checks held/.exec(demo.stdout);
  assert(Number(held?.[1]) > 35, held?.[0]);
  assert.deepEqual(
    lines.filter((line) => line.startsWith('  ✗')),
    [],
  );
  assert.deepEqual(
    lines.filter((line) => Array.from(line).length > 100),
    [],
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
  assert.doesNotMatch(demo.stdout, /\u001b/, 'no colour where stdout is no terminal');
});

test('the transcript has the exchanges and the clause steps behind them', async (t) => {
  const demo = new Demo(t, ['--no-color']);
  assert.equal(await demo.exit(), 0, demo.stdout + demo.stderr);
  for (const expected of [
    /Ada {2}──▶ Kamailio INVITE im-conference-factory {2}Require: recipient-list-invite · SDP \+ list of 2/,
    /7\.2\.1\.2 Ad-hoc IM group set-up · Ada's INVITE\n +│ ✓ R-7\.2\.1\.2-1 +the conference-factory URI is allocated/,
    /Ben {2}◀── Kamailio INVITE ben .*Contact: im-s-\w+…;isfocus/,
    /Ada {2}◀── Kamailio 200 OK {2}to INVITE · Contact: im-s-\w+…;isfocus/,
    /Cleo ◀── switch {3}SEND {2}binds the connection to session/,
    /Ada {2}◀── Kamailio NOTIFY ada {2}roster 0 full: Ada, Ben, Cleo\n/,
    /Ada {2}──▶ switch {3}SEND "Lunch on the quay at noon\?" {2}message\/cpim from Ada/,
    /Cleo ◀── switch {3}SEND "Lunch on the quay at noon\?" {2}message\/cpim from Ada/,
    /Cleo ──▶ Kamailio BYE im-s-\w+…\n +┌ 7\.2\.1\.10 BYE received · Cleo's BYE/,
    /Ada {2}◀── Kamailio NOTIFY ada {2}roster 1 full: Ada, Ben, Cleo \(disconnected\)/,
    /7\.2\.1\.3 Pre-defined IM group session set-up · Dan's INVITE/,
    /Ben {2}──▶ Kamailio 486 Busy Here {2}to INVITE/,
    /7\.2\.1\.4 Joining a pre-defined IM group session · Ben's INVITE/,
    /Dan {2}◀── Kamailio NOTIFY dan {2}roster 1 full: Dan, Ben, Cleo\n/,
    /✗ R-7\.2\.1\.4-1 +Contact does not have isfocus yet/,
    /└ refused with 403: isfocus already assigned/,
    /Ada {2}◀── Kamailio 403 Forbidden {2}to INVITE · Warning: "isfocus already assigned"/,
    /Ben {2}◀── Kamailio BYE ben {2}Reason: "the session is released: too few participants remain"/,
    /✓ no session is left/,
    /npm run -s up -- --config FILE/,
  ]) {
    assert.match(demo.stdout, expected);
  }
});

interface Document {
  readonly ok: boolean;
  readonly error?: string;
  readonly checks: { readonly held: number; readonly failed: number };
  readonly stack: { readonly parts: readonly { readonly pid: number }[] };
  readonly scenes: readonly {
    readonly title: string;
    readonly steps: readonly {
      readonly checks: readonly { readonly ok: boolean }[];
      readonly messages: readonly {
        readonly at: string;
        readonly protocol: string;
        readonly text?: string;
      }[];
      readonly decisions: readonly { readonly clause: string; readonly because: string | null }[];
    }[];
  }[];
}

test('--json is one document with scenes, checks, messages in capture order, and decisions', async (t) => {
  const demo = new Demo(t, ['--json', '--verbose']);
  assert.equal(await demo.exit(), 0, demo.stdout + demo.stderr);
  const document = JSON.parse(demo.stdout) as Document;
  demo.assertNothingIsLeft(document.stack.parts.map(({ pid }) => pid));
  assert.equal(document.ok, true);
  assert.deepEqual(
    document.scenes.map(({ title }) => title),
    SCENES,
  );
  const steps = document.scenes.flatMap((scene) => scene.steps);
  assert(
    steps.every(({ checks }) => checks.length > 0),
    'a step without a check',
  );
  const checks = steps.flatMap((step) => step.checks);
  assert.deepEqual(document.checks, { held: checks.length, failed: 0 });
  const times = steps.flatMap(({ messages }) => messages.map(({ at }) => at));
  assert.deepEqual(times, times.toSorted());
  const texts = steps.flatMap(({ messages }) => messages.map(({ text }) => text ?? ''));
  assert(texts.some((text) => /^INVITE sip:im-conference-factory@[\s\S]*<resource-lists /.test(text)));
  assert(texts.some((text) => /^MSRP \S+ SEND\r\n[\s\S]*noon\?/.test(text)));
  const clauses = new Set(steps.flatMap(({ decisions }) => decisions.map(({ clause }) => clause)));
  for (const clause of ['7.2.1.2', '7.2.1.3', '7.2.1.4', '7.2.1.9', '7.2.1.10', '7.2.1.12']) {
    assert(clauses.has(clause), `no decision by ${clause}`);
  }
});

test('a part that dies fails the demo: exit status 1, the failed check named, nothing left', async (t) => {
  const demo = new Demo(t, []);
  const [, pid] = await demo.shows(/switch 0 +ready after .* pid (\d+)/);
  await demo.shows(/Scene 3/);
  const leaders = pidsIn(demo.stdout);
  process.kill(Number(pid), 'SIGKILL');
  assert.equal(await demo.exit(), 1, demo.stdout);
  assert.match(demo.stdout, /^ {2}✗ /m);
  assert.match(demo.stdout, /^✗ \d+ of \d+ checks failed$/m);
  demo.assertNothingIsLeft(leaders);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} in the middle ends all of it`, async (t) => {
    const demo = new Demo(t, []);
    await demo.shows(/Scene 2/);
    const leaders = pidsIn(demo.stdout);
    demo.child.kill(signal);
    assert.equal(await demo.exit(), 130);
    assert.match(demo.stderr, new RegExp(`^parley: stopped by ${signal}; nothing is left running$`, 'm'));
    assert.doesNotMatch(demo.stdout, /checks held/);
    demo.assertNothingIsLeft(leaders);
  });
}

test('SIGINT while it starts ends all of it', async (t) => {
  const demo = new Demo(t, []);
  await demo.shows(/switch 0 +ready after/);
  demo.child.kill('SIGINT');
  assert.equal(await demo.exit(), 130);
  demo.assertNothingIsLeft(pidsIn(demo.stdout));
});

test('without Kamailio: one clear line, and nothing is started', async (t) => {
  const demo = new Demo(t, [], { PARLEY_KAMAILIO_BINARY: '/nonexistent/kamailio' });
  assert.equal(await demo.exit(), 1);
  assert.match(
    demo.stderr,
    /^parley: kamailio\.binary: "\/nonexistent\/kamailio" is not a program that can be run; install Kamailio .*\n$/,
  );
  assert.deepEqual(pidsIn(demo.stdout), []);
  demo.assertNothingIsLeft([]);
});
