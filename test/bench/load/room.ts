/** The members of one session: one sender (the first of them), and those who receive. */
import type { Member } from './member.ts';
import { STAMP_CHARS } from './member.ts';

export interface Pace {
  /** SENDs without an answer yet. */
  readonly window: number;
  /** How far the sender may be ahead of the slowest receiver. */
  readonly ahead: number;
}

export class Room {
  readonly sender: Member;
  readonly receivers: readonly Member[];
  /** SENDs written; through a relay, one for each receiver. */
  sent = 0;
  readonly #filler: string;
  readonly #size: number;
  readonly #isRelayed: boolean;

  constructor(members: readonly Member[], size: number, isRelayed: boolean) {
    const sender = members.find(({ role }) => role === 'S');
    if (sender === undefined) throw new Error('a room without sender');
    this.sender = sender;
    this.receivers = members.filter((member) => member !== sender);
    this.#size = size;
    this.#isRelayed = isRelayed;
    this.#filler = 'the quick brown fox, and so on; '
      .repeat(Math.ceil(size / 32))
      .slice(0, size - STAMP_CHARS);
  }

  get frameBytes(): number {
    const frame = this.#frame(0);
    this.sent--;
    return frame.length;
  }

  /** Writes what the loop allows: as much as `pace` leaves room for. */
  pump(pace: Pace, nowMicros: number): void {
    const { sender } = this;
    const copies = this.#isRelayed ? this.receivers.length : 1;
    let slowest = Number.POSITIVE_INFINITY;
    for (const { received } of this.receivers) if (received < slowest) slowest = received;
    const most = Math.min(sender.answered + sender.refused + pace.window, (slowest + pace.ahead) * copies);
    if (this.sent < most) this.send(most - this.sent, nowMicros);
  }

  send(count: number, stampMicros: number): void {
    let text = '';
    for (let i = 0; i < count; i++) text += this.#frame(stampMicros);
    this.sender.write(text);
  }

  /** Every SEND is answered, and every receiver has all. */
  get isDone(): boolean {
    if (this.sender.answered + this.sender.refused < this.sent) return false;
    const each = this.#isRelayed ? Math.floor(this.sent / this.receivers.length) : this.sent;
    return this.receivers.every(({ received }) => received >= each);
  }

  #frame(stampMicros: number): string {
    const { sender } = this;
    const number = this.sent++;
    const tid = `t${String(number).padStart(9, '0')}`;
    const receiver = this.receivers[number % this.receivers.length] as Member;
    const to = this.#isRelayed ? `${receiver.usePath} ${receiver.from}` : sender.to;
    const stamp = String(stampMicros).padStart(STAMP_CHARS, '0');
    return (
      `MSRP ${tid} SEND\r\nTo-Path: ${to}\r\nFrom-Path: ${sender.from}\r\nMessage-ID: m${tid}\r\n` +
      `Byte-Range: 1-${this.#size}/${this.#size}\r\nContent-Type: text/plain\r\n\r\n${stamp}${this.#filler}\r\n-------${tid}$\r\n`
    );
  }
}
