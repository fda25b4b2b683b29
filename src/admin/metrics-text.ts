/** Metrics in Prometheus' text format: the process's own, and what the view collects at this scrape. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type MetricType, Registry } from 'prom-client';
import type { HistogramMetric, Metric } from './view.ts';

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
function prometheusMetric(metric: Metric): Counter | Gauge | Histogram {
  const { name, help } = metric;
  const labelNames = [...new Set(metric.values.flatMap(({ labels }) => Object.keys(labels)))];
  const options = { name, help, labelNames, registers: [] };
  if (metric.type === 'histogram') return new CountedHistogram(options, metric.values);
  if (metric.type === 'counter') {
    const counter = new Counter(options);
    for (const { labels, value } of metric.values) counter.inc({ ...labels }, value);
    return counter;
  }
  const gauge = new Gauge(options);
  for (const { labels, value } of metric.values) gauge.set({ ...labels }, value);
  return gauge;
}

/** Shows what was counted elsewhere; the library's own can only count by itself. */
class CountedHistogram extends Histogram {
  readonly #shown: Awaited<ReturnType<Histogram['get']>>;

  constructor(options: ConstructorParameters<typeof Histogram>[0], values: HistogramMetric['values']) {
    super(options);
    const { name, help } = options;
    this.#shown = {
      name,
      help,
      type: 'histogram' as unknown as MetricType,
      aggregator: 'sum',
      collect: () => undefined,
      values: values.flatMap(({ labels, distribution: { buckets, count, sum } }) => {
        const steps: { le: number | string; count: number }[] = [...buckets, { le: '+Inf', count }];
        return [
          ...steps.map((step) => ({
            metricName: `${name}_bucket`,
            labels: { ...labels, le: step.le },
            value: step.count,
          })),
          { metricName: `${name}_sum`, labels, value: sum },
          { metricName: `${name}_count`, labels, value: count },
        ];
      }),
    };
  }

  override get(): ReturnType<Histogram['get']> {
    return Promise.resolve(this.#shown);
  }

  /** What the registry asks first. */
  getForPromString(): ReturnType<Histogram['get']> {
    return Promise.resolve(this.#shown);
  }
}
