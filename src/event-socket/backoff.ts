/** Full jitter: a delay anywhere up to a ceiling that doubles with each attempt. Pure. */
export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { minMs: 200, maxMs: 5000 };

/** `attempt` counts from 0; `random` is in [0, 1). */
export function backoffMs(attempt: number, options: BackoffOptions, random: number): number {
  const ceiling = Math.min(options.maxMs, options.minMs * 2 ** Math.min(attempt, 30));
  return Math.floor(ceiling * random);
}
