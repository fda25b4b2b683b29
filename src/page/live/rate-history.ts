/** Messages a second as the stream tells them: the last ten minutes on connecting, then step by step. */
import type { Rates } from '../net/shapes.ts';

export interface RateSample {
  readonly atMs: number;
  readonly inPerS: number;
  readonly outPerS: number;
}

type PerSecond = Pick<RateSample, 'inPerS' | 'outPerS'>;

const KEPT_MS = 600_000;
const NOTHING: PerSecond = { inPerS: 0, outPerS: 0 };

export class RateHistory {
  #samples: readonly RateSample[] = [];
  #bySwitch = new Map<string, PerSecond>();

  /** Oldest first. */
  get samples(): readonly RateSample[] {
    return this.#samples;
  }

  get now(): PerSecond {
    return this.#samples.at(-1) ?? NOTHING;
  }

  ofSwitch(id: string): PerSecond {
    return this.#bySwitch.get(id) ?? NOTHING;
  }

  take({ items, switches }: Rates): void {
    const told = items.map(({ at, ...rate }) => ({ ...rate, atMs: Date.parse(at) }));
    const [first] = told;
    const last = told.at(-1);
    this.#bySwitch = new Map(switches.map(({ id, inPerS, outPerS }) => [id, { inPerS, outPerS }]));
    if (first === undefined || last === undefined) return;
    // On coming back all are told again: they take the place of those that are known.
    const before = this.#samples.filter(({ atMs }) => atMs < first.atMs && atMs > last.atMs - KEPT_MS);
    this.#samples = [...before, ...told];
  }
}
