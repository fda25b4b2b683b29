/** Where the story goes: a transcript while it happens, or one JSON document at the end. */
import { VERSION } from '../../app/version.ts';
import type { DemoStack, StackProgress } from './demo-stack.ts';
import type { Show } from './director.ts';
import { headerLines, summaryLines } from './frame-lines.ts';
import type { Scene } from './story.ts';
import { Transcript } from './transcript.ts';

export interface Result {
  readonly ok: boolean;
  /** Why the story was not told to its end. */
  readonly error?: string;
  readonly scenes: readonly Scene[];
  readonly checks: { readonly held: number; readonly failed: number };
  readonly messages: { readonly sip: number; readonly msrp: number; readonly copies: number };
  readonly decisions: number;
  readonly times: { readonly startMs: number; readonly conversationMs: number; readonly totalMs: number };
  readonly stack: Pick<DemoStack, 'line' | 'parts'>;
}

export interface Output extends Show {
  readonly progress: StackProgress;
  begins(): void;
  stackIsUp(stack: DemoStack): void;
  /** Resolves when all has left this process: the exit that follows waits for nothing. */
  ends(result: Result): Promise<void>;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly noColour: boolean;
}

export function createOutput(options: OutputOptions): Output {
  return options.json ? jsonOutput(options.verbose) : textOutput(options);
}

function textOutput({ verbose, noColour }: OutputOptions): Output {
  // https://no-color.org: any value but an empty one.
  const useColour = !noColour && (process.env['NO_COLOR'] ?? '') === '' && process.stdout.isTTY === true;
  const transcript = new Transcript({ useColour, verbose });
  const print = (lines: readonly string[]) => write(`${lines.join('\n')}\n`);
  return {
    begins: () =>
      void print([
        transcript.line(
          [`Parley ${VERSION}`, 'bold'],
          ' · a group conversation of OMA SIMPLE IM, end to end',
        ),
        '',
      ]),
    progress: {
      // A terminal shows what is being waited for; the line is overwritten by the next.
      begins: (name) => {
        if (process.stdout.isTTY) process.stdout.write(`  … ${name} starts\r`);
      },
      ready: ({ name, pid, afterMs }) => {
        const seconds = `${(afterMs / 1000).toFixed(1)} s`;
        void print([
          transcript.line('  ', ['✓', 'green'], ` ${name.padEnd(10)} ready after ${seconds}`, [
            ` · pid ${pid}`,
            'dim',
          ]),
        ]);
      },
    },
    stackIsUp: (stack) => void print(headerLines(transcript, stack)),
    scene: (scene) => void print(transcript.scene(scene)),
    stepBegins: (step) => void print(transcript.stepBegins(step)),
    stepEnds: (step) => void print(transcript.stepEnds(step)),
    ends: (result) => print(summaryLines(transcript, result)),
  };
}

/** Resolves also when nobody reads any more: that is no reason to fail. */
function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}

function jsonOutput(verbose: boolean): Output {
  const nothing = () => undefined;
  return {
    begins: nothing,
    progress: { begins: nothing, ready: nothing },
    stackIsUp: nothing,
    scene: nothing,
    stepBegins: nothing,
    stepEnds: nothing,
    ends: (result) => write(`${JSON.stringify(documentOf(result, verbose), undefined, 2)}\n`),
  };
}

/** `text`, the whole messages, only with `verbose`: they are most of the document. */
function documentOf({ scenes, ...result }: Result, verbose: boolean) {
  return {
    version: VERSION,
    ...result,
    scenes: scenes.map(({ number, title, steps }) => ({
      number,
      title,
      steps: steps.map(({ happenings, ...step }) => ({
        ...step,
        messages: happenings.flatMap((one) => {
          if (one.kind !== 'message') return [];
          const { text, atMs, ...message } = one.message;
          return [{ at: new Date(atMs).toISOString(), ...message, ...(verbose ? { text } : {}) }];
        }),
        decisions: happenings.flatMap((one) =>
          one.kind === 'decision' ? [{ ...one.decision, because: one.because ?? null }] : [],
        ),
      })),
    })),
  };
}
