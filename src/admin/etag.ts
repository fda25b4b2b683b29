/** Edits are made to the version that the editor saw (RFC 9110 section 13.1): If-Match is needed, or If-None-Match: * to create. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ProblemError } from './problem.ts';

const ETAG_CHARS = 22;

/** Strong: the same bytes have the same tag. */
export function etagOf(text: string): string {
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, ETAG_CHARS)}"`;
}

/**
 * `current` is the tag of what is there, undefined when nothing is.
 * @throws ProblemError ADMIN_PRECONDITION_NEEDED, ADMIN_PRECONDITION_FAILED
 */
export function checkPrecondition(headers: IncomingHttpHeaders, current: string | undefined): void {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  if (match === undefined && noneMatch === undefined) {
    throw new ProblemError(
      'ADMIN_PRECONDITION_NEEDED',
      'send If-Match with the ETag that you edited, or If-None-Match: * to create',
    );
  }
  if (match !== undefined && !holds(match, current)) {
    throw new ProblemError(
      'ADMIN_PRECONDITION_FAILED',
      current === undefined ? 'there is nothing to edit' : `it was changed meanwhile; its ETag is ${current}`,
    );
  }
  if (noneMatch !== undefined && holds(noneMatch, current)) {
    throw new ProblemError('ADMIN_PRECONDITION_FAILED', 'it exists already');
  }
}

/** Whether a cached answer is still good: 304. */
export function isUnchanged(headers: IncomingHttpHeaders, current: string): boolean {
  const noneMatch = headers['if-none-match'];
  return noneMatch !== undefined && holds(noneMatch, current);
}

function holds(field: string, current: string | undefined): boolean {
  if (current === undefined) return false;
  if (field.trim() === '*') return true;
  return field.split(',').some((tag) => tag.trim().replace(/^W\//, '') === current);
}
