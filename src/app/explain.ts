/** What would be answered to a SIP request, and why: a decision on the state of the store, with nothing written or sent. */
import { BlockList, isIP } from 'node:net';
import { relative } from 'node:path';
import type { Logger } from 'pino';
import type { ExplanationView } from '../admin/view.ts';
import type { Config } from '../config/config.ts';
import { groupFiles } from '../config/load.ts';
import { Sessions } from '../engine/sessions.ts';
import { type Decision, decideCancel, decideRequest } from '../focus/decide.ts';
import type { SipReply } from '../focus/decision.ts';
import { authenticatedOriginator } from '../focus/originator.ts';
import type { RequestOrigin, World } from '../focus/world.ts';
import { systemClock } from '../lib/clock.ts';
import { ParseError } from '../lib/errors.ts';
import { randomIds } from '../lib/ids.ts';
import { header, listHeader, parseSipMessage, requiredHeader, type SipRequest } from '../sip/message.ts';
import { parseNameAddr } from '../sip/name-addr.ts';
import { canonicalAddress } from '../sip/uri.ts';
import { readSqliteDecisions, readSqliteState } from '../store/sqlite-store.ts';
import { type PlainAnswer, plainAnswer } from './explain-answer.ts';
import { type DecisionsOf, earlierAnswers } from './explain-earlier.ts';
import { conferenceOf, type Trust } from './explain-facts.ts';
import { GroupDirectory } from './groups.ts';
import { PolicyInForce } from './policy-in-force.ts';
import { focusSettings } from './settings.ts';

export type { Trust } from './explain-facts.ts';

export interface Explanation {
  readonly request: SipRequest;
  readonly src: string;
  readonly trust: Trust;
  /** Who it would count as coming from; undefined when nobody is authenticated. */
  readonly originator: string | undefined;
  readonly decision: Decision;
  /** The same for somebody who does not know the specification. */
  readonly answer: PlainAnswer;
  /** The reply that would leave at once; undefined when it depends on others (an invitee's answer). */
  readonly reply: SipReply | undefined;
  /** What would be sent besides, in words. */
  readonly actions: readonly string[];
  /** What was answered before to this Call-ID, newest first. */
  readonly earlier: readonly string[];
}

export interface Question {
  /** The raw request. */
  readonly bytes: Buffer;
  /** `ip:port` that it comes from; default 127.0.0.1:5060. */
  readonly src?: string | undefined;
  /**
   * What the edge would have found: `core` believes the message's P-Asserted-Identity, `digest` its From. Default: by
   * `sip.trustedPeers`.
   */
  readonly trust?: Trust | undefined;
}

export interface ExplainOptions extends Question {
  readonly config: Config;
  readonly log: Logger;
}

const DEFAULT_SRC = '127.0.0.1:5060';

/** By the store as it is. @throws ParseError as `explainIn`; CodedError `STORE_OPEN` */
export function explainRequest({ config: configured, log, ...question }: ExplainOptions): Explanation {
  const policy = new PolicyInForce(configured, log);
  const { config } = policy;
  policy.close();
  const groups = new GroupDirectory(log, {
    listsFolder: config.groupLists,
    recordsFile: config.admin.sqlite,
  });
  try {
    groups.load(groupFiles(config));
    return explainIn(worldOf(config, groups), groups, config, question, (query) =>
      readSqliteDecisions(config.store.sqlite, query),
    );
  } finally {
    groups.close();
  }
}

/** @throws ParseError when the bytes are no SIP request, `SIP_BAD_SOURCE` when `src` is no IP:PORT */
export function explainIn(
  world: World,
  groups: Pick<GroupDirectory, 'find' | 'fileOf'>,
  config: Pick<Config, 'sip'>,
  { bytes, src = DEFAULT_SRC, trust: given }: Question,
  decisionsOf: DecisionsOf,
): Explanation {
  const ip = ipOf(src);
  const request = parseSipMessage(withLineEnds(bytes));
  if (request.kind !== 'request')
    throw new ParseError('SIP_NOT_A_REQUEST', 'this is a response; give a request');
  const trust = given ?? trustOf(ip, config);
  const asserted = assertedBy(request, trust);
  const originator = authenticatedOriginator(asserted);
  const conference = conferenceOf(world, request, originator);
  const decision = decide(world, request, {
    transaction: { kam: 'explain', epoch: '0', tid: '0:0' },
    src: `udp:${src}`,
    rcv: `udp:${src}`,
    asserted,
    trust,
  });
  const effects = decision.changes?.effects ?? [];
  const own = effects.find((effect) => effect.kind === 'reply' && effect.transaction.kam === 'explain');
  const reply = decision.reply ?? (own?.kind === 'reply' ? own.reply : undefined);
  const group =
    groups.find(canonicalAddress(conference?.row.address ?? request.uri)) ?? conference?.row.group;
  const file = group === undefined ? undefined : groups.fileOf(group.uri);
  return {
    request,
    src,
    trust,
    originator: originator?.primary,
    decision,
    answer: plainAnswer({
      world,
      request,
      trust,
      originator,
      decision,
      reply,
      conference,
      group,
      groupFile: file === undefined ? undefined : nearPath(file),
    }),
    reply,
    actions: effects.flatMap((effect) => {
      if (effect.kind === 'request') return [`${effect.method} to ${effect.requestUri}`];
      if (effect.kind === 'cancel') return [`CANCEL of ${effect.callId}`];
      if (effect.kind === 'switch') return [`${effect.op} at switch ${effect.switchId}`];
      return effect === own ? [] : [`${effect.reply.code} ${effect.reply.reason} to a waiting INVITE`];
    }),
    earlier: earlierAnswers(decisionsOf, header(request, 'call-id')),
  };
}

/** What `explain --json` prints and the admin answers. */
export function explanationView(explanation: Explanation): ExplanationView {
  const { request, src, trust, originator, decision, answer, reply, actions, earlier } = explanation;
  return {
    answer: answer.summary,
    details: answer.details,
    remedies: answer.remedies,
    rule: answer.rule ?? null,
    method: request.method,
    target: request.uri,
    src,
    trust,
    originator: originator ?? null,
    clause: decision.clause,
    procedure: decision.procedure,
    steps: decision.trace,
    status: reply?.code ?? null,
    warning: decision.refusal?.warning ?? null,
    reply:
      reply === undefined
        ? null
        : {
            status: reply.code,
            reason: reply.reason,
            headers: reply.headers.flatMap(([name, value]) => (TOLD.has(name) ? [{ name, value }] : [])),
          },
    actions,
    earlier,
  };
}

/** Header fields that say why, or what to do instead. */
const TOLD: ReadonlySet<string> = new Set([
  'Warning',
  'Unsupported',
  'Min-SE',
  'Retry-After',
  'Allow-Events',
]);

/** @throws ParseError `SIP_BAD_SOURCE` */
function ipOf(src: string): string {
  const [, v6, v4] = /^(?:\[(.+)\]|([^:]+)):\d{1,5}$/.exec(src) ?? [];
  const ip = v6 ?? v4 ?? '';
  if (isIP(ip) === 0)
    throw new ParseError('SIP_BAD_SOURCE', `src must be IP:PORT, not ${JSON.stringify(src)}`);
  return ip;
}

/** As Kamailio would find it: trusted peers are the core; from elsewhere digest is asked for, and here taken as given. */
function trustOf(ip: string, { sip }: Pick<Config, 'sip'>): Trust {
  const trusted = new BlockList();
  for (const cidr of sip.trustedPeers) {
    const [net = '', bits] = cidr.split('/');
    const family = isIP(net) === 6 ? 'ipv6' : 'ipv4';
    trusted.addSubnet(net, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  }
  return trusted.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4') ? 'core' : 'digest';
}

/** ACK and CANCEL have entries of their own: the one is never answered, the other is by Kamailio. */
function decide(world: World, request: SipRequest, origin: RequestOrigin): Decision {
  if (request.method === 'ACK') return { clause: 'RFC3261-17', procedure: 'ACK', trace: [] };
  if (request.method !== 'CANCEL') return decideRequest(world, request, origin);
  const ok = { code: 200, reason: 'OK', toTag: '', headers: [] };
  const decision = decideCancel(world, request) ?? { clause: 'RFC3261-9.2', procedure: 'CANCEL', trace: [] };
  return { ...decision, reply: ok };
}

/** As one would name it from here, when that is shorter. */
function nearPath(file: string): string {
  const near = relative('.', file);
  return near.length < file.length ? near : file;
}

/** A file written by hand or copied from a log has bare LF, and a Content-Length that is not true any more. */
function withLineEnds(bytes: Buffer): Buffer {
  if (bytes.includes('\r\n')) return bytes;
  const text = bytes.toString('utf8').replaceAll('\n', '\r\n');
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text.trimEnd() : text.slice(0, end);
  const body = end < 0 ? '' : text.slice(end + 4);
  const lines = head.split('\r\n').filter((line) => !/^(content-length|l)\s*:/i.test(line));
  return Buffer.from([...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'));
}

function assertedBy(request: SipRequest, trust: Trust): string[] {
  if (trust === 'core') return listHeader(request, 'p-asserted-identity');
  if (trust === 'none') return [];
  return [`<${parseNameAddr(requiredHeader(request, 'From')).uri}>`];
}

function worldOf(config: Config, groups: GroupDirectory): World {
  const sessions = new Sessions();
  for (const conference of readSqliteState(config.store.sqlite).conferences) sessions.add(conference);
  return {
    ...supposedWorld(config, groups),
    findConference: (id) => sessions.byId(id),
    findConferenceOfGroup: (key) => sessions.byGroup(key),
    findDialogs: (callId) => sessions.dialogs(callId),
    conferences: () => sessions.all(),
    sessionCount: () => sessions.size,
    pendingInvites: () => sessions.pendingInvites,
  };
}

/** What is no state of sessions. */
export function supposedWorld(
  config: Config,
  groups: Pick<GroupDirectory, 'find'>,
): Pick<World, 'settings' | 'nowMs' | 'ids' | 'findGroup' | 'endedDialogs' | 'chooseSwitch'> {
  return {
    settings: focusSettings(config),
    nowMs: systemClock.nowMs(),
    ids: randomIds,
    findGroup: (address) => groups.find(address),
    endedDialogs: () => [],
    // Whether a switch is up is not in the store; the question is what the clauses say.
    chooseSwitch: () => ({ id: 'any', host: '127.0.0.1', port: 1 }),
  };
}
