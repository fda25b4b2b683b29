/** What is fuzzed: the parser, held against itself and a second reader, and a running switch. A finding is an error. */
import assert from 'node:assert/strict';
import { MsrpStream, MsrpSyntaxError } from '../../../src/agents/msrp/frame.ts';
import { type Hall, legOf, Member, openHall, putRoom, RawClient } from '../../integration/msrp/raw-client.ts';
import { type Recording, recordFrames } from '../../unit/msrp/record-frames.ts';

/** The parser finds the same however the bytes are cut, and where it finds no fault, what another reader finds. */
export function checkParser(bytes: Buffer, cuts: readonly number[]): void {
  const whole = outcome(recordFrames([bytes]));
  const pieces: Buffer[] = [];
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    pieces.push(bytes.subarray(from, Math.max(from, cut)));
    from = Math.max(from, cut);
  }
  pieces.push(bytes.subarray(from));
  assert.deepEqual(outcome(recordFrames(pieces)), whole, 'cut differently');
  if (bytes.length < 1_000)
    assert.deepEqual(
      outcome(recordFrames([...bytes].map((byte) => Buffer.from([byte])))),
      whole,
      'byte by byte',
    );
  const otherwise = readOtherwise(bytes);
  if (!whole.isFaulty && otherwise !== null)
    assert.deepEqual(whole.frames.map(inShort), otherwise, 'read otherwise');
}

interface Ended {
  readonly tid: string;
  readonly body: string;
  readonly flag: string;
}

function outcome({ frames, fault }: Recording): { frames: Recording['frames']; isFaulty: boolean } {
  return { frames: frames.filter(({ flag }) => flag !== ''), isFaulty: fault !== '' };
}

function inShort({ tid, body, flag }: Ended): Ended {
  return { tid, body, flag };
}

/** By the reader of src/agents, which shares nothing with the parser; null where it is stricter than we are. */
function readOtherwise(bytes: Buffer): readonly Ended[] | null {
  try {
    return new MsrpStream().feed(bytes).map(({ transactionId, body, flag }) => ({
      tid: transactionId,
      body: body?.toString('latin1') ?? '',
      flag,
    }));
  } catch (error) {
    if (error instanceof MsrpSyntaxError) return null;
    throw error;
  }
}

/** Of the event loop, for a connection to end. */
const MAX_TURNS = 100_000;

export class SwitchTarget {
  readonly #hall: Hall;
  readonly #a: Member;
  readonly #b: Member;
  #turn = 0;

  private constructor(hall: Hall, a: Member, b: Member) {
    this.#hall = hall;
    this.#a = a;
    this.#b = b;
  }

  static async open(): Promise<SwitchTarget> {
    const hall = await openHall({ limits: { tickMs: 10, transferIdleMs: 1_000 } });
    putRoom(hall, [legOf('a'), legOf('b', { acceptTypes: ['text/plain'] }), legOf('c')]);
    return new SwitchTarget(hall, await Member.join(hall, 'a'), await Member.join(hall, 'b'));
  }

  /** A client sends this and hangs up: it is let go, nothing of it stays, and the room goes on. */
  async check(bytes: Buffer): Promise<void> {
    const client = await RawClient.connect(this.#hall.port);
    client.socket.end(bytes);
    await client.closed();
    for (let turns = 0; this.#hall.msrp.counters().connections > 2; turns++) {
      assert.ok(turns < MAX_TURNS, 'the connection has not ended');
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(this.#hall.msrp.counters().heldBytes, 0, 'bytes are still held');
    this.#turn++;
    const text = `turn ${this.#turn}`;
    assert.equal(await this.#a.sendAndStatus(text), '200');
    await this.#b.client.next((frame) => frame.body.toString() === text, text);
    this.#a.client.frames.length = 0;
    this.#b.client.frames.length = 0;
    this.#hall.events.length = 0;
  }

  /** Throws what the switch logged as a defect. */
  close(): Promise<void> {
    return this.#hall[Symbol.asyncDispose]();
  }
}
