/**
 * One MSRP session of a client, from RFC 4975 and RFC 6135 only: it has a path of its own, connects or is connected
 * to, sends, receives, reports, and writes down every fault that it sees in what it receives.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { parseMsrpUri } from '../sdp.ts';
import {
  DEFAULT_WAIT_MS,
  type Deferred,
  deferred,
  WaitFailed,
  type WaitOptions,
  within,
} from '../waiting.ts';
import { dial } from './dial.ts';
import { encodeFrame, type Flag, type Frame, frameSummary, MsrpStream } from './frame.ts';
import { MsrpInbox } from './inbox.ts';
import { asPath, chunksOf, firstUri, randomToken, responseTo, transactionIdFor } from './outgoing.ts';
import type {
  Field,
  MsrpSessionOptions,
  MsrpTraceEntry,
  ReceivedMessage,
  SendAnswer,
  SendOptions,
} from './session-types.ts';
import { frameFaults } from './validation.ts';

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
  /** Connections that were left for another one, with the path of their peer. */
  readonly #left = new Map<Socket, readonly string[]>();
  readonly #inbox: MsrpInbox;
  readonly #pending = new Map<string, Deferred<Frame>>();
  readonly #inbound = new Set<Socket>();
  #bound: Deferred<void> = deferred();
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
    this.#inbox = new MsrpInbox({
      seen: () => this.tail(),
      waitMs: this.#waitMs,
      violations: this.violations,
      acceptTypes: options.acceptTypes,
    });
  }

  /** Our own URI: what goes into a=path. */
  get path(): string {
    const host = this.host.replace(/^.*:.*$/, '[$&]');
    return `msrp${this.#options.tls === undefined ? '' : 's'}://${host}:${this.#port}/${this.sessionId};tcp`;
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
    const { socket, event, target } = dial(this.#remotePath[0] ?? '', this.host, this.#options.tls);
    this.#use(socket);
    await this.#awaited(once(socket, event), `MSRP connection to ${target}`, options);
    if (options.bind === false) return 0;
    return this.bind(options);
  }

  /** The empty SEND that binds a connection to our session (RFC 4975 section 5.4); resolves with its status. */
  async bind(options: WaitOptions = {}): Promise<number> {
    const { transactionId, response } = this.#request(undefined);
    const fields: Field[] = [...this.#pathFields(), ['Message-ID', randomToken()]];
    this.write(encodeFrame({ startLine: 'SEND', transactionId, fields }));
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

  /** Cuts the connection without a word; listening goes on. With `readsOn` what the peer sends before it closes is still read. */
  drop({ readsOn = false } = {}): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#bound = deferred();
    if (socket === undefined) return;
    this.#release('dropped by us');
    if (!readsOn) socket.destroy();
    else {
      this.#left.set(socket, this.#remotePath);
      socket.end().setTimeout(this.#waitMs, () => socket.destroy());
    }
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
    for (const socket of [...this.#inbound, ...this.#left.keys(), this.#socket]) {
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
    this.#inbox.close(error);
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
    const waits: Promise<Frame>[] = [];
    let refused = 0;
    for (const chunk of chunksOf(content, options)) {
      const { transactionId, response } = this.#request(chunk.body);
      const fields = [...this.#pathFields(), ...chunk.fields];
      this.write(
        encodeFrame({ startLine: 'SEND', transactionId, fields, body: chunk.body, flag: chunk.flag }),
      );
      if (options.failureReport === 'no' || options.failureReport === 'partial') continue;
      waits.push(response);
      void response.then(
        (frame) => {
          if (frame.status !== 200 && refused === 0) refused = frame.status;
        },
        () => {},
      );
      // Gives responses (a 413, say) the chance to come before the next chunk.
      if (chunk.flag === '+') await new Promise((resolve) => setImmediate(resolve));
      if (refused !== 0) return refused;
    }
    for (const response of waits) {
      const frame = await this.#awaited(response, 'the response to SEND', options);
      if (frame.status !== 200) return frame.status;
    }
    return waits.length === 0 ? 0 : 200;
  }

  /** Any request: fields after the paths, an optional body. Resolves with the response frame. */
  request(
    method: string,
    parts: { fields?: readonly Field[]; body?: Buffer; flag?: Flag } & WaitOptions = {},
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
    return this.#inbox.messages.take(`${this.name} waits for an MSRP message`, options);
  }

  /** The next REPORT (`header('Status')`, `header('Message-ID')`, `header('Byte-Range')`). */
  nextReport(options: WaitOptions & { match?: (report: Frame) => boolean } = {}): Promise<Frame> {
    return this.#inbox.reports.take(`${this.name} waits for an MSRP REPORT`, options);
  }

  /** The next message that its sender gave up with `#`. */
  nextAborted(options: WaitOptions = {}): Promise<{ messageId: string; bytes: number }> {
    return this.#inbox.aborted.take(`${this.name} waits for an aborted MSRP message`, options);
  }

  /** Frames that are no SEND or REPORT and answer none of our requests: answers to raw bytes, unknown methods. */
  nextFrame(options: WaitOptions & { match?: (frame: Frame) => boolean } = {}): Promise<Frame> {
    return this.#inbox.frames.take(`${this.name} waits for an MSRP frame`, options);
  }

  /** Messages received and not taken. */
  get waitingMessages(): readonly ReceivedMessage[] {
    return this.#inbox.messages.waiting;
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
      this.#inbox.forgetTransactions();
    };
    if (!inbound) adopt();
    let why = 'closed by the peer';
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of stream.feed(chunk)) {
          const isNew = inbound && this.#socket !== socket && !this.#left.has(socket);
          if (isNew && this.#socket?.writable !== true) adopt();
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
      this.#left.delete(socket);
      this.#record('note', Buffer.alloc(0), undefined, `connection closed: ${why}`);
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#release(why);
    });
  }

  #release(why: string): void {
    for (const [id, pending] of this.#pending) {
      pending.reject(new WaitFailed(`${this.name}: the connection closed before the response to ${id}`));
    }
    this.#pending.clear();
    this.#closed.resolve(why);
  }

  #receive(frame: Frame, socket: Socket): void {
    this.#record('received', frame.raw, frame);
    const left = this.#left.get(socket);
    const expected = { ownPath: this.path, remotePath: left ?? this.#remotePath };
    const reply = (bytes: Buffer | undefined): void => {
      if (bytes === undefined) return;
      this.#record('sent', bytes);
      if (socket.writable) socket.write(bytes);
    };
    if (frame.method === '') {
      const pending = this.#pending.get(frame.transactionId);
      this.#pending.delete(frame.transactionId);
      // Answers to raw bytes are the test's own business; only answers to our requests are held to the rules.
      if (pending === undefined) {
        this.#inbox.frames.put(frame);
        return;
      }
      this.violations.push(...frameFaults(frame, expected));
      pending.resolve(frame);
      return;
    }
    if (this.#pending.has(frame.transactionId)) {
      this.violations.push(`${frameSummary(frame)}: transaction id of a request of ours that is still open`);
    }
    const isOurs = parseMsrpUri(firstUri(frame.header('To-Path'))).sessionId === this.sessionId;
    const isSecond = this.#socket !== undefined && this.#socket !== socket && left === undefined;
    if (frame.method === 'SEND' && (!isOurs || isSecond)) {
      this.violations.push(...frameFaults(frame, expected));
      reply(responseTo(frame, isOurs ? 506 : 481, this.path));
      return;
    }
    if (frame.method === 'SEND' && left === undefined) this.#bound.resolve();
    this.#inbox.receive(frame, expected, this.onSend, reply);
  }

  #request(body: Buffer | undefined): { transactionId: string; response: Promise<Frame> } {
    const transactionId = transactionIdFor(body);
    const pending = deferred<Frame>();
    this.#pending.set(transactionId, pending);
    const maxPending = 10_000;
    if (this.#pending.size > maxPending) this.#pending.delete(this.#pending.keys().next().value ?? '');
    return { transactionId, response: pending.promise };
  }

  #pathFields(): Field[] {
    return [
      ['To-Path', this.#remotePath.join(' ')],
      ['From-Path', this.path],
    ];
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
