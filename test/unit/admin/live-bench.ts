/** A hub with a log that the test writes, sinks that it reads, and time that it turns. */

import type { ClientWish, EventSink } from '../../../src/admin/live/client.ts';
import { EVENT_KINDS } from '../../../src/admin/live/client.ts';
import type { DecisionSummary, FeedEntry, SessionChange } from '../../../src/admin/live/feed.ts';
import { LiveHub, type LiveLimits, type LiveParts } from '../../../src/admin/live/hub.ts';
import { memoryLog } from './fake-view.ts';

export interface Told {
  readonly name: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

export class MemorySink implements EventSink {
  text = '';
  /** Bytes that a reader has not taken; a reader that keeps up leaves none. */
  waiting = 0;
  isStuck = false;
  mostWaiting = 0;
  isEnded = false;

  write(text: string): void {
    if (this.isStuck) this.waiting += text.length;
    else this.text += text;
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting);
    if (this.isStuck && text.includes('event: closed')) this.text += text;
  }

  bufferedBytes(): number {
    return this.waiting;
  }

  end(): void {
    this.isEnded = true;
  }

  /** What arrived since it was asked last. */
  told(): Told[] {
    const blocks = this.text.split('\n\n').slice(0, -1);
    this.text = '';
    return blocks.map(toldOf).filter(({ name }) => name !== '');
  }

  names(): string[] {
    return this.told().map(({ name, data }) =>
      name === 'session' ? `session ${String(data['change'])}` : name,
    );
  }
}

function toldOf(block: string): Told {
  const fields = new Map(
    block.split('\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trim()] as const;
    }),
  );
  return {
    name: fields.get('event') ?? '',
    id: fields.get('id'),
    data: JSON.parse(fields.get('data') ?? '{}') as Record<string, unknown>,
  };
}

export function liveBench(own: Partial<LiveParts> = {}, limits: Partial<LiveLimits> = {}) {
  const entries: FeedEntry[] = [];
  const tasks = new Map<number, () => void>();
  const clock = { ms: 0 };
  let reads = 0;
  const { log, lines } = memoryLog();
  const hub = new LiveHub({
    feed: {
      newest: () => entries.at(-1)?.decision.id ?? 0,
      since: (id, limit) => {
        reads += 1;
        return entries.filter(({ decision }) => decision.id > id).slice(0, limit);
      },
      presences: (ids) => new Map(ids.map((id) => [id, { connected: 2, invited: 1 }])),
    },
    readiness: () => ({ ready: true, reasons: [] }),
    switches: () => [],
    version: '1.2.3',
    nowMs: () => clock.ms,
    every: (ms, task) => {
      tasks.set(ms, task);
      return () => tasks.delete(ms);
    },
    log,
    limits,
    ...own,
  });
  const pass = (ms: number) => tasks.get(ms)?.();
  return {
    hub,
    entries,
    tasks,
    clock,
    lines,
    reads: () => reads,
    poll: () => pass(200),
    beat: () => pass(15_000),
    /** States are asked for; done when both have answered. */
    look: async () => {
      pass(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    },
    decide(own: Partial<DecisionSummary> = {}, changes: readonly Partial<SessionChange>[] = []): number {
      const id = own.id ?? (entries.at(-1)?.decision.id ?? 0) + 1;
      const session = own.session ?? 's1';
      entries.push({
        decision: {
          at: '2026-11-22T10:00:00.000Z',
          clause: '7.2.1.4',
          trigger: 'INVITE',
          callId: 'c1',
          user: 'sip:alice@example.com',
          status: 200,
          warning: null,
          ...own,
          id,
          session,
        },
        changes: changes.map((change) => ({
          change: 'joined',
          session,
          participant: 'sip:alice@example.com',
          reason: null,
          ...change,
        })),
      });
      return id;
    },
    listen(wish: Partial<ClientWish> = {}) {
      const sink = new MemorySink();
      const client = hub.add(sink, {
        kinds: new Set(EVENT_KINDS),
        session: undefined,
        after: undefined,
        ...wish,
      });
      return { sink, client };
    },
  };
}
