/** The admin's HTTP server, not yet listening: guards, errors in one place, and the routes. */
import { STATUS_CODES } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { AdminServer } from './admin-server.ts';
import { isHostServed } from './host-guard.ts';
import { KnownRoutes } from './known-routes.ts';
import { type AdminLimits, DEFAULT_ADMIN_LIMITS } from './limits.ts';
import { PROBLEM_MEDIA_TYPE, type Problem, problemOf } from './problem.ts';
import { connectionFault, requestFault } from './request-fault.ts';
import { decisionRoutes } from './routes/decisions.ts';
import { groupRoutes } from './routes/groups.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { switchRoutes } from './routes/switches.ts';
import { versionRoutes } from './routes/version.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import type { AdminView } from './view.ts';

export interface AdminServerOptions {
  /** Where it will listen; decides which Host header fields are answered. */
  readonly host: string;
  readonly view: AdminView;
  readonly log: Logger;
  readonly limits?: Partial<AdminLimits>;
}

export function createAdminServer({ host, view, log, limits }: AdminServerOptions): AdminServer {
  const most: AdminLimits = { ...DEFAULT_ADMIN_LIMITS, ...limits };
  const server: AdminServer = fastify({
    loggerInstance: log.child({ module: 'admin' }),
    // Fastify's own lines carry whole URLs, and these name people.
    logController: new LogController({ disableRequestLogging: true }),
    // A scraper's keep-alive connection must not keep the process from ending.
    forceCloseConnections: true,
    // What arrives on such a connection while closing is answered, not refused with an error of another shape.
    return503OnClosing: false,
    requestTimeout: most.requestTimeoutMs,
    keepAliveTimeout: most.idleTimeoutMs,
    http: {
      maxHeaderSize: most.maxHeaderBytes,
      // Node looks for late requests only every 30 s unless told.
      connectionsCheckingInterval: Math.ceil(most.requestTimeoutMs / 4),
    },
    routerOptions: { maxParamLength: most.maxParamChars },
    // Unknown parameters are refused with their name, not dropped.
    ajv: { customOptions: { removeAdditional: false } },
    frameworkErrors: (error, _request, reply) => {
      void sendProblem(
        reply.headers(SECURITY_HEADERS),
        requestFault(error) ?? problemOf('ADMIN_BAD_REQUEST', 'the URL is malformed'),
      );
    },
    clientErrorHandler: (error, socket) => {
      if (!socket.writable || error.code === 'ECONNRESET') socket.destroy();
      else socket.end(rawAnswer(connectionFault(error.code)), () => socket.destroy());
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  server.server.maxConnections = most.maxConnections;

  const known = new KnownRoutes();
  server.addHook('onRoute', ({ method, url }) => known.add(method, url));
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    const refusal = refusalOf(request, { host, most, known });
    if (refusal === undefined) return undefined;
    // A body that nobody will read must not be waited for.
    if (hasBody(request)) reply.header('connection', 'close');
    if (refusal.code === 'ADMIN_METHOD_NOT_ALLOWED') {
      reply.header('allow', known.methodsOf(pathOf(request)).join(', '));
    }
    return sendProblem(reply, refusal);
  });
  server.addHook('onResponse', async (request, reply) => {
    const { url: route, config } = request.routeOptions;
    const done = { method: request.method, route, status: reply.statusCode, elapsedMs: reply.elapsedTime };
    if (config.isProbe === true) request.log.debug(done, 'admin request');
    else request.log.info(done, 'admin request');
  });
  server.setErrorHandler((error, request, reply) => {
    const fault = requestFault(error);
    if (fault === undefined) {
      request.log.error({ err: error, route: request.routeOptions.url }, 'admin request failed');
    }
    return sendProblem(
      reply,
      fault ?? problemOf('ADMIN_INTERNAL', 'the request failed here; the log says why'),
    );
  });

  healthRoutes(server, view);
  metricsRoutes(server, view);
  versionRoutes(server, view);
  sessionRoutes(server, view);
  decisionRoutes(server, view);
  switchRoutes(server, view);
  groupRoutes(server, view);
  return server;
}

interface Guards {
  readonly host: string;
  readonly most: AdminLimits;
  readonly known: KnownRoutes;
}

function refusalOf(request: FastifyRequest, { host, most, known }: Guards): Problem | undefined {
  if (!isHostServed(request.headers.host, host)) {
    return problemOf('ADMIN_HOST_REFUSED', 'the admin answers to its address and to localhost only');
  }
  if (request.url.length > most.maxUrlChars) {
    return problemOf('ADMIN_URL_TOO_LONG', `a URL may have ${most.maxUrlChars} characters`);
  }
  if (!request.is404) return undefined;
  const methods = known.methodsOf(pathOf(request));
  return methods.length === 0
    ? problemOf('ADMIN_NOT_FOUND', 'nothing is served at this path')
    : problemOf('ADMIN_METHOD_NOT_ALLOWED', `this path may be asked with ${methods.join(', ')}`);
}

function pathOf({ url }: FastifyRequest): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  // As text, so that no response schema of the route stands between.
  return reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(problem));
}

/** For requests that never became one: there is no reply object to write with. */
function rawAnswer(problem: Problem): string {
  const body = JSON.stringify(problem);
  const headers = {
    ...SECURITY_HEADERS,
    connection: 'close',
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`, ...lines];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
