/** What a Kamailio node says its script was given: the answer to `im.facts`. */
import { RpcError } from './errors.ts';
import { isRecord } from './json-rpc.ts';

export interface NodeFacts {
  /** `IM_NODE_ID` */
  readonly kam: string;
  /** Of Kamailio, such as `5.6.3`. */
  readonly version: string;
  readonly domain: string;
  /** `user@domain`, as `IM_FACTORIES` lists them. */
  readonly factories: readonly string[];
  readonly groupMatch: string;
  readonly sessionPrefix: string;
  /** CIDRs */
  readonly trustedPeers: readonly string[];
  readonly nextHop: string;
  /** `host:port` of `IM_SERVICE_1` … `_4`. */
  readonly services: readonly string[];
  readonly hasAuthRoute: boolean;
  readonly claimsUnknown: boolean;
  readonly wtTimerMs: number;
  readonly frTimerMs: number;
  /** Of the body of this call as it arrived, and of its base64; the latter is too low when a buffer is too small. */
  readonly bodyBytes: number;
  readonly encodedBytes: number;
}

/** tm counts in ticks of 1/16 s. */
const TICK_MS = 62.5;

/** @throws RpcError `RPC_BAD_ANSWER` */
export function parseNodeFacts(result: unknown): NodeFacts {
  if (!isRecord(result)) throw new RpcError('RPC_BAD_ANSWER', 'im.facts answered with something else');
  const text = (name: string): string => {
    const value = result[name];
    if (typeof value !== 'string') throw new RpcError('RPC_BAD_ANSWER', `im.facts has no text ${name}`);
    return value;
  };
  const number = (name: string): number => {
    const value = result[name];
    if (typeof value !== 'number') throw new RpcError('RPC_BAD_ANSWER', `im.facts has no number ${name}`);
    return value;
  };
  return {
    kam: text('kam'),
    version: text('version'),
    domain: text('domain'),
    factories: listOf(text('factories')),
    groupMatch: text('groupMatch'),
    sessionPrefix: text('sessionPrefix'),
    trustedPeers: listOf(text('trustedPeers')),
    nextHop: text('nextHop'),
    services: text('services').split(' ').map(serviceAddress),
    hasAuthRoute: number('hasAuthRoute') === 1,
    claimsUnknown: number('claimsUnknown') === 1,
    wtTimerMs: number('wtTimerTicks') * TICK_MS,
    frTimerMs: number('frTimerTicks') * TICK_MS,
    bodyBytes: number('bodyBytes'),
    encodedBytes: number('encodedBytes'),
  };
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** `conn=im;addr=127.0.0.1;port=8090;…` */
function serviceAddress(text: string): string {
  const fields = new Map(text.split(';').map((field) => field.split('=', 2) as [string, string | undefined]));
  return `${fields.get('addr') ?? fields.get('srv') ?? '?'}:${fields.get('port') ?? '?'}`;
}
