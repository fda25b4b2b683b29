/**
 * Group documents for XDM tools: XCAP (RFC 4825) of the application usage org.openmobilealliance.groups, whole documents
 * alone. A document has one group. One that was not put here is found as `global/{its address}`, and every one as
 * `global/byGroupID/{its address}` too.
 */
import type { IncomingHttpHeaders } from 'node:http';
import Type from 'typebox';
import { ParseError } from '../../lib/errors.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { readXml, XmlParseError } from '../../xml/reader.ts';
import type { AdminServer } from '../admin-server.ts';
import { checkPrecondition, isUnchanged } from '../etag.ts';
import type { FoundGroup } from '../groups/group-book.ts';
import { contentOfXml, GROUP_XML_TYPE, type GroupContent } from '../groups/group-content.ts';
import {
  formatXcapError,
  readingConflict,
  XCAP_ERROR_TYPE,
  XcapConflictError,
} from '../groups/xcap-error.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import { NoQuery } from './field-schema.ts';
import { GROUP_BODY_MAX_BYTES, type GroupRouteParts } from './groups.ts';

const ROOT = '/xcap-root';
const GROUPS_AUID = 'org.openmobilealliance.groups';
const CAPS_TYPE = 'application/xcap-caps+xml';
const NAME_MAX_CHARS = 255;

/** A name, never a path. */
const DocumentName = Type.String({
  minLength: 1,
  maxLength: NAME_MAX_CHARS,
  pattern: '^(?!\\.{1,2}$)[^/\\\\\\u0000-\\u001f\\u007f]+$',
});
const GlobalParams = Type.Object({ doc: DocumentName });
const UserParams = Type.Object({ xui: Type.String({ minLength: 1, maxLength: 512 }), doc: DocumentName });

const DOCUMENT_RESPONSE = {
  description: 'The document as it was given.',
  content: { [GROUP_XML_TYPE]: { schema: Type.Any() } },
};
const CAPS_RESPONSE = {
  description: 'The capabilities document.',
  content: { [CAPS_TYPE]: { schema: Type.Any() } },
};
const EMPTY_RESPONSE = Type.Any({ description: 'Empty; the ETag is that of the document now.' });
const CONFLICT_RESPONSE = {
  description: 'Why the document was not taken.',
  content: { [XCAP_ERROR_TYPE]: { schema: Type.Any() } },
};

/** Where the document stands below the application usage. */
type Place = string;

/** Another name of each document, by the address of its group. */
const BY_GROUP_ID = 'global/byGroupID/';

export function xcapRoutes(server: AdminServer, parts: GroupRouteParts): void {
  server.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof XcapConflictError)) throw error;
    void reply.code(409).type(XCAP_ERROR_TYPE).send(formatXcapError(error.conflict));
  });
  const documents = new XcapDocuments(parts);
  const base = `${ROOT}/${GROUPS_AUID}`;
  documentRoutes(server, documents, `${base}/global/:doc`, GlobalParams, ({ doc }) => `global/${doc}`);
  documentRoutes(server, documents, `${base}/${BY_GROUP_ID}:doc`, GlobalParams, ({ doc }) => {
    return `${BY_GROUP_ID}${doc}`;
  });
  documentRoutes(server, documents, `${base}/users/:xui/:doc`, UserParams, ({ xui = '', doc }) => {
    return `users/${userOf(xui)}/${doc}`;
  });

  for (const url of [`${base}/global/:doc/*`, `${base}/users/:xui/:doc/*`]) {
    // Only refuses, so the description leaves it out.
    server.all(url, { config: { role: 'viewer' }, schema: { hide: true } }, ({ url: asked }) => {
      if (!/\/(~~|%7e%7e)(\/|$)/i.test(asked)) {
        throw new ProblemError('ADMIN_NOT_FOUND', 'documents have no folders here');
      }
      throw new ProblemError(
        'ADMIN_NOT_IMPLEMENTED',
        'parts of documents cannot be selected here: get and put the whole',
      );
    });
  }

  server.get(
    `${ROOT}/xcap-caps/global/index`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Which application usages XCAP serves',
        querystring: NoQuery,
        response: { 200: CAPS_RESPONSE, ...PROBLEM_RESPONSES },
      },
    },
    (_request, reply) =>
      reply
        .type(CAPS_TYPE)
        .send(
          `<?xml version="1.0" encoding="UTF-8"?>\n<xcap-caps xmlns="urn:ietf:params:xml:ns:xcap-caps"><auids><auid>xcap-caps</auid><auid>${GROUPS_AUID}</auid></auids><namespaces><namespace>urn:ietf:params:xml:ns:xcap-caps</namespace><namespace>urn:ietf:params:xml:ns:xcap-error</namespace><namespace>urn:oma:xml:poc:list-service</namespace></namespaces></xcap-caps>\n`,
        ),
  );
}

function documentRoutes(
  server: AdminServer,
  documents: XcapDocuments,
  url: string,
  params: typeof GlobalParams | typeof UserParams,
  placeOf: (params: { readonly xui?: string; readonly doc: string }) => Place,
): void {
  server.get(
    url,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Get a group document over XCAP',
        params,
        querystring: NoQuery,
        response: { 200: DOCUMENT_RESPONSE, ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const found = await documents.need(placeOf(request.params));
      void reply.header('etag', found.etag);
      if (isUnchanged(request.headers, found.etag)) return reply.code(304).send();
      return reply.type(GROUP_XML_TYPE).send(Buffer.from(found.xml));
    },
  );

  server.put(
    url,
    {
      config: { role: 'admin' },
      bodyLimit: GROUP_BODY_MAX_BYTES,
      schema: {
        summary: 'Put a group document over XCAP',
        params,
        querystring: NoQuery,
        response: { 200: EMPTY_RESPONSE, 201: EMPTY_RESPONSE, 409: CONFLICT_RESPONSE, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params: named, headers, body, caller }, reply) => {
      if (!Buffer.isBuffer(body) || mediaTypeOf(headers) !== GROUP_XML_TYPE) {
        throw new ProblemError('ADMIN_MEDIA_TYPE', `documents of this usage are ${GROUP_XML_TYPE}`);
      }
      const { isNew, etag } = await documents.put(placeOf(named), body, headers, caller);
      return reply
        .code(isNew ? 201 : 200)
        .header('etag', etag)
        .send();
    },
  );

  server.delete(
    url,
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Delete a group document over XCAP',
        params,
        querystring: NoQuery,
        response: { 200: EMPTY_RESPONSE, 409: CONFLICT_RESPONSE, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params: named, headers, caller }, reply) => {
      await documents.delete(placeOf(named), headers, caller);
      return reply.code(200).send();
    },
  );
}

class XcapDocuments {
  readonly #parts: GroupRouteParts;

  constructor(parts: GroupRouteParts) {
    this.#parts = parts;
  }

  /** @throws ProblemError ADMIN_NOT_FOUND */
  async need(place: Place): Promise<FoundGroup> {
    const found = await this.#find(place);
    if (found === undefined) throw new ProblemError('ADMIN_NOT_FOUND', 'there is no such document');
    return found;
  }

  /** @throws XcapConflictError, ProblemError ADMIN_PRECONDITION_FAILED */
  async put(
    place: Place,
    body: Uint8Array,
    headers: IncomingHttpHeaders,
    caller: { readonly name: string },
  ): Promise<{ isNew: boolean; etag: string }> {
    const { book } = this.#parts;
    const found = await this.#find(place);
    checkIfAsked(headers, found?.etag);
    const content = this.#contentOf(body);
    const isByGroup = place.startsWith(BY_GROUP_ID);
    if (isByGroup && keyIn(nameIn(place)) !== content.key) throw notItsAddress(content, nameIn(place));
    if (found?.file !== undefined) throw inFile(found.file);
    if (found !== undefined && found.key !== content.key) {
      const phrase = `this document is that of ${found.key}: delete it before another group takes its place`;
      throw new XcapConflictError({ kind: 'constraint-failure', phrase });
    }
    if (found === undefined && (await book.find(content.key)) !== undefined) throw alreadyThere(content);
    const { row, isNew } = await book.save(content, {
      caller,
      xcapPath: found === undefined ? (isByGroup ? null : place) : found.row.xcapPath,
      check: (current) => {
        // Others may have come between.
        const other = book.records.findByXcapPath(place);
        if (other !== undefined && other.key !== content.key) throw alreadyThere(content);
        if ((current === undefined) !== (found === undefined)) throw alreadyThere(content);
        checkIfAsked(headers, current?.etag);
      },
    });
    return { isNew, etag: row.etag };
  }

  /** @throws XcapConflictError, ProblemError ADMIN_NOT_FOUND, ADMIN_PRECONDITION_FAILED */
  async delete(place: Place, headers: IncomingHttpHeaders, caller: { readonly name: string }): Promise<void> {
    const { key, file, etag } = await this.need(place);
    checkIfAsked(headers, etag);
    if (file !== undefined) throw inFile(file);
    await this.#parts.book.delete(key, { caller, check: (current) => checkIfAsked(headers, current?.etag) });
  }

  async #find(place: Place): Promise<FoundGroup | undefined> {
    const { book } = this.#parts;
    const row = book.records.findByXcapPath(place);
    if (row !== undefined) return book.find(row.key);
    const key = place.startsWith('global/') ? keyIn(nameIn(place)) : undefined;
    const found = key === undefined ? undefined : await book.find(key);
    if (place.startsWith(BY_GROUP_ID)) return found;
    // One that was put at another place is there alone.
    return found?.row !== undefined && found.row.xcapPath !== null ? undefined : found;
  }

  #contentOf(body: Uint8Array): GroupContent {
    try {
      readXml(body);
    } catch (error) {
      if (!(error instanceof XmlParseError)) throw error;
      throw new XcapConflictError(readingConflict(error));
    }
    const result = contentOfXml(body, this.#parts.ports);
    if (result.ok) return result.content;
    const phrase = result.errors.map(
      ({ path, line, message }) => `${path}${line === undefined ? '' : ` (line ${line})`}: ${message}`,
    );
    throw new XcapConflictError({
      kind: result.isConstraint === true ? 'constraint-failure' : 'schema-validation-error',
      phrase: phrase.slice(0, MAX_TOLD_FAULTS).join('; '),
    });
  }
}

const MAX_TOLD_FAULTS = 10;

/** In XCAP an edit without a condition is one to whatever is there. */
function checkIfAsked(headers: IncomingHttpHeaders, current: string | undefined): void {
  if (headers['if-match'] === undefined && headers['if-none-match'] === undefined) return;
  checkPrecondition(headers, current);
}

function alreadyThere({ group }: GroupContent): XcapConflictError {
  const phrase = `the group ${group.uri} is in another document`;
  return new XcapConflictError({ kind: 'uniqueness-failure', field: 'group/list-service/@uri', phrase });
}

function notItsAddress({ group }: GroupContent, name: string): XcapConflictError {
  const phrase = `the document is that of ${group.uri}, not ${name}`;
  return new XcapConflictError({ kind: 'constraint-failure', phrase });
}

function inFile(file: string): XcapConflictError {
  const phrase = `the group is kept in ${file}: edit that file, or adopt the group over REST`;
  return new XcapConflictError({ kind: 'constraint-failure', phrase });
}

/** @throws ProblemError ADMIN_BAD_PARAMETER */
function userOf(xui: string): string {
  try {
    return canonicalAddress(xui);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new ProblemError('ADMIN_BAD_PARAMETER', 'path parameter "xui" is no SIP or tel URI', 'xui');
  }
}

function nameIn(place: Place): string {
  return place.slice((place.startsWith(BY_GROUP_ID) ? BY_GROUP_ID : 'global/').length);
}

function keyIn(name: string): string | undefined {
  try {
    return /^sips?:/i.test(name) ? addressKey(name) : undefined;
  } catch {
    return undefined;
  }
}

function mediaTypeOf(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}
