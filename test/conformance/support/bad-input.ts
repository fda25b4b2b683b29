/**
 * Tables of requests with one thing wrong in them: each gets its refusal, leaves no state behind, and a session that
 * runs beside it (or that it was sent into) goes on.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { Subscriber } from '../../../src/agents/chat.ts';
import type { Room } from '../../../src/agents/room.ts';
import type { Body, HeaderOverrides, SipMessage } from '../../../src/agents/sip/message.ts';
import { FACTORY, Stack, type StackOptions } from '../../support/stack.ts';
import { gather } from './ad-hoc.ts';
import { assertRefused } from './expect.ts';
import { freshUri } from './scene.ts';

/** What differs from a good request. */
export interface Spoilt {
  readonly headers?: HeaderOverrides;
  /** Instead of the good body; null: none. */
  readonly body?: Body | null;
}

export interface BadRow extends Spoilt {
  readonly wrong: string;
  readonly status: number;
  /** Fragment of the Warning; without it Kamailio refuses, which gives none. */
  readonly warning?: RegExp;
  /** A header field that the refusal must carry besides. */
  readonly tells?: readonly [name: string, value: RegExp];
}

/** One header field in place of the good ones of that name. */
export function field(
  name: string,
  wrong: string,
  value: string | readonly string[] | null,
  status: number,
  warning?: RegExp,
): BadRow {
  const values = value === null ? [null] : [value].flat();
  return {
    wrong: `${name} ${wrong}`,
    status,
    headers: values.map((one) => [name, one] as const),
    ...(warning === undefined ? {} : { warning }),
  };
}

/** A stack with a session of two that nobody may disturb. */
export class Ground {
  readonly stack: Stack;
  /** Who set the session up, and who was invited. */
  readonly people: readonly [Subscriber, Subscriber];
  readonly running: readonly [Room, Room];
  readonly #database: DatabaseSync;

  private constructor(
    stack: Stack,
    people: readonly [Subscriber, Subscriber],
    running: readonly [Room, Room],
  ) {
    this.stack = stack;
    this.people = people;
    this.running = running;
    this.#database = new DatabaseSync(join(stack.directory, 'parley.db'), { readOnly: true });
  }

  static async open(options: StackOptions = {}): Promise<Ground> {
    const stack = await Stack.start(options);
    const come = (name: string): Promise<Subscriber> =>
      stack.subscriber(name, { uri: freshUri(name), displayName: name });
    const people = [await come('Yves'), await come('Zoe')] as const;
    const [one, other] = await gather(...people);
    // The ACK is known to the focus when it answers what came after it.
    assert.equal((await one.dialog.request('OPTIONS')).status, 200);
    return new Ground(stack, people, [one, other as Room]);
  }

  /** The session of the two carries messages both ways. */
  async assertGoesOn(): Promise<void> {
    for (const [speaker, listener] of [this.running, this.running.toReversed()] as [Room, Room][]) {
      assert.equal(await speaker.say('still there?'), 200);
      assert.equal((await listener.hear()).text, 'still there?');
    }
  }

  /** Sends the row's request; fails unless it is refused as the row says and nothing has changed. */
  async refuses(row: BadRow, ask: (spoilt: Spoilt) => Promise<SipMessage>): Promise<void> {
    const before = this.#state();
    const sessions = await this.stack.sessions();
    const response = await ask(row);
    if (row.warning === undefined) assert.equal(response.status, row.status, response.summary);
    else assertRefused(response, row.status, row.warning);
    if (row.tells !== undefined) assert.match(response.header(row.tells[0]) ?? '', row.tells[1]);
    assert.deepEqual(await this.stack.sessions(), sessions);
    assert.equal(this.#state(), before, 'the store is as it was');
    await this.assertGoesOn();
  }

  /** Stops all, whatever comes of the last look. */
  async close(lastLook: () => void | Promise<void>): Promise<void> {
    try {
      await lastLook();
    } finally {
      this.#database.close();
      assert.equal(await this.stack.stop(), 0);
    }
  }

  /**
   * Every row of every conference, as text, but for the CSeq of the last request in a dialog: that of a refused one counts
   * (RFC 3261 section 12.2.2), and each change counts as a revision.
   */
  #state(): string {
    const rows = [
      "SELECT id, group_key, phase, created_ms, json_remove(body, '$.revision') FROM conference ORDER BY id",
      "SELECT conference, kind, id, json_remove(body, '$.dialog.remoteCSeq') FROM conference_row ORDER BY conference, kind, id",
    ];
    return JSON.stringify(rows.map((query) => this.#database.prepare(query).all()));
  }
}

/** A test for each row, and one that the request without a fault is taken: what is refused is refused for its fault. */
export function tableOf(
  clause: string,
  rows: readonly BadRow[],
  ask: (spoilt: Spoilt) => Promise<SipMessage>,
  ground: () => Ground,
): void {
  for (const row of rows) {
    test(`${clause} ${row.wrong}: ${row.status}`, () => ground().refuses(row, ask));
  }
}

/** All that had been sent to these users by now is there, and nobody was invited. */
export async function assertNeverInvited(...people: readonly Subscriber[]): Promise<void> {
  for (const { sip, uri } of people) {
    await sip.sync({ to: FACTORY });
    await sip.sync();
    const invites = sip.received(({ isRequest, method }) => isRequest && method === 'INVITE');
    assert.deepEqual(
      invites.map(({ summary }) => summary),
      [],
      `${uri} was invited`,
    );
  }
}
