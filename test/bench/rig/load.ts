/** Runs a generator against a subject, and reads what it reports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { bindToLife, endChild, within } from '../../support/children.ts';
import type { LoadReport } from '../load/main.ts';
import type { Reference } from './reference.ts';
import type { Subject } from './subject.ts';

const OWN_GENERATOR = new URL('../load/main.ts', import.meta.url).pathname;
const DIALECT_ARGS = { msrp: [], raw: ['--raw'], relay: ['--relay'] } as const;
const REFERENCE_DIALECT_ARGS = { msrp: [], raw: ['--raw'], relay: ['--auth', '--pair'] } as const;

export interface LoadOptions {
  readonly seconds: number;
  /** Load before anything is measured; with the generator of this repository only. */
  readonly settleSeconds?: number;
  readonly bodyBytes: number;
  /** SENDs a second; a closed loop without it. */
  readonly ratePerS?: number;
  /** Only these lines of the subject's spec. */
  readonly spec?: readonly string[];
}

/** Longer than what a generator allows itself for the same, and says then. */
const BIND_TIMEOUT_MS = 40_000;
const DRAIN_TIMEOUT_MS = 30_000;
/** A busy machine makes seconds long. */
const MARGIN = 4;
const END_TIMEOUT_MS = 5_000;

let specs = 0;

/**
 * Loads the subject for a while. Closed loops run on the reference's generator where there is one: it is the cheaper one.
 * @throws Error when a SEND was not answered 200, or something did not arrive
 */
export async function load(
  subject: Subject,
  scratch: string,
  reference: Reference | null,
  options: LoadOptions,
): Promise<LoadReport> {
  const isOwn = reference === null || options.ratePerS !== undefined;
  const args = argumentsOf(subject, scratch, options);
  args.push(...(isOwn ? DIALECT_ARGS : REFERENCE_DIALECT_ARGS)[subject.dialect]);
  const generator = new Generator(
    isOwn
      ? spawn(process.execPath, [OWN_GENERATOR, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      : spawn(reference.generator, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  return await generator.report(options);
}

/** Participants who are there and say nothing, until they are told to. */
export interface Crowd extends AsyncDisposable {
  readonly bound: number;
  /** Has them talk as the options said. */
  talk(): Promise<LoadReport>;
}

/** @throws Error when one of them is not let in */
export async function gather(subject: Subject, scratch: string, options: LoadOptions): Promise<Crowd> {
  const args = [OWN_GENERATOR, ...argumentsOf(subject, scratch, options), '--hold'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const generator = new Generator(child);
  try {
    const { bound } = JSON.parse(await generator.line(BIND_TIMEOUT_MS)) as { bound: number };
    return {
      bound,
      talk() {
        child.stdin.write('talk\n');
        return generator.report(options);
      },
      [Symbol.asyncDispose]: () => generator.end(),
    };
  } catch (error) {
    await generator.end();
    throw error;
  }
}

/** A generator at work. */
class Generator {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string, undefined>;
  #errors = '';

  constructor(child: ChildProcess) {
    bindToLife(child);
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
  }

  /** The next that it prints. @throws Error with what it said when it ends instead, or does neither in time */
  async line(timeoutMs: number): Promise<string> {
    const next = await within(timeoutMs, 'a line of the generator', this.#lines.next(), () => this.#errors);
    if (next.done !== true) return next.value;
    // Its words may come after its end.
    const ended = once(this.#child, 'close').then(() => undefined);
    if (this.#child.exitCode === null) await within(END_TIMEOUT_MS, 'the end of the generator', ended);
    throw new Error(`the generator ended with ${this.#child.exitCode}: ${this.#errors}`);
  }

  /**
   * What it measured, and its end. That is not waited for: Node has a fault by which a process that exits while its code is
   * being compiled never comes to an end, and a generator of a short run exits in just that moment.
   */
  async report({ seconds, settleSeconds = 0 }: LoadOptions): Promise<LoadReport> {
    const timeoutMs = BIND_TIMEOUT_MS + DRAIN_TIMEOUT_MS + MARGIN * (seconds + settleSeconds) * 1000;
    try {
      const report = JSON.parse(await this.line(timeoutMs)) as LoadReport;
      if (report.bad > 0)
        throw new Error(`not all were answered 200 and delivered: ${JSON.stringify(report)}`);
      return report;
    } finally {
      await this.end();
    }
  }

  end(): Promise<void> {
    return endChild(this.#child, 0);
  }
}

function argumentsOf(subject: Subject, scratch: string, options: LoadOptions): string[] {
  const file = join(scratch, `spec-${specs++}`);
  writeFileSync(file, `${(options.spec ?? subject.spec).join('\n')}\n`);
  const args = ['--spec', file, '--seconds', String(options.seconds), '--size', String(options.bodyBytes)];
  args.push('--window', '64', '--ahead', '256', '--pid', subject.pids.join(','));
  if (options.settleSeconds !== undefined) args.push('--settle', String(options.settleSeconds));
  if (options.ratePerS !== undefined) args.push('--rate', String(options.ratePerS));
  return args;
}
