/**
 * All sockets read into one buffer: what came in is used up before anything else is read. Node's own way is new memory
 * for each read, and long messages then keep its garbage collector busier than the switch.
 */
import { connect, Socket, type TcpNetConnectOpts } from 'node:net';

const READ_BYTES = 64 * 1024;
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** Where a socket's reads go. The bytes are good until the function returns. */
export class Reads {
  onBytes: (bytes: Buffer) => void = () => {};

  readonly options = {
    buffer: shared,
    callback: (count: number): boolean => {
      this.onBytes(shared.subarray(0, count));
      return true;
    },
  };
}

export interface ReadingSocket {
  readonly socket: Socket;
  /** Null: it reads as sockets do, with 'data' events. */
  readonly reads: Reads | null;
}

/** Connects, like `net.connect`. */
export function connectReading(options: TcpNetConnectOpts): ReadingSocket {
  const reads = new Reads();
  return { socket: connect({ ...options, onread: reads.options }), reads };
}

/** What a socket of Node's has besides its public face, and may lose one day. */
interface Handled {
  _handle?: object | null;
}

/**
 * Makes a paused socket that a server accepted read into the buffer. Node lets only those who connect say so (`onread`), so
 * the connection moves to a new socket, as Node itself moves one that comes from another process; the old one is done with.
 */
export function acceptReading(accepted: Socket, highWaterMark: number): ReadingSocket {
  const { _handle: handle } = accepted as Handled;
  if (typeof handle !== 'object' || handle === null) {
    accepted.resume();
    return { socket: accepted, reads: null };
  }
  (accepted as Handled)._handle = null;
  accepted.destroy();
  const reads = new Reads();
  const options: object = { handle, highWaterMark, onread: reads.options };
  return { socket: new Socket(options), reads };
}
