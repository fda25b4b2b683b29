/**
 * Loaded with `--import` into every process of a stack (NODE_OPTIONS): the focus ends itself by SIGKILL at the point that
 * the file PARLEY_TEST_CRASH_FILE names, once; or the process whose pid stands in its second line. The product knows nothing of it. A point is a word of `POINTS` in crash.ts:
 *
 * `before|after commit METHOD|STATUS`   the commit of the decision on a request, or on a response to our INVITE
 * `before|after commit move`             the commit of the decision that a session moves to another switch
 * `before|after switch OP`              a command to the switch: before it leaves, after its answer has come
 * `before|after request METHOD`         a request through Kamailio
 * `before|after reply CODE`             a reply that follows later
 * `before|after answer METHOD`          a reply in the answer to Kamailio's question: before it is written, after
 */
import { readFileSync, unlinkSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const FILE = process.env['PARLEY_TEST_CRASH_FILE'];

function here(point: string): void {
  if (FILE === undefined) return;
  try {
    const [armed, victim] = readFileSync(FILE, 'utf8').trim().split('\n');
    if (armed !== point) return;
    unlinkSync(FILE);
    process.kill(victim === undefined ? process.pid : Number(victim), 'SIGKILL');
  } catch {
    return; // Nothing is armed.
  }
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Replaces a method by one that does `around` with the old one. */
function wrap(
  prototype: object,
  name: string,
  around: (run: () => unknown, args: unknown[]) => unknown,
): void {
  const methods = prototype as Record<string, Method>;
  const old = methods[name];
  if (old === undefined) throw new Error(`there is no ${name} to break`);
  methods[name] = function (this: unknown, ...args: unknown[]) {
    return around(() => old.apply(this, args), args);
  };
}

/** An effect, which is done when its promise resolves. */
const effect =
  (what: (args: unknown[]) => string) =>
  async (run: () => unknown, args: unknown[]): Promise<unknown> => {
    here(`before ${what(args)}`);
    const result = await run();
    here(`after ${what(args)}`);
    return result;
  };

if (FILE !== undefined && process.argv[2] === 'focus') {
  const { Engine } = await import('../../../src/engine/engine.ts');
  const { KamailioNodes } = await import('../../../src/app/kamailio-nodes.ts');
  const { SwitchPlacement } = await import('../../../src/app/switch-placement.ts');
  let decidingOn = '';
  const deciding = (name: string, run: () => unknown) => {
    decidingOn = name;
    try {
      return run();
    } finally {
      decidingOn = '';
    }
  };
  wrap(Engine.prototype, 'request', (run, [message]) => {
    const { method } = message as { method: string };
    const answer = deciding(method, run) as { reply?: unknown };
    if (answer.reply === undefined) return answer;
    here(`before answer ${method}`);
    setImmediate(() => here(`after answer ${method}`));
    return answer;
  });
  wrap(Engine.prototype, 'move', (run) => deciding('move', run));
  wrap(Engine.prototype, 'response', (run, [message]) =>
    deciding(String((message as { status: number }).status), run),
  );
  wrap(DatabaseSync.prototype, 'exec', (run, [sql]) => {
    const isCommit = sql === 'COMMIT' && decidingOn !== '';
    if (isCommit) here(`before commit ${decidingOn}`);
    const result = run();
    if (isCommit) here(`after commit ${decidingOn}`);
    return result;
  });
  wrap(
    SwitchPlacement.prototype,
    'command',
    effect(([, op]) => `switch ${op}`),
  );
  wrap(
    KamailioNodes.prototype,
    'request',
    effect(([one]) => `request ${(one as { method: string }).method}`),
  );
  wrap(
    KamailioNodes.prototype,
    'reply',
    effect(([, reply]) => `reply ${(reply as { code: number }).code}`),
  );
}
