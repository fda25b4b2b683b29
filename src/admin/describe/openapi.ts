/** The API's description (OpenAPI 3.1), made from the schemas that the routes check with. */
import swagger from '@fastify/swagger';
import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_MEDIA_TYPE, Problem, problemOf } from '../problem.ts';
import { type NamedSchemas, withReferences } from './named-schemas.ts';

const TAGS: Readonly<Record<string, string>> = {
  audit: 'Who changed what.',
  decisions: 'What was decided, by which clause and step.',
  description: 'This description.',
  events: 'What happens, as it happens.',
  groups: 'Pre-defined groups, their versions and rights.',
  policies: 'Conference factories, profiles and limits, as versions.',
  probes: 'For supervisors, load balancers and Prometheus.',
  sessions: 'IM sessions, and what operators do with them.',
  switches: 'Message switches.',
  tokens: 'Bearer tokens and who they let in.',
  webhooks: 'Events delivered to other systems.',
  xcap: 'Group documents for XDM tools (RFC 4825).',
};
/** Nouns that belong to the tag of another. */
const TAG_OF_NOUN: Readonly<Record<string, string>> = {
  whoami: 'tokens',
  version: 'probes',
  configuration: 'probes',
  explain: 'decisions',
  'session-records': 'sessions',
};
const PROBES = ['/livez', '/readyz', '/metrics'];
const API = '/api/v1/';
const BEARER = 'bearer';

const INFO = `Every error is a problem document (RFC 9457); match on its \`code\`. Roles: a viewer reads, an operator also acts on
sessions and switches, an admin also edits. \`x-role\` of an operation says which it needs.`;

/** Before the first route: only those after it are described. */
export function describeApi(server: AdminServer, version: string, schemas: NamedSchemas): void {
  void server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Parley', description: INFO, version, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          [BEARER]: { type: 'http', scheme: 'bearer', description: 'Made by `parley token create`.' },
        },
        schemas: { Problem: Problem as object, ...schemas },
      },
    },
    transform: ({ schema, url, route }) => {
      const role = route.config?.role;
      const known = (schema ?? {}) as { summary?: string; description?: string };
      const described = {
        ...schema,
        tags: [tagOf(url)],
        operationId: operationIdOf(String(route.method), url),
        security: role === 'anybody' ? [] : [{ [BEARER]: [] }],
        'x-role': role,
        description: [
          known.description,
          role === 'anybody' ? 'Needs no token.' : `Needs the role **${role}**.`,
        ]
          .filter((part) => part !== undefined)
          .join('\n\n'),
      };
      return { schema: described, url };
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject;
      const { openapiObject } = document;
      const paths = withReferences(openapiObject.paths ?? {}, schemas) as ApiDescription['paths'];
      const operations = Object.values(paths).flatMap((path) => Object.values(path));
      for (const operation of operations) nameProblems(operation);
      const used = new Set(operations.flatMap(({ tags }) => tags));
      const tags = Object.entries(TAGS)
        .filter(([name]) => used.has(name))
        .map(([name, description]) => ({ name, description }));
      return { ...openapiObject, paths, tags } as typeof openapiObject;
    },
  });
}

export interface Operation {
  readonly tags: readonly string[];
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly 'x-role': string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema?: unknown }>> };
  readonly responses: Record<string, OperationResponse>;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: unknown;
}

interface OperationResponse {
  description: string;
  content?: Record<string, { schema?: unknown; examples?: unknown }>;
}

export interface ApiDescription {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  /** What operations refer to. */
  readonly components: { readonly schemas: NamedSchemas };
}

/** One name for the schema that every route has, with its media type and an example. */
function nameProblems({ responses }: Operation): void {
  const problems = {
    '4XX': problemOf('ADMIN_BAD_PARAMETER', 'query parameter "limit" must be <= 500', 'limit'),
    '5XX': problemOf('ADMIN_FOCUS_BUSY', 'the focus did not answer in time; try again'),
  };
  for (const [status, value] of Object.entries(problems)) {
    if (responses[status] === undefined) continue;
    responses[status] = {
      description: status === '4XX' ? 'Refused.' : 'Failed here.',
      content: {
        [PROBLEM_MEDIA_TYPE]: {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: { problem: { value } },
        },
      },
    };
  }
}

function tagOf(url: string): string {
  if (url.startsWith('/xcap-root/')) return 'xcap';
  if (PROBES.includes(url)) return 'probes';
  if (!url.startsWith(API)) return 'description';
  const noun = url.slice(API.length).split('/')[0] ?? '';
  return TAG_OF_NOUN[noun] ?? noun;
}

/** `getSessionsIdDecisions`: stable as long as the path is. */
function operationIdOf(method: string, url: string): string {
  const words = (url.startsWith(API) ? url.slice(API.length) : url).split(/[^A-Za-z0-9]+/).filter(Boolean);
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
