/**
 * An operational fault with a stable code. Match on `code`, not on the class:
 * `RPC_BAD_FRAME` `RPC_FRAME_TOO_LARGE` `RPC_BAD_SECRET` `RPC_BAD_HEADER` `RPC_BAD_BODY` `RPC_TOO_LARGE`
 * `RPC_UNREACHABLE` `RPC_TIMEOUT` `RPC_OVERLOADED` `RPC_FORBIDDEN` `RPC_REFUSED` `RPC_NOT_FOUND` `RPC_BAD_ANSWER` `RPC_CLOSED`.
 */
export class RpcError extends Error {
  readonly code: string;
  /** True when the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** The SIP-like status that Kamailio gave with `RPC_REFUSED`, else undefined. */
  readonly status: number | undefined;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; retryable?: boolean; status?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RpcError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.status = options.status;
  }
}
