/** What a policy may say, as JSON Schema for the description of the admin. It is `withPolicy` that checks one. */
import { FIXED, type PolicySection, SECTIONS } from './policy.ts';
import { ConfigSchema } from './schema.ts';

interface Node {
  readonly type?: string;
  readonly anyOf?: readonly object[];
  readonly default?: unknown;
  readonly required?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
}

/** The sections of the configuration that a policy has, with every key optional and without defaults. */
export const POLICY_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description:
    'Keys of the configuration (docs/configuration.md). What is absent, or null, is as in the configuration.',
  examples: [{ adHoc: { maxParticipants: 50 } }],
  properties: Object.fromEntries(
    SECTIONS.map((section) => {
      const node = ConfigSchema.properties[section] as unknown as Node;
      return [section, partial(node, FIXED[section])];
    }),
  ) as Readonly<Record<PolicySection, object>>,
};

/** Of what stands in a list nothing may be left out: a list is one value. */
function partial(
  { default: _default, required: _required, properties, ...node }: Node,
  fixed: readonly string[] = [],
): object {
  const own = Object.entries(properties ?? {}).filter(([key]) => !fixed.includes(key));
  return {
    ...node,
    ...(properties && { properties: Object.fromEntries(own.map(([key, child]) => [key, partial(child)])) }),
    ...(node.anyOf === undefined
      ? { type: [node.type, 'null'] }
      : { anyOf: [...node.anyOf, { type: 'null' }] }),
  };
}
