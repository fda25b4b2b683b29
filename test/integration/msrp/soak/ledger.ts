/**
 * What a soak holds the switch to. A sender numbers its messages, each kind of each stay by itself; who stays must see every
 * number up to the last that got a 200, once and in order; who comes and goes, every number from the first it sees in a stay.
 */
export type Kind = 'group' | 'chunked' | 'private';

/** One sender's messages of one kind during one stay. */
export interface Stream {
  readonly room: string;
  readonly sender: string;
  readonly kind: Kind;
  /** Of private messages. */
  readonly to: string;
  sent: number;
  /** The last number that got a 200. */
  accepted: number;
}

export class Ledger {
  readonly streams = new Map<string, Stream>();
  readonly faults: string[] = [];
  accepted = 0;
  received = 0;

  /** The next message of a stream, as its body says it. */
  next(room: string, sender: string, stay: number, kind: Kind, to = ''): { key: string; number: number } {
    const key = `${sender}.${stay} ${kind} ${to}`;
    let stream = this.streams.get(key);
    if (stream === undefined) {
      stream = { room, sender, kind, to, sent: 0, accepted: 0 };
      this.streams.set(key, stream);
    }
    stream.sent++;
    return { key, number: stream.sent };
  }

  answered(key: string, number: number, status: string): void {
    const stream = this.streams.get(key) as Stream;
    if (status !== '200') this.fault(`${key} ${number} was answered ${status}`);
    else {
      stream.accepted = number;
      this.accepted++;
    }
  }

  fault(what: string): void {
    if (this.faults.length < 50) this.faults.push(what);
  }
}

export class Receiver {
  readonly name: string;
  readonly #room: string;
  readonly #isStaying: boolean;
  readonly #ledger: Ledger;
  readonly #seen = new Map<string, number>();
  #seenThisStay = new Set<string>();
  /** Messages begun and not ended, by Message-ID: how much of each has come. */
  readonly open = new Map<string, number>();
  /** The first bytes of those. */
  readonly beginnings = new Map<string, string>();

  constructor(room: string, name: string, isStaying: boolean, ledger: Ledger) {
    this.#room = room;
    this.name = name;
    this.#isStaying = isStaying;
    this.#ledger = ledger;
  }

  /** A new connection: what was half here will not go on. */
  beginStay(): void {
    this.#seenThisStay = new Set();
    this.open.clear();
    this.beginnings.clear();
  }

  take(key: string, number: number): void {
    const stream = this.#ledger.streams.get(key);
    if (stream === undefined) return this.#ledger.fault(`${this.name}: nobody sent ${key}`);
    if (stream.room !== this.#room) this.#ledger.fault(`${this.name}: ${key} is of another room`);
    if (stream.sender === this.name) this.#ledger.fault(`${this.name}: its own ${key}`);
    if (stream.to !== '' && stream.to !== this.name) this.#ledger.fault(`${this.name}: ${key} is private`);
    const last = this.#seen.get(key) ?? 0;
    if (number <= last) this.#ledger.fault(`${this.name}: ${key} ${number} after ${last}`);
    const isFirst = !this.#seenThisStay.has(key);
    // Who was away for the beginning of a long message gets none of it.
    const mayMiss = !this.#isStaying && (isFirst || stream.kind === 'chunked');
    if (number > last + 1 && !mayMiss)
      this.#ledger.fault(`${this.name}: ${key} ${last + 1} to ${number - 1} lost`);
    this.#seen.set(key, Math.max(last, number));
    this.#seenThisStay.add(key);
    this.#ledger.received++;
  }

  /** What it has still to get; only of those who stayed anything may be said. */
  missing(): readonly string[] {
    if (!this.#isStaying) return [];
    const missing = [...this.open.keys()].map((id) => `${this.name}: no end of ${id}`);
    for (const [key, stream] of this.#ledger.streams) {
      if (stream.room !== this.#room || stream.sender === this.name) continue;
      if (stream.to !== '' && stream.to !== this.name) continue;
      const last = this.#seen.get(key) ?? 0;
      if (last < stream.accepted) missing.push(`${this.name}: ${key} ${last + 1} to ${stream.accepted}`);
    }
    return missing;
  }
}
