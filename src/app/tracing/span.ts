/** One thing that was done at an edge, and how long it took. Names and attributes carry no content and no user. */
import { createHash, randomBytes } from 'node:crypto';

export type AttributeValue = string | number | boolean;

export interface Span {
  readonly name: string;
  readonly kind: 'server' | 'client';
  /** 32 hex digits: what belongs together. */
  readonly traceId: string;
  /** 16 hex digits, of who asked. */
  readonly parentId?: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, AttributeValue | undefined>>;
  /** It failed at our side or at theirs; a refusal is no failure. */
  readonly isFailed: boolean;
}

const TRACE_ID_CHARS = 32;
const SPAN_ID_BYTES = 8;

/** The same for all that names the same thing, such as a Call-ID, in whatever process. */
export function traceIdOf(seed: string): string {
  return createHash('sha256').update(seed).digest('hex').slice(0, TRACE_ID_CHARS);
}

export function newSpanId(): string {
  return randomBytes(SPAN_ID_BYTES).toString('hex');
}

/** W3C Trace Context; undefined for what is none. */
export function parseTraceparent(
  text: string | undefined,
): { traceId: string; parentId: string } | undefined {
  const [, traceId, parentId] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(text ?? '') ?? [];
  if (traceId === undefined || parentId === undefined || /^0+$/.test(traceId) || /^0+$/.test(parentId))
    return undefined;
  return { traceId, parentId };
}
