/** The API's own description as something to make requests of: valid ones, and ones with a single fault. */
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { AdminServer } from '../../../src/admin/admin-server.ts';

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: JsonSchema;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

export interface Operation {
  readonly method: string;
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly role: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: JsonSchema }[];
  /** Of a JSON body. */
  readonly body: JsonSchema | undefined;
  readonly bodyTypes: readonly string[];
}

interface Described {
  readonly 'x-role': string;
  readonly parameters?: Operation['parameters'];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: JsonSchema }>> };
}

export function operationsOf(server: AdminServer): Operation[] {
  const description = server.swagger() as unknown as {
    paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
    components: { schemas: Readonly<Record<string, JsonSchema>> };
  };
  const paths = resolved(description.paths, description.components.schemas) as typeof description.paths;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      method: method.toUpperCase(),
      path,
      role: described['x-role'],
      parameters: described.parameters ?? [],
      body: described.requestBody?.content['application/json']?.schema,
      bodyTypes: Object.keys(described.requestBody?.content ?? {}),
    })),
  );
}

/** With what is referred to in its place. */
function resolved(value: unknown, schemas: Readonly<Record<string, JsonSchema>>): unknown {
  if (Array.isArray(value)) return value.map((one) => resolved(one, schemas));
  if (typeof value !== 'object' || value === null) return value;
  const { $ref } = value as JsonSchema;
  if ($ref !== undefined) return schemas[$ref.split('/').at(-1) ?? ''];
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one, schemas)]));
}

/** Texts that fit the patterns in use, for those without an example. */
const TEXTS = ['sip:ada@example.net', 'im-s-1', 'abcdefghijkl', 'viewer', '0123456789abcdef', 'text', '1'];

export function sampleOf(schema: JsonSchema): unknown {
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf !== undefined) return sampleOf(schema.anyOf[0] ?? {});
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  switch (type) {
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}));
    case 'object': {
      const names = schema.required ?? [];
      return Object.fromEntries(names.map((name) => [name, sampleOf(schema.properties?.[name] ?? {})]));
    }
    case 'string': {
      const pattern = new RegExp(schema.pattern ?? '', 'u');
      return TEXTS.find((text) => pattern.test(text) && text.length >= (schema.minLength ?? 0)) ?? 'x';
    }
    default:
      return 'x';
  }
}

/** Values that the schema does not allow, each for another reason. */
export function wrongOf(schema: JsonSchema): unknown[] {
  if (schema.anyOf !== undefined) {
    const wrongs = [...schema.anyOf.flatMap(wrongOf), 'none of these', -1];
    return wrongs.filter((value) => !Value.Check(schema as TSchema, value));
  }
  if (schema.const !== undefined)
    return [null, [], {}, 'another', typeof schema.const === 'boolean' ? 1 : true];
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  if (types.length === 0 && schema.enum === undefined) return [];
  const kinds: [kind: string, value: unknown][] = [
    ['string', 'text'],
    ['integer', 7],
    ['boolean', true],
    ['array', []],
    ['object', {}],
    ['null', null],
  ];
  const wrong: unknown[] = kinds
    .filter(([kind]) => !types.includes(kind) && !(kind === 'integer' && types.includes('number')))
    .filter(([, value]) => schema.enum?.includes(value) !== true)
    .map(([, value]) => value);
  if (schema.enum !== undefined) wrong.push('nothing of that list');
  if (types.includes('integer')) wrong.push(1.5, '7');
  if (schema.minimum !== undefined) wrong.push(schema.minimum - 1);
  if (schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER)
    wrong.push(schema.maximum + 1);
  if ((schema.minLength ?? 0) > 0) wrong.push('');
  if (schema.maxLength !== undefined) wrong.push('x'.repeat(schema.maxLength + 1));
  const { pattern } = schema;
  if (pattern !== undefined) {
    wrong.push(...['\u0000', 'a\r\nb: c'].filter((text) => !new RegExp(pattern, 'u').test(text)));
  }
  if ((schema.minItems ?? 0) > 0) wrong.push([]);
  if (schema.maxItems !== undefined) {
    wrong.push(Array.from({ length: schema.maxItems + 1 }, (_, n) => `sip:user${n}@example.net`));
  }
  return wrong;
}

/**
 * A body that is right but for one thing.
 *
 * @param depth how far inside of it that may be; 0: it is the body itself that is wrong
 */
export function wrongBodies(schema: JsonSchema, depth = 2): unknown[] {
  if (depth === 0) return wrongOf(schema);
  if (schema.items !== undefined) {
    const { items } = schema;
    const others = sampleOf(schema) as unknown[];
    return [...wrongOf(schema), ...wrongBodies(items, depth - 1).map((wrong) => [...others, wrong])];
  }
  if (schema.properties === undefined) return wrongOf(schema);
  const right = sampleOf(schema) as Record<string, unknown>;
  const bodies: unknown[] = wrongOf(schema);
  for (const name of schema.required ?? []) {
    const { [name]: _left, ...rest } = right;
    bodies.push(rest);
  }
  if (schema.additionalProperties === false) {
    bodies.push({ ...right, surprise: 1 });
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    for (const value of wrongBodies(inner, depth - 1)) bodies.push({ ...right, [name]: value });
  }
  return bodies;
}

/** The path with its parameters filled in. */
export function pathWith(
  { path, parameters }: Operation,
  values: Readonly<Record<string, string>> = {},
): string {
  return path.replace(/\{([^}]+)\}/g, (_all, name: string) => {
    const schema = parameters.find((one) => one.in === 'path' && one.name === name)?.schema;
    return values[name] ?? encodeURIComponent(String(sampleOf(schema ?? {})));
  });
}
