/**
 * The latest requests that a policy decides, as they came, in memory alone: what a new policy is tried on. They are those
 * from outside dialogs, and REFER. No credentials are kept, and these requests carry no messages of users.
 */
import type { AskedRequest } from '../engine/engine.ts';
import { cseqNumber } from '../focus/dialogs.ts';
import type { DecisionRecord } from '../focus/ports.ts';
import type { RequestOrigin } from '../focus/world.ts';
import { formatSipMessage, header, type SipRequest } from '../sip/message.ts';
import { tagOf } from '../sip/name-addr.ts';

/** Crosses threads. */
export interface RecentRequest {
  readonly atMs: number;
  /** The raw request. */
  readonly bytes: Uint8Array;
  readonly origin: RequestOrigin;
  readonly decided: Pick<DecisionRecord, 'clause' | 'user'> & {
    readonly status?: number;
    readonly warning?: string;
    /** The step that decided. */
    readonly step?: string;
  };
}

type Kept = Omit<RecentRequest, 'bytes'> & { readonly request: SipRequest; readonly size: number };

const METHODS: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization']);

export class RecentRequests {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  readonly #kept: Kept[] = [];
  #bytes = 0;

  constructor({ maxCount, maxBytes }: { readonly maxCount: number; readonly maxBytes: number }) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  add(record: DecisionRecord, { request, origin }: AskedRequest): void {
    if (this.#maxCount === 0 || !isKept(request)) return;
    const { atMs, clause, user, status, warning, steps } = record;
    const step = steps.at(-1)?.id;
    const kept = withoutCredentials(request);
    const size = sizeOf(kept);
    this.#kept.push({
      atMs,
      request: kept,
      size,
      origin,
      decided: {
        clause,
        ...(user === undefined ? {} : { user }),
        ...(status === undefined ? {} : { status }),
        ...(warning === undefined ? {} : { warning }),
        ...(step === undefined ? {} : { step }),
      },
    });
    this.#bytes += size;
    while (this.#kept.length > this.#maxCount || this.#bytes > this.#maxBytes) {
      this.#bytes -= this.#kept.shift()?.size ?? 0;
    }
  }

  /** Newest first. */
  latest(limit: number): RecentRequest[] {
    return this.#kept
      .slice(-limit)
      .reverse()
      .map(({ request, size: _size, ...rest }) => ({ ...rest, bytes: formatSipMessage(request) }));
  }
}

/** Clients add users within the dialog that they are in, as RCC.07 has it, or outside of it. */
function isKept(request: SipRequest): boolean {
  if (!METHODS.has(request.method)) return false;
  try {
    cseqNumber(request);
    return request.method === 'REFER' || tagOf(header(request, 'to') ?? '') === undefined;
  } catch {
    return false; // It was refused as unreadable, whatever the policy.
  }
}

function withoutCredentials(request: SipRequest): SipRequest {
  if (!request.headers.some(isCredential)) return request;
  return { ...request, headers: request.headers.filter((one) => !isCredential(one)) };
}

function isCredential({ name }: { readonly name: string }): boolean {
  return CREDENTIALS.has(name.toLowerCase());
}

function sizeOf({ headers, body }: SipRequest): number {
  return headers.reduce((sum, { name, value }) => sum + name.length + value.length, body.length);
}
