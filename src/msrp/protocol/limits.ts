/** What one MSRP connection may make the parser hold. Passing a limit is a fault that ends the connection. */
export interface ProtocolLimits {
  /** `MSRP tid METHOD`, without CRLF. */
  readonly maxStartLineBytes: number;
  /** Start line and headers together. */
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
}

export const DEFAULT_PROTOCOL_LIMITS: ProtocolLimits = {
  maxStartLineBytes: 512,
  maxHeadBytes: 16_384,
  maxHeaders: 64,
};
