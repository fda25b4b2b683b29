/** What has become of the spans of a thread. */
import type { Metric } from '../../admin/view.ts';
import type { TraceExporter } from '../tracing/exporter.ts';

/** @param exporter absent: nothing is traced */
export function traceMetrics(
  thread: 'focus' | 'admin',
  exporter: Pick<TraceExporter, 'counters'> | undefined,
): Metric[] {
  const { sent, dropped } = exporter?.counters ?? { sent: 0, dropped: 0 };
  const counter = (name: string, help: string, value: number): Metric => ({
    name: `im_${thread}_trace_spans_${name}_total`,
    help,
    type: 'counter',
    values: [{ labels: {}, value }],
  });
  return [
    counter('sent', `Spans of the ${thread} thread that the collector took`, sent),
    counter(
      'dropped',
      `Spans of the ${thread} thread that were given up: the queue was full, or the collector refused them`,
      dropped,
    ),
  ];
}
