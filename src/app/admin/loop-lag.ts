/** How late the event loop of this thread comes to what is due, since it was asked last. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metric } from '../../admin/view.ts';

const RESOLUTION_MS = 20;
const NS_PER_S = 1e9;
const QUANTILES = { '0.5': 50, '0.99': 99, '1': 100 } as const;

export class LoopLag {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#delay.enable();
  }

  metric(thread: 'focus' | 'admin'): Metric {
    const values = Object.entries(QUANTILES).map(([quantile, percent]) => ({
      labels: { quantile },
      // The sampling interval is counted in by Node.
      value: Math.max(0, this.#delay.percentile(percent) / NS_PER_S - RESOLUTION_MS / 1000),
    }));
    this.#delay.reset();
    const help = `How late the event loop of the ${thread} thread was since the last scrape`;
    return { name: `im_${thread}_event_loop_lag_seconds`, help, type: 'gauge', values };
  }
}
