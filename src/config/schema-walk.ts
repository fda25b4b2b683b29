/** Reading the schema itself: its keys, and in words what a key takes. Serves the errors, the overrides and the documentation. */

/** The part of a JSON schema that our configuration uses. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

export type KeyPath = readonly (string | number)[];

/** `kamailio.nodes[0].rpc` */
export function formatPath(path: KeyPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}

/** The schema of a key; undefined when there is none. */
export function schemaAt(root: SchemaNode, path: KeyPath): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of path) {
    if (node === undefined) return undefined;
    node =
      typeof step === 'number' ? (node.items ?? listOf(node)?.items) : ownProperty(node.properties, step);
  }
  return node;
}

/** A key such as `__proto__` in a document must not find what every object inherits. */
function ownProperty(properties: SchemaNode['properties'], key: string): SchemaNode | undefined {
  return properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
}

function listOf(node: SchemaNode): SchemaNode | undefined {
  return node.anyOf?.find((choice) => choice.type === 'array');
}

/** Every key that holds a value (not a section), in the order of the schema. */
export function* leaves(node: SchemaNode, path: readonly string[] = []): Generator<[string[], SchemaNode]> {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    if (child.properties === undefined) yield [[...path, key], child];
    else yield* leaves(child, [...path, key]);
  }
}

/** What a number counts: the end of its key says it. */
export function unitOf(key: string): 'bytes' | 'milliseconds' | 'seconds' | 'MiB' | undefined {
  if (key.endsWith('Bytes')) return 'bytes';
  if (key.endsWith('Ms')) return 'milliseconds';
  if (/[a-z]S$/.test(key)) return 'seconds';
  return key.endsWith('Mb') ? 'MiB' : undefined;
}

/** In words: `a whole number from 5 to 600`, `true or false`, `one of a, b`. With the key, what a number counts. */
export function expectation(node: SchemaNode, key = ''): string {
  if (node.anyOf !== undefined) return choices(node.anyOf);
  if (node.const !== undefined) return `\`${node.const}\``;
  switch (node.type) {
    case 'boolean':
      return '`true` or `false`';
    case 'integer': {
      const unit = unitOf(key);
      const number = unit === undefined ? 'a whole number' : `a number of ${unit}`;
      return `${number} from ${node.minimum ?? 0} to ${node.maximum ?? Number.MAX_SAFE_INTEGER}`;
    }
    case 'array': {
      const least = node.minItems === undefined ? '' : `at least ${node.minItems} and `;
      const distinct = node.uniqueItems === true ? ', all different' : '';
      return `a list (${least}at most ${node.maxItems ?? 'any number of'} entries${distinct}), each ${expectation(node.items ?? {})}`;
    }
    case 'object':
      return `a section with the keys ${Object.keys(node.properties ?? {}).join(', ')}`;
    default:
      return textExpectation(node);
  }
}

function choices(nodes: readonly SchemaNode[]): string {
  const words = nodes.map((node) => expectation(node));
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}

function textExpectation(node: SchemaNode): string {
  const bounds: string[] = [];
  if (node.pattern !== undefined) bounds.push(`matching ${node.pattern}`);
  if (node.maxLength !== undefined) bounds.push(`of ${node.minLength ?? 0} to ${node.maxLength} characters`);
  else if ((node.minLength ?? 0) > 0) bounds.push('that is not empty');
  return ['text', ...bounds].join(' ');
}
