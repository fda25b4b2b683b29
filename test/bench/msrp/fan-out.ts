/**
 * One sender, N receivers, closed loop: CPU microseconds of the switch per delivered message. The switch runs in a process of
 * its own; the generator here answers every SEND. Compare only figures of one machine and one run: the spread is printed.
 * Usage: fan-out.ts [SECONDS] [SIZE]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import type { FrameHead } from '../../../src/msrp/protocol/frame-head.ts';
import { MsrpParser } from '../../../src/msrp/protocol/parser.ts';

const WINDOW = 64;
const AHEAD = 256;
const ROUNDS = 3;
const seconds = Number(process.argv[2] ?? 2);
const size = Number(process.argv[3] ?? 200);

class Endpoint {
  readonly socket: Socket;
  readonly toUri: string;
  readonly fromUri: string;
  received = 0;
  answered = 0;
  #out = '';
  readonly #onProgress: () => void;

  constructor(line: string, port: number, onProgress: () => void) {
    const [, fromUri, toUri] = line.split(' ');
    this.fromUri = fromUri ?? '';
    this.toUri = toUri ?? '';
    this.#onProgress = onProgress;
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const parser = new MsrpParser({
      onHead: (head) => this.#take(head),
      onBody: () => {},
      onEnd: () => {},
      onFault: (fault) => {
        throw fault;
      },
    });
    this.socket.on('data', (chunk: Buffer) => {
      parser.feed(chunk);
      if (this.#out !== '') this.socket.write(this.#out, 'latin1');
      this.#out = '';
      this.#onProgress();
    });
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  #take(head: FrameHead): void {
    if (head.status !== 0) {
      if (head.status !== 200) throw new Error(`answered ${head.status}`);
      this.answered++;
      return;
    }
    this.received++;
    const tid = head.tid();
    this.#out += `MSRP ${tid} 200 OK\r\nTo-Path: ${this.toUri}\r\nFrom-Path: ${this.fromUri}\r\n-------${tid}$\r\n`;
  }
}

async function run(receivers: number): Promise<number> {
  const script = new URL('switch-under-load.ts', import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, [script, String(receivers)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.stdout === null || child.stdin === null) throw new Error('no pipes');
  const stdin = child.stdin;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async <T>(): Promise<T> => JSON.parse(String((await lines.next()).value)) as T;
  const cpu = async (): Promise<number> => {
    stdin.write('cpu\n');
    return (await read<{ cpuMicros: number }>()).cpuMicros;
  };
  const { port, spec } = await read<{ port: number; spec: string[] }>();

  const body = 'x'.repeat(size);
  let sent = 0;
  let isOver = false;
  let wake = (): void => {};
  const endpoints: Endpoint[] = [];
  const pump = (): void => {
    const sender = endpoints[0] as Endpoint;
    let slowest = Number.POSITIVE_INFINITY;
    for (let i = 1; i < endpoints.length; i++) slowest = Math.min(slowest, endpoints[i]?.received ?? 0);
    let out = '';
    while (!isOver && sent - (sender.answered - 1) < WINDOW && sent - slowest < AHEAD) {
      sent++;
      const tid = `t${String(sent).padStart(9, '0')}`;
      out +=
        `MSRP ${tid} SEND\r\nTo-Path: ${sender.toUri}\r\nFrom-Path: ${sender.fromUri}\r\nMessage-ID: m${sent}\r\n` +
        `Byte-Range: 1-${size}/${size}\r\nContent-Type: text/plain\r\n\r\n${body}\r\n-------${tid}$\r\n`;
    }
    if (out !== '') sender.write(out);
    wake();
  };
  let onProgress = (): void => wake();
  for (const line of spec) endpoints.push(new Endpoint(line, port, () => onProgress()));
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  for (const one of endpoints) {
    one.write(
      `MSRP bind0001 SEND\r\nTo-Path: ${one.toUri}\r\nFrom-Path: ${one.fromUri}\r\nMessage-ID: b\r\n-------bind0001$\r\n`,
    );
  }
  await until(() => endpoints.every((one) => one.answered === 1));
  const before = await cpu();
  onProgress = pump;
  pump();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  isOver = true;
  await until(() => endpoints.slice(1).every((one) => one.received === sent));
  const micros = (await cpu()) - before;
  stdin.end();
  for (const one of endpoints) one.socket.destroy();
  await once(child, 'exit');
  return micros / (sent * receivers);
}

const processor = cpus()[0]?.model ?? 'unknown';
process.stdout.write(
  `node ${process.version}, ${cpus().length} × ${processor}, ${size} B, ${seconds} s a run\n`,
);
for (const receivers of [10, 100]) {
  const figures: number[] = [];
  for (let round = 0; round < ROUNDS; round++) figures.push(await run(receivers));
  figures.sort((a, b) => a - b);
  const shown = figures.map((figure) => figure.toFixed(2));
  process.stdout.write(`1→${receivers}: ${shown[1]} µs CPU per delivery (${shown[0]}…${shown.at(-1)})\n`);
}
