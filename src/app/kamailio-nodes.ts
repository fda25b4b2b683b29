/** The Kamailio nodes as the engine sees them: replies go to the node of the transaction, requests to the dialog's. */
import { setTimeout as delay } from 'node:timers/promises';
import { KamailioRpcClient, RpcError } from 'kamailio-jsonrpc';
import type { Logger } from 'pino';
import type { Config, KamailioNode } from '../config/config.ts';
import type { KamailioPort } from '../engine/performer.ts';
import { CodedError } from '../lib/errors.ts';
import { Histogram } from '../lib/histogram.ts';
import { parseUri } from '../sip/uri.ts';

interface Node extends KamailioNode {
  readonly client: KamailioRpcClient;
  readonly health: NodeHealth;
}

/** How a node has answered the calls that carry replies and requests. */
export interface NodeHealth {
  readonly latency: Histogram;
  pending: number;
  /** Calls that were not answered in time, or could not be made. */
  unanswered: number;
  /** Whether it answered the last one; true before the first. */
  isReachable: boolean;
}

/** User agents in this process: what is for them does not leave it. */
export interface InProcessAgents {
  takesReply(tid: string): boolean;
  takesRequest(callId: string): boolean;
  reply(tid: string, reply: Parameters<KamailioPort['reply']>[1]): 'sent' | 'not-pending';
  request(effect: Parameters<KamailioPort['request']>[0]): void;
  cancel(effect: Parameters<KamailioPort['cancel']>[0]): void;
}

const NO_ANSWER: ReadonlySet<string> = new Set(['RPC_TIMEOUT', 'RPC_UNREACHABLE']);

/** Far longer than the script takes between resuming a transaction and suspending it again. */
const SUSPEND_MARGIN_MS = 150;
/** Above this a request prefers TCP, where the node has it (RFC 3261 section 18.1.1). */
const UDP_MAX_BYTES = 1300;

export class KamailioNodes implements KamailioPort {
  readonly #nodes: readonly Node[];
  readonly #epochs = new Map<string, string>();
  #here: InProcessAgents | undefined;

  constructor(config: Config['kamailio'], log: Logger) {
    this.#nodes = config.nodes.map((node) => ({
      ...node,
      client: new KamailioRpcClient({
        url: node.rpc,
        secret: config.secret,
        timeoutMs: config.rpc.timeoutMs,
        maxConnections: config.rpc.maxConnections,
        log,
      }),
      health: { latency: new Histogram(), pending: 0, unanswered: 0, isReachable: true },
    }));
  }

  keepHere(agents: InProcessAgents): void {
    this.#here = agents;
  }

  /** By the id of the node. */
  health(): ReadonlyMap<string, Readonly<NodeHealth>> {
    return new Map(this.#nodes.map(({ id, health }) => [id, health]));
  }

  get ids(): readonly string[] {
    return this.#nodes.map(({ id }) => id);
  }

  epochOf(kam: string): string | undefined {
    return this.#epochs.get(kam);
  }

  /** What a node says of itself, with each call. */
  setEpoch(kam: string, epoch: string): void {
    this.#epochs.set(kam, epoch);
  }

  client(kam: string): KamailioRpcClient {
    return this.#node(kam).client;
  }

  async reply(...[transaction, reply]: Parameters<KamailioPort['reply']>): ReturnType<KamailioPort['reply']> {
    if (this.#here?.takesReply(transaction.tid) === true) return this.#here.reply(transaction.tid, reply);
    const node = this.#node(transaction.kam);
    const ask = () => watched(node, () => node.client.reply(transaction.tid, reply));
    const fate = await ask();
    if (fate === 'sent') return fate;
    // The script may be in the very act of suspending the transaction again: ask once more before believing it.
    await delay(SUSPEND_MARGIN_MS);
    return ask();
  }

  async request(effect: Parameters<KamailioPort['request']>[0]): Promise<void> {
    if (this.#here?.takesRequest(effect.callId) === true) return this.#here.request(effect);
    const node = this.#node(effect.kam);
    const isInitial = effect.method === 'INVITE' && effect.nextHop === undefined;
    const request = {
      method: effect.method,
      requestUri: effect.requestUri,
      // Without a next hop Kamailio looks the user up in its own registrar.
      ...(isInitial || effect.nextHop === undefined ? {} : { nextHop: effect.nextHop }),
      sendSocket: sendSocket(node, effect.nextHop, effect.body?.length ?? 0),
      headers: effect.headers,
      ...(effect.body === undefined ? {} : { body: effect.body }),
    };
    await watched(node, () => node.client.startRequest(request));
  }

  async cancel(effect: Parameters<KamailioPort['cancel']>[0]): Promise<void> {
    if (this.#here?.takesRequest(effect.callId) === true) return this.#here.cancel(effect);
    try {
      const node = this.#node(effect.kam);
      await watched(node, () => node.client.cancel(effect.callId, effect.cseq));
    } catch (error) {
      // The INVITE has its final reply already: nothing is left to cancel, and an answer is ended when it comes.
      if (error instanceof RpcError && error.code === 'RPC_NOT_FOUND') return;
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map(({ client }) => client.close()));
  }

  /** Another node serves when the one of a dialog is not configured any more. */
  #node(kam: string): Node {
    const node = this.#nodes.find(({ id }) => id === kam) ?? this.#nodes[0];
    if (node === undefined) throw new CodedError('RPC_NO_NODE', 'no Kamailio node is configured');
    return node;
  }
}

async function watched<T>({ health }: Node, call: () => Promise<T>): Promise<T> {
  const begunMs = performance.now();
  health.pending += 1;
  try {
    const answer = await call();
    health.isReachable = true;
    return answer;
  } catch (error) {
    health.isReachable = !(error instanceof RpcError && NO_ANSWER.has(error.code));
    if (!health.isReachable) health.unanswered += 1;
    throw error;
  } finally {
    health.pending -= 1;
    health.latency.observe((performance.now() - begunMs) / 1000);
  }
}

/** The socket of the next hop's transport; a large body without a fixed transport goes over TCP where there is one. */
function sendSocket(node: Node, nextHop: string | undefined, bodyBytes: number): string {
  const { udp, tcp, tls } = node.sendSockets;
  const transport =
    nextHop === undefined ? undefined : parseUri(nextHop).params.get('transport')?.toLowerCase();
  const byTransport = { udp, tcp, tls, sctp: undefined, ws: tcp, wss: tls }[transport ?? ''];
  const preferred = byTransport ?? (bodyBytes > UDP_MAX_BYTES && transport === undefined ? tcp : undefined);
  const socket = preferred ?? udp ?? tcp ?? tls;
  if (socket === undefined)
    throw new CodedError('RPC_NO_NODE', `Kamailio node ${node.id} has no send socket`);
  return socket;
}
