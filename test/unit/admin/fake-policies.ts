/** Policies of one number, `limit`, which must be positive; the focus takes what it is told of. */
import type { PolicyPorts } from '../../../src/admin/policies/ports.ts';

export function fakePolicies(own: Partial<PolicyPorts> = {}): PolicyPorts {
  return {
    schema: {
      type: 'object',
      properties: { limit: { type: 'number', exclusiveMinimum: 0 } },
      additionalProperties: false,
    },
    maxVersions: 3,
    check: (policy) => {
      const { limit = 10, ...more } = policy as { limit?: number };
      const faults = [
        ...Object.keys(more).map((path) => ({ path, message: 'is no part of a policy' })),
        ...(limit > 0 ? [] : [{ path: 'limit', message: `${limit} is not above 0` }]),
      ];
      if (faults.length > 0) return { ok: false, faults };
      return { ok: true, effective: { limit, other: true }, warnings: limit > 100 ? ['that is much'] : [] };
    },
    changed: () => 0,
    shadow: () => [],
    ...own,
  };
}
