/** What a managed group was before: its versions, what changed between them, and the way back. */
import type { AdminServer } from '../admin-server.ts';
import { checkPrecondition } from '../etag.ts';
import { type GroupBook, preconditionOf } from '../groups/group-book.ts';
import { contentOfXml, contentOrProblem } from '../groups/group-content.ts';
import { diffGroups } from '../groups/group-diff.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import { NoQuery } from './field-schema.ts';
import { type GroupRouteParts, pathOf, savedView } from './groups.ts';
import { groupKeyIn, sendFace } from './groups-faces.ts';
import { EditQuery, FACES_RESPONSE, GroupParams, SavedGroup } from './groups-schema.ts';
import { Diff, DiffQuery, VersionList, VersionParams, VersionQuery } from './groups-versions-schema.ts';

export function groupVersionRoutes(server: AdminServer, { book, ports }: GroupRouteParts): void {
  server.get(
    '/api/v1/groups/:uri/versions',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Versions of a managed group',
        params: GroupParams,
        querystring: VersionQuery,
        response: { 200: VersionList, ...PROBLEM_RESPONSES },
      },
    },
    ({ params, query: { before, limit } }) => {
      const key = groupKeyIn(params.uri);
      needVersions(book, key);
      const found = book.records.versions(key, { limit, ...(before === undefined ? {} : { before }) });
      return {
        items: found.map(({ atMs, ...version }) => ({
          ...version,
          at: new Date(atMs).toISOString(),
          isDeletion: version.etag === null,
        })),
      };
    },
  );

  server.get(
    '/api/v1/groups/:uri/versions/:version',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One version of a group document',
        params: VersionParams,
        querystring: NoQuery,
        response: { 200: FACES_RESPONSE, ...PROBLEM_RESPONSES },
      },
    },
    (request, reply) => {
      const key = groupKeyIn(request.params.uri);
      const xml = needXml(book, key, request.params.version);
      void reply.header('vary', 'accept');
      return sendFace(request, reply, xml, () => book.parsed(xml, key));
    },
  );

  server.get(
    '/api/v1/groups/:uri/diff',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What changed between two versions',
        params: GroupParams,
        querystring: DiffQuery,
        response: { 200: Diff, ...PROBLEM_RESPONSES },
      },
    },
    ({ params, query }) => {
      const key = groupKeyIn(params.uri);
      const { from } = query;
      const to = query.to ?? needVersions(book, key);
      const parsed = (version: number) => {
        const xml = needVersion(book, key, version);
        return xml === null ? undefined : book.parsed(xml, key);
      };
      const names = { from: `${key} version ${from}`, to: `${key} version ${to}` };
      return { from, to, ...diffGroups(parsed(from), parsed(to), names) };
    },
  );

  server.post(
    '/api/v1/groups/:uri/versions/:version/rollback',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Make an earlier version the newest',
        params: VersionParams,
        querystring: EditQuery,
        response: { 200: SavedGroup, 201: SavedGroup, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params, query: { comment }, caller, headers }, reply) => {
      const key = groupKeyIn(params.uri);
      checkPrecondition(headers, book.records.find(key)?.etag);
      const xml = needXml(book, key, params.version);
      // Lists that it names may have gone since.
      const content = contentOrProblem(contentOfXml(Buffer.from(xml), ports));
      const saved = await book.save(content, {
        caller,
        comment: comment ?? `back to version ${params.version}`,
        action: 'group.rollback',
        check: preconditionOf(headers),
      });
      if (saved.isNew) reply.header('location', pathOf(key));
      void reply.code(saved.isNew ? 201 : 200).header('etag', saved.row.etag);
      return savedView(saved, content);
    },
  );
}

/** @returns the newest version */
function needVersions(book: GroupBook, key: string): number {
  const [newest] = book.records.versions(key, { limit: 1 });
  if (newest !== undefined) return newest.version;
  throw new ProblemError('ADMIN_GROUP_NOT_FOUND', `no group ${key} is or was managed here`);
}

function needVersion(book: GroupBook, key: string, version: number): string | null {
  needVersions(book, key);
  const xml = book.records.xml(key, version);
  if (xml !== undefined) return xml;
  throw new ProblemError(
    'ADMIN_NOT_FOUND',
    `${key} has no version ${version}; the oldest are not kept for ever`,
  );
}

function needXml(book: GroupBook, key: string, version: number): string {
  const xml = needVersion(book, key, version);
  if (xml !== null) return xml;
  throw new ProblemError(
    'ADMIN_NOT_FOUND',
    `version ${version} of ${key} is its deletion and has no document`,
  );
}
