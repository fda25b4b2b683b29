/** The two faces of a group document on the wire: JSON and the OMA XML, by Content-Type and Accept. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { groupToJson } from '../../documents/group-json.ts';
import type { GroupDocument } from '../../documents/group-model.ts';
import { ParseError } from '../../lib/errors.ts';
import { addressKey } from '../../sip/uri.ts';
import type { AdminServer } from '../admin-server.ts';
import {
  type ContentResult,
  type ContentRules,
  contentOfJson,
  contentOfXml,
  GROUP_XML_TYPE,
  XML_TYPES,
} from '../groups/group-content.ts';
import { ProblemError } from '../problem.ts';

/** XML arrives as the bytes that it is; a merge patch as JSON. */
export function acceptGroupBodies(server: AdminServer): void {
  server.removeContentTypeParser('text/plain');
  server.addContentTypeParser([...XML_TYPES], { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  server.addContentTypeParser(
    'application/merge-patch+json',
    { parseAs: 'string' },
    server.getDefaultJsonParser('error', 'error'),
  );
}

export function contentIn({ body }: Pick<FastifyRequest, 'body'>, rules: ContentRules): ContentResult {
  return Buffer.isBuffer(body) ? contentOfXml(body, rules) : contentOfJson(body, rules);
}

/**
 * The key of the group that a path names; `sip:` may be left out.
 * @throws ProblemError ADMIN_BAD_PARAMETER
 */
export function groupKeyIn(text: string): string {
  const uri = /^sips?:/i.test(text) ? text : `sip:${text}`;
  try {
    return addressKey(uri);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new ProblemError('ADMIN_BAD_PARAMETER', 'path parameter "uri" is no SIP URI', 'uri');
  }
}

export function sendFace(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  xml: string,
  parsed: () => GroupDocument,
): FastifyReply {
  // As text, so that the bytes are those that were given.
  if (wantsXml(headers.accept)) return reply.type(GROUP_XML_TYPE).send(Buffer.from(xml));
  return reply.type('application/json').send(groupToJson(parsed()));
}

/** JSON unless XML is wanted more (RFC 9110 section 12.5.1); of equals the more specific. */
export function wantsXml(accept: string | undefined): boolean {
  const wishes = (accept ?? '').toLowerCase().split(',').map(wishOf);
  const qualityOf = (types: readonly string[]) =>
    Math.max(...wishes.map(({ type, q }) => (types.includes(type) ? q : 0)), 0);
  return qualityOf(XML_TYPES) > qualityOf(['application/json', 'application/*+json']);
}

function wishOf(text: string): { type: string; q: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  const q = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, q: q === undefined ? 1 : Number(q.slice('q='.length)) || 0 };
}
