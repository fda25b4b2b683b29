/** Runs steps one after the other: tells each, gathers what was sent and decided meanwhile, and counts the checks. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Capture } from './capture.ts';
import { asksForDecision, inOrder, isDecided } from './order.ts';
import type { Check, Scene, Step, ToldDecision, ToldMessage } from './story.ts';

/** Who shows the story while it happens; JSON shows nothing until the end. */
export interface Show {
  scene(scene: Scene): void;
  stepBegins(step: Step): void;
  stepEnds(step: Step): void;
}

export interface DirectorOptions {
  readonly capture: Capture;
  /** Decisions of the focus that were not handed out before. */
  readonly newDecisions: () => Promise<ToldDecision[]>;
  readonly show: Show;
}

export interface Checking {
  /** `found` is told when it does not hold. */
  holds(what: string, ok: boolean, found?: string): void;
  same(what: string, found: unknown, expected: unknown): void;
}

export interface StepOptions {
  readonly isQuiet?: boolean;
  /** Looks at the decisions that came to light with the step. */
  readonly review?: (check: Checking, decisions: readonly ToldDecision[]) => void;
}

/** A step could not go on; it has been told as a check that did not hold. */
export class StepFailed extends Error {
  readonly code = 'DEMO_STEP_FAILED';
}

export class Director {
  readonly scenes: Scene[] = [];
  readonly #options: DirectorOptions;
  readonly #told = { messages: new Array<ToldMessage>(), signatures: new Set<string>() };
  #decisionCount = 0;
  #isStopped = false;

  constructor(options: DirectorOptions) {
    this.#options = options;
  }

  get checks(): readonly Check[] {
    return this.scenes.flatMap(({ steps }) => steps.flatMap(({ checks }) => checks));
  }

  get decisionCount(): number {
    return this.#decisionCount;
  }

  /** The step under way fails and no further one begins: what it still does is not waited for. */
  stop(): void {
    this.#isStopped = true;
  }

  scene(title: string): void {
    const scene: Scene = { number: this.scenes.length + 1, title, steps: [] };
    this.scenes.push(scene);
    this.#options.show.scene(scene);
  }

  /** @throws StepFailed when `act` throws: what follows would build on it. */
  async step<T>(text: string, act: (check: Checking) => Promise<T>, options: StepOptions = {}): Promise<T> {
    const scene = this.scenes.at(-1);
    if (scene === undefined) throw new Error('A step before the first scene.');
    if (this.#isStopped) throw new StepFailed('the story was stopped');
    const step: Step = {
      number: `${scene.number}.${scene.steps.length + 1}`,
      text,
      isQuiet: options.isQuiet ?? false,
      happenings: [],
      checks: [],
    };
    scene.steps.push(step);
    this.#options.show.stepBegins(step);
    let result: { readonly value: T } | undefined;
    try {
      result = { value: await act(checkingOf(step.checks)) };
    } catch (error) {
      step.checks.push({ what: 'the step comes to its end', ok: false, found: (error as Error).message });
    }
    const decisions = await this.#gather(step);
    if (result !== undefined) options.review?.(checkingOf(step.checks), decisions);
    this.#options.show.stepEnds(step);
    if (result === undefined) throw new StepFailed(`step ${step.number} did not come to its end`);
    return result.value;
  }

  async #gather(step: Step): Promise<readonly ToldDecision[]> {
    const messages: ToldMessage[] = [];
    const decisions: ToldDecision[] = [];
    const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS;
    try {
      for (;;) {
        decisions.push(...(await this.#options.newDecisions()));
        messages.push(...this.#options.capture.take());
        const isSettled = messages.every(
          (message) => !asksForDecision(message) || isDecided(message, decisions),
        );
        if (isSettled || performance.now() > deadlineMs) break;
        await delay(SETTLE_POLL_MS);
      }
    } catch (error) {
      step.checks.push({ what: 'the decisions can be read', ok: false, found: (error as Error).message });
    }
    this.#decisionCount += decisions.length;
    step.happenings.push(...inOrder(messages, decisions, this.#told));
    this.#told.messages.push(...messages);
    return decisions;
  }
}

/** What an agent sent last may be decided a moment after its step has ended. */
const SETTLE_TIMEOUT_MS = 300;
const SETTLE_POLL_MS = 15;

function checkingOf(checks: Check[]): Checking {
  const holds: Checking['holds'] = (what, ok, found) => {
    checks.push({ what, ok, ...(ok || found === undefined ? {} : { found }) });
  };
  return {
    holds,
    same: (what, found, expected) =>
      holds(
        what,
        isDeepStrictEqual(found, expected),
        `expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`,
      ),
  };
}
