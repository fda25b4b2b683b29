/**
 * How many requests one address may make: so many a second, and a burst of twice as many. A wrong token costs as much
 * as many requests, so that guessing is slow.
 */
import { LRUCache } from 'lru-cache';

export interface RateLimitOptions {
  /** 0: no limit. */
  readonly perS: number;
  /** Addresses that are remembered; the one that was quiet for longest is forgotten first (default 10,000). */
  readonly maxAddresses?: number;
  /** Never goes back. */
  readonly nowMs: () => number;
}

interface Bucket {
  left: number;
  sinceMs: number;
}

const DEFAULT_MAX_ADDRESSES = 10_000;
const BURST_S = 2;
const WRONG_TOKEN_COST = 20;

export class RateLimit {
  readonly #perS: number;
  readonly #nowMs: () => number;
  readonly #buckets: LRUCache<string, Bucket>;

  constructor({ perS, nowMs, maxAddresses = DEFAULT_MAX_ADDRESSES }: RateLimitOptions) {
    this.#perS = perS;
    this.#nowMs = nowMs;
    this.#buckets = new LRUCache({ max: maxAddresses });
  }

  /** @returns undefined when it may, else after how many seconds it may come again */
  take(address: string): number | undefined {
    if (this.#perS === 0) return undefined;
    const bucket = this.#bucketOf(address);
    if (bucket.left < 1) return Math.max(1, Math.ceil((1 - bucket.left) / this.#perS));
    bucket.left -= 1;
    return undefined;
  }

  /** Somebody there had no token, or a wrong one. */
  penalise(address: string): void {
    if (this.#perS === 0) return;
    const bucket = this.#bucketOf(address);
    bucket.left = Math.max(bucket.left - WRONG_TOKEN_COST, -this.#perS * BURST_S);
  }

  /** Filled up by what has passed since it was looked at. */
  #bucketOf(address: string): Bucket {
    const nowMs = this.#nowMs();
    const most = this.#perS * BURST_S;
    const bucket = this.#buckets.get(address) ?? { left: most, sinceMs: nowMs };
    bucket.left = Math.min(most, bucket.left + ((nowMs - bucket.sinceMs) * this.#perS) / 1000);
    bucket.sinceMs = nowMs;
    this.#buckets.set(address, bucket);
    return bucket;
  }
}
