/** One agent's transport and transactions: bytes in and out, the trace, and the sorting of what comes in. */
import { ClientTransaction } from './client-transaction.ts';
import { messageFaults, responseFaults } from './conformance.ts';
import { parseNameAddr, parseSipUri } from './header-values.ts';
import { formatMessage, type HeaderField, SipMessage } from './message.ts';
import { plainResponse } from './responses.ts';
import { ServerTransaction } from './server-transaction.ts';
import { Timers } from './timers.ts';
import { type Hop, openTransport, type Source, type Transport, type TransportKind } from './transport.ts';

export interface TraceEntry {
  readonly at: Date;
  /** `note` entries tell of connections and failures. */
  readonly direction: 'sent' | 'received' | 'note';
  readonly transport: TransportKind;
  /** `host:port` of the other side; '' in notes. */
  readonly peer: string;
  readonly bytes: Buffer;
  /** Absent when the bytes do not parse. */
  readonly message?: SipMessage;
  /** A request that had come before: repeated because our answer was late, or lost. */
  readonly isCopy?: true;
  readonly text: string;
}

export interface Unexpected {
  readonly why: string;
  readonly bytes: Buffer;
  readonly message?: SipMessage;
}

export interface CoreOptions {
  readonly transport: TransportKind;
  readonly localAddress: string;
  readonly listen: boolean;
  readonly proxy?: Hop;
  /** User part of our Contact. */
  readonly ownUser: string;
  readonly t1Ms: number;
  /** Oldest trace entries go beyond this count. */
  readonly maxTrace: number;
  readonly onTrace?: (entry: TraceEntry) => void;
}

export interface CoreEvents {
  /** A new request; copies of it, CANCELs and ACKs do not come here. */
  request(transaction: ServerTransaction): void;
  /** A CANCEL for this INVITE; it has been answered 200 already. */
  cancel(cancel: SipMessage, invite: ServerTransaction): void;
}

export class SipCore {
  readonly trace: TraceEntry[] = [];
  readonly unexpected: Unexpected[] = [];
  /** Faults of received messages against the RFC. */
  readonly violations: string[] = [];
  readonly timers = new Timers();
  readonly #options: CoreOptions;
  readonly #events: CoreEvents;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #servers = new Map<string, ServerTransaction>();
  /** The same server transactions by Call-ID, From tag, CSeq and method: for ACK to 2xx and for merged requests. */
  readonly #byCall = new Map<string, ServerTransaction>();
  readonly #watchers = new Set<(entry: TraceEntry) => void>();
  /** Users by whose name others have been told to reach us. */
  readonly #names = new Set<string>();
  #transport: Transport | undefined;

  constructor(options: CoreOptions, events: CoreEvents) {
    this.#options = options;
    this.#events = events;
    this.#names.add(options.ownUser);
  }

  async open(): Promise<void> {
    const { transport, localAddress, listen, proxy } = this.#options;
    this.#transport = await openTransport({
      kind: transport,
      localAddress,
      listen,
      ...(proxy === undefined ? {} : { firstHop: proxy }),
      onMessage: (bytes, source) => this.#receive(bytes, source),
      onNote: (text) => this.#record('note', '', Buffer.alloc(0), undefined, { text }),
    });
  }

  get transport(): Transport {
    if (this.#transport === undefined) throw new Error('the agent is not started');
    return this.#transport;
  }

  /** `host:port` as it stands in Via and Contact. */
  get address(): string {
    return `${this.#options.localAddress}:${this.transport.port}`;
  }

  newVia(branch: string): string {
    return `SIP/2.0/${this.#options.transport.toUpperCase()} ${this.address};branch=${branch};rport`;
  }

  /** Sends a request in a client transaction. `request.raw` is what goes out. */
  sendRequest(
    request: SipMessage,
    hop: Hop,
    handlers: { onResponse: (response: SipMessage) => void; onTimeout: () => void; autoAck: boolean },
  ): ClientTransaction {
    const transaction = new ClientTransaction({
      request,
      times: this.#times,
      timers: this.timers,
      send: () => this.sendBytes(request.raw, hop),
      sendAck: (response) => {
        if (handlers.autoAck) this.sendBytes(ackForFailure(request, response), hop);
      },
      onResponse: handlers.onResponse,
      onTimeout: handlers.onTimeout,
    });
    prune(this.#clients);
    this.#clients.set(`${request.transactionId} ${request.method}`, transaction);
    transaction.start();
    return transaction;
  }

  /** The ACK for a non-2xx response whose automatic one was withheld. */
  ackFailure(request: SipMessage, response: SipMessage, hop: Hop): void {
    this.sendBytes(ackForFailure(request, response), hop);
  }

  sendBytes(bytes: Buffer, hop: Hop): void {
    const message = tryParse(bytes);
    for (const contact of message?.headers('Contact') ?? []) this.#noteNames(contact);
    this.#record('sent', `${hop.host}:${hop.port}`, bytes, message);
    this.transport.send(bytes, hop);
  }

  /**
   * RFC 3261 section 8.1.2: the topmost Route, else the Request-URI. A name that is no IPv4 address goes to the
   * proxy, which thereby stands in for DNS; so does everything outside a dialog.
   */
  nextHop(requestUri: string, routes: readonly string[], inDialog: boolean): Hop {
    const proxy = this.#options.proxy;
    const first = routes[0];
    if (first === undefined && !inDialog && proxy !== undefined) return proxy;
    const uri = parseSipUri(first === undefined ? requestUri : parseNameAddr(first).uri);
    if (/^\d+\.\d+\.\d+\.\d+$/.test(uri.host)) return { host: uri.host, port: uri.port ?? 5060 };
    if (proxy !== undefined) return proxy;
    if (uri.host === 'localhost') return { host: '127.0.0.1', port: uri.port ?? 5060 };
    throw new Error(`no proxy, and ${uri.host} is no address: cannot send to ${first ?? requestUri}`);
  }

  note(why: string, message: SipMessage): void {
    this.unexpected.push({ why, bytes: message.raw, message });
  }

  /** Calls `watcher` for each later trace entry until the returned function is called. */
  watch(watcher: (entry: TraceEntry) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The last messages in short form, for errors. */
  tail(count = 8): string {
    const lines = this.trace.slice(-count).map((entry) => `${entry.direction} ${entry.text}`);
    return lines.length === 0 ? 'no SIP at all' : lines.join(' | ');
  }

  async close(): Promise<void> {
    this.timers.stop();
    await this.#transport?.close();
  }

  get #times(): { t1Ms: number; t2Ms: number; reliable: boolean } {
    return {
      t1Ms: this.#options.t1Ms,
      t2Ms: this.#options.t1Ms * 8,
      reliable: this.#options.transport === 'tcp',
    };
  }

  #record(
    direction: TraceEntry['direction'],
    peer: string,
    bytes: Buffer,
    message?: SipMessage,
    { text, isCopy = false }: { readonly text?: string; readonly isCopy?: boolean } = {},
  ): void {
    const entry: TraceEntry = {
      at: new Date(),
      direction,
      transport: this.#options.transport,
      peer,
      bytes,
      ...(message === undefined ? {} : { message }),
      ...(isCopy ? { isCopy } : {}),
      text: text ?? message?.summary ?? `${bytes.length} bytes that do not parse`,
    };
    this.trace.push(entry);
    if (this.trace.length > this.#options.maxTrace) this.trace.shift();
    this.#options.onTrace?.(entry);
    for (const watcher of this.#watchers) watcher(entry);
  }

  #receive(bytes: Buffer, source: Source): void {
    const peer = `${source.host}:${source.port}`;
    let message: SipMessage;
    let id: string;
    try {
      message = SipMessage.parse(bytes);
      id = message.transactionId;
    } catch (error) {
      this.#record('received', peer, bytes);
      this.unexpected.push({ why: `malformed: ${(error as Error).message}`, bytes });
      return;
    }
    if (this.#isForPortsLastOwner(message)) {
      const text = `for whoever had our port before: ${message.summary}`;
      this.#record('note', peer, bytes, undefined, { text });
      return;
    }
    const isCopy = message.isRequest && this.#servers.has(`${id} ${message.method}`);
    this.#record('received', peer, bytes, message, { isCopy });
    const faults = messageFaults(message, this.#options.transport);
    if (message.isRequest) {
      if (this.#receiveRequest(message, id, source)) this.violations.push(...faults);
      return;
    }
    this.violations.push(...faults);
    const transaction = this.#clients.get(`${id} ${message.method}`);
    if (transaction === undefined) {
      this.note('a response to no request of ours', message);
      return;
    }
    this.violations.push(...responseFaults(message, transaction.request));
    transaction.receive(message);
  }

  /**
   * A system gives a free port again soon, and an INVITE that its last owner left unanswered is repeated for half a minute. A
   * client behind a proxy is reached by the names in its Contacts alone; of a call to another name it hears nothing. Outside of
   * calls it may stand for others, as a gateway does.
   */
  #isForPortsLastOwner(message: SipMessage): boolean {
    const isOfCall = message.toTag !== '' || ['INVITE', 'ACK', 'CANCEL'].includes(message.method);
    if (!message.isRequest || !isOfCall || this.#options.proxy === undefined) return false;
    const user = /^sips?:([^@]*)@/i.exec(message.requestUri)?.[1];
    return user !== undefined && !this.#names.has(user);
  }

  #noteNames(contact: string): void {
    for (const [, user = ''] of contact.matchAll(/sips?:([^@>]*)@/gi)) this.#names.add(user);
  }

  /** False for the copy of a request, whose faults were noted with the first. */
  #receiveRequest(message: SipMessage, id: string, source: Source): boolean {
    if (message.method === 'ACK') {
      this.#receiveAck(message, id);
      return true;
    }
    const key = `${id} ${message.method}`;
    const known = this.#servers.get(key);
    if (known !== undefined) {
      known.repeat();
      return false;
    }
    const transaction = new ServerTransaction({
      request: message,
      source,
      times: this.#times,
      timers: this.timers,
      send: (bytes) => {
        const response = tryParse(bytes);
        for (const contact of response?.headers('Contact') ?? []) this.#noteNames(contact);
        this.#record('sent', `${source.host}:${source.port}`, bytes, response);
        source.send(bytes);
      },
    });
    prune(this.#servers);
    prune(this.#byCall);
    this.#servers.set(key, transaction);
    const callKey = `${message.callId} ${message.fromTag} ${message.cseq} ${message.method}`;
    // RFC 3261 section 8.2.2.2.
    if (message.toTag === '' && message.method !== 'CANCEL' && this.#byCall.has(callKey)) {
      this.note('the same request by another path (answered 482)', message);
      transaction.respond(482, plainResponse(message, 482, 'Loop Detected'));
      return true;
    }
    this.#byCall.set(callKey, transaction);
    if (message.method !== 'CANCEL') {
      this.#events.request(transaction);
      return true;
    }
    const invite = this.#servers.get(`${id} INVITE`);
    if (invite === undefined) {
      this.note('a CANCEL for no INVITE that we know (answered 481)', message);
      transaction.respond(481, plainResponse(message, 481, 'Call/Transaction Does Not Exist'));
      return true;
    }
    transaction.respond(200, plainResponse(message, 200, 'OK', invite.localTag));
    this.#events.cancel(message, invite);
    return true;
  }

  #receiveAck(message: SipMessage, id: string): void {
    const byBranch = this.#servers.get(`${id} INVITE`);
    if (byBranch !== undefined && byBranch.finalStatus >= 300) {
      byBranch.ack(message);
      return;
    }
    const byCall = this.#byCall.get(`${message.callId} ${message.fromTag} ${message.cseq} INVITE`);
    if (byCall !== undefined && byCall.localTag === message.toTag) {
      byCall.ack(message);
      return;
    }
    this.note('an ACK for no INVITE that we answered', message);
  }
}

/** Drops the oldest finished transactions once a table has grown, so that long runs stay bounded. */
function prune(table: Map<string, { readonly finalStatus: number }>): void {
  if (table.size < MAX_TRANSACTIONS) return;
  for (const [key, transaction] of table) {
    if (transaction.finalStatus !== 0) table.delete(key);
    if (table.size < MAX_TRANSACTIONS / 2) return;
  }
}

const MAX_TRANSACTIONS = 4_000;

function tryParse(bytes: Buffer): SipMessage | undefined {
  try {
    return SipMessage.parse(bytes);
  } catch {
    return undefined;
  }
}

/** RFC 3261 section 17.1.1.3: the INVITE's topmost Via, Route, From, Call-ID and the response's To. */
function ackForFailure(request: SipMessage, response: SipMessage): Buffer {
  const fields: HeaderField[] = [
    ['Via', request.values('Via')[0] ?? ''],
    ['From', request.header('From') ?? ''],
    ['To', response.header('To') ?? ''],
    ['Call-ID', request.callId],
    ['CSeq', `${request.cseq} ACK`],
    ['Max-Forwards', '70'],
    ...request.headers('Route').map((route): HeaderField => ['Route', route]),
  ];
  return formatMessage(`ACK ${request.requestUri} SIP/2.0`, fields, Buffer.alloc(0));
}
