/** For Prometheus. */

import type { AdminServer } from '../admin-server.ts';
import { METRICS_MEDIA_TYPE, metricsText } from '../metrics-text.ts';
import type { AdminView } from '../view.ts';

export function metricsRoutes(server: AdminServer, view: AdminView): void {
  server.get('/metrics', { config: { isProbe: true } }, async (request, reply) => {
    const text = await metricsText(view.metrics(), ({ name }, err) =>
      request.log.error({ err, metric: name }, 'metric cannot be shown'),
    );
    return reply.type(METRICS_MEDIA_TYPE).send(text);
  });
}
