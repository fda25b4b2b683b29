/** How often something took how long, in fixed steps. To observe costs a few comparisons and allocates nothing. */
export interface Distribution {
  /** How many took at most so long, in seconds; cumulative, ascending. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
  readonly count: number;
  readonly sum: number;
}

/** From 0.1 ms, which a refusal takes, to 5 s, after which everybody has given up. */
const BOUNDS_S: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

export class Histogram {
  readonly #counts = new Float64Array(BOUNDS_S.length + 1);
  #sum = 0;

  observe(seconds: number): void {
    let step = 0;
    while (step < BOUNDS_S.length && seconds > (BOUNDS_S[step] as number)) step += 1;
    this.#counts[step] = (this.#counts[step] as number) + 1;
    this.#sum += seconds;
  }

  read(): Distribution {
    let count = 0;
    const buckets = BOUNDS_S.map((le, step) => {
      count += this.#counts[step] as number;
      return { le, count };
    });
    return { buckets, count: count + (this.#counts[BOUNDS_S.length] as number), sum: this.#sum };
  }
}
