/** Decisions and policies of a running focus, on the contents page. */
import type { Command, Flag } from './command.ts';
import { REST_FLAGS } from './rest-flags.ts';

const CONNECTION = '[--url URL] [--config FILE] [--json]';

/** @param shared flags of all commands, at the end of each help */
export function policyCommands(shared: readonly Flag[]): Command[] {
  const over = (...own: Flag[]) => [...own, ...REST_FLAGS, ...shared];
  return [
    {
      name: 'decisions',
      summary: 'Searches what was decided, the newest first; with --steps why.',
      usage: `[--user URI] [--call-id ID] [--clause C] [--status N] [--refused] [--session ID] [--steps] [--limit N] ${CONNECTION}`,
      flags: over(
        { name: 'user', value: 'URI', about: 'only on requests of this user' },
        { name: 'call-id', value: 'ID', about: 'only with this Call-ID' },
        { name: 'clause', value: 'C', about: 'only by this clause, such as 7.2.1.4' },
        { name: 'status', value: 'N', about: 'only with this answer, such as 403' },
        { name: 'refused', about: 'only those that refused somebody: an answer of 400 or above' },
        { name: 'session', value: 'ID', about: 'only of this session' },
        { name: 'steps', about: 'each step with what was looked at' },
        { name: 'limit', value: 'N', about: 'so many at most, up to 500 (default 50)' },
      ),
      run: async (args) => (await import('./decisions.ts')).runDecisions(args),
    },
    {
      name: 'policy show',
      summary: 'Shows what decisions go by: the policy in force, or with --all every key.',
      usage: `[--all] ${CONNECTION}`,
      flags: over({ name: 'all', about: 'every key, those of the configuration too' }),
      run: async (args) => (await import('./policy.ts')).runPolicyShow(args),
    },
    {
      name: 'policy versions',
      summary: 'Lists the stored versions of the policy: when, who, why.',
      usage: CONNECTION,
      flags: over(),
      run: async (args) => (await import('./policy.ts')).runPolicyVersions(args),
    },
    {
      name: 'policy check',
      summary: 'Checks a policy (YAML or JSON) and tells what it would change.',
      usage: `${CONNECTION} FILE|-`,
      flags: over(),
      maxOperands: 1,
      run: async (args) => (await import('./policy.ts')).runPolicyCheck(args),
    },
    {
      name: 'policy shadow',
      summary: 'Tells which of the latest requests a policy would answer otherwise.',
      usage: `[--limit N] ${CONNECTION} FILE|-|VERSION`,
      flags: over({ name: 'limit', value: 'N', about: 'requests looked at, up to 500 (default 200)' }),
      maxOperands: 1,
      run: async (args) => (await import('./policy.ts')).runPolicyShadow(args),
    },
    {
      name: 'policy store',
      summary: 'Stores a policy as a new version, without putting it in force.',
      usage: `[--comment TEXT] ${CONNECTION} FILE|-`,
      flags: over({ name: 'comment', value: 'TEXT', about: 'why' }),
      maxOperands: 1,
      run: async (args) => (await import('./policy.ts')).runPolicyStore(args),
    },
    {
      name: 'policy activate',
      summary: 'Puts a version in force from the next decision on; 0 is the configuration alone.',
      usage: `${CONNECTION} VERSION`,
      flags: over(),
      maxOperands: 1,
      run: async (args) => (await import('./policy.ts')).runPolicyActivate(args),
    },
    {
      name: 'policy rollback',
      summary: 'Puts back in force what was before.',
      usage: CONNECTION,
      flags: over(),
      run: async (args) => (await import('./policy.ts')).runPolicyRollback(args),
    },
  ];
}
