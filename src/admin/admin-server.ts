/** The server as the routes see it: Fastify with types from the schemas. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Caller, Role } from './access/role.ts';

export type AdminServer = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  Logger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may ask; every route says it. `anybody` needs no token. */
    readonly role?: Role | 'anybody';
    /** Asked by machines every few seconds, or a file of the page: logged at debug only. */
    readonly isProbe?: boolean;
  }
  interface FastifyRequest {
    /** Who asks; `anybody` on routes that need no token. */
    caller: Caller;
  }
}
