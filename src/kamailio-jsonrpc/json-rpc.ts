/** JSON-RPC 2.0 as janssonrpcc speaks it: no batches, parameters by name. Pure. */

export type RpcId = string | number;
export type Params = Readonly<Record<string, unknown>>;

export type Incoming =
  | { readonly kind: 'request'; readonly id: RpcId; readonly method: string; readonly params: Params }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Params }
  | { readonly kind: 'invalid'; readonly id: RpcId | null; readonly code: number; readonly message: string };

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;
/** Ours: the shared secret is missing or wrong. */
export const WRONG_SECRET = -32001;

const NO_PARAMS: Params = Object.freeze(Object.create(null));

export function parseIncoming(payload: Buffer): Incoming {
  let document: unknown;
  try {
    document = JSON.parse(payload.toString('utf8'));
  } catch {
    return { kind: 'invalid', id: null, code: PARSE_ERROR, message: 'Parse error' };
  }
  if (!isRecord(document)) return invalid(null, INVALID_REQUEST, 'Invalid Request');
  const { id, method, params } = document;
  const isId = typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id));
  const knownId = isId ? id : null;
  if (document['jsonrpc'] !== '2.0' || typeof method !== 'string') {
    return invalid(knownId, INVALID_REQUEST, 'Invalid Request');
  }
  if (id !== undefined && !isId) return invalid(null, INVALID_REQUEST, 'Invalid Request');
  if (params !== undefined && !isRecord(params)) return invalid(knownId, INVALID_PARAMS, 'Invalid params');
  const given = params ?? NO_PARAMS;
  return isId
    ? { kind: 'request', id, method, params: given }
    : { kind: 'notification', method, params: given };
}

export function formatResult(id: RpcId, result: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

export function formatError(id: RpcId | null, code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(id: RpcId | null, code: number, message: string): Incoming {
  return { kind: 'invalid', id, code, message };
}
