/** For Prometheus. */

import Type from 'typebox';
import type { AdminServer } from '../admin-server.ts';
import { METRICS_MEDIA_TYPE, metricsText } from '../metrics-text.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminView, Metric } from '../view.ts';

const TEXT_RESPONSE = {
  description: 'Prometheus text format; docs/metrics.md tells what each metric is.',
  content: { 'text/plain': { schema: Type.String() } },
};

export interface MetricsParts {
  readonly isOpen: boolean;
  /** Of the admin itself. */
  readonly own: () => readonly Metric[];
}

export function metricsRoutes(server: AdminServer, view: AdminView, { isOpen, own }: MetricsParts): void {
  const role = isOpen ? 'anybody' : 'viewer';
  server.get(
    '/metrics',
    {
      config: { isProbe: true, role },
      schema: { summary: 'Metrics for Prometheus', response: { 200: TEXT_RESPONSE, ...PROBLEM_RESPONSES } },
    },
    async (request, reply) => {
      const text = await metricsText([...(await view.metrics()), ...own()], ({ name }, err) =>
        request.log.error({ err, metric: name }, 'metric cannot be shown'),
      );
      return reply.type(METRICS_MEDIA_TYPE).send(text);
    },
  );
}
