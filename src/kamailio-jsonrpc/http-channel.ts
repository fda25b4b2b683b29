import { Agent, request } from 'node:http';
import { RpcError } from './errors.ts';
import { isRecord } from './json-rpc.ts';

export interface HttpChannelOptions {
  readonly url: string;
  readonly secret: string;
  readonly maxConnections: number;
  readonly maxQueued: number;
  readonly timeoutMs: number;
}

/** tcp_rd_buf_size of the Kamailio configuration, less room for the HTTP head: a larger request is dropped without an answer. */
const MAX_BODY_BYTES = 126976;
const MAX_ANSWER_BYTES = 4194304;
/** Shorter than Kamailio's own idle limit, so that a connection is rarely found closed. */
const IDLE_MS = 30000;

/** A JSON-RPC error that Kamailio answered with. */
export interface RpcFault {
  readonly code: number;
  readonly message: string;
}

/** JSON-RPC over HTTP with kept connections; calls beyond `maxConnections` queue, beyond `maxQueued` they are refused. */
export class HttpChannel {
  readonly #options: HttpChannelOptions;
  readonly #agent: Agent;
  readonly #url: URL;
  #open = 0;
  #nextId = 1;
  #isClosed = false;

  constructor(options: HttpChannelOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: options.maxConnections,
      scheduling: 'lifo',
      timeout: IDLE_MS,
    });
  }

  /** Resolves with the result or the fault. Rejects with `RpcError` when no answer could be had. */
  async call(
    path: string,
    method: string,
    params: readonly unknown[],
  ): Promise<{ result: unknown } | { fault: RpcFault }> {
    if (this.#isClosed) throw new RpcError('RPC_CLOSED', 'the client is closed');
    const id = this.#nextId;
    this.#nextId = id >= 2147483647 ? 1 : id + 1;
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    if (body.length > MAX_BODY_BYTES) {
      throw new RpcError('RPC_TOO_LARGE', `a call of ${body.length} bytes is above ${MAX_BODY_BYTES}`);
    }
    if (this.#open >= this.#options.maxConnections + this.#options.maxQueued) {
      throw new RpcError('RPC_OVERLOADED', `${this.#open} calls are under way`, { retryable: true });
    }
    this.#open++;
    try {
      return readAnswer(await this.#post(path, id, body), id);
    } finally {
      this.#open--;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#agent.destroy();
  }

  #post(path: string, id: number, body: Buffer): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const outgoing = request({
      agent: this.#agent,
      host: this.#url.hostname.replace(/^\[|\]$/g, ''),
      port: this.#url.port,
      method: 'POST',
      path,
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': body.length,
        'X-IM-Secret': this.#options.secret,
        // Kamailio reads HTTP with its SIP parser: with these it can look up a transaction of this message, and finds none.
        'Call-ID': `rpc-${id}`,
        CSeq: `${id} POST`,
        From: '<sip:rpc@invalid>;tag=rpc',
        To: '<sip:rpc@invalid>',
      },
    });
    const timer = setTimeout(() => {
      outgoing.destroy(
        new RpcError('RPC_TIMEOUT', `no answer in ${this.#options.timeoutMs} ms`, { retryable: true }),
      );
    }, this.#options.timeoutMs);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (error instanceof RpcError) reject(error);
      else
        reject(
          new RpcError('RPC_UNREACHABLE', 'Kamailio cannot be reached', { cause: error, retryable: true }),
        );
    });
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES)
          outgoing.destroy(new RpcError('RPC_BAD_ANSWER', 'the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', (error) => {
        clearTimeout(timer);
        reject(new RpcError('RPC_UNREACHABLE', 'the answer broke off', { cause: error, retryable: true }));
      });
      response.on('end', () => {
        clearTimeout(timer);
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(text);
        else if (response.statusCode === 403)
          reject(new RpcError('RPC_FORBIDDEN', `refused: ${text.trim()}`));
        else
          reject(
            new RpcError('RPC_BAD_ANSWER', `HTTP status ${response.statusCode}: ${text.slice(0, 80).trim()}`),
          );
      });
    });
    outgoing.end(body);
    return promise;
  }
}

function readAnswer(text: string, id: number): { result: unknown } | { fault: RpcFault } {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new RpcError('RPC_BAD_ANSWER', 'the answer is not JSON', { cause: error });
  }
  if (!isRecord(document)) throw new RpcError('RPC_BAD_ANSWER', 'the answer is not an object');
  const fault = document['error'];
  if (isRecord(fault) && typeof fault['code'] === 'number') {
    const message = typeof fault['message'] === 'string' ? fault['message'] : '';
    return { fault: { code: fault['code'], message } };
  }
  if (document['id'] !== id || !('result' in document)) {
    throw new RpcError('RPC_BAD_ANSWER', 'the answer belongs to another call');
  }
  return { result: document['result'] };
}
