/** What the policy routes need from outside; the composition root implements it. */
import type { Awaitable } from '../view.ts';

export type PolicyDocument = Readonly<Record<string, unknown>>;

export interface PolicyFault {
  /** The key, `adHoc.maxParticipants`. */
  readonly path: string;
  /** What is wrong, and what to write. */
  readonly message: string;
}

export type PolicyCheck =
  | { readonly ok: true; readonly effective: PolicyDocument; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly faults: readonly PolicyFault[] };

/** A decision on a request as it stands under some policy. */
export interface Verdict {
  readonly clause: string;
  /** The step that refused; null: none did. */
  readonly step: string | null;
  /** Null: it waits for others, such as for the answer of an invited user. */
  readonly status: number | null;
  readonly warning: string | null;
}

export interface ShadowedRequest {
  readonly at: string;
  readonly method: string;
  readonly target: string;
  readonly user: string | null;
  readonly callId: string | null;
  /** As it was decided then. */
  readonly decided: Verdict;
  /** As it would be decided now, by the policy in force and by the candidate, on the same state. */
  readonly active: Verdict;
  readonly candidate: Verdict;
}

export interface PolicyPorts {
  /** JSON Schema of a policy, for the description; `check` says more, and says it better. */
  readonly schema: object;
  /** Checks a policy against the configuration; all that is wrong at once. */
  check(policy: unknown): PolicyCheck;
  /** Has the focus take what is in force by the records. @returns the version that it goes by */
  changed(): Awaitable<number>;
  /** The newest requests first, decided again by both policies; nothing is sent or changed. */
  shadow(policy: PolicyDocument, limit: number): Awaitable<readonly ShadowedRequest[]>;
  readonly maxVersions: number;
}
