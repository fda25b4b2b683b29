/**
 * Bodies that a reader of their own checks, since it tells every fault with its place: routes take them as they come,
 * and the description says by a named schema what they look like.
 */
export type NamedSchemas = Readonly<Record<string, object>>;

export const GROUP_SCHEMA_NAME = 'GroupDocument';
export const POLICY_SCHEMA_NAME = 'Policy';

/** The same description; what has the title of a named schema refers to it. */
export function withReferences(value: unknown, schemas: NamedSchemas): unknown {
  if (Array.isArray(value)) return value.map((one) => withReferences(one, schemas));
  if (typeof value !== 'object' || value === null) return value;
  const { title } = value as { readonly title?: unknown };
  if (typeof title === 'string' && Object.hasOwn(schemas, title)) {
    return { $ref: `#/components/schemas/${title}` };
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withReferences(one, schemas)]));
}
