/** Every error that the admin answers (RFC 9457), with its stable code. Match on `code`; texts may change. */
import Type, { type Static } from 'typebox';
import { CodedError } from '../lib/errors.ts';

const KINDS = {
  ADMIN_BAD_REQUEST: { status: 400, title: 'Bad request' },
  ADMIN_BAD_PARAMETER: { status: 400, title: 'Bad parameter' },
  ADMIN_TOKEN_NEEDED: { status: 401, title: 'Token needed' },
  ADMIN_FORBIDDEN: { status: 403, title: 'Forbidden' },
  ADMIN_NOT_FOUND: { status: 404, title: 'No such resource' },
  ADMIN_GROUP_NOT_FOUND: { status: 404, title: 'No such group' },
  ADMIN_SESSION_NOT_FOUND: { status: 404, title: 'No such session' },
  ADMIN_METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  ADMIN_REQUEST_TIMEOUT: { status: 408, title: 'Request timeout' },
  ADMIN_CONFLICT: { status: 409, title: 'Conflict' },
  ADMIN_GROUP_IN_FILE: { status: 409, title: 'The group is kept in a file' },
  ADMIN_PRECONDITION_FAILED: { status: 412, title: 'Precondition failed' },
  ADMIN_BODY_TOO_LARGE: { status: 413, title: 'Body too large' },
  ADMIN_URL_TOO_LONG: { status: 414, title: 'URL too long' },
  ADMIN_MEDIA_TYPE: { status: 415, title: 'Media type not taken' },
  ADMIN_HOST_REFUSED: { status: 421, title: 'Misdirected request' },
  ADMIN_INVALID: { status: 422, title: 'Invalid content' },
  ADMIN_PRECONDITION_NEEDED: { status: 428, title: 'Precondition needed' },
  ADMIN_TOO_MANY_REQUESTS: { status: 429, title: 'Too many requests' },
  ADMIN_HEADERS_TOO_LARGE: { status: 431, title: 'Header fields too large' },
  ADMIN_INTERNAL: { status: 500, title: 'Internal error' },
  ADMIN_NOT_IMPLEMENTED: { status: 501, title: 'Not implemented' },
  ADMIN_SWITCH_SILENT: { status: 503, title: 'The switch does not answer' },
  ADMIN_FOCUS_BUSY: { status: 503, title: 'The focus does not answer' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof KINDS;

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'Stable name of the problem.' }),
    parameter: Type.Optional(Type.String({ description: 'The parameter at fault.' })),
    errors: Type.Optional(
      Type.Immutable(
        Type.Array(
          Type.Object({
            path: Type.String({ description: 'Where in the content: a JSON pointer or an element path.' }),
            line: Type.Optional(Type.Integer()),
            column: Type.Optional(Type.Integer()),
            message: Type.String(),
          }),
        ),
      ),
    ),
  },
  { description: 'Problem details, RFC 9457.' },
);
export type Problem = Static<typeof Problem>;

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** Goes into the response schemas of every route. */
export const PROBLEM_RESPONSES = { '4xx': Problem, '5xx': Problem } as const;

/** Thrown by handlers; anything else that is thrown is answered as ADMIN_INTERNAL. */
export class ProblemError extends CodedError {
  readonly problem: Problem;

  constructor(code: ProblemCode, detail: string, parameter?: string, errors?: Problem['errors']) {
    super(code, detail);
    this.name = 'ProblemError';
    this.problem = { ...problemOf(code, detail, parameter), ...(errors === undefined ? {} : { errors }) };
  }
}

export function problemOf(code: ProblemCode, detail: string, parameter?: string): Problem {
  const { status, title } = KINDS[code];
  return {
    type: `urn:parley:problem:${code}`,
    title,
    status,
    detail,
    code,
    ...(parameter === undefined ? {} : { parameter }),
  };
}
