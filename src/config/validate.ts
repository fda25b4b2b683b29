/** The document against its schema: unknown keys with the nearest known one, every other fault in words, defaults filled in. */
import assert from 'node:assert/strict';
import { Value } from 'typebox/value';
import type { ConfigError } from './config-error.ts';
import { meantNumber } from './meant-number.ts';
import { nearest } from './nearest.ts';
import { type ConfigDocument, ConfigSchema } from './schema.ts';
import { expectation, formatPath, type KeyPath, leaves, type SchemaNode, schemaAt } from './schema-walk.ts';

const SCHEMA = ConfigSchema as unknown as SchemaNode;

/** A sound document always comes back: where something is wrong, with the default in its place, so that checks can go on. */
export function validateDocument(input: unknown): { document: ConfigDocument; errors: ConfigError[] } {
  const given = withoutNulls(input);
  if (!isRecord(given)) {
    const error = {
      path: '',
      value: input,
      message: 'is not a list of keys',
      mend: 'write `key: value` lines',
    };
    return { document: Value.Default(ConfigSchema, {}) as ConfigDocument, errors: [error] };
  }
  // The validator stops after a handful of faults: what is wrong is taken out, and the rest is looked at again.
  const errors = new Map<string, ConfigError>();
  for (;;) {
    const candidate: unknown = Value.Default(ConfigSchema, structuredClone(given));
    const wrong = wrongPaths(candidate);
    if (wrong.length === 0) return { document: candidate as ConfigDocument, errors: withoutParents(errors) };
    for (const path of wrong) {
      const text = formatPath(path);
      if (!errors.has(text)) errors.set(text, describe(path, valueAt(candidate, path)));
    }
    const removed = wrong.filter((path) => removeAt(given, path));
    assert(removed.length > 0, 'each round takes a fault out');
  }
}

function wrongPaths(candidate: unknown): KeyPath[] {
  return [...Value.Errors(ConfigSchema, candidate)].flatMap((fault) => {
    if (fault.keyword === 'additionalProperties') return []; // Told again for each key, with its path.
    const found = pathOf(fault.instancePath, candidate);
    const missing = fault.keyword === 'required' ? missingKeys(fault.params) : [];
    return missing.length === 0 ? [found] : missing.map((key) => [...found, key]);
  });
}

function describe(path: KeyPath, value: unknown): ConfigError {
  const node = schemaAt(SCHEMA, path);
  if (node !== undefined) {
    const key = String(path.at(-1));
    const wanted = expectation(node, key);
    const example =
      node.default === undefined || node.type === 'object'
        ? ''
        : `; the default is ${JSON.stringify(node.default)}`;
    const number = meantNumber(node, key, value);
    return {
      path: formatPath(path),
      value,
      message: fault(node, value, wanted),
      mend: number === undefined ? `write ${wanted}${example}` : `write ${number}, without a unit or quotes`,
    };
  }
  const known = Object.keys(schemaAt(SCHEMA, path.slice(0, -1))?.properties ?? {});
  const key = String(path.at(-1));
  const mend = nearestKey(path, key, known);
  return { path: formatPath(path), value, message: 'is not a known key', mend };
}

/** Another kind of value is told apart from a value that is out of bounds. */
function fault({ type }: SchemaNode, value: unknown, wanted: string): string {
  if (value === undefined) return 'is missing';
  const kind = kindOf(value);
  const isOther = type !== undefined && kind !== KINDS[type];
  return isOther ? `is ${kind}, not ${wanted}` : `is not ${wanted}`;
}

const KINDS: Readonly<Record<string, string>> = {
  integer: 'a number',
  boolean: 'true or false',
  string: 'text',
  array: 'a list',
  object: 'a section',
};

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  const kinds = { number: 'a number', boolean: 'true or false', string: 'text' } as const;
  return kinds[typeof value as keyof typeof kinds] ?? 'a section';
}

/** A key of the same section first, then one of another section (a key on the wrong level is a common slip). */
function nearestKey(path: KeyPath, key: string, siblings: readonly string[]): string {
  const sibling = nearest(key, siblings);
  if (sibling !== undefined) return `did you mean \`${formatPath([...path.slice(0, -1), sibling])}\`?`;
  const elsewhere = [...leaves(SCHEMA)].find(([leaf]) => leaf.at(-1) === key)?.[0];
  if (elsewhere !== undefined) return `did you mean \`${formatPath(elsewhere)}\`?`;
  return `remove it, or use one of ${siblings.join(', ')}`;
}

/** `sip` is not told of when `sip.domain` is: a fault inside makes its section wrong as well. */
function withoutParents(errors: ReadonlyMap<string, ConfigError>): ConfigError[] {
  const paths = [...errors.keys()];
  const hasInner = (path: string) =>
    paths.some((other) => other.startsWith(`${path}.`) || other.startsWith(`${path}[`));
  return [...errors.values()].filter((error) => !hasInner(error.path));
}

function missingKeys(params: unknown): string[] {
  const keys = (params as { requiredProperties?: unknown }).requiredProperties;
  return Array.isArray(keys) ? keys.map(String) : [];
}

/** From a JSON pointer; digits count as an index only in a list. */
function pathOf(pointer: string, root: unknown): (string | number)[] {
  const path: (string | number)[] = [];
  for (const step of pointer.split('/').slice(1)) {
    const inList = Array.isArray(valueAt(root, path));
    path.push(inList ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return path;
}

function valueAt(value: unknown, path: KeyPath): unknown {
  let at = value;
  for (const step of path) at = (at as Record<string | number, unknown> | undefined)?.[step];
  return at;
}

/** Removes a key; inside a list the whole list goes, because its other entries would move. False: it was gone already. */
function removeAt(root: Record<string, unknown>, path: KeyPath): boolean {
  const list = path.findIndex((step) => typeof step === 'number');
  const cut = list === -1 ? path : path.slice(0, list);
  const parent = valueAt(root, cut.slice(0, -1));
  const key = String(cut.at(-1));
  return isRecord(parent) && Object.hasOwn(parent, key) && delete parent[key];
}

/** An empty section or value (`sip:` with nothing after it) is one that was not given. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value ?? {};
  const entries = Object.entries(value).filter(([, child]) => child !== null && child !== undefined);
  return Object.fromEntries(entries.map(([key, child]) => [key, withoutNulls(child)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
