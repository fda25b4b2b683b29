/**
 * One MSRP session of a client, from RFC 4975 and RFC 6135 only: it has a path of its own, connects or is connected
 * to, sends, receives, reports, and writes down every fault that it sees in what it receives.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Cpim, type CpimOptions, cpimMessage, readCpim } from '../documents.ts';
import { parseMsrpUri } from '../sdp.ts';
import {
  DEFAULT_WAIT_MS,
  type Deferred,
  deferred,
  Mailbox,
  WaitFailed,
  type WaitOptions,
  within,
} from '../waiting.ts';
import { encodeFrame, type Flag, type Frame, MsrpStream } from './frame.ts';
import { parseByteRange, Reassembly } from './reassembly.ts';
import { requestFaults } from './validation.ts';

export interface MsrpTraceEntry {
  readonly at: Date;
  readonly direction: 'sent' | 'received' | 'note';
  readonly bytes: Buffer;
  readonly frame?: Frame;
  readonly text: string;
}

export interface MsrpSessionOptions {
  /** For error texts. */
  readonly name?: string;
  /** Address of our listener, default 127.0.0.1. */
  readonly host?: string;
  /** False: never listens, the path carries port 9, and the session can only be active. Default true. */
  readonly listen?: boolean;
  /** For an `msrps` peer. */
  readonly tls?: ConnectionOptions;
  /** Received media types beyond these are a violation; default: any. */
  readonly acceptTypes?: readonly string[];
  readonly waitMs?: number;
  /** Trace entries kept, default 20,000; 0 keeps none (load). */
  readonly maxTrace?: number;
  readonly onTrace?: (entry: MsrpTraceEntry) => void;
}

export interface SendOptions {
  /** Default text/plain, or message/cpim with `cpim`. */
  readonly contentType?: string;
  /** Wraps the content; `contentType` is then that of the wrapped content. */
  readonly cpim?: Omit<CpimOptions, 'contentType'>;
  /** Bytes per chunk; default one chunk. Chunks above 2048 bytes have `*` as range end. */
  readonly chunkBytes?: number;
  readonly failureReport?: 'yes' | 'no' | 'partial';
  readonly successReport?: 'yes' | 'no';
  readonly messageId?: string;
  /** More header lines, before Content-Type. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly timeoutMs?: number;
}

export interface ReceivedMessage {
  readonly contentType: string;
  readonly body: Buffer;
  /** The body (of CPIM: the wrapped one) read as UTF-8. */
  readonly text: string;
  readonly cpim?: Cpim;
  /** From-Path as it stood. */
  readonly from: string;
  readonly messageId: string;
  readonly chunks: number;
  /** The frame that completed it. */
  readonly frame: Frame;
}

/** Answer to a SEND: a status, `withhold` for silence; undefined lets the session answer (200). */
export type SendAnswer = number | 'withhold' | undefined;

export class MsrpSession {
  readonly name: string;
  readonly sessionId: string;
  /** Faults of the peer against RFC 4975. */
  readonly violations: string[] = [];
  readonly trace: MsrpTraceEntry[] = [];
  /** Decides the answer to each non-empty SEND. */
  onSend: ((frame: Frame) => SendAnswer) | undefined;
  readonly #options: MsrpSessionOptions;
  readonly #waitMs: number;
  readonly #messages: Mailbox<ReceivedMessage>;
  readonly #reports: Mailbox<Frame>;
  readonly #aborted: Mailbox<{ messageId: string; bytes: number }>;
  readonly #frames: Mailbox<Frame>;
  readonly #pending = new Map<string, Deferred<Frame>>();
  readonly #peerTransactions = new Set<string>();
  readonly #reassembly = new Reassembly();
  readonly #inbound = new Set<Socket>();
  readonly #bound: Deferred<void> = deferred();
  #closed: Deferred<string> = deferred();
  #server: Server | undefined;
  #port = 9;
  #socket: Socket | undefined;
  #remotePath: readonly string[] = [];

  static async open(options: MsrpSessionOptions = {}): Promise<MsrpSession> {
    const session = new MsrpSession(options);
    if (options.listen !== false) await session.#listen();
    return session;
  }

  private constructor(options: MsrpSessionOptions) {
    this.#options = options;
    this.name = options.name ?? 'MSRP';
    this.sessionId = randomBytes(12).toString('hex');
    this.#waitMs = options.waitMs ?? DEFAULT_WAIT_MS;
    const box = { seen: () => this.tail(), defaultTimeoutMs: this.#waitMs };
    this.#messages = new Mailbox({
      ...box,
      describe: (message) => JSON.stringify(message.text.slice(0, 60)),
    });
    this.#reports = new Mailbox({ ...box, describe: (frame) => frame.header('Status') ?? 'REPORT' });
    this.#aborted = new Mailbox({ ...box, describe: (item) => `${item.messageId} aborted` });
    this.#frames = new Mailbox({ ...box, describe: frameSummary, maxItems: 1_000 });
  }

  /** Our own URI: what goes into a=path. */
  get path(): string {
    return `msrp${this.#options.tls === undefined ? '' : 's'}://${this.host}:${this.#port}/${this.sessionId};tcp`;
  }

  get host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  /** The peer's path as given to connect() or accept(), leftmost hop first. */
  get remotePath(): readonly string[] {
    return this.#remotePath;
  }

  // --- connection ---------------------------------------------------------------------------------

  /** Active: dials the peer's first URI and binds with an empty SEND; resolves with the status of that SEND. */
  async connect(
    remotePath: string | readonly string[],
    options: { bind?: boolean } & WaitOptions = {},
  ): Promise<number> {
    this.#remotePath = asPath(remotePath);
    const { secure, host, port } = parseMsrpUri(this.#remotePath[0] ?? '');
    const socket = secure
      ? connectTls({ host, port, ...this.#options.tls })
      : connectTcp({ host, port, localAddress: this.host });
    this.#use(socket);
    const timeoutMs = options.timeoutMs ?? this.#waitMs;
    await within(
      once(socket, secure ? 'secureConnect' : 'connect'),
      timeoutMs,
      `${this.name}: MSRP connection to ${host}:${port}`,
      () => this.tail(),
    );
    if (options.bind === false) return 0;
    return this.bind(options);
  }

  /** The empty SEND that binds a connection to our session (RFC 4975 section 5.4); resolves with its status. */
  async bind(options: WaitOptions = {}): Promise<number> {
    const { transactionId, response } = this.#request();
    this.#writeSend(transactionId, [['Message-ID', randomToken()]], undefined, '$');
    const frame = await this.#awaited(response, 'the response to the empty SEND', options);
    if (frame.status === 200) this.#bound.resolve();
    return frame.status;
  }

  /** Passive: takes the connection whose first request names our session. Wait for it with `bound()`. */
  accept(remotePath: string | readonly string[]): void {
    this.#remotePath = asPath(remotePath);
  }

  /** Resolves once a connection is bound to the session. */
  bound(options: WaitOptions = {}): Promise<void> {
    return this.#awaited(this.#bound.promise, 'a connection bound to the session', options);
  }

  /** Resolves with the reason when the bound connection has closed. */
  get closed(): Promise<string> {
    return this.#closed.promise;
  }

  get isConnected(): boolean {
    return this.#socket?.writable === true;
  }

  /** Cuts the connection without a word; listening goes on. */
  drop(): void {
    this.#socket?.destroy();
  }

  /** Stops reading from the connection: a slow receiver. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  async close(): Promise<void> {
    const ends: Promise<unknown>[] = [];
    for (const socket of [...this.#inbound, this.#socket]) {
      if (socket === undefined || socket.closed) continue;
      ends.push(once(socket, 'close'));
      // What was written still goes out; then the connection is gone whatever the peer does.
      socket.destroySoon();
    }
    if (this.#server !== undefined) {
      ends.push(once(this.#server, 'close'));
      this.#server.close();
      this.#server = undefined;
    }
    const error = new Error('the MSRP session was closed');
    for (const box of [this.#messages, this.#reports, this.#aborted, this.#frames]) box.close(error);
    for (const pending of this.#pending.values())
      pending.reject(new WaitFailed(`${this.name}: ${error.message}`));
    await Promise.all(ends);
  }

  // --- sending --------------------------------------------------------------------------------------

  /**
   * Sends a message. Resolves with 200 when all chunks have their 200, with the first other status as soon as one
   * comes (later chunks are then not sent), and with 0 at once when no response may come (Failure-Report: no).
   */
  async send(content: string | Buffer, options: SendOptions = {}): Promise<number> {
    const wrapped = options.cpim !== undefined;
    const innerType = options.contentType === undefined ? {} : { contentType: options.contentType };
    const body = wrapped
      ? cpimMessage(content, { ...options.cpim, ...innerType })
      : Buffer.from(content as string);
    const contentType = wrapped ? 'message/cpim' : (options.contentType ?? 'text/plain');
    const size = Math.max(1, options.chunkBytes ?? body.length);
    const common: (readonly [string, string])[] = [['Message-ID', options.messageId ?? randomToken()]];
    if (options.successReport !== undefined) common.push(['Success-Report', options.successReport]);
    if (options.failureReport !== undefined) common.push(['Failure-Report', options.failureReport]);
    const waits: Promise<Frame>[] = [];
    let refused = 0;
    for (let start = 0; start === 0 || start < body.length; start += size) {
      const chunk = body.subarray(start, start + size);
      const end = chunk.length > 2048 ? '*' : String(start + chunk.length);
      const { transactionId, response } = this.#request(chunk);
      const fields: (readonly [string, string])[] = [
        ...common,
        ['Byte-Range', `${start + 1}-${end}/${body.length}`],
        ...(options.headers ?? []),
        ['Content-Type', contentType],
      ];
      this.#writeSend(transactionId, fields, chunk, start + chunk.length < body.length ? '+' : '$');
      if (options.failureReport === 'no' || options.failureReport === 'partial') continue;
      waits.push(response);
      void response.then(
        (frame) => {
          if (frame.status !== 200 && refused === 0) refused = frame.status;
        },
        () => {},
      );
      // Gives responses (a 413, say) the chance to come before the next chunk.
      if (start + size < body.length) await new Promise((resolve) => setImmediate(resolve));
      if (refused !== 0) return refused;
    }
    for (const response of waits) {
      const frame = await this.#awaited(response, `the response to SEND ${common[0]?.[1]}`, options);
      if (frame.status !== 200) return frame.status;
    }
    return waits.length === 0 ? 0 : 200;
  }

  /** Any request: fields after the paths, an optional body. Resolves with the response frame. */
  request(
    method: string,
    parts: { fields?: readonly (readonly [string, string])[]; body?: Buffer; flag?: Flag } & WaitOptions = {},
  ): Promise<Frame> {
    const { transactionId, response } = this.#request(parts.body);
    this.write(
      encodeFrame({
        startLine: method,
        transactionId,
        fields: [...this.#pathFields(), ...(parts.fields ?? [])],
        ...(parts.body === undefined ? {} : { body: parts.body }),
        flag: parts.flag ?? '$',
      }),
    );
    return this.#awaited(response, `the response to ${method}`, parts);
  }

  /** NICKNAME of RFC 7701; resolves with the status. */
  async nickname(name: string, options: WaitOptions = {}): Promise<number> {
    return (await this.request('NICKNAME', { ...options, fields: [['Use-Nickname', `"${name}"`]] })).status;
  }

  /** Bytes as they are on the session's connection. */
  write(bytes: Buffer | string): void {
    const buffer = Buffer.from(bytes as string);
    this.#record('sent', buffer);
    if (this.#socket?.writable !== true) throw new WaitFailed(`${this.name}: no MSRP connection to write to`);
    this.#socket.write(buffer);
  }

  // --- receiving --------------------------------------------------------------------------------------

  nextMessage(
    options: WaitOptions & { match?: (message: ReceivedMessage) => boolean } = {},
  ): Promise<ReceivedMessage> {
    return this.#messages.take(`${this.name} waits for an MSRP message`, options);
  }

  /** The next REPORT (`header('Status')`, `header('Message-ID')`, `header('Byte-Range')`). */
  nextReport(options: WaitOptions & { match?: (report: Frame) => boolean } = {}): Promise<Frame> {
    return this.#reports.take(`${this.name} waits for an MSRP REPORT`, options);
  }

  /** The next message that its sender gave up with `#`. */
  nextAborted(options: WaitOptions = {}): Promise<{ messageId: string; bytes: number }> {
    return this.#aborted.take(`${this.name} waits for an aborted MSRP message`, options);
  }

  /** Frames that are no SEND or REPORT and answer none of our requests: answers to raw bytes, unknown methods. */
  nextFrame(options: WaitOptions & { match?: (frame: Frame) => boolean } = {}): Promise<Frame> {
    return this.#frames.take(`${this.name} waits for an MSRP frame`, options);
  }

  /** Messages received and not taken. */
  get waitingMessages(): readonly ReceivedMessage[] {
    return this.#messages.waiting;
  }

  tail(count = 8): string {
    const lines = this.trace.slice(-count).map((entry) => `${entry.direction} ${entry.text}`);
    return lines.length === 0 ? `${this.name}: no MSRP at all` : lines.join(' | ');
  }

  // --- inside -----------------------------------------------------------------------------------------

  async #listen(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#inbound.add(socket);
      socket.on('close', () => this.#inbound.delete(socket));
      this.#use(socket, true);
    });
    this.#server.listen(0, this.host);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #use(socket: Socket, inbound = false): void {
    const stream = new MsrpStream();
    socket.setNoDelay(true);
    const adopt = (): void => {
      this.#socket = socket;
      this.#closed = deferred();
      this.#peerTransactions.clear();
    };
    if (!inbound) adopt();
    let why = 'closed by the peer';
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of stream.feed(chunk)) {
          if (inbound && this.#socket !== socket && this.#socket?.writable !== true) adopt();
          this.#receive(frame, socket);
        }
      } catch (error) {
        this.violations.push((error as Error).message);
        this.#record('received', chunk);
        why = (error as Error).message;
        socket.destroy();
      }
    });
    socket.on('error', (error) => {
      why = error.message;
    });
    socket.on('close', () => {
      this.#record('note', Buffer.alloc(0), undefined, `connection closed: ${why}`);
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      for (const [id, pending] of this.#pending) {
        pending.reject(new WaitFailed(`${this.name}: the connection closed before the response to ${id}`));
      }
      this.#pending.clear();
      this.#closed.resolve(why);
    });
  }

  #receive(frame: Frame, socket: Socket): void {
    this.#record('received', frame.raw, frame);
    const expected = { ownPath: this.path, remotePath: this.#remotePath };
    if (frame.method === '') {
      const pending = this.#pending.get(frame.transactionId);
      this.#pending.delete(frame.transactionId);
      // Answers to raw bytes are the test's own business; only answers to our requests are held to the rules.
      if (pending === undefined) {
        this.#frames.put(frame);
        return;
      }
      this.violations.push(...requestFaults(frame, expected));
      pending.resolve(frame);
      return;
    }
    this.violations.push(...requestFaults(frame, { ...expected, acceptTypes: this.#options.acceptTypes }));
    if (this.#peerTransactions.has(frame.transactionId)) {
      this.violations.push(`${frameSummary(frame)}: transaction id used before on this connection`);
    }
    if (this.#pending.has(frame.transactionId)) {
      this.violations.push(`${frameSummary(frame)}: transaction id of a request of ours that is still open`);
    }
    this.#peerTransactions.add(frame.transactionId);
    if (this.#peerTransactions.size > MAX_TRANSACTIONS) {
      this.#peerTransactions.delete(this.#peerTransactions.values().next().value ?? '');
    }
    if (frame.method === 'REPORT') this.#reports.put(frame);
    else if (frame.method === 'SEND') this.#receiveSend(frame, socket);
    else {
      this.#respond(frame, 501, socket);
      this.#frames.put(frame);
    }
  }

  #receiveSend(frame: Frame, socket: Socket): void {
    if (parseMsrpUri(firstUri(frame.header('To-Path'))).sessionId !== this.sessionId) {
      this.#respond(frame, 481, socket);
      return;
    }
    if (this.#socket !== undefined && this.#socket !== socket) {
      this.#respond(frame, 506, socket);
      return;
    }
    this.#bound.resolve();
    const range = parseByteRange(frame.header('Byte-Range'));
    if (range === undefined) {
      this.#respond(frame, 400, socket);
      return;
    }
    const answer = frame.body === undefined ? undefined : this.onSend?.(frame);
    if (answer !== 'withhold') this.#respond(frame, answer ?? 200, socket);
    if ((answer !== undefined && answer !== 'withhold' && answer !== 200) || frame.body === undefined) return;
    const messageId = frame.header('Message-ID') ?? '';
    if (frame.flag === '#') {
      this.#aborted.put({ messageId, bytes: this.#reassembly.abort(messageId) + frame.body.length });
      return;
    }
    const contentType = frame.header('Content-Type') ?? '';
    const whole = this.#reassembly.add(messageId, range, frame.body, contentType, frame.flag === '$');
    if (whole === undefined) return;
    if (range.total !== undefined && range.total !== whole.body.length) {
      this.violations.push(
        `message ${messageId}: ${whole.body.length} bytes, Byte-Range said ${range.total}`,
      );
    }
    if (frame.header('Success-Report')?.toLowerCase() === 'yes')
      this.#report(frame, whole.body.length, socket);
    this.#messages.put(this.#message(frame, whole));
  }

  #message(frame: Frame, whole: { body: Buffer; chunks: number; contentType: string }): ReceivedMessage {
    let cpim: Cpim | undefined;
    if (/^message\/cpim\b/i.test(whole.contentType)) {
      try {
        cpim = readCpim(whole.body);
      } catch (error) {
        this.violations.push((error as Error).message);
      }
    }
    return {
      ...whole,
      text: (cpim?.body ?? whole.body).toString('utf8'),
      ...(cpim === undefined ? {} : { cpim }),
      from: frame.header('From-Path') ?? '',
      messageId: frame.header('Message-ID') ?? '',
      frame,
    };
  }

  /** RFC 4975 section 7.2: Failure-Report no silences all responses, partial the 200. */
  #respond(frame: Frame, status: number, socket: Socket): void {
    const wanted = frame.header('Failure-Report')?.toLowerCase() ?? 'yes';
    if (wanted === 'no' || (wanted === 'partial' && status === 200)) return;
    const fields: (readonly [string, string])[] = [
      ['To-Path', firstUri(frame.header('From-Path'))],
      ['From-Path', this.path],
    ];
    const startLine = status === 200 ? '200 OK' : String(status);
    this.#writeTo(socket, encodeFrame({ startLine, transactionId: frame.transactionId, fields }));
  }

  #report(frame: Frame, bytes: number, socket: Socket): void {
    const fields: (readonly [string, string])[] = [
      ['To-Path', frame.header('From-Path') ?? ''],
      ['From-Path', this.path],
      ['Message-ID', frame.header('Message-ID') ?? ''],
      ['Byte-Range', `1-${bytes}/${bytes}`],
      ['Status', '000 200 OK'],
    ];
    this.#writeTo(socket, encodeFrame({ startLine: 'REPORT', transactionId: randomToken(), fields }));
  }

  /** A fresh transaction whose id does not occur as an end-line in the body (RFC 4975 section 7.1). */
  #request(body?: Buffer): { transactionId: string; response: Promise<Frame> } {
    let transactionId = randomToken();
    while (body?.includes(`-------${transactionId}`) === true) transactionId = randomToken();
    const pending = deferred<Frame>();
    this.#pending.set(transactionId, pending);
    if (this.#pending.size > MAX_TRANSACTIONS) this.#pending.delete(this.#pending.keys().next().value ?? '');
    return { transactionId, response: pending.promise };
  }

  #writeSend(
    transactionId: string,
    fields: readonly (readonly [string, string])[],
    body: Buffer | undefined,
    flag: Flag,
  ): void {
    const all = [...this.#pathFields(), ...fields];
    this.write(encodeFrame({ startLine: 'SEND', transactionId, fields: all, flag, body }));
  }

  #pathFields(): (readonly [string, string])[] {
    return [
      ['To-Path', this.#remotePath.join(' ')],
      ['From-Path', this.path],
    ];
  }

  #writeTo(socket: Socket, bytes: Buffer): void {
    this.#record('sent', bytes);
    if (socket.writable) socket.write(bytes);
  }

  #awaited<T>(promise: Promise<T>, what: string, options: WaitOptions): Promise<T> {
    return within(promise, options.timeoutMs ?? this.#waitMs, `${this.name}: ${what}`, () => this.tail());
  }

  #record(direction: MsrpTraceEntry['direction'], bytes: Buffer, frame?: Frame, text?: string): void {
    const maxTrace = this.#options.maxTrace ?? 20_000;
    if (maxTrace === 0 && this.#options.onTrace === undefined) return;
    const firstLine = (): string => bytes.subarray(0, 80).toString('latin1').split('\r\n')[0] ?? '';
    const entry: MsrpTraceEntry = {
      at: new Date(),
      direction,
      bytes,
      ...(frame === undefined ? {} : { frame }),
      text: text ?? (frame === undefined ? firstLine() : frameSummary(frame)),
    };
    this.#options.onTrace?.(entry);
    if (maxTrace === 0) return;
    this.trace.push(entry);
    if (this.trace.length > maxTrace) this.trace.shift();
  }
}

const MAX_TRANSACTIONS = 10_000;

export function frameSummary(frame: Frame): string {
  return frame.method === ''
    ? `${frame.status} ${frame.comment}`.trim()
    : `${frame.method} ${frame.transactionId}`;
}

function firstUri(path: string | undefined): string {
  return path?.trim().split(/\s+/)[0] ?? '';
}

function asPath(path: string | readonly string[]): readonly string[] {
  return typeof path === 'string' ? path.split(/\s+/) : path;
}

/** RFC 4975 wants at least 64 bits of randomness in a transaction id. */
function randomToken(): string {
  return randomBytes(9).toString('hex');
}
