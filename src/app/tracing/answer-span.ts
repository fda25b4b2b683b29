/** A request to the admin as a span; its route, not its URL: that may name people. */
import type { Answered } from '../../admin/server.ts';
import { newSpanId, parseTraceparent, type Span, traceIdOf } from './span.ts';

const FIRST_SERVER_FAULT = 500;

export function answerSpan({ method, route, status, elapsedMs, traceparent }: Answered): Span {
  const endMs = Date.now();
  const parent = parseTraceparent(typeof traceparent === 'string' ? traceparent : undefined);
  return {
    name: `${method} ${route}`,
    kind: 'server',
    traceId: parent?.traceId ?? traceIdOf(newSpanId()),
    ...(parent === undefined ? {} : { parentId: parent.parentId }),
    startMs: endMs - elapsedMs,
    endMs,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
    },
    isFailed: status >= FIRST_SERVER_FAULT,
  };
}
