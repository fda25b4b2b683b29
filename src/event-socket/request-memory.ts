/** What has been answered lately, so that a repeated request is not carried out twice. Pure. */

export interface RequestMemoryOptions {
  /** How long an answer is kept. Default 60 s. */
  readonly rememberMs?: number;
  /** Requests kept; the oldest give way. Default 16,384. */
  readonly maxRequests?: number;
  /** Bytes of the answers kept; the oldest give way. Default 8 MiB. */
  readonly maxBytes?: number;
}

export interface RememberedRequest {
  /** Of command and body: another request under the same name is not this one. */
  readonly digest: string;
  readonly atMs: number;
  /** Null while the request is being carried out. */
  answer: string | null;
}

export class RequestMemory {
  readonly #rememberMs: number;
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  /** In order of arrival. */
  readonly #byKey = new Map<string, RememberedRequest>();
  #bytes = 0;

  constructor(options: RequestMemoryOptions = {}) {
    this.#rememberMs = options.rememberMs ?? 60_000;
    this.#maxRequests = options.maxRequests ?? 16_384;
    this.#maxBytes = options.maxBytes ?? 8_388_608;
  }

  get size(): number {
    return this.#byKey.size;
  }

  find(key: string, nowMs: number): RememberedRequest | undefined {
    this.#expire(nowMs);
    return this.#byKey.get(key);
  }

  begin(key: string, digest: string, nowMs: number): void {
    this.#byKey.set(key, { digest, atMs: nowMs, answer: null });
    this.#trim();
  }

  finish(key: string, answer: string): void {
    const request = this.#byKey.get(key);
    if (request === undefined) return;
    request.answer = answer;
    this.#bytes += answer.length;
    this.#trim();
  }

  #expire(nowMs: number): void {
    for (const [key, request] of this.#byKey) {
      if (nowMs - request.atMs < this.#rememberMs) return;
      this.#forget(key, request);
    }
  }

  #trim(): void {
    for (const [key, request] of this.#byKey) {
      if (this.#byKey.size <= this.#maxRequests && this.#bytes <= this.#maxBytes) return;
      this.#forget(key, request);
    }
  }

  #forget(key: string, request: RememberedRequest): void {
    this.#byKey.delete(key);
    this.#bytes -= request.answer?.length ?? 0;
  }
}
