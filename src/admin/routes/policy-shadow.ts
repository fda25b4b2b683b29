/** Which of the latest requests a policy would have answered otherwise. */
import type { AdminServer } from '../admin-server.ts';
import type { PolicyBook } from '../policies/policy-book.ts';
import type { PolicyDocument, PolicyPorts, ShadowedRequest, Verdict } from '../policies/ports.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import { NoQuery } from './field-schema.ts';
import { Shadow, ShadowBody } from './policies-schema.ts';

export function policyShadowRoute(server: AdminServer, book: PolicyBook, ports: PolicyPorts): void {
  server.post(
    '/api/v1/policies/shadow',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Which of the latest requests a policy would answer otherwise',
        description:
          'The latest INVITE and SUBSCRIBE requests outside dialogs and the latest REFER requests are decided again, by the policy in force and by the candidate, on the sessions and groups as they are now. Nothing is sent or changed.',
        querystring: NoQuery,
        body: ShadowBody,
        response: { 200: Shadow, ...PROBLEM_RESPONSES },
      },
    },
    async ({ body: { policy, version, limit } }) => {
      const candidate = candidateOf(book, policy, version);
      book.check(candidate);
      const looked = await ports.shadow(candidate, limit);
      return {
        looked: looked.length,
        moved: looked.filter(hasMoved).length,
        since: looked.at(-1)?.at ?? null,
        differing: looked
          .filter(({ active, candidate: other }) => !isSame(active, other))
          .map((request) => ({ ...request, hasMoved: hasMoved(request) })),
      };
    },
  );
}

/** The one of both that was given. */
export function candidateOf(
  book: PolicyBook,
  policy: PolicyDocument | undefined,
  version: number | undefined,
): PolicyDocument {
  if (policy !== undefined && version !== undefined) {
    throw new ProblemError('ADMIN_BAD_PARAMETER', 'give a policy or the number of a version, not both');
  }
  if (policy !== undefined) return policy;
  if (version !== undefined) return book.body(version);
  throw new ProblemError('ADMIN_BAD_PARAMETER', 'give a policy, or the number of a version');
}

function hasMoved({ decided, active }: ShadowedRequest): boolean {
  return !isSame(decided, active);
}

/** Numbers in the text of a warning are no other answer. */
function isSame(a: Verdict, b: Verdict): boolean {
  return a.clause === b.clause && a.step === b.step && a.status === b.status;
}
