/** What would be answered to a SIP request, and why: a decision on the state of the store, with nothing written or sent. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { groupFiles } from '../config/load.ts';
import { Sessions } from '../engine/sessions.ts';
import { type Decision, decideRequest } from '../focus/decide.ts';
import type { SipReply } from '../focus/decision.ts';
import { authenticatedOriginator } from '../focus/originator.ts';
import type { World } from '../focus/world.ts';
import { systemClock } from '../lib/clock.ts';
import { ParseError } from '../lib/errors.ts';
import { randomIds } from '../lib/ids.ts';
import { listHeader, parseSipMessage, requiredHeader, type SipRequest } from '../sip/message.ts';
import { parseNameAddr } from '../sip/name-addr.ts';
import { readSqliteState } from '../store/sqlite-store.ts';
import { GroupDirectory } from './groups.ts';
import { focusSettings } from './settings.ts';

export type Trust = 'core' | 'digest' | 'none';

export interface Explanation {
  readonly request: SipRequest;
  /** Who it would count as coming from; undefined when nobody is authenticated. */
  readonly originator: string | undefined;
  readonly decision: Decision;
  /** The reply that would leave at once; undefined when it depends on others (an invitee's answer). */
  readonly reply: SipReply | undefined;
  /** What would be sent besides, in words. */
  readonly actions: readonly string[];
}

export interface ExplainOptions {
  readonly config: Config;
  /** The raw request. */
  readonly bytes: Buffer;
  /** `ip:port` that it comes from. */
  readonly src: string;
  /** What the edge would have found: `core` believes the message's P-Asserted-Identity, `digest` its From. */
  readonly trust: Trust;
  readonly log: Logger;
}

/** @throws ParseError when the bytes are no SIP request; CodedError `STORE_OPEN` */
export function explainRequest({ config, bytes, src, trust, log }: ExplainOptions): Explanation {
  const request = parseSipMessage(withLineEnds(bytes));
  if (request.kind !== 'request')
    throw new ParseError('SIP_NOT_A_REQUEST', 'this is a response; give a request');
  const asserted = assertedBy(request, trust);
  const origin = {
    transaction: { kam: 'explain', epoch: '0', tid: '0:0' },
    src: `udp:${src}`,
    rcv: `udp:${src}`,
    asserted,
    trust,
  };
  const decision = decideRequest(worldOf(config, log), request, origin);
  const effects = decision.changes?.effects ?? [];
  const own = effects.find((effect) => effect.kind === 'reply' && effect.transaction.kam === 'explain');
  return {
    request,
    originator: authenticatedOriginator(asserted)?.primary,
    decision,
    reply: decision.reply ?? (own?.kind === 'reply' ? own.reply : undefined),
    actions: effects.flatMap((effect) => {
      if (effect.kind === 'request') return [`${effect.method} to ${effect.requestUri}`];
      if (effect.kind === 'cancel') return [`CANCEL of ${effect.callId}`];
      if (effect.kind === 'switch') return [`${effect.op} at switch ${effect.switchId}`];
      return effect === own ? [] : [`${effect.reply.code} ${effect.reply.reason} to a waiting INVITE`];
    }),
  };
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

function worldOf(config: Config, log: Logger): World {
  const sessions = new Sessions();
  for (const conference of readSqliteState(config.store.sqlite).conferences) sessions.add(conference);
  const groups = new GroupDirectory(log);
  groups.load(groupFiles(config));
  return {
    settings: focusSettings(config),
    nowMs: systemClock.nowMs(),
    ids: randomIds,
    findGroup: (address) => groups.find(address),
    findConference: (id) => sessions.byId(id),
    findConferenceOfGroup: (key) => sessions.byGroup(key),
    findDialogs: (callId) => sessions.dialogs(callId),
    conferences: () => sessions.all(),
    sessionCount: () => sessions.size,
    pendingInvites: () => sessions.pendingInvites,
    // Whether a switch is up is not in the store; the question is what the clauses say.
    chooseSwitch: () => ({ id: 'any', host: '127.0.0.1', port: 1 }),
  };
}
