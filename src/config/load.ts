/** Reading a configuration: file, then environment, then checks; all errors at once. */
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import { parseDocument } from 'yaml';
import { Checker } from './checker.ts';
import type { Config } from './config.ts';
import type { ConfigError } from './config-error.ts';
import { readEnvironment } from './environment.ts';
import { resolveDocument } from './resolve.ts';
import { ConfigSchema } from './schema.ts';
import type { SchemaNode } from './schema-walk.ts';
import { validateDocument } from './validate.ts';

export type { Config } from './config.ts';
export { type ConfigError, formatConfigError } from './config-error.ts';

export interface LoadOptions {
  /** The YAML file; absent: defaults and environment only. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative files start when there is no configuration file. Default: the working directory. */
  readonly directory?: string;
}

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Never throws for a bad configuration: every fault is an entry of `errors`. */
export function loadConfig(options: LoadOptions): Loaded {
  const file = options.file === undefined ? undefined : resolvePath(options.file);
  const read = file === undefined ? { value: {}, errors: [] } : readYaml(file);
  if (read.errors.length > 0) return { ok: false, errors: read.errors };

  const overrides = readEnvironment(ConfigSchema as unknown as SchemaNode, options.env);
  const merged = merge(read.value, overrides.values);
  const { document, errors } = validateDocument(merged);
  const checker = new Checker();
  const config = resolveDocument(
    document,
    {
      directory: file === undefined ? resolvePath(options.directory ?? '.') : dirname(file),
      randomSecret: () => randomBytes(24).toString('hex'),
    },
    checker,
  );
  // A key whose own fault is told already has its default here: what the checks find in that is no fault of the writer.
  const found = checker.errors.filter((error) => !errors.some(({ path }) => isWithin(path, error.path)));
  const all = [...overrides.errors, ...errors, ...found];
  if (all.length === 0) return { ok: true, config, warnings: [...overrides.warnings, ...checker.warnings] };
  const named = all.map((error) => {
    const origin = overrides.values.find(({ path }) => isWithin(error.path, path.join('.')));
    return origin === undefined || error.from !== undefined ? error : { ...error, from: origin.from };
  });
  return { ok: false, errors: named };
}

/** The group documents that the patterns of `groups` name now, each once, in order. */
export function groupFiles(config: Pick<Config, 'groups'>): string[] {
  return [...new Set(config.groups.flatMap((pattern) => globSync(pattern).sort()))];
}

const FILE_MAX_BYTES = 1_048_576;

function readYaml(file: string): { value: unknown; errors: ConfigError[] } {
  const fail = (message: string, mend: string) => ({
    value: {},
    errors: [{ path: '', value: file, message, mend }],
  });
  let text: string;
  try {
    const bytes = readFileSync(file);
    if (bytes.length > FILE_MAX_BYTES) return fail('is larger than 1 MiB', 'name a configuration file');
    text = bytes.toString('utf8');
  } catch (error) {
    return fail(
      `cannot be read (${(error as NodeJS.ErrnoException).code})`,
      'mend the name, or make the file readable',
    );
  }
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    const errors = document.errors.map((error) => {
      const place = error.linePos?.[0];
      const at = place === undefined ? '' : ` at line ${place.line}, column ${place.col}`;
      const message = `is no YAML${at}: ${error.message.split('\n')[0]?.replace(/ at line .*$/, '')}`;
      return { path: '', value: file, message, mend: 'mend that line' };
    });
    return { value: {}, errors };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) ?? {}, errors: [] };
  } catch (error) {
    return fail(`is no usable YAML: ${(error as Error).message}`, 'write it without anchors');
  }
}

/** Environment values replace those of the file; a section that is no section stays as it is and is told of by the validation. */
function merge(value: unknown, overrides: readonly { path: readonly string[]; value: unknown }[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const root = structuredClone(value) as Record<string, unknown>;
  for (const override of overrides) setAt(root, override.path, override.value);
  return root;
}

function setAt(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = root;
  for (const step of path.slice(0, -1)) {
    at[step] ??= {};
    const next = at[step];
    if (typeof next !== 'object' || next === null || Array.isArray(next)) return;
    at = next as Record<string, unknown>;
  }
  at[path.at(-1) ?? ''] = value;
}

function isWithin(path: string, key: string): boolean {
  return path === key || path.startsWith(`${key}[`) || path.startsWith(`${key}.`);
}
