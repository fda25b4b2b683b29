/** One listener: what it wants, how far it is, and how much of it waits to be read. */
export type EventKind = 'decisions' | 'sessions' | 'switches' | 'readiness';
export const EVENT_KINDS: readonly EventKind[] = ['decisions', 'sessions', 'switches', 'readiness'];

/** Why the server ends a stream: it is read too slowly, has been open for long (come again), or the server stops. */
export type CloseReason = 'slow' | 'renew' | 'stopping';

/** Where the text goes. */
export interface EventSink {
  write(text: string): void;
  /** Written, and not yet taken by the other side. */
  bufferedBytes(): number;
  /** After what was written; must not wait for ever. */
  end(): void;
}

export interface ClientWish {
  readonly kinds: ReadonlySet<EventKind>;
  /** Only decisions and changes of this session. */
  readonly session: string | undefined;
  /** Number of the last decision that it has; undefined: begin now. */
  readonly after: number | undefined;
}

/** An entry of the feed as text, made once for all clients. */
export interface RenderedEntry {
  readonly id: number;
  readonly session: string | null;
  readonly decision: string;
  readonly changes: readonly { readonly session: string; readonly text: string }[];
}

export class LiveClient {
  readonly wish: ClientWish;
  readonly sinceMs: number;
  /** Number of the last decision that it was told, or that did not concern it. */
  position: number;
  isOpen = true;
  readonly #sink: EventSink;
  readonly #maxBufferedBytes: number;

  constructor(
    sink: EventSink,
    wish: ClientWish,
    own: { position: number; sinceMs: number; maxBytes: number },
  ) {
    this.#sink = sink;
    this.wish = wish;
    this.position = own.position;
    this.sinceMs = own.sinceMs;
    this.#maxBufferedBytes = own.maxBytes;
  }

  /** False: what was sent waits; more may be offered later. */
  get keepsUp(): boolean {
    return this.#sink.bufferedBytes() < this.#maxBufferedBytes / 2;
  }

  take(entries: readonly RenderedEntry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    const text = entries
      .filter(({ id }) => id > this.position)
      .map((entry) => this.#textOf(entry))
      .join('');
    this.position = Math.max(this.position, last.id);
    if (text !== '') this.send(text);
  }

  send(text: string): void {
    if (!this.isOpen) return;
    if (this.#sink.bufferedBytes() > this.#maxBufferedBytes) this.close('slow');
    else this.#sink.write(text);
  }

  /** The number goes along, so that a client to which nothing was of interest does not resume from long ago. */
  beat(): void {
    this.send(`:\nid: ${this.position}\n\n`);
  }

  close(reason: CloseReason): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#sink.write(eventText('closed', { reason }));
    this.#sink.end();
  }

  #textOf({ id, session, decision, changes }: RenderedEntry): string {
    const { kinds, session: only } = this.wish;
    const texts: string[] = [];
    if (kinds.has('sessions')) {
      for (const change of changes) {
        if (only === undefined || change.session === only) texts.push(change.text);
      }
    }
    if (kinds.has('decisions') && (only === undefined || session === only)) texts.push(decision);
    const last = texts.pop();
    // Only the last one has the number: who is cut off before it gets all of them again.
    return last === undefined ? '' : `${texts.join('')}id: ${id}\n${last}`;
  }
}

/** One event of the stream; JSON has no line breaks. */
export function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
