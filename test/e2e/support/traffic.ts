/** People who talk without a pause, and what came of it at both ends: what was sent and got its 200, and what arrived. */
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '../../../src/agents/room.ts';
import { eventually } from './eventually.ts';

/** Each says something so often. */
const EVERY_MS = 20;
const ANSWER_MS = 10_000;

export interface TrafficCount {
  readonly sent: number;
  /** Got a 200. */
  readonly taken: number;
  /** Copies that others should have got of those, and have not. */
  readonly lost: number;
  readonly copies: number;
  /** Longest time between two messages that got their 200. */
  readonly longestGapMs: number;
}

export class Traffic {
  readonly #rooms: readonly Room[];
  readonly #heard: Set<string>[];
  readonly #taken: { readonly text: string; readonly from: number; readonly atMs: number }[] = [];
  readonly #speakers: Promise<void>[];
  readonly #listeners: Promise<void>[];
  #sent = 0;
  #isOver = false;
  #isDeaf = false;

  /** @param t a test that fails in the middle ends the talk */
  constructor(t: TestContext, ...rooms: readonly Room[]) {
    t.after(() => {
      this.#isOver = true;
      this.#isDeaf = true;
    });
    this.#rooms = rooms;
    this.#heard = rooms.map(() => new Set());
    this.#speakers = rooms.map((room, index) => this.#speak(room, index));
    this.#listeners = rooms.map((room, index) => this.#listen(room, index));
  }

  /** Messages that got their 200 so far. */
  get taken(): number {
    return this.#taken.length;
  }

  /** Resolves when so many messages more got their 200 from now on. */
  async goesOn(count = 30): Promise<void> {
    const before = this.taken;
    await eventually(
      () => this.taken > before + count,
      () => `nobody talks: ${this.taken} messages, ${before} of them before`,
    );
  }

  /** Everybody is quiet; what is under way arrives. */
  async stop(): Promise<TrafficCount> {
    this.#isOver = true;
    await Promise.all(this.#speakers);
    await this.#settled();
    this.#isDeaf = true;
    await Promise.all(this.#listeners);
    const missing = this.#missing();
    const times = this.#taken.map(({ atMs }) => atMs).toSorted((a, b) => a - b);
    const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs));
    return {
      sent: this.#sent,
      taken: this.#taken.length,
      lost: missing,
      copies: this.#taken.length * (this.#rooms.length - 1),
      longestGapMs: Math.round(Math.max(0, ...gaps)),
    };
  }

  #missing(): number {
    let count = 0;
    for (const { text, from } of this.#taken) {
      for (const [index, heard] of this.#heard.entries()) if (index !== from && !heard.has(text)) count += 1;
    }
    return count;
  }

  /** Until all has arrived, or nothing more does; not before a last word of each has come to all: what was said before comes before it. */
  async #settled(): Promise<void> {
    const last = this.#rooms.map((_, from) => `${from} is done`);
    await Promise.all(this.#rooms.map((room, from) => room.say(last[from] ?? '', { timeoutMs: ANSWER_MS })));
    await eventually(
      () =>
        this.#heard.every((heard, index) => last.every((text, from) => from === index || heard.has(text))),
      () => 'a last word did not arrive',
    );
    for (let before = -1; ; ) {
      const missing = this.#missing();
      if (missing === 0 || missing === before) return;
      before = missing;
      await delay(300);
    }
  }

  async #speak(room: Room, from: number): Promise<void> {
    while (!this.#isOver) {
      this.#sent += 1;
      const text = `${from} says ${this.#sent}`;
      const status = await room.say(text, { timeoutMs: ANSWER_MS }).catch(() => 0);
      if (status === 200) this.#taken.push({ text, from, atMs: performance.now() });
      await delay(EVERY_MS);
    }
  }

  async #listen(room: Room, index: number): Promise<void> {
    while (!this.#isDeaf) {
      const heard = await room.hear({ timeoutMs: 200 }).catch(() => undefined);
      if (heard !== undefined) this.#heard[index]?.add(heard.text);
    }
  }
}
