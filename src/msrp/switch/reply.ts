/** The response to the request that is arriving: what it is made of is kept until then. */
import { formatResponse } from '../protocol/encode.ts';
import type { FrameHead } from '../protocol/frame-head.ts';
import { IDENT_MAX_BYTES } from '../protocol/wire.ts';
import type { FrameMemory } from '../transport/frame.ts';
import { type Outbox, URGENT } from '../transport/outbox.ts';
import { RESPOND_ALWAYS, RESPOND_NEVER, type ResponseWish } from './inbound.ts';
import type { Leg } from './leg.ts';

const OK = 200;
const MAGIC = Buffer.from('MSRP ');
const TAIL = Buffer.from('$\r\n');
const MAX_OK_BYTES = MAGIC.length + 2 * IDENT_MAX_BYTES + TAIL.length;

export class Reply {
  wish: ResponseWish = RESPOND_ALWAYS;
  readonly #outbox: Outbox;
  readonly #memory: FrameMemory;
  /** Where the transaction id stands; null when it has been copied. */
  #head: FrameHead | null = null;
  #tid = '';
  #toPath = '';
  #fromPath = '';

  constructor(outbox: Outbox, memory: FrameMemory) {
    this.#outbox = outbox;
    this.#memory = memory;
  }

  begin(head: FrameHead, toPath: string, fromPath: string, wish: ResponseWish): void {
    this.#head = head;
    this.#toPath = toPath;
    this.#fromPath = fromPath;
    this.wish = wish;
  }

  /** The read is used up, and the request has not come to its end. */
  keep(): void {
    if (this.#head === null) return;
    this.#tid = this.#head.tid();
    this.#head = null;
  }

  /**
   * Responds, if the sender wishes it.
   * @param leg whom the request's paths were bound with; null when it is another, or none
   */
  send(status: number, leg: Leg | null): void {
    if (this.wish === RESPOND_NEVER || (this.wish !== RESPOND_ALWAYS && status === OK)) return;
    if (status === OK && leg !== null) this.#accept(leg);
    else {
      this.keep();
      this.#outbox.sendUrgent(formatResponse(this.#tid, status, this.#toPath, this.#fromPath));
    }
  }

  end(): void {
    this.#head = null;
  }

  /** The common one. */
  #accept(leg: Leg): void {
    const memory = this.#memory;
    memory.begin(MAX_OK_BYTES, false);
    memory.bytes(MAGIC);
    this.#writeTid(memory);
    memory.own();
    this.#writeTid(memory);
    memory.bytes(TAIL);
    this.#outbox.send(memory.end(), leg.okBytes, URGENT, null);
  }

  #writeTid(memory: FrameMemory): void {
    const head = this.#head;
    if (head === null) memory.text(this.#tid);
    else memory.range(head.bytes, head.tidStart, head.tidEnd);
  }
}
