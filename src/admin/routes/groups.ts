/** Pre-defined groups: found, read in either face, created, edited and deleted. */
import Type from 'typebox';
import { groupToJson } from '../../documents/group-json.ts';
import type { AdminServer } from '../admin-server.ts';
import { checkPrecondition, isUnchanged } from '../etag.ts';
import { type GroupBook, preconditionOf, type Saved } from '../groups/group-book.ts';
import {
  type ContentRules,
  contentOfJson,
  contentOrProblem,
  type GroupContent,
  summaryOf,
} from '../groups/group-content.ts';
import { formatKeyCursor, type ListedGroup, listGroups, parseKeyCursor } from '../groups/group-list.ts';
import { mergePatch } from '../groups/merge-patch.ts';
import type { GroupPorts } from '../groups/ports.ts';
import { rightsOfMembers, rightsOfUsers } from '../groups/rights-table.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import { parseUserParameter } from '../sip-parameter.ts';
import { NoQuery } from './field-schema.ts';
import { contentIn, groupKeyIn, sendFace } from './groups-faces.ts';
import {
  EditQuery,
  FACES_BODY,
  FACES_RESPONSE,
  GroupPage,
  GroupParams,
  GroupQuery,
  RightsQuery,
  RightsTable,
  SavedGroup,
  ValidGroup,
} from './groups-schema.ts';

export interface GroupRouteParts {
  readonly book: GroupBook;
  readonly ports: GroupPorts;
  readonly nowMs: () => number;
}

/** A document of JSON may be longer than the same of XML, which has a bound of its own. */
export const GROUP_BODY_MAX_BYTES = 2_097_152;

export function groupRoutes(server: AdminServer, { book, ports, nowMs }: GroupRouteParts): void {
  const rules: ContentRules = ports;

  server.get(
    '/api/v1/groups',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'List and search groups',
        querystring: GroupQuery,
        response: { 200: GroupPage, ...PROBLEM_RESPONSES },
      },
    },
    async ({ query: { q, source, cursor, limit } }) => {
      const { items, last, counts } = listGroups(book.records, await ports.files.list(), {
        limit,
        ...(q === undefined ? {} : { text: q }),
        ...(source === undefined ? {} : { source }),
        ...(cursor === undefined ? {} : { after: parseKeyCursor(cursor) }),
      });
      return {
        items: items.map(listedView),
        nextCursor: last === undefined ? null : formatKeyCursor(last),
        counts,
      };
    },
  );

  server.get(
    '/api/v1/groups/:uri',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Read a group document, as JSON or XML',
        params: GroupParams,
        querystring: NoQuery,
        response: { 200: FACES_RESPONSE, ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const found = await book.need(groupKeyIn(request.params.uri));
      reply.headers({
        etag: found.etag,
        vary: 'accept',
        'parley-source': found.row === undefined ? 'file' : 'managed',
      });
      if (found.row !== undefined) {
        reply.headers({
          'parley-version': String(found.row.version),
          'last-modified': new Date(found.row.updatedMs).toUTCString(),
        });
      }
      if (isUnchanged(request.headers, found.etag)) return reply.code(304).send();
      return sendFace(request, reply, found.xml, () => book.parsed(found.xml, found.key));
    },
  );

  server.post(
    '/api/v1/groups',
    {
      config: { role: 'admin' },
      bodyLimit: GROUP_BODY_MAX_BYTES,
      schema: {
        summary: 'Create a group',
        querystring: EditQuery,
        body: FACES_BODY,
        response: { 201: SavedGroup, ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const content = contentOrProblem(contentIn(request, rules));
      const saved = await book.save(content, {
        caller: request.caller,
        comment: request.query.comment,
        check: (current) => {
          if (current !== undefined)
            throw new ProblemError('ADMIN_CONFLICT', `the group ${current.uri} is there already`);
        },
      });
      void reply.code(201).headers({ location: pathOf(content.key), etag: saved.row.etag });
      return savedView(saved, content);
    },
  );

  server.put(
    '/api/v1/groups/:uri',
    {
      config: { role: 'admin' },
      bodyLimit: GROUP_BODY_MAX_BYTES,
      schema: {
        summary: 'Create or replace a group',
        params: GroupParams,
        querystring: EditQuery,
        body: FACES_BODY,
        response: { 200: SavedGroup, 201: SavedGroup, ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const key = groupKeyIn(request.params.uri);
      const content = contentOrProblem(contentIn(request, rules));
      needKey(content, key);
      const saved = await book.save(content, {
        caller: request.caller,
        comment: request.query.comment,
        check: preconditionOf(request.headers),
      });
      if (saved.isNew) reply.header('location', pathOf(key));
      void reply.code(saved.isNew ? 201 : 200).header('etag', saved.row.etag);
      return savedView(saved, content);
    },
  );

  server.patch(
    '/api/v1/groups/:uri',
    {
      config: { role: 'admin' },
      bodyLimit: GROUP_BODY_MAX_BYTES,
      schema: {
        summary: 'Change parts of a group (JSON merge patch)',
        params: GroupParams,
        querystring: EditQuery,
        body: Type.Unsafe<unknown>({
          description:
            'A JSON merge patch (RFC 7396) of the JSON face: null removes, lists are replaced whole.',
        }),
        response: { 200: SavedGroup, ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const key = groupKeyIn(request.params.uri);
      const { body: patch } = request;
      if (Buffer.isBuffer(patch)) {
        throw new ProblemError(
          'ADMIN_MEDIA_TYPE',
          'a patch is JSON (application/merge-patch+json); PUT takes XML',
        );
      }
      const found = await book.need(key);
      // What the patch was made to must still be there; looked at again in the transaction.
      if (found.row !== undefined) checkPrecondition(request.headers, found.etag);
      const patched = mergePatch(groupToJson(book.parsed(found.xml, key)), patch);
      const content = contentOrProblem(contentOfJson(patched, rules));
      needKey(content, key);
      const saved = await book.save(content, {
        caller: request.caller,
        comment: request.query.comment,
        action: 'group.patch',
        check: (current) => {
          preconditionOf(request.headers)(current);
          if (current?.etag !== found.etag) {
            throw new ProblemError(
              'ADMIN_PRECONDITION_FAILED',
              'it was changed while the patch was applied; try again',
            );
          }
        },
      });
      void reply.header('etag', saved.row.etag);
      return savedView(saved, content);
    },
  );

  server.delete(
    '/api/v1/groups/:uri',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Delete a managed group',
        params: GroupParams,
        querystring: EditQuery,
        response: { 204: Type.Null(), ...PROBLEM_RESPONSES },
      },
    },
    async ({ params, query: { comment }, caller, headers }, reply) => {
      await book.delete(groupKeyIn(params.uri), { caller, comment, check: preconditionOf(headers) });
      void reply.code(204);
      return null;
    },
  );

  server.post(
    '/api/v1/groups/:uri/adopt',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Manage a group that is kept in a file',
        params: GroupParams,
        querystring: EditQuery,
        response: { 201: SavedGroup, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params, query: { comment }, caller }, reply) => {
      const found = await book.need(groupKeyIn(params.uri));
      if (found.file === undefined) alreadyManaged(found.key);
      const content: GroupContent = {
        key: found.key,
        xml: found.xml,
        group: book.parsed(found.xml, found.key),
        warnings: [],
      };
      const saved = await book.save(content, {
        caller,
        comment,
        action: 'group.adopt',
        overridesFile: true,
        origin: `file:${found.file}`,
        check: (current) => {
          if (current !== undefined) alreadyManaged(found.key);
        },
      });
      void reply.code(201).headers({ location: pathOf(found.key), etag: saved.row.etag });
      return savedView(saved, content);
    },
  );

  server.post(
    '/api/v1/groups/validate',
    {
      config: { role: 'viewer' },
      bodyLimit: GROUP_BODY_MAX_BYTES,
      schema: {
        summary: 'Check a group document without saving it',
        querystring: NoQuery,
        body: FACES_BODY,
        response: { 200: ValidGroup, ...PROBLEM_RESPONSES },
      },
    },
    (request) => {
      const { group, xml, warnings } = contentOrProblem(contentIn(request, rules));
      return { ...summaryOf(group), warnings, json: groupToJson(group), xml };
    },
  );

  server.get(
    '/api/v1/groups/:uri/rights',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Who may do what in a group',
        params: GroupParams,
        querystring: RightsQuery,
        response: { 200: RightsTable, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params, query: { user, at, cursor, limit } }) => {
      const found = await book.need(groupKeyIn(params.uri));
      const group = book.parsed(found.xml, found.key);
      const atMs = at === undefined ? nowMs() : Date.parse(at);
      const head = { uri: group.uri, at: new Date(atMs).toISOString() };
      if (user !== undefined) {
        // As asserted, not as canonical: a rule may be about the domain that a telephone number stands in.
        const users = user.map((text) => {
          parseUserParameter(text);
          const typed = text.replaceAll(' ', '+');
          return /^(sips?|tel):/i.test(typed) ? typed : `sip:${typed}`;
        });
        return { ...head, items: rightsOfUsers(group, users, atMs), total: users.length, nextCursor: null };
      }
      const from = Number(cursor ?? 0);
      const { items, total } = rightsOfMembers(group, { from, limit }, atMs);
      return { ...head, items, total, nextCursor: from + limit < total ? String(from + limit) : null };
    },
  );
}

function needKey(content: GroupContent, key: string): void {
  if (content.key === key) return;
  const message = `the document is that of ${content.group.uri}, and this is ${key}: the address of a group does not change`;
  throw new ProblemError('ADMIN_INVALID', message, undefined, [{ path: '/uri', message }]);
}

function alreadyManaged(key: string): never {
  throw new ProblemError('ADMIN_CONFLICT', `${key} is managed here already`);
}

export function pathOf(key: string): string {
  return `/api/v1/groups/${encodeURIComponent(key)}`;
}

function listedView({ row, file }: ListedGroup) {
  const { uri, displayName, members, maxParticipants, inviteMembers } = row ?? file;
  return {
    ...{ uri, displayName, members, maxParticipants, inviteMembers },
    source: row === undefined ? ('file' as const) : ('managed' as const),
    file: file?.file ?? null,
    origin: row?.origin ?? null,
    version: row?.version ?? null,
    etag: row?.etag ?? null,
    updatedAt: row === undefined ? null : new Date(row.updatedMs).toISOString(),
  };
}

export function savedView({ row, inForce }: Saved, { warnings }: Pick<GroupContent, 'warnings'>) {
  return { ...listedView({ row }), warnings, inForce };
}
