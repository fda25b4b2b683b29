import { randomUUID } from 'node:crypto';
import { BlockList, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { RpcError } from './errors.ts';
import { GivenAnswers } from './given-answers.ts';
import {
  formatError,
  formatResult,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  type Incoming,
  METHOD_NOT_FOUND,
  parseIncoming,
  WRONG_SECRET,
} from './json-rpc.ts';
import { encodeNetstring, NetstringDecoder } from './netstring.ts';
import { isSecret, secretMatcher } from './shared-secret.ts';
import { readAskedAgain, readNotice, readRequestCall } from './sip-call.ts';
import { formatReply } from './sip-text.ts';
import type { AskedAgain, KamailioHandlers, Logger, SipNotice, SipRequestAnswer } from './types.ts';

export interface KamailioRpcServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** 16 to 128 of `A-Z a-z 0-9 . _ ~ -`. */
  readonly secret: string;
  /** CIDRs that may connect. Default: loopback. */
  readonly allow?: readonly string[];
  /** Longest netstring. Default 131072, twice what the script sends. */
  readonly maxFrameBytes?: number;
  /** Default 64. */
  readonly maxConnections?: number;
  /** Answers a peer may leave unread before it is cut off. Default 1 MiB. */
  readonly maxUnreadBytes?: number;
  /** How long a begun frame may stay unfinished, in ms. Default 10000. */
  readonly frameTimeoutMs?: number;
  /** Answers kept for the case that one came late and Kamailio asks again. Default 1000. */
  readonly maxGivenAnswers?: number;
  readonly log: Logger;
  readonly handlers: KamailioHandlers;
}

export interface KamailioRpcServerCounters {
  connections: number;
  connectionsRefused: number;
  requests: number;
  askedAgain: number;
  notifications: number;
  wrongSecrets: number;
  badFrames: number;
  badCalls: number;
  handlerErrors: number;
  slowPeers: number;
}

/** To a request that was asked of a service before this one and that nobody answers any more. */
function nobodyAnswers(): SipRequestAnswer {
  const headers = [['Retry-After', '5']] as const;
  return { reply: { code: 503, reason: 'Service Unavailable', toTag: randomUUID(), headers } };
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** The service's end of janssonrpcc: netstring JSON-RPC over TCP; Kamailio dials. */
export class KamailioRpcServer {
  readonly #options: Required<KamailioRpcServerOptions>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #allow: BlockList;
  readonly #isSecret: (given: unknown) => boolean;
  readonly #given: GivenAnswers;
  readonly #counters: KamailioRpcServerCounters = {
    connections: 0,
    connectionsRefused: 0,
    requests: 0,
    askedAgain: 0,
    notifications: 0,
    wrongSecrets: 0,
    badFrames: 0,
    badCalls: 0,
    handlerErrors: 0,
    slowPeers: 0,
  };

  constructor(options: KamailioRpcServerOptions) {
    if (!isSecret(options.secret)) {
      throw new RpcError('RPC_BAD_SECRET', 'the secret must be 16 to 128 of A-Z a-z 0-9 . _ ~ -');
    }
    this.#options = {
      allow: LOOPBACK,
      maxFrameBytes: 131072,
      maxConnections: 64,
      maxUnreadBytes: 1048576,
      frameTimeoutMs: 10000,
      maxGivenAnswers: 1000,
      ...options,
    };
    this.#given = new GivenAnswers(this.#options.maxGivenAnswers);
    this.#allow = cidrList(this.#options.allow);
    this.#isSecret = secretMatcher(options.secret);
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket));
  }

  /** Rejects with Node's own error (`EADDRINUSE` …) when the port cannot be had. */
  listen(): Promise<{ host: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.removeListener('error', reject);
        this.#server.on('error', (error) => this.#options.log.error({ err: error }, 'rpc listener failed'));
        const address = this.#server.address();
        if (address === null || typeof address === 'string') reject(new Error('no TCP address'));
        else resolve({ host: address.address, port: address.port });
      });
    });
  }

  /** Stops listening and cuts off every peer. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  counters(): Readonly<KamailioRpcServerCounters> & { readonly open: number } {
    return { ...this.#counters, open: this.#sockets.size };
  }

  #accept(socket: Socket): void {
    const { handlers, log, maxFrameBytes, maxConnections, frameTimeoutMs } = this.#options;
    const address = socket.remoteAddress ?? '';
    const peer = `${isIPv6(address) ? `[${address}]` : address}:${socket.remotePort}`;
    socket.on('error', (error) => log.debug({ err: error, peer }, 'rpc connection failed'));
    if (!isListed(this.#allow, address) || this.#sockets.size >= maxConnections) {
      this.#counters.connectionsRefused++;
      log.warn({ peer }, 'rpc connection refused');
      socket.destroy();
      return;
    }
    this.#counters.connections++;
    this.#sockets.add(socket);
    const decoder = new NetstringDecoder(maxFrameBytes);
    this.#guard(() => handlers.connected?.(peer));
    socket.on('data', (chunk: Buffer) => {
      let payloads: Buffer[];
      try {
        payloads = decoder.push(chunk);
      } catch (error) {
        this.#counters.badFrames++;
        log.warn({ err: error, peer }, 'rpc peer sent no netstring');
        socket.destroy();
        return;
      }
      for (const payload of payloads) this.#handle(socket, peer, payload);
      socket.setTimeout(decoder.isPartial ? frameTimeoutMs : 0);
    });
    socket.on('timeout', () => {
      this.#counters.badFrames++;
      log.warn({ peer }, 'rpc peer left a frame unfinished');
      socket.destroy();
    });
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#guard(() => handlers.disconnected?.(peer));
    });
  }

  #handle(socket: Socket, peer: string, payload: Buffer): void {
    if (socket.destroyed) return;
    const answer = this.#answer(peer, parseIncoming(payload));
    if (answer === undefined) return;
    socket.write(encodeNetstring(answer));
    if (socket.writableLength > this.#options.maxUnreadBytes) {
      this.#counters.slowPeers++;
      this.#options.log.warn({ peer, unreadBytes: socket.writableLength }, 'rpc peer does not read');
      socket.destroy();
    }
  }

  /** The response text, or undefined for a notification. */
  #answer(peer: string, call: Incoming): string | undefined {
    const { log } = this.#options;
    if (call.kind === 'invalid') {
      this.#counters.badCalls++;
      log.warn({ peer, code: call.code }, 'rpc call is malformed');
      return formatError(call.id, call.code, call.message);
    }
    const id = call.kind === 'request' ? call.id : undefined;
    const refuse = (code: number, message: string) =>
      id === undefined ? undefined : formatError(id, code, message);
    if (!this.#isSecret(call.params['secret'])) {
      this.#counters.wrongSecrets++;
      log.warn({ peer, method: call.method }, 'rpc call with a wrong secret');
      return refuse(WRONG_SECRET, 'Wrong secret');
    }
    if (id !== undefined && call.method === 'sip.request') {
      this.#counters.requests++;
      return this.#request(peer, id, call.params);
    }
    if (id !== undefined && call.method === 'sip.again') {
      this.#counters.askedAgain++;
      return this.#again(peer, id, call.params);
    }
    const handler = this.#noticeHandler(call.method);
    if (handler === undefined) {
      this.#counters.badCalls++;
      log.warn({ peer, method: call.method }, 'rpc method is unknown');
      return refuse(METHOD_NOT_FOUND, 'Method not found');
    }
    this.#counters.notifications++;
    const notice = readNotice(call.params);
    if (notice === undefined) {
      this.#counters.badCalls++;
      log.warn({ peer, method: call.method }, 'rpc parameters are malformed');
      return refuse(INVALID_PARAMS, 'Invalid params');
    }
    const isDone = this.#guard(() => handler(notice));
    if (id === undefined) return undefined;
    return isDone ? formatResult(id, {}) : formatError(id, INTERNAL_ERROR, 'Internal error');
  }

  #request(peer: string, id: string | number, params: Readonly<Record<string, unknown>>): string {
    const call = readRequestCall(params);
    if (call === undefined) return this.#malformed(peer, id, 'sip.request');
    return this.#reply(id, call, (handlers) => {
      const answer = handlers.request(call);
      this.#given.put(call, answer);
      return answer;
    });
  }

  #again(peer: string, id: string | number, params: Readonly<Record<string, unknown>>): string {
    const asked = readAskedAgain(params);
    if (asked === undefined) return this.#malformed(peer, id, 'sip.again');
    return this.#reply(
      id,
      asked,
      (handlers) => this.#given.get(asked) ?? handlers.again?.(asked) ?? nobodyAnswers(),
    );
  }

  #reply(
    id: string | number,
    { tid }: AskedAgain,
    decide: (handlers: KamailioHandlers) => SipRequestAnswer,
  ): string {
    let result: string | undefined;
    this.#guard(() => {
      const answer = decide(this.#options.handlers);
      result = formatResult(
        id,
        'reply' in answer ? { reply: formatReply(tid, answer.reply) } : { pending: true },
      );
    });
    return result ?? formatError(id, INTERNAL_ERROR, 'Internal error');
  }

  #malformed(peer: string, id: string | number, method: string): string {
    this.#counters.badCalls++;
    this.#options.log.warn({ peer, method }, 'rpc parameters are malformed');
    return formatError(id, INVALID_PARAMS, 'Invalid params');
  }

  #noticeHandler(method: string): ((notice: SipNotice) => void) | undefined {
    const { handlers } = this.#options;
    if (method === 'sip.ack') return (notice) => handlers.ack(notice);
    if (method === 'sip.cancel') return (notice) => handlers.cancel(notice);
    if (method === 'uac.reply') return (notice) => handlers.uacReply(notice);
    return undefined;
  }

  /** A fault of the application stays with the call that met it. */
  #guard(run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      this.#counters.handlerErrors++;
      this.#options.log.error({ err: error }, 'rpc handler failed');
      return false;
    }
  }
}

function cidrList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function isListed(list: BlockList, address: string): boolean {
  if (address === '') return false;
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}
