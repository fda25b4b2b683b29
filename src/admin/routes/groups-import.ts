/** Groups taken over from a folder of the configuration or from XDM servers, with a report. */

import type { Logger } from 'pino';
import Type from 'typebox';
import type { AdminServer } from '../admin-server.ts';
import { GroupImporter } from '../groups/group-import.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import { Count, NoQuery, TextOrNull } from './field-schema.ts';
import type { GroupRouteParts } from './groups.ts';

const MAX_URLS = 100;

const ImportBody = Type.Object(
  {
    folder: Type.Optional(
      Type.Literal(true, { description: 'All documents of `managedGroups.importFolder`; or give `urls`.' }),
    ),
    urls: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 2048 }), {
        minItems: 1,
        maxItems: MAX_URLS,
        description: 'Documents of the servers that `managedGroups.xdmsServers` names.',
      }),
    ),
    replace: Type.Boolean({
      default: false,
      description: 'True: groups that were edited here, or come from elsewhere, are replaced too.',
    }),
    comment: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
  },
  { additionalProperties: false },
);

const ImportReport = Type.Object({
  taken: Count,
  unchanged: Count,
  refused: Count,
  items: Type.Array(
    Type.Object({
      source: Type.String(),
      uri: TextOrNull,
      result: Type.Enum(['created', 'replaced', 'unchanged', 'refused']),
      reason: TextOrNull,
      errors: Type.Optional(
        Type.Immutable(
          Type.Array(
            Type.Object({
              path: Type.String(),
              line: Type.Optional(Type.Integer()),
              column: Type.Optional(Type.Integer()),
              message: Type.String(),
            }),
          ),
        ),
      ),
    }),
  ),
});

export function groupImportRoutes(server: AdminServer, { book, ports }: GroupRouteParts, log: Logger): void {
  const importer = new GroupImporter(book, ports, log);
  revalidateWhileOpen(server, importer, ports.imports.xdms.revalidateMs, log);

  server.post(
    '/api/v1/groups/import',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Import groups from a folder or from XDM servers',
        querystring: NoQuery,
        body: ImportBody,
        response: { 200: ImportReport, ...PROBLEM_RESPONSES },
      },
    },
    async ({ body: { folder, urls, ...wish }, caller }) => {
      if ((folder === undefined) === (urls === undefined)) {
        throw new ProblemError('ADMIN_BAD_PARAMETER', 'give either "folder" or "urls"', 'folder');
      }
      const items =
        urls === undefined
          ? await importer.importFolder({ ...wish, caller })
          : await importer.importUrls(urls, { ...wish, caller });
      const count = (...results: string[]) => items.filter(({ result }) => results.includes(result)).length;
      return {
        taken: count('created', 'replaced'),
        unchanged: count('unchanged'),
        refused: count('refused'),
        items,
      };
    },
  );
}

function revalidateWhileOpen(
  server: AdminServer,
  importer: GroupImporter,
  everyMs: number,
  log: Logger,
): void {
  if (everyMs === 0) return;
  let timer: NodeJS.Timeout | undefined;
  server.addHook('onReady', (done) => {
    timer = setInterval(() => {
      importer.revalidate().then(
        (groups) => log.info({ groups }, 'imported group documents were looked at again'),
        (error: unknown) => log.warn({ err: error }, 'imported group documents could not be looked at again'),
      );
    }, everyMs);
    timer.unref();
    done();
  });
  server.addHook('onClose', (_instance, done) => {
    clearInterval(timer);
    done();
  });
}
