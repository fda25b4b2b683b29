/**
 * The three error families of the project (docs/errors.md lists every code):
 * refusals are values and never thrown; wire faults are `ParseError`; operational faults are `CodedError`.
 * Match on `code`, not on the class.
 */

export interface CodedErrorOptions {
  readonly cause?: unknown;
  /** True when the same call may succeed later without a change by the caller. */
  readonly retryable?: boolean;
}

/** An operational fault with a stable code such as `RPC_TIMEOUT`. */
export class CodedError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

const EXCERPT_MAX_CHARS = 40;

/** Bytes from a peer that do not follow their grammar. `offset` counts bytes or characters of the input, −1 when unknown. */
export class ParseError extends CodedError {
  readonly offset: number;
  readonly excerpt: string;

  constructor(code: string, message: string, offset = -1, excerpt = '') {
    super(code, message);
    this.name = 'ParseError';
    this.offset = offset;
    this.excerpt = printable(excerpt);
  }
}

/** Bounded and safe to print: IM content and control characters never reach a log through an error. */
function printable(text: string): string {
  const cut = text.length > EXCERPT_MAX_CHARS ? `${text.slice(0, EXCERPT_MAX_CHARS)}…` : text;
  return cut.replace(/[^\x20-\x7e…]/g, '.');
}
