/** What the page says when REST refuses something or is not there, with what to do about it. */
import type { Fault, ProblemBody } from './shapes.ts';

const UNREACHABLE = 'PAGE_UNREACHABLE';

export class Problem extends Error {
  readonly code: string;
  /** 0: there was no answer. */
  readonly status: number;
  readonly faults: readonly Fault[];

  constructor({
    code,
    status,
    detail,
    errors = [],
  }: Pick<ProblemBody, 'code' | 'status' | 'detail' | 'errors'>) {
    // A word at its beginning begins a sentence here; an address stays as it is.
    super(/^[a-z]+ /.test(detail) ? detail.charAt(0).toUpperCase() + detail.slice(1) : detail);
    this.name = 'Problem';
    this.code = code;
    this.status = status;
    this.faults = errors;
  }

  static unreachable(): Problem {
    return new Problem({ code: UNREACHABLE, status: 0, detail: 'Parley does not answer' });
  }

  /** What somebody can do now. */
  get advice(): string {
    return ADVICE[this.code] ?? (this.status >= 500 ? 'Try again; the log of the focus says more.' : '');
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  [UNREACHABLE]: 'Is the focus running, and is the network up? The page tries again by itself.',
  ADMIN_TOKEN_NEEDED: 'Sign in with a token; `parley token create --config FILE` makes one.',
  ADMIN_FORBIDDEN: 'Sign in with a token that has this role.',
  ADMIN_PRECONDITION_FAILED: 'Somebody else changed it meanwhile: load it again, then make your change.',
  ADMIN_FOCUS_BUSY: 'Try again in a moment.',
  ADMIN_SWITCH_SILENT: 'Look whether the switch runs and its event socket can be reached.',
  ADMIN_TOO_MANY_REQUESTS:
    'Wait a moment. Does it stay so? Close other pages that listen, or raise admin.maxEventStreams and admin.requestsPerS.',
  ADMIN_SESSION_NOT_FOUND: 'It has ended and is not kept any more. Its decisions are found by Call-ID.',
};

export function problemIn(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem({
    code: 'PAGE_FAULT',
    status: 0,
    detail: error instanceof Error ? error.message : String(error),
  });
}
