/**
 * A point to compare with, no product: what Node's `net` costs when every byte of the sender's connection is written to all
 * others as it came, without a look at it. The one liberty: it counts frames by their fixed size, to answer the sender.
 * Each connection begins with nine bytes, `S` or `R` and the size of a frame in eight digits, and gets an answer to them.
 * Usage: raw-net.ts PORT
 */
import { createServer, type Socket } from 'node:net';

const HELLO_BYTES = 9;
const SENDER = 0x53;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const TID = 't00000000000';
const ANSWER = Buffer.from(
  `MSRP ${TID} 200 OK\r\nTo-Path: msrp://127.0.0.1:7777/client-000000;tcp\r\nFrom-Path: msrp://127.0.0.1:7778/bench-session-000000;tcp\r\n-------${TID}$\r\n`,
);
const WELCOME = 'MSRP greeting 200 OK\r\n-------greeting$\r\n';

const receivers = new Set<Socket>();

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.on('close', () => receivers.delete(socket));
  socket.once('data', (hello: Buffer) => {
    if (hello[0] !== SENDER) {
      receivers.add(socket);
      socket.write(WELCOME);
      socket.resume();
      return;
    }
    socket.write(WELCOME);
    const frameBytes = Number(hello.toString('latin1', 1, HELLO_BYTES));
    let partBytes = 0;
    const forward = (bytes: Buffer): void => {
      let full: Socket | null = null;
      for (const receiver of receivers) {
        receiver.write(bytes);
        if (receiver.writableLength > MAX_WAITING_BYTES) full = receiver;
      }
      partBytes += bytes.length;
      const frames = Math.floor(partBytes / frameBytes);
      partBytes %= frameBytes;
      if (frames > 0) socket.write(Buffer.concat(new Array<Buffer>(frames).fill(ANSWER)));
      if (full === null) return;
      socket.pause();
      full.once('drain', () => socket.resume());
    };
    if (hello.length > HELLO_BYTES) forward(hello.subarray(HELLO_BYTES));
    socket.on('data', forward);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('listening\n'));
