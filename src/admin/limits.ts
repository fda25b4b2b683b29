/** What the admin accepts at most. Every one of them is answered, never left hanging. */
export interface AdminLimits {
  /** Longest request target, path and query together; longer is 414. */
  readonly maxUrlChars: number;
  /** Longest path parameter such as a group's address; longer is 414. */
  readonly maxParamChars: number;
  /** All header fields of a request together; more is 431. */
  readonly maxHeaderBytes: number;
  /** Connections at one time; one more is closed at once. */
  readonly maxConnections: number;
  /** Of one address; twice as many at once. 0: no limit. Probes do not count. */
  readonly requestsPerS: number;
  /** A request that has not arrived by then is answered 408. */
  readonly requestTimeoutMs: number;
  /** A connection on which nothing was asked for so long is closed. */
  readonly idleTimeoutMs: number;
}

export const DEFAULT_ADMIN_LIMITS: AdminLimits = {
  maxUrlChars: 2_048,
  // A group's address, with its escapes.
  maxParamChars: 1_024,
  maxHeaderBytes: 8_192,
  maxConnections: 256,
  requestsPerS: 200,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 72_000,
};

/** Items of one page of a list. */
export const PAGE_ITEMS = { default: 50, max: 500 } as const;
