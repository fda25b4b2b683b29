/**
 * Overrides from the environment: `sip.domain` is PARLEY_SIP_DOMAIN, `adHoc.maxParticipants` is
 * PARLEY_AD_HOC_MAX_PARTICIPANTS. Lists are written with commas or as JSON; lists of sections only as JSON.
 */
import { parse as parseYaml } from 'yaml';
import type { ConfigError } from './config-error.ts';
import { nearest } from './nearest.ts';
import { formatPath, leaves, type SchemaNode } from './schema-walk.ts';

const PREFIX = 'PARLEY_';
/** Of the commands that ask a running focus; no key. */
const TOKEN_VARIABLE = 'PARLEY_TOKEN';

/** The variable that overrides a key. */
export function environmentName(path: readonly string[]): string {
  return PREFIX + path.map((step) => step.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()).join('_');
}

export interface Overrides {
  /** In the order of the schema: the key, its value, the variable. */
  readonly values: readonly {
    readonly path: readonly string[];
    readonly value: unknown;
    readonly from: string;
  }[];
  readonly errors: readonly ConfigError[];
  readonly warnings: readonly string[];
}

/** Reads the PARLEY_* variables. A variable that names no key is only warned of: cluster software sets such names by itself. */
export function readEnvironment(
  schema: SchemaNode,
  env: Readonly<Record<string, string | undefined>>,
): Overrides {
  const values: Overrides['values'][number][] = [];
  const errors: ConfigError[] = [];
  const known = new Set<string>([TOKEN_VARIABLE]);
  for (const [path, node] of leaves(schema)) {
    const from = environmentName(path);
    known.add(from);
    const text = env[from];
    if (text === undefined || text === '') continue;
    const parsed = parseOverride(text, node);
    if (parsed.ok) values.push({ path, value: parsed.value, from });
    else
      errors.push({ path: formatPath(path), value: text, message: parsed.message, mend: parsed.mend, from });
  }
  const warnings = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.has(name))
    .sort()
    .map((name) => {
      const meant = nearest(name, known);
      return `environment: ${name} overrides no key and is ignored${meant === undefined ? '' : `; did you mean ${meant}?`}`;
    });
  return { values, errors, warnings };
}

type Parsed = { ok: true; value: unknown } | { ok: false; message: string; mend: string };

function parseOverride(text: string, node: SchemaNode): Parsed {
  const list = node.type === 'array' ? node : node.anyOf?.find((choice) => choice.type === 'array');
  if (list !== undefined && (text.trimStart().startsWith('[') || list.items?.type === 'object')) {
    try {
      return { ok: true, value: JSON.parse(text) };
    } catch (error) {
      return { ok: false, message: `is no JSON (${(error as Error).message})`, mend: 'write a JSON list' };
    }
  }
  if (list !== undefined && (node.type === 'array' || text.includes(','))) {
    return {
      ok: true,
      value: text
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    };
  }
  return { ok: true, value: takesOnlyText(node) ? text : scalar(text) };
}

function takesOnlyText(node: SchemaNode): boolean {
  return (
    node.type === 'string' ||
    (node.anyOf?.every((choice) => choice.type !== 'integer' && choice.type !== 'number') ?? false)
  );
}

/** Numbers and booleans as YAML reads them; anything else stays the text it is. */
function scalar(text: string): unknown {
  try {
    const value: unknown = parseYaml(text);
    return typeof value === 'number' || typeof value === 'boolean' ? value : text;
  } catch {
    return text;
  }
}
