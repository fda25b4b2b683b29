/** Pages of all groups, in the order of their addresses: managed ones from the records, those of files merged in. */
import { ProblemError } from '../problem.ts';
import { type GroupRecords, type GroupRow, searchTextOf } from '../records/groups.ts';
import type { FileGroup } from './ports.ts';

export type ListedGroup =
  | { readonly row: GroupRow; readonly file?: undefined }
  | { readonly row?: undefined; readonly file: FileGroup };

export interface ListQuery {
  readonly text?: string;
  readonly source?: 'managed' | 'file';
  /** Only keys after this one. */
  readonly after?: string;
  readonly limit: number;
}

export interface ListedPage {
  readonly items: readonly ListedGroup[];
  /** Key of the last item when there are more. */
  readonly last: string | undefined;
  readonly counts: { readonly managed: number; readonly file: number; readonly matching: number };
}

/** @param files in the order of keys */
export function listGroups(
  records: GroupRecords,
  files: readonly FileGroup[],
  { text, source, after, limit }: ListQuery,
): ListedPage {
  const needle = text?.toLowerCase();
  const overridden = records.among(files.map(({ key }) => key));
  const ofFiles = files.filter(({ key }) => !overridden.has(key));
  const matching =
    needle === undefined ? ofFiles : ofFiles.filter((one) => searchTextOf(one).includes(needle));
  const withManaged = source !== 'file';
  const fromFiles =
    source === 'managed' ? [] : matching.filter(({ key }) => after === undefined || byKey(key, after) > 0);
  const managed = withManaged
    ? records.search({
        ...(needle === undefined ? {} : { text: needle }),
        ...(after === undefined ? {} : { after }),
        limit: limit + 1,
      })
    : [];
  const found = merged(managed, fromFiles, limit + 1);
  const items = found.slice(0, limit);
  const end = items.at(-1);
  return {
    items,
    last: found.length > limit ? (end?.row ?? end?.file)?.key : undefined,
    counts: {
      managed: records.count(),
      file: ofFiles.length,
      matching: (withManaged ? records.count(needle) : 0) + (source === 'managed' ? 0 : matching.length),
    },
  };
}

function merged(managed: readonly GroupRow[], files: readonly FileGroup[], limit: number): ListedGroup[] {
  const found: ListedGroup[] = [];
  let [m, f] = [0, 0];
  while (found.length < limit) {
    const row = managed[m];
    const file = files[f];
    if (row !== undefined && (file === undefined || byKey(row.key, file.key) < 0)) {
      found.push({ row });
      m += 1;
    } else if (file !== undefined) {
      found.push({ file });
      f += 1;
    } else break;
  }
  return found;
}

/** By bytes, as SQLite orders them. */
export function byKey(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function formatKeyCursor(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/** @throws ProblemError ADMIN_BAD_PARAMETER */
export function parseKeyCursor(text: string): string {
  const key = Buffer.from(text, 'base64url').toString();
  if (/^(sip|tel):/.test(key) && formatKeyCursor(key) === text) return key;
  throw new ProblemError(
    'ADMIN_BAD_PARAMETER',
    'query parameter "cursor" is not a cursor that was given out here',
    'cursor',
  );
}
