/** What would be answered to a SIP request, and why: a decision that is made and not carried out. */
import { ParseError } from '../../lib/errors.ts';
import type { AdminServer } from '../admin-server.ts';
import type { PolicyBook } from '../policies/policy-book.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import type { AdminView } from '../view.ts';
import { ExplainBody, Explanation } from './explain-schema.ts';
import { NoQuery } from './field-schema.ts';
import { candidateOf } from './policy-shadow.ts';

export function explainRoutes(server: AdminServer, view: AdminView, book: PolicyBook): void {
  server.post(
    '/api/v1/explain',
    {
      // It reads, and changes nothing.
      config: { role: 'viewer' },
      schema: {
        summary: 'What would be answered to a SIP request, and why',
        querystring: NoQuery,
        body: ExplainBody,
        response: { 200: Explanation, ...PROBLEM_RESPONSES },
      },
    },
    async ({ body: { policy, version, ...question } }) => {
      const isAsked = policy !== undefined || version !== undefined;
      const candidate = isAsked ? candidateOf(book, policy, version) : undefined;
      if (candidate !== undefined) book.check(candidate);
      try {
        return await view.explain({
          ...question,
          ...(candidate === undefined ? {} : { policy: candidate }),
        });
      } catch (error) {
        if (!(error instanceof ParseError)) throw error;
        const path = error.code === 'SIP_BAD_SOURCE' ? '/src' : '/message';
        const message = `${error.message} (${error.code})`;
        throw new ProblemError('ADMIN_INVALID', message, undefined, [{ path, message }]);
      }
    },
  );
}
