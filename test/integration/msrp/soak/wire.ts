/** One connection of a soak's client: bytes in and out over TCP, TLS, or a WebSocket written by hand, which is quicker than Node's own. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { LOOPBACK } from '../certificates.ts';

export type Transport = 'tcp' | 'tls' | 'ws';

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: soak\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Protocol: msrp\r\n\r\n';
const OPEN_TIMEOUT_MS = 30_000;
const HEAD_END = '\r\n\r\n';

export class Wire {
  readonly #socket: Socket;
  readonly #transport: Transport;
  /** Of a WebSocket: what has come of a message. */
  #held: Buffer = Buffer.alloc(0);
  /** Settles when the connection is closed, whoever did it. */
  readonly closed: Promise<void>;

  /** @param onBytes frames, one or more, or parts of them */
  static async open(transport: Transport, port: number, onBytes: (bytes: Buffer) => void): Promise<Wire> {
    const place = { host: '127.0.0.1', port, noDelay: true };
    const socket = transport === 'tls' ? connectTls({ ...place, ca: LOOPBACK.cert }) : connect(place);
    const signal = AbortSignal.timeout(OPEN_TIMEOUT_MS);
    await once(socket, transport === 'tls' ? 'secureConnect' : 'connect', { signal });
    socket.on('error', () => {});
    if (transport === 'ws') {
      socket.write(UPGRADE);
      const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
      if (!answer.includes('101 ') || !answer.includes(HEAD_END)) throw new Error(answer.toString('latin1'));
    }
    return new Wire(socket, transport, onBytes);
  }

  private constructor(socket: Socket, transport: Transport, onBytes: (bytes: Buffer) => void) {
    this.#socket = socket;
    this.#transport = transport;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', transport === 'ws' ? (chunk: Buffer) => this.#unwrap(chunk, onBytes) : onBytes);
  }

  /** For who waits for it in vain. */
  get state(): string {
    const { localPort, bytesRead, bytesWritten, writableLength } = this.#socket;
    return `port ${localPort}, ${bytesRead} bytes read, ${bytesWritten} written, ${writableLength} still to be written`;
  }

  /** One frame of MSRP, as latin1 text. */
  write(frame: string): void {
    if (this.#transport === 'ws') this.#socket.write(masked(frame));
    else this.#socket.write(frame, 'latin1');
  }

  close(isAbrupt: boolean): void {
    this.#socket.removeAllListeners('data');
    this.#socket.resume();
    if (!isAbrupt) this.#socket.end();
    else if (this.#transport === 'tls') this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #unwrap(chunk: Buffer, onBytes: (bytes: Buffer) => void): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = bytes.readUInt8(at + 1);
      const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length - at < headBytes) break;
      const length =
        short < 126
          ? short
          : short === 126
            ? bytes.readUInt16BE(at + 2)
            : Number(bytes.readBigUInt64BE(at + 2));
      if (bytes.length - at < headBytes + length) break;
      if ((bytes.readUInt8(at) & 0x0f) === 2)
        onBytes(bytes.subarray(at + headBytes, at + headBytes + length));
      at += headBytes + length;
    }
    this.#held = bytes.subarray(at);
  }
}

/** A binary message, masked with zeros (RFC 6455 section 5.3). */
function masked(frame: string): Buffer {
  const headBytes = (frame.length < 126 ? 2 : 4) + 4;
  const bytes = Buffer.alloc(headBytes + frame.length);
  bytes[0] = 0x82;
  if (frame.length < 126) bytes[1] = 0x80 | frame.length;
  else {
    bytes[1] = 0x80 | 126;
    bytes.writeUInt16BE(frame.length, 2);
  }
  bytes.write(frame, headBytes, 'latin1');
  return bytes;
}
