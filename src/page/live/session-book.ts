/** The sessions that run, newest first: read page by page, then kept by what the stream tells. */
import type { SessionChange, SessionPage, SessionSummary } from '../net/shapes.ts';

export type ReadPage = (query: { limit: number; cursor: string | undefined }) => Promise<SessionPage>;

/** More are found by searching; a page that an operator leaves open has a bound. */
export const MAX_SESSIONS = 20_000;
const PAGE_ITEMS = 500;
/** Of new ones at a time: creations in one go are seldom more. */
const NEW_ITEMS = 100;

export class SessionBook {
  readonly #read: ReadPage;
  readonly #onChange: () => void;
  readonly #byId = new Map<string, SessionSummary>();
  /** What ended while a page that may still list it was on its way. */
  readonly #endedMeanwhile = new Set<string>();
  /** Ids, newest first; undefined: to be sorted anew. What changes in a session does not move it. */
  #order: readonly string[] | undefined;
  #reading = false;
  #again: 'all' | 'new' | undefined;
  isComplete = false;
  /** There are more than are kept. */
  isCut = false;

  constructor(read: ReadPage, onChange: () => void) {
    this.#read = read;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): SessionSummary | undefined {
    return this.#byId.get(id);
  }

  /** Newest first. */
  get sessions(): readonly SessionSummary[] {
    this.#order ??= [...this.#byId.values()].sort(newestFirst).map(({ id }) => id);
    return this.#order.flatMap((id) => this.#byId.get(id) ?? []);
  }

  /** Reads all of them anew. @throws what the reader throws */
  async load(): Promise<void> {
    await this.#run('all');
  }

  /** Reads those that were created since. @throws what the reader throws */
  async loadNew(): Promise<void> {
    await this.#run('new');
  }

  /** @returns whether it is about a session that is not known yet */
  take({ change, session: id, participants }: SessionChange): boolean {
    if (change === 'ended') {
      if (this.#reading) this.#endedMeanwhile.add(id);
      if (this.#byId.delete(id)) this.#order = undefined;
      return false;
    }
    const known = this.#byId.get(id);
    if (known === undefined) return true;
    const isFormed = known.phase === 'forming' && change === 'joined' && participants.connected > 1;
    const now = { ...known, participants, ...(isFormed ? { phase: 'active' as const } : {}) };
    this.#byId.set(id, now);
    return false;
  }

  async #run(what: 'all' | 'new'): Promise<void> {
    if (this.#reading) {
      this.#again = this.#again === 'all' ? 'all' : what;
      return;
    }
    this.#reading = true;
    this.#endedMeanwhile.clear();
    try {
      await (what === 'all' ? this.#all() : this.#new());
    } finally {
      this.#reading = false;
      this.#onChange();
    }
    const again = this.#again;
    this.#again = undefined;
    if (again !== undefined) await this.#run(again);
  }

  async #all(): Promise<void> {
    const listed = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await this.#read({ limit: PAGE_ITEMS, cursor });
      for (const one of page.items) listed.add(one.id);
      this.#put(page.items);
      this.#onChange();
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && listed.size < MAX_SESSIONS);
    this.isCut = cursor !== undefined;
    this.isComplete = true;
    for (const id of this.#byId.keys()) if (!listed.has(id)) this.#byId.delete(id);
    this.#order = undefined;
  }

  async #new(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page: SessionPage = await this.#read({ limit: NEW_ITEMS, cursor });
      const isOverlap = page.items.some(({ id }) => this.#byId.has(id));
      this.#put(page.items);
      cursor = isOverlap ? undefined : (page.nextCursor ?? undefined);
    } while (cursor !== undefined && this.#byId.size < MAX_SESSIONS);
  }

  #put(items: readonly SessionSummary[]): void {
    for (const item of items) if (!this.#endedMeanwhile.has(item.id)) this.#byId.set(item.id, item);
    this.#order = undefined;
    if (this.#byId.size <= MAX_SESSIONS) return;
    this.isCut = true;
    for (const { id } of this.sessions.slice(MAX_SESSIONS)) this.#byId.delete(id);
    this.#order = undefined;
  }
}

function newestFirst(a: SessionSummary, b: SessionSummary): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}
