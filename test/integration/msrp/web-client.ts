/** Members over WebSocket, by the client of Node itself, which shares nothing with the server under test. */
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { portOf } from './certificates.ts';
import { type Hall, Member, RawClient } from './raw-client.ts';

/** As much of a socket as the raw client uses; each write is one message. */
class WebSocketWire extends EventEmitter {
  /** Messages as they came, and whether each was binary. */
  readonly messages: Buffer[] = [];
  readonly #web: WebSocket;

  constructor(web: WebSocket) {
    super();
    this.#web = web;
    web.binaryType = 'arraybuffer';
    web.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') throw new Error('a text message');
      const bytes = Buffer.from(data as ArrayBuffer);
      this.messages.push(bytes);
      this.emit('data', bytes);
    });
    web.addEventListener('close', ({ code }) => {
      this.closeCode = code;
      this.emit('close');
    });
    web.addEventListener('error', () => this.emit('error'));
  }

  closeCode = 0;

  setNoDelay(): void {}

  write(bytes: Buffer): void {
    this.#web.send(new Uint8Array(bytes));
  }

  writeText(text: string): void {
    this.#web.send(text);
  }

  destroy(): void {
    this.#web.close();
  }
}

export class WebMember extends Member {
  readonly wire: WebSocketWire;

  constructor(name: string, wire: WebSocketWire, port: number) {
    super(name, new RawClient(wire as unknown as Socket), port);
    this.wire = wire;
  }

  static async connect(hall: Hall, name: string): Promise<WebMember> {
    const port = portOf(hall, 'ws');
    const web = new WebSocket(`ws://127.0.0.1:${port}/`, ['msrp']);
    const wire = new WebSocketWire(web);
    await once(web, 'open');
    if (web.protocol !== 'msrp') throw new Error(`subprotocol ${web.protocol}`);
    return new WebMember(name, wire, port);
  }

  static override async join(hall: Hall, name: string): Promise<WebMember> {
    const member = await WebMember.connect(hall, name);
    const status = await member.sendAndStatus(null);
    if (status !== '200') throw new Error(`binding ${name}: ${status}`);
    return member;
  }

  override get switchUri(): string {
    return super.switchUri.replace(';tcp', ';ws');
  }
}

/** A WebSocket frame from a client by hand: masked with zeros. */
export function clientFrame(opcode: number, payload: Buffer, isFinal = true): Buffer {
  const head = [opcode | (isFinal ? 0x80 : 0)];
  if (payload.length < 126) head.push(0x80 | payload.length);
  else head.push(0x80 | 126, payload.length >> 8, payload.length & 0xff);
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), payload]);
}
