/** One client of a soak: framing of its own, quick enough to keep a switch busy. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Transport, Wire } from './wire.ts';

export interface MemberEvents {
  onAnswer(tid: string, status: string): void;
  /** @param head all before the body; @param body as latin1 text */
  onSend(head: string, body: string, flag: string): void;
  onReport(head: string): void;
}

const END_LINE = Buffer.from('\r\n-------');
const BIND_TRIES = 200;
const BIND_TIMEOUT_MS = 20_000;

export class SoakMember {
  readonly name: string;
  readonly transport: Transport;
  readonly #port: number;
  readonly #events: MemberEvents;
  readonly #paths: string;
  #wire: Wire | null = null;
  #rest: Buffer | null = null;
  #sent = 0;
  #bindTid = '';
  #onBound: ((status: string) => void) | null = null;
  isOpen = false;

  constructor(name: string, transport: Transport, port: number, events: MemberEvents) {
    this.name = name;
    this.transport = transport;
    this.#port = port;
    this.#events = events;
    const scheme = transport === 'tls' ? 'msrps' : 'msrp';
    const suffix = transport === 'ws' ? ';ws' : ';tcp';
    this.#paths =
      `To-Path: ${scheme}://127.0.0.1:${port}/sid-${name}-0123456789${suffix}\r\n` +
      `From-Path: ${pathOf(name, transport)}\r\n`;
  }

  /** Connects and binds; a connection of before that is still being noticed as gone is waited for. */
  async open(): Promise<void> {
    this.#rest = null;
    this.#wire = await Wire.open(this.transport, this.#port, (bytes) => this.#take(bytes));
    for (let tries = 0; tries < BIND_TRIES; tries++) {
      const status = await this.#bind();
      if (status === '200') {
        this.isOpen = true;
        return;
      }
      if (status !== '506') throw new Error(`${this.name} was answered ${status}`);
      await delay(10);
    }
    throw new Error(`${this.name} was not let in again`);
  }

  #bind(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const beganMs = performance.now();
    const fail = (): void => {
      const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
      reject(new Error(`${this.name}: the binding SEND got no answer in ${seconds} s; ${this.#wire?.state}`));
    };
    // What has come by then is read first: a busy client is late itself.
    const deadline = setTimeout(() => setImmediate(fail), BIND_TIMEOUT_MS);
    void this.#wire?.closed.then(() => reject(new Error(`${this.name}: closed while it was binding`)));
    this.#onBound = (status) => {
      clearTimeout(deadline);
      resolve(status);
    };
    this.#bindTid = this.write('Byte-Range: 1-0/0\r\n', null, '$');
    return promise;
  }

  /** Writes a SEND; returns its transaction id. @param headers each with CRLF; @param body null for none */
  write(headers: string, body: string | null, flag: string, messageId?: string): string {
    this.#sent++;
    const tid = `${this.name}n${this.#sent.toString(36).padStart(4, '0')}`;
    this.#wire?.write(
      `MSRP ${tid} SEND\r\n${this.#paths}Message-ID: ${messageId ?? tid}\r\n${headers}` +
        `${body === null ? '' : `\r\n${body}\r\n`}-------${tid}${flag}\r\n`,
    );
    return tid;
  }

  /** Half a SEND: what comes next is the end of the connection. */
  writeHalf(headers: string, body: string): void {
    this.#wire?.write(`MSRP ${this.name}half SEND\r\n${this.#paths}${headers}\r\n${body}`);
  }

  /** The switch closes. */
  async left(): Promise<void> {
    await this.#wire?.closed;
    this.leave(true);
  }

  /** What is still on its way is not looked at any more. */
  leave(isAbrupt: boolean): void {
    this.isOpen = false;
    this.#wire?.close(isAbrupt);
    this.#wire = null;
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    let answers = '';
    for (;;) {
      const lineEnd = bytes.indexOf('\r\n', at);
      if (lineEnd < 0) break;
      const [, tid = '', what = ''] = bytes.toString('latin1', at, lineEnd).split(' ');
      // No body of a soak has seven dashes.
      const end = bytes.indexOf(END_LINE, lineEnd);
      const frameEnd = end + END_LINE.length + tid.length + 3;
      if (end < 0 || frameEnd > bytes.length) break;
      const flag = String.fromCharCode(bytes[frameEnd - 3] as number);
      if (what === 'SEND') answers += this.#takeSend(bytes.toString('latin1', lineEnd, end), tid, flag);
      else if (what === 'REPORT') this.#events.onReport(bytes.toString('latin1', lineEnd, end));
      else if (tid === this.#bindTid) this.#onBound?.(what);
      else this.#events.onAnswer(tid, what);
      at = frameEnd;
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at);
    // Over a WebSocket one frame came, and one answer goes.
    if (answers !== '') this.#wire?.write(answers);
  }

  /** Returns the answer to be written. */
  #takeSend(text: string, tid: string, flag: string): string {
    const blank = text.indexOf('\r\n\r\n');
    if (blank >= 0) this.#events.onSend(text.slice(0, blank), text.slice(blank + 4), flag);
    return `MSRP ${tid} 200 OK\r\n${this.#paths}-------${tid}$\r\n`;
  }
}

export function pathOf(name: string, transport: Transport): string {
  const scheme = transport === 'tls' ? 'msrps' : 'msrp';
  return `${scheme}://192.0.2.1:7777/client-${name};${transport === 'ws' ? 'ws' : 'tcp'}`;
}
