/** Policies as an operator handles them: checked, stored as versions, put in force, and taken back. */
import type { IncomingHttpHeaders } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import type { Caller } from '../access/role.ts';
import { checkPrecondition } from '../etag.ts';
import { ProblemError } from '../problem.ts';
import type { AuditLog } from '../records/audit.ts';
import { inTransaction } from '../records/database.ts';
import { type Activation, PolicyRecords } from '../records/policies.ts';
import { diffPolicies } from './policy-diff.ts';
import type { PolicyCheck, PolicyDocument, PolicyPorts } from './ports.ts';

export interface PolicyBookParts {
  readonly db: DatabaseSync;
  readonly audit: AuditLog;
  readonly nowMs: () => number;
  readonly ports: PolicyPorts;
  readonly log: Logger;
}

export interface ActivatedPolicy {
  readonly active: Activation;
  /** False: the focus did not answer, and takes it by itself within seconds. */
  readonly inForce: boolean;
}

type GoodPolicy = Extract<PolicyCheck, { readonly ok: true }>;

export class PolicyBook {
  readonly records: PolicyRecords;
  readonly #parts: PolicyBookParts;

  constructor(parts: PolicyBookParts) {
    this.#parts = parts;
    this.records = new PolicyRecords(parts.db, parts.nowMs, parts.ports.maxVersions);
  }

  /** @throws ProblemError ADMIN_INVALID with all that is wrong */
  check(policy: unknown): GoodPolicy {
    const checked = this.#parts.ports.check(policy);
    if (checked.ok) return checked;
    const { faults } = checked;
    const first = faults[0];
    const detail = `${faults.length} fault(s), the first: ${first?.path ?? ''} ${first?.message ?? ''}`;
    throw new ProblemError('ADMIN_INVALID', detail, undefined, [...faults]);
  }

  /** @throws ProblemError ADMIN_NOT_FOUND */
  body(version: number): PolicyDocument {
    const body = this.records.body(version);
    if (body !== undefined) return body as PolicyDocument;
    throw new ProblemError(
      'ADMIN_NOT_FOUND',
      `there is no version ${version} of the policy; the oldest are not kept for ever`,
    );
  }

  /** All keys as they are with this version. @throws ProblemError ADMIN_NOT_FOUND, ADMIN_INVALID */
  effective(version: number): PolicyDocument {
    return this.check(this.body(version)).effective;
  }

  store(policy: PolicyDocument, caller: Caller, comment: string | null): number {
    const { db, audit } = this.#parts;
    const { effective } = this.check(policy);
    const changes = diffPolicies(this.effective(this.records.active().version), effective);
    return inTransaction(db, () => {
      const version = this.records.add(caller.name, comment, policy);
      audit.add({
        who: caller.name,
        action: 'policy.store',
        target: `policy ${version}`,
        before: null,
        after: { comment, changes },
      });
      return version;
    });
  }

  /** @throws ProblemError for a stale If-Match, and for a version that the configuration of today does not allow */
  async activate(
    version: number,
    { caller, headers, action }: { caller: Caller; headers: IncomingHttpHeaders; action: string },
  ): Promise<ActivatedPolicy> {
    const { db, audit } = this.#parts;
    const { effective } = this.check(this.body(version));
    inTransaction(db, () => {
      const before = this.records.active();
      checkPrecondition(headers, policyEtag(before));
      if (before.version === version) return;
      this.records.activate(version, caller.name);
      audit.add({
        who: caller.name,
        action,
        target: 'policy',
        before: { version: before.version },
        after: { version, changes: diffPolicies(this.#effectiveOrNone(before.version), effective) },
      });
    });
    return { active: this.records.active(), inForce: await this.#tell(version) };
  }

  /** One that was in force may not be allowed by the configuration of today: then all keys are new. */
  #effectiveOrNone(version: number): PolicyDocument {
    const checked = this.#parts.ports.check(this.records.body(version) ?? {});
    return checked.ok ? checked.effective : {};
  }

  async #tell(version: number): Promise<boolean> {
    try {
      return (await this.#parts.ports.changed()) === version;
    } catch (err) {
      this.#parts.log.warn({ err }, 'the focus could not be told of the policy; it looks by itself');
      return false;
    }
  }
}

/** Changes with every change of what is in force. */
export function policyEtag({ id }: Activation): string {
  return `"policy-${id}"`;
}
