/** Tells when group documents or lists may have changed: the file system's word, and a look now and then without it. */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import type { Logger } from 'pino';

export interface GroupWatchOptions {
  /** Files and globs, absolute. */
  readonly patterns: readonly string[];
  readonly listsFolder?: string;
  readonly log: Logger;
  readonly onChange: () => void;
  /** From an event to the look: a copy of many files is one change. */
  readonly settleMs?: number;
  /** Network file systems and swapped links bring no events. 0: never look without one. */
  readonly pollMs?: number;
}

const DEFAULT_SETTLE_MS = 150;
const DEFAULT_POLL_MS = 15_000;
const GLOB = /[*?[\]{}()!]/;

/** Starts watching. @returns what ends it */
export function watchGroups({
  patterns,
  listsFolder,
  log,
  onChange,
  settleMs = DEFAULT_SETTLE_MS,
  pollMs = DEFAULT_POLL_MS,
}: GroupWatchOptions): () => void {
  let settling: NodeJS.Timeout | undefined;
  const changed = () => {
    settling ??= setTimeout(() => {
      settling = undefined;
      onChange();
    }, settleMs);
  };
  const watchers = [
    ...patterns.map((pattern) => ({ ...placeOf(pattern), isNamed: nameTest(pattern) })),
    ...(listsFolder === undefined ? [] : [{ directory: listsFolder, recursive: true, isNamed: () => true }]),
  ].flatMap(({ directory, recursive, isNamed }) => {
    const watcher = watchDirectory(directory, recursive, log, (name) => {
      if (name === null || isNamed(name)) changed();
    });
    return watcher === undefined ? [] : [watcher];
  });
  const poll = pollMs === 0 ? undefined : setInterval(onChange, pollMs).unref();
  return () => {
    clearInterval(poll);
    clearTimeout(settling);
    for (const watcher of watchers) watcher.close();
  };
}

/** The deepest directory that holds every file of the pattern. */
function placeOf(pattern: string): { directory: string; recursive: boolean } {
  const segments = dirname(pattern).split('/');
  const fixed = segments.findIndex((segment) => GLOB.test(segment));
  if (fixed < 0) return { directory: dirname(pattern), recursive: false };
  return { directory: segments.slice(0, fixed).join('/') || '/', recursive: true };
}

/** Other files of the folder may change all the time: the store often lies there too. */
function nameTest(pattern: string): (name: string) => boolean {
  const last = basename(pattern);
  const extension = extname(last);
  if (!GLOB.test(last)) return (name) => basename(name) === last;
  return extension === '' || GLOB.test(extension) ? () => true : (name) => extname(name) === extension;
}

function watchDirectory(
  directory: string,
  recursive: boolean,
  log: Logger,
  onEvent: (name: string | null) => void,
): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { recursive, persistent: false }, (_, name) => onEvent(name));
    watcher.on('error', (error) => {
      log.warn({ directory, err: error }, 'a folder of groups is looked at now and then only');
      watcher.close();
    });
    return watcher;
  } catch (error) {
    log.warn({ directory, err: error }, 'a folder of groups is looked at now and then only');
    return undefined;
  }
}
