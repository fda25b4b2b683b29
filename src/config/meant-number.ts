/** The number that somebody meant who wrote `10 MB` or `"5s"` where a bare number belongs. */
import { type SchemaNode, unitOf } from './schema-walk.ts';

const K = 1000;
const KI = 1024;
const MINUTE = 60;

/** How many of the key's unit one of the written unit is. */
const FACTORS: Readonly<Record<NonNullable<ReturnType<typeof unitOf>>, Readonly<Record<string, number>>>> = {
  bytes: {
    b: 1,
    byte: 1,
    bytes: 1,
    k: KI,
    kb: K,
    kib: KI,
    m: KI ** 2,
    mb: K ** 2,
    mib: KI ** 2,
    g: KI ** 3,
    gb: K ** 3,
    gib: KI ** 3,
  },
  MiB: { m: 1, mb: 1, mib: 1, g: KI, gb: KI, gib: KI },
  milliseconds: { ms: 1, s: K, sec: K, seconds: K, m: MINUTE * K, min: MINUTE * K, h: MINUTE ** 2 * K },
  seconds: {
    ms: 1 / K,
    s: 1,
    sec: 1,
    seconds: 1,
    m: MINUTE,
    min: MINUTE,
    minutes: MINUTE,
    h: MINUTE ** 2,
    d: 24 * MINUTE ** 2,
  },
};

/** Undefined when it cannot be told, or would be out of bounds. */
export function meantNumber(node: SchemaNode, key: string, value: unknown): number | undefined {
  if (node.type !== 'integer' || typeof value !== 'string') return undefined;
  const [, digits, word = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const unit = unitOf(key);
  const factor = word === '' ? 1 : unit === undefined ? undefined : FACTORS[unit][word.toLowerCase()];
  if (factor === undefined) return undefined;
  const number = Number(digits) * factor;
  const isGood = number >= (node.minimum ?? 0) && number <= (node.maximum ?? Number.MAX_SAFE_INTEGER);
  return Number.isInteger(number) && isGood ? number : undefined;
}
