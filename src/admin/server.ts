/** The admin's HTTP server, not yet listening: guards, errors in one place, and the routes. */
import { STATUS_CODES } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import { type AccessRules, admit } from './access/access.ts';
import type { Caller, Role } from './access/role.ts';
import { Tokens } from './access/tokens.ts';
import type { AdminServer } from './admin-server.ts';
import type { AdminControl } from './control.ts';
import { GROUP_SCHEMA_NAME, POLICY_SCHEMA_NAME } from './describe/named-schemas.ts';
import { describeApi } from './describe/openapi.ts';
import { followingParts } from './follow/following-parts.ts';
import { GroupBook } from './groups/group-book.ts';
import type { GroupPorts } from './groups/ports.ts';
import { isHostServed } from './host-guard.ts';
import { KnownRoutes } from './known-routes.ts';
import { type AdminLimits, DEFAULT_ADMIN_LIMITS } from './limits.ts';
import { LiveHub, type LiveLimits } from './live/hub.ts';
import { MessageRates, SAMPLE_MS } from './live/message-rates.ts';
import { PolicyBook } from './policies/policy-book.ts';
import type { PolicyPorts } from './policies/ports.ts';
import { PROBLEM_MEDIA_TYPE, type Problem, problemOf } from './problem.ts';
import { RateLimit } from './rate-limit.ts';
import { AuditLog } from './records/audit.ts';
import { connectionFault, requestFault } from './request-fault.ts';
import { announcementRoutes } from './routes/announcements.ts';
import { auditRoutes } from './routes/audit.ts';
import { configurationRoutes } from './routes/configuration.ts';
import { decisionRoutes } from './routes/decisions.ts';
import { descriptionRoutes } from './routes/description.ts';
import { eventRoutes } from './routes/events.ts';
import { explainRoutes } from './routes/explain.ts';
import { groupRoutes } from './routes/groups.ts';
import { acceptGroupBodies } from './routes/groups-faces.ts';
import { groupImportRoutes } from './routes/groups-import.ts';
import { GROUP_SCHEMA } from './routes/groups-schema.ts';
import { groupVersionRoutes } from './routes/groups-versions.ts';
import { healthRoutes } from './routes/health.ts';
import { livePageRoutes } from './routes/live-page.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { policyRoutes } from './routes/policies.ts';
import { policyShadowRoute } from './routes/policy-shadow.ts';
import { sessionOrderRoutes } from './routes/session-orders.ts';
import { sessionRecordRoutes } from './routes/session-records.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { switchMemberRoutes } from './routes/switch-members.ts';
import { switchOrderRoutes } from './routes/switch-orders.ts';
import { switchRoutes } from './routes/switches.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { versionRoutes } from './routes/version.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { xcapRoutes } from './routes/xcap.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import type { SessionRecordOptions } from './session-records/options.ts';
import { buildValidator } from './validators.ts';
import type { AdminView } from './view.ts';
import type { WebhookLimits } from './webhooks/sender.ts';

export interface AdminServerOptions {
  /** Where it will listen; decides which Host header fields are answered. */
  readonly host: string;
  readonly view: AdminView;
  readonly control: AdminControl;
  readonly groups: GroupPorts;
  readonly policies: PolicyPorts;
  /** Of openRecords. */
  readonly records: DatabaseSync;
  readonly nowMs: () => number;
  /** What somebody on this machine may do without a token; undefined: nothing. */
  readonly withoutToken?: Role | undefined;
  /** False: metrics and the API's description need a token too. */
  readonly openProbes: boolean;
  /** The page and its files need no token (default). */
  readonly openPage?: boolean;
  readonly log: Logger;
  readonly limits?: Partial<AdminLimits>;
  /** For traces. */
  readonly onAnswered?: (answered: Answered) => void;
  readonly live?: Partial<LiveLimits>;
  readonly sessionRecords?: Partial<SessionRecordOptions>;
  readonly webhooks?: Partial<WebhookLimits>;
}

/** A request as it was answered; neither its URL nor who asked. */
export interface Answered {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly elapsedMs: number;
  readonly traceparent: string | string[] | undefined;
}

export function createAdminServer(options: AdminServerOptions): AdminServer {
  const { host, view, log, limits, records, nowMs } = options;
  const tokens = new Tokens(records, nowMs);
  const audit = new AuditLog(records, nowMs);
  const access: AccessRules = {
    callerOf: (text) => tokens.callerOf(text),
    ...(options.withoutToken === undefined ? {} : { withoutToken: options.withoutToken }),
  };
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
    schemaController: { compilersFactory: { buildValidator: buildValidator() } },
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
  server.addHook('onRoute', ({ method, url, config }) => {
    known.add(method, url);
    if (config?.role === undefined) throw new Error(`route ${url} does not say who may ask`);
  });
  // Fastify shares no objects between requests; the first hook sets it.
  server.decorateRequest('caller');
  const rate = new RateLimit({ perS: most.requestsPerS, nowMs: () => performance.now() });
  server.addHook('onRequest', async (request, reply) => {
    request.caller = NOBODY;
    reply.headers(SECURITY_HEADERS);
    // Probes come from machines that take a refusal for an outage.
    const waitS = request.routeOptions.config.isProbe === true ? undefined : rate.take(request.ip);
    if (waitS !== undefined) {
      if (hasBody(request)) reply.header('connection', 'close');
      return sendProblem(reply.header('retry-after', waitS), TOO_MANY);
    }
    const refusal = refusalOf(request, { host, most, known });
    if (refusal === undefined) return undefined;
    // A body that nobody will read must not be waited for.
    if (hasBody(request)) reply.header('connection', 'close');
    if (refusal.code === 'ADMIN_METHOD_NOT_ALLOWED') {
      reply.header('allow', known.methodsOf(pathOf(request)).join(', '));
    }
    return sendProblem(reply, refusal);
  });
  server.addHook('onRequest', async (request, reply) => {
    const { role } = request.routeOptions.config;
    if (request.is404 || role === undefined || role === 'anybody') return undefined;
    const { method, headers, ip: remoteAddress } = request;
    const admission = admit({ method, headers, remoteAddress }, role, access);
    if ('caller' in admission) {
      request.caller = admission.caller;
      return undefined;
    }
    if (admission.problem.status === UNAUTHORIZED) rate.penalise(remoteAddress);
    if (hasBody(request)) reply.header('connection', 'close');
    if (admission.challenge !== undefined) reply.header('www-authenticate', admission.challenge);
    return sendProblem(reply, admission.problem);
  });
  server.addHook('onResponse', async (request, reply) => {
    const { url: route, config } = request.routeOptions;
    const { caller, method } = request;
    options.onAnswered?.({
      method,
      route: route ?? 'none',
      status: reply.statusCode,
      elapsedMs: reply.elapsedTime,
      traceparent: request.headers['traceparent'],
    });
    const done = { method, route, status: reply.statusCode, who: caller.name, elapsedMs: reply.elapsedTime };
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

  describeApi(server, view.version, {
    [GROUP_SCHEMA_NAME]: GROUP_SCHEMA,
    [POLICY_SCHEMA_NAME]: options.policies.schema,
  });
  // After the plugin that describes them.
  void server.register((own, _options, done) => {
    apiRoutes(own as unknown as AdminServer, { ...options, tokens, audit });
    done();
  });
  return server;
}

interface RouteParts extends AdminServerOptions {
  readonly tokens: Tokens;
  readonly audit: AuditLog;
}

function apiRoutes(server: AdminServer, options: RouteParts): void {
  const { view, log, records, nowMs, tokens, audit } = options;
  livePageRoutes(server, options.openPage ?? true);
  descriptionRoutes(server, options.openProbes);
  healthRoutes(server, view);
  const { desk, sessionRecords } = followingParts(server, options);
  metricsRoutes(server, view, { isOpen: options.openProbes, own: () => desk.metrics() });
  sessionRecordRoutes(server, sessionRecords);
  webhookRoutes(server, { desk, db: records, audit, nowMs });
  versionRoutes(server, view);
  configurationRoutes(server, view);
  sessionRoutes(server, view);
  sessionOrderRoutes(server, { control: options.control, view, audit });
  announcementRoutes(server, { control: options.control, view, audit });
  decisionRoutes(server, view);
  const policies = new PolicyBook({ db: records, audit, nowMs, ports: options.policies, log });
  policyRoutes(server, policies);
  policyShadowRoute(server, policies, options.policies);
  explainRoutes(server, view, policies);
  eventRoutes(server, liveHub(server, options));
  switchRoutes(server, view);
  switchOrderRoutes(server, { control: options.control, view, audit });
  switchMemberRoutes(server, { control: options.control, view, audit, records, nowMs });
  const book = new GroupBook({ db: records, audit, nowMs, ports: options.groups, log });
  // In a context of its own: XML is taken nowhere else.
  void server.register((own, _options, done) => {
    const context = own as unknown as AdminServer;
    const parts = { book, ports: options.groups, nowMs };
    acceptGroupBodies(context);
    groupRoutes(context, parts);
    groupVersionRoutes(context, parts);
    groupImportRoutes(context, parts, log);
    void context.register((inner, _none, ready) => {
      xcapRoutes(inner as unknown as AdminServer, parts);
      ready();
    });
    done();
  });
  tokenRoutes(server, { records, tokens, audit, nowMs });
  auditRoutes(server, audit);
}

function liveHub(server: AdminServer, { view, nowMs, log, live = {} }: AdminServerOptions): LiveHub {
  const { feed, version } = view;
  const every = (ms: number, task: () => void) => {
    const timer = setInterval(task, ms);
    return () => clearInterval(timer);
  };
  const readiness = () => view.readiness();
  const switches = () => view.switches();
  const rates = new MessageRates();
  const hub = new LiveHub({ feed, readiness, switches, rates, version, nowMs, every, log, limits: live });
  const sample = async () => {
    rates.sample(await view.switches(), nowMs());
    hub.tellRates();
  };
  // A focus that does not answer is told of by readiness.
  const timer = setInterval(() => void sample().catch(() => undefined), SAMPLE_MS).unref();
  server.addHook('preClose', async () => clearInterval(timer));
  return hub;
}

const UNAUTHORIZED = 401;
const TOO_MANY = problemOf(
  'ADMIN_TOO_MANY_REQUESTS',
  'this address asks too often; Retry-After says when to come again',
);
const NOBODY: Caller = { name: 'anybody', role: 'viewer' };

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
