/** Which problem a fault found by Fastify, Ajv or Node's HTTP parser is. */
import type { FastifyError } from 'fastify';
import type { CodedError } from '../lib/errors.ts';
import { type Problem, ProblemError, problemOf } from './problem.ts';

/** Names from the request are repeated in answers, so they are cut. */
const NAME_MAX_CHARS = 64;
const BAD_REQUEST = 400;
const CONTENT_TOO_LARGE = 413;
const URI_TOO_LONG = 414;
const UNSUPPORTED_MEDIA_TYPE = 415;
const FIRST_SERVER_FAULT = 500;
/** The link to the focus (src/app/admin/link.ts) gave up on a question. */
const RETRY_LATER: ReadonlySet<string> = new Set([
  'ADMIN_LINK_BUSY',
  'ADMIN_LINK_TIMEOUT',
  'ADMIN_LINK_CLOSED',
]);

/** Undefined: the fault is ours, and its text is not for the caller. */
export function requestFault(error: unknown): Problem | undefined {
  if (error instanceof ProblemError) return error.problem;
  if (!(error instanceof Error)) return undefined;
  const { validation, validationContext, statusCode } = error as Partial<FastifyError>;
  const [first] = validation ?? [];
  if (first !== undefined) return parameterFault(first, validationContext ?? 'request');
  if (RETRY_LATER.has((error as Partial<CodedError>).code ?? '')) {
    return problemOf('ADMIN_FOCUS_BUSY', 'the focus did not answer in time; try again');
  }
  if (statusCode === CONTENT_TOO_LARGE) return problemOf('ADMIN_BODY_TOO_LARGE', 'the body is too large');
  if (statusCode === UNSUPPORTED_MEDIA_TYPE) {
    return problemOf('ADMIN_MEDIA_TYPE', 'the body has a Content-Type that is not taken here');
  }
  if (statusCode === URI_TOO_LONG) return problemOf('ADMIN_URL_TOO_LONG', 'a part of the path is too long');
  if (statusCode !== undefined && statusCode >= BAD_REQUEST && statusCode < FIRST_SERVER_FAULT) {
    return problemOf('ADMIN_BAD_REQUEST', 'the request could not be read');
  }
  return undefined;
}

interface AjvFault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

const PLACES: Readonly<Record<string, string>> = {
  querystring: 'query parameter',
  params: 'path parameter',
  body: 'field',
};

function parameterFault(fault: AjvFault, context: string): Problem {
  const place = PLACES[context] ?? 'parameter';
  const extra = fault.params['additionalProperty'];
  if (typeof extra === 'string') {
    const name = extra.slice(0, NAME_MAX_CHARS);
    return problemOf('ADMIN_BAD_PARAMETER', `${place} ${JSON.stringify(name)} is not known here`, name);
  }
  const name = fault.instancePath.slice(1, NAME_MAX_CHARS + 1);
  const allowed = fault.params['allowedValues'];
  const rule = Array.isArray(allowed)
    ? `must be one of ${allowed.join(', ')}`
    : (fault.message ?? 'is not valid');
  return problemOf('ADMIN_BAD_PARAMETER', `${place} ${JSON.stringify(name)} ${rule}`, name);
}

/** What Node's HTTP parser gave up on; the connection is closed with this answer. */
export function connectionFault(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return problemOf('ADMIN_HEADERS_TOO_LARGE', 'the request line and header fields are too large');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return problemOf('ADMIN_REQUEST_TIMEOUT', 'the request did not arrive in time');
  }
  return problemOf('ADMIN_BAD_REQUEST', 'this is no HTTP request');
}
