/** What the script of a Kamailio node was given, held against what the service was given. Pure. */
import type { NodeFacts } from 'kamailio-jsonrpc';
import type { Config, KamailioNode } from '../../config/config.ts';
import type { Findings } from './finding.ts';

/** What the tests of this product run with. */
const TRIED = /^5\.6\./;
const NEEDED_MODULES = [
  ...['tm', 'tmx', 'sl', 'rr', 'pv', 'textops', 'siputils', 'xlog', 'kex', 'ipops', 'usrloc', 'registrar'],
  ...['htable', 'rtimer', 'jansson', 'janssonrpcc', 'xhttp', 'jsonrpcs'],
];
/** RFC 3261 17.1.1.2: 64 times T1 of 500 ms. */
const TRANSACTION_T1 = 64;
/** A final reply is waited for and a 2xx repeated at least so long. */
const MIN_FR_T1 = 60;
/** tm counts in ticks: a value is rounded to them. */
const TICK_MS = 63;

/** `config` as far as both sides must agree. */
export type SharedFacts = Pick<Config, 'sip' | 'conference' | 'conferenceFactories'> & {
  readonly jsonRpcPort: number;
};

export function compareFacts(
  to: Findings,
  facts: NodeFacts,
  node: Pick<KamailioNode, 'id'>,
  config: SharedFacts,
): void {
  compareVersion(to, facts);
  if (facts.kam === node.id) to.good('IM_NODE_ID', facts.kam);
  else
    to.fault(
      'IM_NODE_ID',
      `this Kamailio calls itself ${facts.kam}, parley.yaml calls it ${node.id}`,
      'give both the same name: replies are sent to the node by its name',
    );
  if (facts.domain === config.sip.domain) to.good('IM_DOMAIN', facts.domain);
  else
    to.fault(
      'IM_DOMAIN',
      `${facts.domain} here, sip.domain is ${config.sip.domain}`,
      `#!define IM_DOMAIN "${config.sip.domain}"`,
    );
  compareFactories(to, facts, config);
  const { sessionPrefix } = config.conference;
  if (facts.sessionPrefix === sessionPrefix) to.good('IM_SESSION_PREFIX', sessionPrefix);
  else
    to.fault(
      'IM_SESSION_PREFIX',
      `${facts.sessionPrefix} here, conference.sessionPrefix is ${sessionPrefix}: nobody comes back to a running session`,
      `#!define IM_SESSION_PREFIX "${sessionPrefix}"`,
    );
  compareTrust(to, facts, config);
  compareServices(to, facts, config.jsonRpcPort);
  compareTimers(to, facts, config.sip.t1Ms);
}

export function compareModules(to: Findings, modules: readonly string[]): void {
  const missing = NEEDED_MODULES.filter((name) => !modules.includes(name));
  if (missing.length === 0) to.good('modules', `all ${NEEDED_MODULES.length} are loaded`);
  else
    to.fault(
      'modules',
      `not loaded: ${missing.join(', ')}`,
      'include im-modules.cfg behind your own loadmodule lines (kamailio/README.md, step 3)',
    );
}

/** Groups that this node would never ask the service about. */
export function compareGroups(to: Findings, facts: NodeFacts, groups: readonly string[]): void {
  if (groups.length === 0) return;
  const match = asRegExp(facts.groupMatch);
  if (match === undefined) {
    to.unknown('IM_GROUP_MATCH', `${facts.groupMatch} is no expression that could be tried here`);
    return;
  }
  const missed = groups.filter((uri) => !match.test(uri.replace(/^sips?:/i, '')));
  if (missed.length === 0 || facts.claimsUnknown)
    to.good('IM_GROUP_MATCH', groups.length === 1 ? `has ${groups[0]}` : `has all ${groups.length} groups`);
  else
    to.fault(
      'IM_GROUP_MATCH',
      `${facts.groupMatch} leaves out ${missed.length} of ${groups.length} groups, ${missed.slice(0, 3).join(', ')} among them: their members get 404`,
      'widen IM_GROUP_MATCH, or define IM_CLAIM_UNKNOWN',
    );
}

/** Whether a call as large as they get was read whole and could be passed on. */
export function compareBuffers(to: Findings, { bodyBytes, encodedBytes }: NodeFacts): void {
  if (encodedBytes >= Math.ceil(bodyBytes / 3) * 4) {
    to.good('tcp_rd_buf_size, pv_buffer_size', `a call of ${bodyBytes} bytes came whole and fits a variable`);
    return;
  }
  to.fault(
    'pv_buffer_size',
    `the base64 of ${bodyBytes} bytes is lost: large requests would reach the service empty`,
    'pv_buffer_size=131072, in the last line that sets it',
  );
}

function compareVersion(to: Findings, { version }: NodeFacts): void {
  if (TRIED.test(version)) to.good('version', `Kamailio ${version}`);
  else
    to.warning(
      'version',
      `Kamailio ${version}; this product is tested with 5.6`,
      'try an invitation, a CANCEL and a BYE before you rely on it',
    );
}

function compareFactories(to: Findings, facts: NodeFacts, { conferenceFactories }: SharedFacts): void {
  const here = new Set(facts.factories.map((address) => address.toLowerCase()));
  const wanted = conferenceFactories.map((uri) => uri.replace(/^sips?:/i, '').replace(/[;?].*$/, ''));
  const missing = wanted.filter((address) => !here.has(address.toLowerCase()));
  if (missing.length === 0) to.good('IM_FACTORIES', facts.factories.join(', '));
  else
    to.fault(
      'IM_FACTORIES',
      `${missing.join(', ')} of conferenceFactories is not routed to the service`,
      `#!define IM_FACTORIES "${wanted.join(',')}"`,
    );
}

function compareTrust(to: Findings, facts: NodeFacts, { sip }: SharedFacts): void {
  const nobody = facts.trustedPeers.every((cidr) => cidr === '255.255.255.255/32');
  if (nobody && !facts.hasAuthRoute)
    to.warning(
      'IM_TRUSTED_PEERS, IM_AUTH_ROUTE',
      'no peer is trusted and no route authenticates within sessions',
      'name the core in IM_TRUSTED_PEERS, or your route with digest in IM_AUTH_ROUTE: without one everybody gets 403',
    );
  else if (!facts.hasAuthRoute && !facts.claimsUnknown)
    to.warning(
      'IM_AUTH_ROUTE',
      'not defined: within sessions only the core and the source of a dialog count',
      'define it as your route that authenticates, unless all your users come through the core',
    );
  else to.good('IM_TRUSTED_PEERS, IM_AUTH_ROUTE', nobody ? 'digest only' : facts.trustedPeers.join(', '));
  const differs = sip.trustedPeers.length > 0 && !sameList(sip.trustedPeers, facts.trustedPeers);
  if (differs)
    to.warning(
      'sip.trustedPeers',
      `${sip.trustedPeers.join(', ')} in parley.yaml, ${facts.trustedPeers.join(', ')} in Kamailio, which is what counts`,
      'write the same in both: parley explain goes by parley.yaml',
    );
}

function compareServices(to: Findings, { services }: NodeFacts, jsonRpcPort: number): void {
  if (services.some((address) => address.endsWith(`:${jsonRpcPort}`)))
    to.good('IM_SERVICE_1 …', services.join(', '));
  else
    to.fault(
      'IM_SERVICE_1 …',
      `${services.join(', ')}: none has port ${jsonRpcPort} of kamailio.jsonRpc.listen`,
      'name the address that the focus listens on',
    );
}

function compareTimers(to: Findings, { wtTimerMs, frTimerMs }: NodeFacts, t1Ms: number): void {
  const wanted = { wt_timer: TRANSACTION_T1 * t1Ms, fr_timer: MIN_FR_T1 * t1Ms };
  const low = [
    ...(wtTimerMs + TICK_MS < wanted.wt_timer ? [`wt_timer is ${wtTimerMs} ms`] : []),
    ...(frTimerMs + TICK_MS < wanted.fr_timer ? [`fr_timer is ${frTimerMs} ms`] : []),
  ];
  if (low.length === 0) to.good('wt_timer, fr_timer', `${wtTimerMs} ms, ${frTimerMs} ms`);
  else
    to.fault(
      'wt_timer, fr_timer',
      `${low.join(' and ')}: a 200 is not repeated long enough for a client that has not heard it`,
      `modparam("tm", "wt_timer", ${wanted.wt_timer}) and ("tm", "fr_timer", ${wanted.fr_timer}), in the last line that sets them`,
    );
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

/** A POSIX expression mostly reads the same here. */
function asRegExp(text: string): RegExp | undefined {
  try {
    return new RegExp(text);
  } catch {
    return undefined;
  }
}
