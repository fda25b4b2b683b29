/** Metrics in Prometheus' text format: the process's own, and what the view collects at this scrape. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Metric } from './view.ts';

export const METRICS_MEDIA_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

let processRegistry: Registry | undefined;

/** One for the process: its observers of garbage collection and event-loop lag cannot be stopped. */
function processMetrics(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

/** `onFault` is told of a metric that cannot be shown; the others are. */
export async function metricsText(
  metrics: readonly Metric[],
  onFault: (metric: Metric, error: unknown) => void,
): Promise<string> {
  // Fresh at each scrape: a switch or clause that is gone leaves no stale series behind.
  const registry = new Registry();
  for (const metric of metrics) {
    try {
      registry.registerMetric(prometheusMetric(metric));
    } catch (error) {
      onFault(metric, error);
    }
  }
  return `${await registry.metrics()}\n${await processMetrics().metrics()}`;
}

/** Throws for a name that Prometheus does not take, or a counter that went down. */
function prometheusMetric({ name, help, type, values }: Metric): Counter | Gauge {
  const labelNames = [...new Set(values.flatMap(({ labels }) => Object.keys(labels)))];
  const options = { name, help, labelNames, registers: [] };
  if (type === 'counter') {
    const counter = new Counter(options);
    for (const { labels, value } of values) counter.inc({ ...labels }, value);
    return counter;
  }
  const gauge = new Gauge(options);
  for (const { labels, value } of values) gauge.set({ ...labels }, value);
  return gauge;
}
