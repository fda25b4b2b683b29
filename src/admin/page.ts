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

/** `keeps` is asked only for the items of this page, in order: it may be dear. */
export function pageOf<T extends PageKey>(
  all: readonly T[],
  { limit, after, keeps }: { limit: number; after: PageKey | undefined; keeps: (item: T) => boolean },
): Page<T> {
  const rest = after === undefined ? [...all] : all.filter((item) => compare(after, item) < 0);
  const items: T[] = [];
  for (const item of rest.sort(compare)) {
    if (!keeps(item)) continue;
    const last = items.at(-1);
    if (items.length === limit && last !== undefined) return { items, nextCursor: formatCursor(last) };
    items.push(item);
  }
  return { items, nextCursor: null };
}

/** Code unit order, not the locale's: the same on every machine. Times are ISO 8601 in UTC, so text order is time order. */
function compare(a: PageKey, b: PageKey): number {
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
