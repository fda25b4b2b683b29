/** The Kamailio nodes as the engine sees them: replies go to the node of the transaction, requests to the dialog's. */
import { setTimeout as delay } from 'node:timers/promises';
import { KamailioRpcClient, RpcError } from 'kamailio-jsonrpc';
import type { Logger } from 'pino';
import type { Config, KamailioNode } from '../config/config.ts';
import type { KamailioPort } from '../engine/performer.ts';
import { CodedError } from '../lib/errors.ts';
import { parseUri } from '../sip/uri.ts';

interface Node extends KamailioNode {
  readonly client: KamailioRpcClient;
}

/** Far longer than the script takes between resuming a transaction and suspending it again. */
const SUSPEND_MARGIN_MS = 150;
/** Above this a request prefers TCP, where the node has it (RFC 3261 section 18.1.1). */
const UDP_MAX_BYTES = 1300;

export class KamailioNodes implements KamailioPort {
  readonly #nodes: readonly Node[];

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
    }));
  }

  get ids(): readonly string[] {
    return this.#nodes.map(({ id }) => id);
  }

  client(kam: string): KamailioRpcClient {
    return this.#node(kam).client;
  }

  async reply(...[transaction, reply]: Parameters<KamailioPort['reply']>): ReturnType<KamailioPort['reply']> {
    const { client } = this.#node(transaction.kam);
    const fate = await client.reply(transaction.tid, reply);
    if (fate === 'sent') return fate;
    // The script may be in the very act of suspending the transaction again: ask once more before believing it.
    await delay(SUSPEND_MARGIN_MS);
    return client.reply(transaction.tid, reply);
  }

  async request(effect: Parameters<KamailioPort['request']>[0]): Promise<void> {
    const node = this.#node(effect.kam);
    const isInitial = effect.method === 'INVITE' && effect.nextHop === undefined;
    await node.client.startRequest({
      method: effect.method,
      requestUri: effect.requestUri,
      // Without a next hop Kamailio looks the user up in its own registrar.
      ...(isInitial || effect.nextHop === undefined ? {} : { nextHop: effect.nextHop }),
      sendSocket: sendSocket(node, effect.nextHop, effect.body?.length ?? 0),
      headers: effect.headers,
      ...(effect.body === undefined ? {} : { body: effect.body }),
    });
  }

  async cancel(effect: Parameters<KamailioPort['cancel']>[0]): Promise<void> {
    try {
      await this.#node(effect.kam).client.cancel(effect.callId, effect.cseq);
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
