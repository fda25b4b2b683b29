/** A client of raw bytes for the switch's tests: it writes what it is told and hands out what arrives, frame by frame. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { MsrpSwitch } from '../../../src/msrp/switch/msrp-switch.ts';
import type { SwitchOptions } from '../../../src/msrp/switch/options.ts';
import type { LegSnapshot, SessionSummary, SwitchEvent } from '../../../src/switch-control/protocol.ts';

const DEADLINE_MS = 20_000;

export interface Frame {
  /** `SEND`, `REPORT`, or the status as text. */
  readonly what: string;
  readonly tid: string;
  /** Start line and headers as received. */
  readonly head: string;
  readonly body: Buffer;
  readonly flag: string;
}

export function header(frame: Frame, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'im').exec(frame.head)?.[1]?.replace(/\r$/, '');
}

/** Frames of a byte stream by another road than the code under test: the end-line is looked for from the front. */
class FrameCutter {
  #held = Buffer.alloc(0);

  feed(chunk: Buffer): Frame[] {
    this.#held = Buffer.concat([this.#held, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const text = this.#held.toString('latin1');
      const start = /^MSRP (\S+) (\S+)[^\r]*\r\n/.exec(text);
      if (start === null) return frames;
      const tid = start[1] as string;
      const escaped = tid.replace(/[.+*?^${}()|[\]\\]/g, '\\$&');
      const end = new RegExp(`\r\n-------${escaped}([$+#])\r\n`).exec(text);
      if (end === null) return frames;
      const frame = text.slice(0, end.index);
      const blank = frame.indexOf('\r\n\r\n');
      const bodyStart = blank < 0 ? frame.length : blank + 4;
      frames.push({
        what: start[2] as string,
        tid,
        head: blank < 0 ? frame : frame.slice(0, blank),
        body: Buffer.from(frame.slice(bodyStart), 'latin1'),
        flag: end[1] as string,
      });
      this.#held = this.#held.subarray(end.index + end[0].length);
    }
  }
}

export class RawClient {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  isClosed = false;
  /** Answers SENDs with content by this status; 0 leaves them unanswered. */
  answerWith = 200;
  readonly #cutter = new FrameCutter();
  readonly #waiters: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#cutter.feed(chunk)) {
        this.frames.push(frame);
        if (frame.what === 'SEND' && this.answerWith > 0) this.answer(frame, this.answerWith);
      }
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  answer(frame: Frame, status: number): void {
    const to = header(frame, 'From-Path') ?? '';
    const from = header(frame, 'To-Path') ?? '';
    this.write(
      `MSRP ${frame.tid} ${status} X\r\nTo-Path: ${to}\r\nFrom-Path: ${from}\r\n-------${frame.tid}$\r\n`,
    );
  }

  /** Takes the first frame that fits out of what has arrived or will arrive. */
  async next(fits: (frame: Frame) => boolean, what = 'a frame'): Promise<Frame> {
    let found = -1;
    await this.until(() => {
      found = this.frames.findIndex(fits);
      return found >= 0;
    }, what);
    return this.frames.splice(found, 1)[0] as Frame;
  }

  response(tid: string): Promise<Frame> {
    return this.next((frame) => frame.tid === tid && /^\d/.test(frame.what), `the answer to ${tid}`);
  }

  async status(tid: string): Promise<string> {
    return (await this.response(tid)).what;
  }

  message(): Promise<Frame> {
    return this.next((frame) => frame.what === 'SEND', 'a SEND');
  }

  closed(): Promise<void> {
    return this.until(() => this.isClosed, 'the close');
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    while (!holds()) {
      if (deadline.aborted) {
        const seen = this.frames.map((frame) => `${frame.what} ${frame.tid}`).join(', ');
        throw new Error(`waited in vain for ${what}; closed: ${this.isClosed}; has: ${seen}`);
      }
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

export const silentLog = { debug() {}, info() {}, warn() {}, error() {} };

export interface Hall {
  readonly msrp: MsrpSwitch;
  readonly port: number;
  readonly events: SwitchEvent[];
  nextEvent(fits: (event: SwitchEvent) => boolean): Promise<SwitchEvent>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openHall(options: Partial<SwitchOptions> = {}): Promise<Hall> {
  const events: SwitchEvent[] = [];
  const waiters: (() => void)[] = [];
  const defects: object[] = [];
  const msrp = new MsrpSwitch({
    id: 'sw-test',
    listen: [{ transport: 'tcp', host: '127.0.0.1', port: 0 }],
    log: { ...silentLog, error: (fields) => defects.push(fields) },
    onEvent: (event) => {
      events.push(event);
      for (const waiter of waiters.splice(0)) waiter();
    },
    ...options,
    limits: { tickMs: 20, ...options.limits },
  });
  const addresses = await msrp.start();
  return {
    msrp,
    port: addresses[0]?.port ?? 0,
    events,
    async nextEvent(fits) {
      const deadline = AbortSignal.timeout(DEADLINE_MS);
      for (;;) {
        const at = events.findIndex(fits);
        if (at >= 0) return events.splice(at, 1)[0] as SwitchEvent;
        if (deadline.aborted) throw new Error(`no such event; seen: ${JSON.stringify(events)}`);
        await new Promise<void>((resolve) => {
          waiters.push(resolve);
          deadline.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    async [Symbol.asyncDispose]() {
      await msrp.stop();
      if (defects.length > 0)
        throw new Error(`defects: ${String((defects[0] as { err: Error }).err?.stack)}`);
    },
  };
}

export function legOf(name: string, extra: Partial<LegSnapshot> = {}): LegSnapshot {
  return {
    leg: name,
    sessionId: `sid-${name}-0123456789`,
    tls: false,
    path: [clientUri(name)],
    role: 'passive',
    acceptTypes: ['*'],
    acceptWrappedTypes: ['*'],
    direction: 'sendrecv',
    identities: [`sip:${name}@example.net`],
    ...extra,
  };
}

export function clientUri(name: string): string {
  return `msrp://192.0.2.1:7777/client-${name};tcp`;
}

export const ROOM = 'im-s-room1';
export const ROOM_ADDRESS = `sip:${ROOM}@example.net`;

export function putRoom(hall: Hall, legs: readonly LegSnapshot[], revision = 1): void {
  const reply = hall.msrp.handle('session.put', {
    session: ROOM,
    revision,
    addresses: [ROOM_ADDRESS, 'sip:factory@example.net'],
    legs,
  });
  if (!reply.ok) throw new Error(`session.put: ${reply.code} ${reply.reason}`);
}

/** As the focus asks for them. */
export function sessionsOf(hall: Hall): readonly SessionSummary[] {
  const reply = hall.msrp.handle('session.list', {});
  return (reply.ok && reply.sessions) || [];
}

let lastTid = 0;

export function freshTid(): string {
  lastTid++;
  return `t${String(lastTid).padStart(7, '0')}`;
}

export interface SendOptions {
  readonly tid?: string;
  readonly to?: string;
  readonly from?: string;
  readonly messageId?: string | null;
  readonly range?: string | null;
  readonly type?: string | null;
  readonly extra?: string;
  readonly flag?: string;
  readonly method?: string;
}

/** One member of the room as a raw client: writes frames under its own paths. */
export class Member {
  readonly name: string;
  readonly client: RawClient;
  readonly #port: number;

  constructor(name: string, client: RawClient, port: number) {
    this.name = name;
    this.client = client;
    this.#port = port;
  }

  static async join(hall: Hall, name: string): Promise<Member> {
    const member = new Member(name, await RawClient.connect(hall.port), hall.port);
    const tid = member.send(null);
    const status = await member.client.status(tid);
    if (status !== '200') throw new Error(`binding ${name}: ${status}`);
    return member;
  }

  get switchUri(): string {
    return `msrp://127.0.0.1:${this.#port}/sid-${this.name}-0123456789;tcp`;
  }

  /** Builds a SEND; `body` null leaves content away. */
  frame(body: string | Buffer | null, options: SendOptions = {}): { tid: string; bytes: Buffer } {
    const tid = options.tid ?? freshTid();
    const bytes = body === null ? null : typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
    const size = bytes?.length ?? 0;
    const lines = [
      `MSRP ${tid} ${options.method ?? 'SEND'}`,
      `To-Path: ${options.to ?? this.switchUri}`,
      `From-Path: ${options.from ?? clientUri(this.name)}`,
    ];
    if (options.messageId !== null) lines.push(`Message-ID: ${options.messageId ?? `m-${tid}`}`);
    if (options.range !== null) lines.push(`Byte-Range: ${options.range ?? `1-${size}/${size}`}`);
    if (options.extra !== undefined) lines.push(options.extra);
    if (bytes !== null && options.type !== null) lines.push(`Content-Type: ${options.type ?? 'text/plain'}`);
    const head = Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');
    const tail = Buffer.from(`-------${tid}${options.flag ?? '$'}\r\n`, 'latin1');
    const content = bytes === null ? [] : [Buffer.from('\r\n'), bytes, Buffer.from('\r\n')];
    return { tid, bytes: Buffer.concat([head, ...content, tail]) };
  }

  /** Writes a SEND; returns its transaction id. */
  send(body: string | Buffer | null, options: SendOptions = {}): string {
    const { tid, bytes } = this.frame(body, options);
    this.client.write(bytes);
    return tid;
  }

  /** Waits for the answer as well. */
  sendAndStatus(body: string | Buffer | null, options: SendOptions = {}): Promise<string> {
    return this.client.status(this.send(body, options));
  }

  message(): Promise<Frame> {
    return this.client.message();
  }

  close(): void {
    this.client.socket.destroy();
  }
}

export function cpim(from: string, to: string, text: string, type = 'text/plain'): string {
  return `From: <${from}>\r\nTo: <${to}>\r\nDateTime: 2026-01-01T00:00:00Z\r\n\r\nContent-Type: ${type}\r\n\r\n${text}`;
}

/** A client that is called: listens, and hands out the first connection. */
export async function openAcceptor(host = '127.0.0.1'): Promise<{
  port: number;
  accepted: Promise<RawClient>;
  close(): void;
}> {
  const server = createServer();
  const accepted = new Promise<RawClient>((resolve) => {
    server.on('connection', (socket) => resolve(new RawClient(socket)));
  });
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    accepted,
    close: () => server.close(),
  };
}
