/** Messages a second in the last ten minutes, from the totals that the switches count since they started. */
import type { SwitchView } from '../view.ts';

export interface PerSecond {
  readonly inPerS: number;
  readonly outPerS: number;
}

export interface RateSample extends PerSecond {
  readonly at: string;
}

/** What listeners are told: all samples when they come, then the newest one. */
export interface Rates {
  /** Oldest first. */
  readonly items: readonly RateSample[];
  /** Of now. */
  readonly switches: readonly (PerSecond & { readonly id: string })[];
}

interface Totals {
  readonly atMs: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

/** Switches tell their totals every 2 s. */
export const SAMPLE_MS = 2_000;
/** Ten minutes. */
const MAX_SAMPLES = 300;
/** A rate is that of two steps: the beat of a switch and that of the sampling are not the same. */
const TOTALS_KEPT = 3;

export class MessageRates {
  readonly #totals = new Map<string, Totals[]>();
  #samples: RateSample[] = [];
  #switches: Rates['switches'] = [];

  get all(): Rates {
    return { items: this.#samples, switches: this.#switches };
  }

  get newest(): Rates {
    return { items: this.#samples.slice(-1), switches: this.#switches };
  }

  /** Call it every `SAMPLE_MS`. */
  sample(switches: readonly SwitchView[], atMs: number): void {
    this.#switches = switches.flatMap(({ id, messagesIn, messagesOut }) =>
      id === null ? [] : [{ id, ...this.#rateOf(id, { atMs, messagesIn, messagesOut }) }],
    );
    const known = new Set(this.#switches.map(({ id }) => id));
    for (const id of this.#totals.keys()) if (!known.has(id)) this.#totals.delete(id);
    const sum = (key: keyof PerSecond) => this.#switches.reduce((all, one) => all + one[key], 0);
    const sample = { at: new Date(atMs).toISOString(), inPerS: sum('inPerS'), outPerS: sum('outPerS') };
    this.#samples = [...this.#samples, sample].slice(-MAX_SAMPLES);
  }

  #rateOf(id: string, now: Totals): PerSecond {
    const known = this.#totals.get(id) ?? [];
    const before = known.at(-1);
    // A switch that was restarted counts from nought again.
    const isAnew = before !== undefined && before.messagesOut > now.messagesOut;
    const kept = [...(isAnew ? [] : known), now].slice(-TOTALS_KEPT);
    this.#totals.set(id, kept);
    const [first = now] = kept;
    const seconds = (now.atMs - first.atMs) / 1_000;
    if (seconds <= 0) return { inPerS: 0, outPerS: 0 };
    return {
      inPerS: rounded((now.messagesIn - first.messagesIn) / seconds),
      outPerS: rounded((now.messagesOut - first.messagesOut) / seconds),
    };
  }
}

function rounded(perS: number): number {
  return Math.round(perS * 100) / 100;
}
