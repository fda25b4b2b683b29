/** What a run of the conformance tests has shown, collected from the events of node:test. */
import { relative, sep } from 'node:path';
import { idsOf, type NamedIds } from './test-ids.ts';

export interface TestResult extends NamedIds {
  /** Relative to the project, with `/`. */
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  readonly durationMs: number;
  /** Evidence lines by statement. */
  readonly evidence: Readonly<Record<string, readonly string[]>>;
  /** First line of what failed. */
  readonly failure?: string;
}

export interface RunResults {
  readonly tests: readonly TestResult[];
  /** Test files that ended badly by themselves. */
  readonly brokenFiles: readonly string[];
}

/** The part of an event of node:test that is looked at. */
export interface TestEventLike {
  readonly type: string;
  readonly data: unknown;
}

interface EventData {
  readonly name?: string;
  readonly message?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly skip?: unknown;
  readonly todo?: unknown;
  readonly details?: {
    readonly type?: string;
    readonly duration_ms?: number;
    readonly error?: { readonly message?: string; readonly cause?: unknown; readonly failureType?: string };
  };
}

type Growing = Omit<TestResult, 'evidence'> & { evidence: Record<string, string[]> };

/** Of one statement. */
const MAX_LINES_PER_TEST = 200;

/**
 * Diagnostics of a test come right after its result, with the place of the test; so several tests made by one loop,
 * which have the same place, are told apart.
 */
export class Collector {
  readonly #tests: Growing[] = [];
  readonly #brokenFiles = new Set<string>();
  readonly #lastAt = new Map<string, Growing>();
  readonly #root: string;

  /** `root`: the folder of the project. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Each event of these has to be given, in its order. */
  static readonly EVENTS = ['test:pass', 'test:fail', 'test:diagnostic'] as const;

  take({ type, data }: TestEventLike): void {
    if (type === 'test:pass' || type === 'test:fail') this.#result(type === 'test:pass', data as EventData);
    else if (type === 'test:diagnostic') this.#diagnostic(data as EventData);
  }

  results(): RunResults {
    return { tests: this.#tests, brokenFiles: [...this.#brokenFiles] };
  }

  #relative(file: string): string {
    return relative(this.#root, file).split(sep).join('/');
  }

  #result(passed: boolean, event: EventData): void {
    const { name = '', file = '', details } = event;
    const isFile = name === file || name.endsWith('.test.ts');
    if (isFile || details?.type === 'suite') {
      // A suite fails with its tests; what counts here is a hook that failed, or a file that ended badly.
      if (!passed && details?.error?.failureType !== 'subtestsFailed')
        this.#brokenFiles.add(this.#relative(file === '' ? name : file));
      return;
    }
    // A test that was skipped or left to do has shown nothing.
    if (isSet(event.skip) || isSet(event.todo)) return;
    const test: Growing = {
      file: this.#relative(file),
      name,
      passed,
      durationMs: Math.round(details?.duration_ms ?? 0),
      ...idsOf(name),
      evidence: {},
      ...(passed ? {} : { failure: failureOf(details?.error) }),
    };
    this.#tests.push(test);
    this.#lastAt.set(placeOf(event), test);
  }

  #diagnostic(event: EventData): void {
    const test = this.#lastAt.get(placeOf(event));
    if (test === undefined) return;
    const [, id, text = ''] = /^evidence ([^\s:]+): (.+)$/s.exec(event.message ?? '') ?? [];
    if (id === undefined) return;
    test.evidence[id] ??= [];
    push(test.evidence[id], text);
  }
}

function push(lines: string[], line: string): void {
  if (lines.length < MAX_LINES_PER_TEST && !lines.includes(line)) lines.push(line);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== false;
}

function placeOf({ file, line, column }: EventData): string {
  return `${file}:${line}:${column}`;
}

function failureOf(error: { readonly message?: string; readonly cause?: unknown } | undefined): string {
  const cause = error?.cause instanceof Error ? error.cause.message : error?.message;
  return (cause ?? 'failed').split('\n')[0]?.slice(0, 200) ?? 'failed';
}
