/** For supervisors and load balancers: is the process alive, and should it be given work. */

import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminView } from '../view.ts';
import { Liveness, ReadinessBody } from './health-schema.ts';

export function healthRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/livez',
    {
      config: { isProbe: true, role: 'anybody' },
      schema: { summary: 'Is the process alive', response: { 200: Liveness, ...PROBLEM_RESPONSES } },
    },
    () => ({ live: true as const }),
  );
  server.get(
    '/readyz',
    {
      config: { isProbe: true, role: 'anybody' },
      schema: {
        summary: 'Can it serve, and if not, why',
        response: { 200: ReadinessBody, 503: ReadinessBody, ...PROBLEM_RESPONSES },
      },
    },
    async (_request, reply) => {
      const readiness = await view.readiness();
      void reply.code(readiness.ready ? 200 : 503);
      return readiness;
    },
  );
}
