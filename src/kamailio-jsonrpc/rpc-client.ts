import { RpcError } from './errors.ts';
import { HttpChannel, type RpcFault } from './http-channel.ts';
import { isRecord } from './json-rpc.ts';
import { type NodeFacts, parseNodeFacts } from './node-facts.ts';
import { isSecret } from './shared-secret.ts';
import { checkBody, checkWord, formatReply, formatRequestHeaders } from './sip-text.ts';
import type { HeaderLine, Logger, SipReply } from './types.ts';

export interface KamailioRpcClientOptions {
  /** The RPC socket of the Kamailio node, such as `http://127.0.0.1:8091`. */
  readonly url: string;
  readonly secret: string;
  /** Default 16: more connections gain nothing, and Kamailio's are shared with SIP over TCP. */
  readonly maxConnections?: number;
  /** Calls that may wait for a connection. Default 4096. */
  readonly maxQueued?: number;
  /** Default 2000. */
  readonly timeoutMs?: number;
  readonly log: Logger;
}

export interface StartRequest {
  readonly method: string;
  readonly requestUri: string;
  /** Without it the request goes to the default next hop of the configuration (`IM_NEXT_HOP`). */
  readonly nextHop?: string;
  /** A socket that Kamailio listens on, `udp:127.0.0.1:5060`. */
  readonly sendSocket: string;
  /** With From and its tag, To, Call-ID, CSeq, Contact, and Route in order; never Via, Content-Length. */
  readonly headers: readonly HeaderLine[];
  readonly body?: string;
}

/** tm 5.6 counts the bytes of an INVITE in 16 bits when it makes the CANCEL or ACK to it; room is left for what proxies add. */
const MAX_INVITE_BYTES = 30000;
/** What fits into one UDP datagram with the lines that Kamailio adds. */
const MAX_REQUEST_BYTES = 64000;

/** Has one Kamailio node send replies and requests, and reads its inbox. */
export class KamailioRpcClient {
  readonly #channel: HttpChannel;
  readonly #log: Logger;

  constructor(options: KamailioRpcClientOptions) {
    if (!isSecret(options.secret)) {
      throw new RpcError('RPC_BAD_SECRET', 'the secret must be 16 to 128 of A-Z a-z 0-9 . _ ~ -');
    }
    this.#log = options.log;
    this.#channel = new HttpChannel({
      url: options.url,
      secret: options.secret,
      maxConnections: options.maxConnections ?? 16,
      maxQueued: options.maxQueued ?? 4096,
      timeoutMs: options.timeoutMs ?? 2000,
    });
  }

  /**
   * Answers a pending request; may be repeated. A status below 200 keeps it pending.
   * `not-pending`: it was answered, cancelled or timed out, or that Kamailio has restarted.
   */
  async reply(tid: string, reply: SipReply): Promise<'sent' | 'not-pending'> {
    const params = formatReply(tid, reply);
    const answer = await this.#channel.call('/REPLY', 'reply', params);
    if ('result' in answer) return 'sent';
    if (answer.fault.code === 481) return 'not-pending';
    throw refused('reply', answer.fault);
  }

  /**
   * Has Kamailio send a request; what becomes of it arrives as `uacReply`. Resolves once it was handed to the transport.
   * A call of unknown fate (`RPC_TIMEOUT`, `RPC_UNREACHABLE`) may have been sent.
   */
  async startRequest(request: StartRequest): Promise<void> {
    checkWord('the method', request.method);
    checkWord('the Request-URI', request.requestUri);
    checkWord('the send socket', request.sendSocket);
    if (request.nextHop !== undefined) checkWord('the next hop', request.nextHop);
    const body = request.body ?? '';
    checkBody(request.headers, body);
    const headers = formatRequestHeaders(request.headers, body);
    const bytes = Buffer.byteLength(headers) + Buffer.byteLength(body);
    const most = request.method === 'INVITE' ? MAX_INVITE_BYTES : MAX_REQUEST_BYTES;
    if (bytes > most) {
      throw new RpcError('RPC_TOO_LARGE', `a ${request.method} of ${bytes} bytes is above ${most}`);
    }
    const params = [
      request.method,
      request.requestUri,
      request.nextHop ?? '.',
      request.sendSocket,
      headers,
      ...(body === '' ? [] : [body]),
    ];
    const answer = await this.#channel.call('/RPC', 'tm.t_uac_start', params);
    if ('fault' in answer) throw refused('tm.t_uac_start', answer.fault);
  }

  /** Cancels an INVITE of ours. Rejects with `RPC_NOT_FOUND` when its transaction is over. Before a provisional reply nothing is sent. */
  async cancel(callId: string, cseq: number): Promise<void> {
    const answer = await this.#channel.call('/RPC', 'tm.cancel', [callId, String(cseq)]);
    if ('result' in answer) return;
    if (answer.fault.code === 400) throw new RpcError('RPC_NOT_FOUND', 'no such INVITE transaction');
    throw refused('tm.cancel', answer.fault);
  }

  /** All keys of the inbox at this time; see `parseInboxKey`. What is written meanwhile may be missed: it was notified too. */
  async inboxKeys(): Promise<string[]> {
    const keys = new Set<string>();
    let skip = 0;
    while (skip >= 0) {
      const answer = await this.#channel.call('/RPC', 'im.inbox', [skip]);
      if ('fault' in answer) throw refused('im.inbox', answer.fault);
      const page = answer.result;
      if (!isRecord(page) || !Array.isArray(page['keys']) || typeof page['next'] !== 'number') {
        throw new RpcError('RPC_BAD_ANSWER', 'im.inbox answered with something else');
      }
      for (const key of page['keys']) keys.add(String(key));
      skip = page['next'] > skip ? page['next'] : -1;
    }
    return [...keys];
  }

  /** The message kept under a key; empty when the key is a mere mark; undefined when there is none. */
  async inboxGet(key: string): Promise<Buffer | undefined> {
    const answer = await this.#channel.call('/RPC', 'htable.get', ['iminbox', key]);
    if ('fault' in answer) {
      if (answer.fault.code === 500) return undefined;
      throw refused('htable.get', answer.fault);
    }
    const item = isRecord(answer.result) ? answer.result['item'] : undefined;
    const value = isRecord(item) ? item['value'] : undefined;
    if (typeof value !== 'string')
      throw new RpcError('RPC_BAD_ANSWER', 'htable.get answered with something else');
    return value === '1' ? Buffer.alloc(0) : Buffer.from(value, 'base64');
  }

  async inboxDelete(key: string): Promise<void> {
    const answer = await this.#channel.call('/RPC', 'htable.delete', ['iminbox', key]);
    if ('fault' in answer) this.#log.debug({ key, fault: answer.fault }, 'inbox key was gone');
  }

  /** Which Kamailio answers, and since when it runs. */
  async epoch(): Promise<{ kam: string; epoch: string }> {
    const answer = await this.#channel.call('/RPC', 'im.node', []);
    if ('fault' in answer) throw refused('im.node', answer.fault);
    const node = answer.result;
    if (!isRecord(node) || typeof node['kam'] !== 'string' || typeof node['epoch'] !== 'string') {
      throw new RpcError('RPC_BAD_ANSWER', 'im.node answered with something else');
    }
    return { kam: node['kam'], epoch: node['epoch'] };
  }

  /**
   * What the script of this node was given. A call of `paddingBytes` more shows whether its buffers take a large one.
   * Rejects with `RPC_FORBIDDEN` when the script does not know the question: it is older than this package.
   */
  async facts(paddingBytes = 0): Promise<NodeFacts> {
    const answer = await this.#channel.call('/RPC', 'im.facts', ['x'.repeat(paddingBytes)]);
    if ('fault' in answer) throw refused('im.facts', answer.fault);
    return parseNodeFacts(answer.result);
  }

  /** Names of the modules that this node has loaded. */
  async modules(): Promise<string[]> {
    const answer = await this.#channel.call('/RPC', 'core.modules', []);
    if ('fault' in answer) throw refused('core.modules', answer.fault);
    if (!Array.isArray(answer.result)) {
      throw new RpcError('RPC_BAD_ANSWER', 'core.modules answered with something else');
    }
    return answer.result.map(String);
  }

  /** Shared memory of this node, in bytes. */
  async sharedMemory(): Promise<{ total: number; free: number }> {
    const answer = await this.#channel.call('/RPC', 'core.shmmem', []);
    if ('fault' in answer) throw refused('core.shmmem', answer.fault);
    const { result } = answer;
    if (!isRecord(result) || typeof result['total'] !== 'number' || typeof result['free'] !== 'number') {
      throw new RpcError('RPC_BAD_ANSWER', 'core.shmmem answered with something else');
    }
    return { total: result['total'], free: result['free'] };
  }

  /** Has the stand-alone Kamailio read its users again. */
  async reloadUsers(): Promise<void> {
    const answer = await this.#channel.call('/RPC', 'htable.reload', ['imusers']);
    if ('fault' in answer) throw refused('htable.reload', answer.fault);
  }

  close(): Promise<void> {
    this.#channel.close();
    return Promise.resolve();
  }
}

function refused(method: string, fault: RpcFault): RpcError {
  return new RpcError('RPC_REFUSED', `${method}: ${fault.code} ${fault.message}`, {
    status: fault.code,
    retryable: fault.code >= 500,
  });
}
