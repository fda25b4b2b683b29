/** The page for people at `/`, and its files. They hold no data, so they need no token: the page asks for one. Settable. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AdminServer } from '../admin-server.ts';
import { isUnchanged } from '../etag.ts';
import { type PageFile, pageFiles } from '../live-page/page-files.ts';
import { ProblemError } from '../problem.ts';

/** Nothing but the page's own files, nothing inline, no connection but to where it comes from, no HTML from text. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join('; ');

const PREFIX = '/page/';

/** @param isOpen false: who asks needs a token already, which a proxy in front of the page has to add */
export function livePageRoutes(server: AdminServer, isOpen: boolean): void {
  const role = isOpen ? 'anybody' : 'viewer';
  const schema = { hide: true };
  server.get('/', { config: { role }, schema }, (request, reply) => {
    const { shell, version } = pageFiles();
    const etag = `"${version}"`;
    void reply.headers({ etag, 'cache-control': 'no-cache', 'content-security-policy': PAGE_POLICY });
    if (isUnchanged(request.headers, etag)) return reply.code(304).send();
    return sendFile(request, reply, shell);
  });

  // Sixty at one time, from memory: they are no sign of somebody who asks too much, and not worth a line each in the log.
  server.get(`${PREFIX}*`, { config: { role, isProbe: true }, schema }, (request, reply) => {
    const file = pageFiles().files.get((request.params as { '*': string })['*']);
    if (file === undefined) {
      throw new ProblemError('ADMIN_NOT_FOUND', 'no such file of the page; load the page again');
    }
    void reply.header('cache-control', 'private, max-age=31536000, immutable');
    return sendFile(request, reply, file);
  });
}

function sendFile({ headers }: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  void reply.type(file.type).header('vary', 'accept-encoding');
  if (!/\bgzip\b/.test(headers['accept-encoding'] ?? '')) return reply.send(file.bytes);
  return reply.header('content-encoding', 'gzip').send(file.gzipped);
}
