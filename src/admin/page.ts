/** Pages of a list that changes while it is read: a cursor names the last item seen, not a position. */
import { ProblemError } from './problem.ts';

/** Where an item stands in its list: newest first, equal times by id. */
export interface PageKey {
  readonly createdAt: string;
  readonly id: string;
}

export function formatCursor({ createdAt, id }: PageKey): string {
  return Buffer.from(JSON.stringify([createdAt, id])).toString('base64url');
}

/** @throws ProblemError ADMIN_BAD_PARAMETER */
export function parseCursor(text: string): PageKey {
  const [createdAt, id, ...more] = listIn(text);
  if (typeof createdAt !== 'string' || typeof id !== 'string' || more.length > 0) {
    throw new ProblemError(
      'ADMIN_BAD_PARAMETER',
      'query parameter "cursor" is not a cursor that was given out here',
      'cursor',
    );
  }
  return { createdAt, id };
}

function listIn(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

export interface Page<T> {
  readonly items: T[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

/** The page of a list that was asked for one item more than `limit`: that one tells whether there is a next page. */
export function pageOf<T extends PageKey>(found: readonly T[], limit: number): Page<T> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last !== undefined ? formatCursor(last) : null };
}
