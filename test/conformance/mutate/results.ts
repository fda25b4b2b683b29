/** What mutation runs have found so far, kept in a file between runs and between commands that run at once. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Outcome } from './mutant.ts';

/** What was tried, and when. */
export interface RunOf {
  /** As git describes it: `0019645`, with `-dirty` when files had changed since. */
  readonly commit: string;
  /** `2026-11-22` */
  readonly date: string;
}

export interface MutantResult extends Outcome {
  readonly trace: 'removed' | 'kept';
  readonly seconds: number;
  /** None in a file of results from before it was kept, or outside of a git repository. */
  readonly run?: RunOf;
}

export interface Results {
  /** Names of the rows of a file that pass on the product as it is. */
  readonly baseline: Readonly<Record<string, readonly string[]>>;
  readonly mutants: Readonly<Record<string, MutantResult>>;
}

export const NO_RESULTS: Results = { baseline: {}, mutants: {} };

export function loadResults(file: string | undefined): Results {
  if (file === undefined || !existsSync(file)) return NO_RESULTS;
  return JSON.parse(readFileSync(file, 'utf8')) as Results;
}

/** Adds to what the file holds by now: another command may have written meanwhile. */
export function addResults(file: string | undefined, found: Partial<Results>): void {
  if (file === undefined) return;
  const held = loadResults(file);
  const merged: Results = {
    baseline: { ...held.baseline, ...found.baseline },
    mutants: { ...held.mutants, ...found.mutants },
  };
  const whole = `${file}.${process.pid}`;
  writeFileSync(whole, `${JSON.stringify(merged, null, 1)}\n`);
  renameSync(whole, file);
}
