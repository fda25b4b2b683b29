/** What the admin's policy routes need: the schema of the configuration, and the focus. */
import type { PolicyPorts } from '../../admin/policies/ports.ts';
import { formatConfigError } from '../../config/config-error.ts';
import { policyIn, withPolicy } from '../../config/policy.ts';
import { POLICY_SCHEMA } from '../../config/policy-schema.ts';
import type { PolicyInForce } from '../policy-in-force.ts';
import type { Explainer } from './explainer.ts';
import type { ThreadLink } from './link.ts';
import type { LiveState } from './live-state.ts';
import { shadow } from './shadow.ts';

export function policyPorts(
  policy: PolicyInForce,
  link: ThreadLink<LiveState>,
  explaining: Pick<Explainer, 'world'>,
): PolicyPorts {
  const { base } = policy;
  return {
    schema: POLICY_SCHEMA,
    maxVersions: base.admin.maxPolicyVersions,
    check: (candidate) => {
      const checked = withPolicy(base, candidate);
      if (checked.ok) return { ok: true, effective: policyIn(checked.config), warnings: checked.warnings };
      const faults = checked.errors.map((error) => ({
        path: error.path,
        message: formatConfigError({ ...error, path: '' }).replace(/^configuration: ?/, ''),
      }));
      return { ok: false, faults };
    },
    changed: () => {
      policy.refresh();
      return link.ask('policyChanged');
    },
    shadow: async (candidate, limit) =>
      shadow(candidate, {
        recent: await link.ask('recentRequests', limit),
        base,
        active: policy.config,
        world: explaining.world,
      }),
  };
}
