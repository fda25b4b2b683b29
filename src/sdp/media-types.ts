/** Lists of media types as `a=accept-types` has them: `type/subtype`, `type/*` or `*` (RFC 4975 8.6). */

/** Whether one entry of a list takes a media type, both in lower case. */
export function takes(entry: string, mediaType: string): boolean {
  if (entry === '*' || entry === mediaType) return true;
  return entry.endsWith('/*') && mediaType.startsWith(entry.slice(0, -1));
}

/**
 * The types in both lists, in the order of the first; where one list has a wildcard, what the other says under it.
 * Empty when nothing is common.
 */
export function intersectTypes(offered: readonly string[], supported: readonly string[]): string[] {
  const common = new Set<string>();
  for (const entry of offered) {
    if (supported.some((other) => takes(other, entry))) common.add(entry);
    else for (const other of supported) if (takes(entry, other)) common.add(other);
  }
  return [...common];
}
