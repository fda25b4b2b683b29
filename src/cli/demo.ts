/** `parley demo`: a whole stack, a conversation on it, and the transcript; all of it checked, nothing left behind. */
import { performance } from 'node:perf_hooks';
import pino, { type Logger } from 'pino';
import type { Subscriber } from '../agents/chat.ts';
import type { Arguments } from './command.ts';
import { adHocScenes } from './demo/ad-hoc-scenes.ts';
import { Capture } from './demo/capture.ts';
import { startCast } from './demo/cast.ts';
import { closingScene } from './demo/closing-scene.ts';
import { type DemoStack, startDemoStack } from './demo/demo-stack.ts';
import { Director } from './demo/director.ts';
import { groupScenes } from './demo/group-scenes.ts';
import { createOutput, type Output, type Result } from './demo/output.ts';
import { awaitShutdown, type Shutdown } from './shutdown.ts';

const FAILED = 1;
/** As a shell tells of a program that SIGINT ended. */
const INTERRUPTED = 130;
/** The promise of the command: a machine that needs longer is told so. */
const CONVERSATION_TIMEOUT_MS = 25_000;
const MAX_LOG_LINES = 200;
const SHOWN_LOG_LINES = 10;

/** Exit status 0: every check held. 1: one did not, or the stack did not start. 130: stopped by a signal. */
export async function runDemo({ flags }: Arguments): Promise<number> {
  const shutdown = awaitShutdown();
  const output = createOutput({
    json: flags.has('json'),
    verbose: flags.has('verbose'),
    noColour: flags.has('no-color'),
  });
  const logLines: string[] = [];
  const startMs = performance.now();
  output.begins();
  let stack: DemoStack;
  try {
    stack = await startDemoStack({
      log: keepingLogger(logLines),
      signal: shutdown.signal,
      progress: output.progress,
    });
  } catch (error) {
    if (shutdown.signal.aborted) return interrupted(shutdown);
    process.stderr.write(`parley: ${oneLine(error)}\n`);
    return FAILED;
  }
  const result = await tell(stack, output, shutdown, startMs);
  if (shutdown.signal.aborted) return interrupted(shutdown);
  await output.ends(result);
  if (result.ok) return 0;
  for (const line of logLines.slice(-SHOWN_LOG_LINES)) process.stderr.write(line);
  return FAILED;
}

async function tell(stack: DemoStack, output: Output, shutdown: Shutdown, startMs: number): Promise<Result> {
  const readyMs = performance.now();
  const capture = new Capture();
  const director = new Director({ capture, newDecisions: () => stack.newDecisions(), show: output });
  const agents: Subscriber[] = [];
  const problems: string[] = [];
  let conversationMs = 0;
  try {
    output.stackIsUp(stack);
    const conversation = converse(stack, director, capture, agents);
    conversation.catch(() => undefined); // After a signal nobody waits for it any more.
    await Promise.race([conversation, giveUp(shutdown.signal)]);
  } catch (error) {
    problems.push(oneLine(error));
    director.stop();
  } finally {
    conversationMs = performance.now() - readyMs;
    await Promise.allSettled(agents.map((agent) => agent.stop()));
    try {
      await stack.stop();
    } catch (error) {
      problems.push(`the stack did not stop: ${oneLine(error)}`);
    }
  }
  const failed = director.checks.filter(({ ok }) => !ok).length;
  const held = director.checks.length - failed;
  const [error] = problems;
  return {
    ok: error === undefined && failed === 0 && held > 0,
    ...(error === undefined ? {} : { error }),
    scenes: director.scenes,
    checks: { held, failed },
    messages: capture.counts,
    decisions: director.decisionCount,
    times: { startMs: readyMs - startMs, conversationMs, totalMs: performance.now() - startMs },
    stack: { line: stack.line, parts: stack.parts },
  };
}

async function converse(
  stack: DemoStack,
  director: Director,
  capture: Capture,
  agents: Subscriber[],
): Promise<void> {
  const cast = await startCast(stack.line.sip, capture, agents);
  const lunch = await adHocScenes(director, cast, stack.factory);
  const crew = await groupScenes(director, cast);
  await closingScene(director, cast, stack, lunch, crew);
}

/** Rejects on a signal, and when the conversation takes too long. */
function giveUp(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined); // The conversation may win the race.
  if (signal.aborted) reject(signal.reason as Error);
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  setTimeout(
    () => reject(new Error(`the conversation was given up after ${CONVERSATION_TIMEOUT_MS / 1000} s`)),
    CONVERSATION_TIMEOUT_MS,
  ).unref();
  return promise;
}

async function interrupted(shutdown: Shutdown): Promise<number> {
  process.stderr.write(`parley: stopped by ${await shutdown.requested}; nothing is left running\n`);
  return INTERRUPTED;
}

/** What Kamailio and the supervisor say is kept for the case that something fails. */
function keepingLogger(lines: string[]): Logger {
  return pino(
    { level: 'warn', base: { process: 'demo' }, timestamp: pino.stdTimeFunctions.isoTime },
    {
      write: (line: string) => {
        lines.push(line);
        if (lines.length > MAX_LOG_LINES) lines.shift();
      },
    },
  );
}

function oneLine(error: unknown): string {
  return (error as Error).message.replace(/\s*\n\s*/g, ' ');
}
