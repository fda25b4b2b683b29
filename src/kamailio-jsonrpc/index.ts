export { RpcError } from './errors.ts';
export { formatInboxKey, type InboxKey, parseInboxKey } from './inbox-key.ts';
export { encodeNetstring, NetstringDecoder } from './netstring.ts';
export { type NodeFacts, parseNodeFacts } from './node-facts.ts';
export { KamailioRpcClient, type KamailioRpcClientOptions, type StartRequest } from './rpc-client.ts';
export {
  KamailioRpcServer,
  type KamailioRpcServerCounters,
  type KamailioRpcServerOptions,
} from './rpc-server.ts';
export { isSecret } from './shared-secret.ts';
export { splitNameAddrs } from './sip-call.ts';
export { formatHeaders } from './sip-text.ts';
export type {
  AskedAgain,
  HeaderLine,
  KamailioHandlers,
  Logger,
  SipNotice,
  SipReply,
  SipRequestAnswer,
  SipRequestCall,
  Trust,
} from './types.ts';
