/** One MSRP endpoint of the generator: just enough framing to answer every SEND, and nothing shared with the switch. */
import { connect, type Socket } from 'node:net';

/** What stands before the transaction id at the end of a frame; no body that we send contains it. */
const END_MARK = Buffer.from('\r\n-------');
const LF = 0x0a;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
/** Microseconds at the beginning of each body. */
export const STAMP_CHARS = 12;

export type Role = 'S' | 'R';

export interface MemberEvents {
  /** A read was used up: counters may have moved. */
  onProgress(member: Member): void;
  /** A message came whose body starts with this stamp. */
  onStamp(stampMicros: number): void;
  onGone(member: Member): void;
}

export class Member {
  readonly role: Role;
  readonly from: string;
  /** The first hop; a sender through a relay puts further URIs behind it. */
  readonly to: string;
  isBound = false;
  /** What a relay let this client in under (RFC 4976 section 4). */
  usePath = '';
  answered = 0;
  refused = 0;
  received = 0;
  readonly #events: MemberEvents;
  readonly #bodyBytes: number;
  readonly #answerTail: string;
  #socket: Socket | null = null;
  #rest: Buffer | null = null;

  /** @param line `S|R <own-uri> <switch-uri>` */
  constructor(line: string, bodyBytes: number, events: MemberEvents) {
    const [role, from = '', to = ''] = line.split(' ');
    this.role = role === 'S' ? 'S' : 'R';
    this.from = from;
    this.to = to;
    this.#bodyBytes = bodyBytes;
    this.#events = events;
    this.#answerTail = ` 200 OK\r\nTo-Path: ${to}\r\nFrom-Path: ${from}\r\n-------`;
  }

  /** Connects to the host and port of the first hop. */
  open(): void {
    const { hostname, port } = new URL(this.to.replace(/^msrp:/, 'http:').replace(/;.*$/, ''));
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => this.#events.onGone(this));
    this.#socket = socket;
  }

  /** How far its connection has come, for who waits for it in vain. */
  get state(): string {
    const socket = this.#socket;
    if (socket === null || socket.connecting) return 'is not connected';
    return `is connected from port ${socket.localPort}, has written ${socket.bytesWritten} bytes and read ${socket.bytesRead}`;
  }

  close(): void {
    this.#socket?.removeAllListeners('close');
    this.#socket?.destroy();
  }

  write(text: string): void {
    this.#socket?.write(text, 'latin1');
  }

  bind(): void {
    this.write(
      `MSRP bind0001 SEND\r\nTo-Path: ${this.to}\r\nFrom-Path: ${this.from}\r\nMessage-ID: bind\r\nByte-Range: 1-0/0\r\n-------bind0001$\r\n`,
    );
  }

  /** What only forwards bytes answers it with a frame, like any other. */
  greet(frameBytes: number): void {
    this.write(`${this.role}${String(frameBytes).padStart(8, '0')}`);
  }

  authenticate(): void {
    this.write(
      `MSRP auth0001 AUTH\r\nTo-Path: ${this.to}\r\nFrom-Path: ${this.from}\r\n-------auth0001$\r\n`,
    );
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    let answers = '';
    for (;;) {
      const mark = bytes.indexOf(END_MARK, at);
      if (mark < 0) break;
      const tidStart = mark + END_MARK.length;
      const lineEnd = bytes.indexOf(LF, tidStart);
      if (lineEnd < 0) break;
      const tid = bytes.toString('latin1', tidStart, lineEnd - 2);
      const word = at + 'MSRP '.length + tid.length + 1;
      const first = bytes[word] as number;
      if (first >= DIGIT_0 && first <= DIGIT_9) this.#takeAnswer(bytes, at, mark, word);
      else if (bytes[word] === 0x53) {
        if (mark - at > this.#bodyBytes) this.#takeMessage(bytes, mark);
        answers += `MSRP ${tid}${this.#answerTail}${tid}$\r\n`;
      }
      at = lineEnd + 1;
    }
    this.#rest = at === bytes.length ? null : Buffer.from(bytes.subarray(at));
    if (answers !== '') this.write(answers);
    this.#events.onProgress(this);
  }

  #takeMessage(bytes: Buffer, bodyEnd: number): void {
    this.received++;
    let stamp = 0;
    const start = bodyEnd - this.#bodyBytes;
    for (let at = start; at < start + STAMP_CHARS; at++) {
      stamp = stamp * 10 + (bytes[at] as number) - DIGIT_0;
    }
    this.#events.onStamp(stamp);
  }

  #takeAnswer(bytes: Buffer, start: number, end: number, word: number): void {
    const isOk = bytes[word] === 0x32;
    if (this.isBound) {
      if (isOk) this.answered++;
      else this.refused++;
      return;
    }
    const text = bytes.toString('latin1', start, end);
    if (!isOk) throw new Error(`${this.from} was not let in: ${text}`);
    this.usePath = /\r\nUse-Path: ([^\r\n]+)/.exec(text)?.[1] ?? '';
    this.isBound = true;
  }
}
