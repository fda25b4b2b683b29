/** What differs between two policies, key by key. Lists are one value. */

export interface PolicyChange {
  /** `adHoc.maxParticipants` */
  readonly path: string;
  /** Undefined: the key is not there. */
  readonly from: unknown;
  readonly to: unknown;
}

export function diffPolicies(from: unknown, to: unknown, path = ''): PolicyChange[] {
  if (isRecord(from) && isRecord(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return keys.flatMap((key) => diffPolicies(from[key], to[key], path === '' ? key : `${path}.${key}`));
  }
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ path, from, to }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
