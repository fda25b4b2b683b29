/**
 * One message of any size through a switch in a process of its own, while others chat: how much its memory grows.
 * As a program: `huge-message.ts [BYTES]`, default one gigabyte.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { MsrpStream } from '../../../src/agents/msrp/frame.ts';
import { bindToLife, endChild, within } from '../../support/children.ts';

const SWITCH = new URL('../../bench/msrp/switch-under-load.ts', import.meta.url).pathname;
const PIECE = Buffer.alloc(64 * 1024, 'g');
/** How far the sender may be ahead of the slowest: recipients that differ more are cut off, and that is another test. */
const AHEAD_BYTES = 2 * 1024 ** 2;

const WAIT_TIMEOUT_MS = 60_000;

class Party {
  readonly socket: Socket;
  readonly to: string;
  readonly from: string;
  bytes = 0;
  messages = 0;
  answered = 0;
  endedBy = '';
  readonly #stream = new MsrpStream();
  /** Answers that wait for the chunk under way to end; null while none is. */
  #owed: string | null = null;
  readonly #waiting: (() => void)[] = [];

  constructor(spec: string, port: number) {
    [, this.from = '', this.to = ''] = spec.split(' ');
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.socket.on('close', () => this.#wake());
    this.socket.on('error', () => {});
    this.#send('bind0001', '');
  }

  #take(chunk: Buffer): void {
    let answers = '';
    for (const frame of this.#stream.feed(chunk)) {
      if (frame.method === '') {
        if (frame.status !== 200) throw new Error(`answered ${frame.status}`);
        this.answered++;
        continue;
      }
      const tid = frame.transactionId;
      answers += `MSRP ${tid} 200 OK\r\nTo-Path: ${this.to}\r\nFrom-Path: ${this.from}\r\n-------${tid}$\r\n`;
      if (frame.header('Message-ID') === 'huge') {
        this.bytes += frame.body?.length ?? 0;
        if (frame.flag !== '+') this.endedBy = frame.flag;
      } else this.messages++;
    }
    if (this.#owed !== null) this.#owed += answers;
    else if (answers !== '') this.socket.write(answers, 'latin1');
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #send(tid: string, rest: string): void {
    this.socket.write(
      `MSRP ${tid} SEND\r\nTo-Path: ${this.to}\r\nFrom-Path: ${this.from}\r\nMessage-ID: m-${tid}\r\n${rest}-------${tid}$\r\n`,
    );
  }

  chat(number: number): void {
    this.#send(`chat${number}`, 'Byte-Range: 1-4/4\r\nContent-Type: text/plain\r\n\r\nchat\r\n');
  }

  /** One SEND as long as nobody else is to be answered; then it is interrupted by `+` and goes on under a fresh id. */
  async stream(bytes: number, recipients: readonly Party[]): Promise<void> {
    let turn = 0;
    const begin = (start: number): void => {
      turn++;
      this.socket.write(
        `MSRP huge${turn} SEND\r\nTo-Path: ${this.to}\r\nFrom-Path: ${this.from}\r\nMessage-ID: huge\r\n` +
          `Byte-Range: ${start}-*/${bytes}\r\nContent-Type: text/plain\r\n\r\n`,
      );
    };
    this.#owed = '';
    begin(1);
    for (let sent = 0; sent < bytes; ) {
      const piece = PIECE.subarray(0, Math.min(PIECE.length, bytes - sent));
      if (!this.socket.write(piece))
        await once(this.socket, 'drain', { signal: AbortSignal.timeout(WAIT_TIMEOUT_MS) });
      sent += piece.length;
      for (const party of recipients) await party.until(() => party.bytes > sent - AHEAD_BYTES);
      if (this.#owed === '' || sent === bytes) continue;
      this.socket.write(`\r\n-------huge${turn}+\r\n${this.#owed}`, 'latin1');
      this.#owed = '';
      begin(sent + 1);
    }
    this.socket.write(`\r\n-------huge${turn}$\r\n${this.#owed}`, 'latin1');
    this.#owed = null;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.socket.destroyed) throw new Error('cut off by the switch');
      const next = new Promise<void>((resolve) => void this.#waiting.push(resolve));
      await within(WAIT_TIMEOUT_MS, 'anything from the switch', next);
    }
  }
}

export interface HugeResult {
  readonly growthBytes: number;
  readonly chatsDuring: number;
  readonly received: readonly number[];
}

export async function passHugeMessage(bytes: number): Promise<HugeResult> {
  const child = spawn(process.execPath, [SWITCH, '3', String(bytes)], { stdio: ['pipe', 'pipe', 'inherit'] });
  bindToLife(child);
  try {
    return await passThrough(child, bytes);
  } finally {
    await endChild(child, 0);
  }
}

async function passThrough(child: ChildProcess, bytes: number): Promise<HugeResult> {
  if (child.stdout === null) throw new Error('no pipe');
  const signal = AbortSignal.timeout(WAIT_TIMEOUT_MS);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line', { signal })) as [string];
  const { pid, port, spec } = JSON.parse(line) as { pid: number; port: number; spec: string[] };
  const [sender, first, second, chatting] = spec.map((one) => new Party(one, port)) as [
    Party,
    Party,
    Party,
    Party,
  ];
  const all = [sender, first, second, chatting];
  for (const party of all) await party.until(() => party.answered === 1);
  const before = residentBytes(pid, 'VmRSS');
  const streamed = sender.stream(bytes, [first, second, chatting]);
  let chats = 0;
  const isOver = (): boolean => [first, second].every((party) => party.endedBy !== '');
  while (!isOver()) {
    chats++;
    chatting.chat(1000 + chats);
    await chatting.until(() => chatting.answered === chats + 1);
    await first.until(() => first.messages === chats);
  }
  await streamed;
  const growthBytes = residentBytes(pid, 'VmHWM') - before;
  for (const party of all) party.socket.destroy();
  return { growthBytes, chatsDuring: chats, received: [first.bytes, second.bytes] };
}

function residentBytes(pid: number, field: string): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}

if (import.meta.main) {
  const bytes = Number(process.argv[2] ?? 1024 ** 3);
  const { growthBytes, chatsDuring, received } = await passHugeMessage(bytes);
  const mebibytes = (growthBytes / 1024 ** 2).toFixed(1);
  process.stdout.write(
    `${bytes} bytes to ${received.length}, received ${received.join(' and ')}: memory grew by ${mebibytes} MiB, ${chatsDuring} chat messages meanwhile\n`,
  );
  process.exitCode = growthBytes < 64 * 1024 ** 2 && received.every((count) => count === bytes) ? 0 : 1;
}
