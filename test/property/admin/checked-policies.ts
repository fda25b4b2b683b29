/** Policies as the focus checks them, on the defaults. */
import assert from 'node:assert/strict';
import type { PolicyCheck, PolicyPorts } from '../../../src/admin/policies/ports.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { policyIn, withPolicy } from '../../../src/config/policy.ts';
import { POLICY_SCHEMA } from '../../../src/config/policy-schema.ts';

const defaults = loadConfig({ env: {} });

function checkPolicy(candidate: unknown): PolicyCheck {
  assert(defaults.ok);
  const checked = withPolicy(defaults.config, candidate);
  if (!checked.ok) return { ok: false, faults: checked.errors };
  return { ok: true, effective: policyIn(checked.config), warnings: checked.warnings };
}

export const CHECKED_POLICIES: Pick<PolicyPorts, 'schema' | 'check'> = {
  schema: POLICY_SCHEMA,
  check: checkPolicy,
};
