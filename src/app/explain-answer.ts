/** The answer of `parley explain` in plain words: first what would happen and why, then what would change it. */
import { maximumOfGroup } from '../focus/policy/group-policy.ts';
import { canonicalAddress } from '../sip/uri.ts';
import {
  decidingRule,
  documentOf,
  type Facts,
  listed,
  quoted,
  room,
  seated,
  sender,
} from './explain-facts.ts';
import { reasonOf } from './explain-refusals.ts';

export interface PlainAnswer {
  /** One or two sentences. */
  readonly summary: string;
  readonly details: readonly string[];
  /** What would let it pass; empty when it does. */
  readonly remedies: readonly string[];
  /** Which rule of the group document decided; absent when none was asked. */
  readonly rule?: string;
}

export function plainAnswer(facts: Facts): PlainAnswer {
  const rule = ruleSentence(facts);
  const told = facts.decision.refusal === undefined ? acceptance(facts) : refusal(facts);
  return { ...told, ...(rule === undefined ? {} : { rule }) };
}

function refusal(facts: Facts): PlainAnswer {
  const { code, reason } = facts.decision.refusal ?? { code: 0, reason: '' };
  const { because, details = [], remedies = [] } = reasonOf(facts);
  return {
    summary: `This ${facts.request.method} would get ${code} ${reason}, because ${because}.`,
    details,
    remedies,
  };
}

function acceptance(facts: Facts): PlainAnswer {
  const { request, reply } = facts;
  const what = happens(facts);
  if (reply !== undefined) {
    return answer(
      `This ${request.method} would get ${reply.code} ${reply.reason}${what === '' ? '' : `: ${what}`}.`,
    );
  }
  if (request.method === 'ACK') return answer('An ACK is never answered.');
  const { failureCode } = facts.world.settings.adHoc;
  const code = typeof failureCode === 'number' ? `${failureCode}` : `the ${failureCode} of their codes`;
  return answer(
    `This ${request.method} would get no final answer yet: ${what}. The first of them who accepts brings the 200.`,
    [`If none does, ${sender(facts)} gets ${code} (adHoc.failureCode).`],
  );
}

function answer(summary: string, details: readonly string[] = []): PlainAnswer {
  return { summary, details, remedies: [] };
}

/** What the decision does, by its clause. */
function happens(facts: Facts): string {
  const { decision } = facts;
  const who = sender(facts);
  const invited = invitations(facts);
  switch (decision.clause) {
    case '7.2.1.2':
    case '7.2.1.3':
      return invited.length === 0
        ? `${who} is alone in ${room(facts)} until others join`
        : `${listed(facts, invited)} ${invited.length === 1 ? 'is' : 'are'} invited to ${subject(facts)}`;
    case '7.2.1.4':
      return `${who} joins ${room(facts)}${seats(facts)}`;
    case '7.2.1.5':
      return `${who} comes back to ${room(facts)}${seats(facts)}`;
    case '7.2.1.6':
      return 'the media of the session are changed, or its timer is set back';
    case '7.2.1.7':
      return invited.length === 0
        ? 'all of them are there already'
        : `${listed(facts, invited)} ${invited.length === 1 ? 'is' : 'are'} invited to ${room(facts)}`;
    case '7.2.1.8':
      return removed(facts);
    case '7.2.1.10':
      return `${who} leaves ${room(facts)}`;
    case '7.2.1.12':
      return `${who} is told who is in ${room(facts)}`;
    case 'RFC3261-9.2':
      return decision.trace.length > 0
        ? 'the INVITE is given up and gets 487'
        : 'there is no INVITE with this Call-ID that still waits';
    default:
      return '';
  }
}

/** A session that is not there yet has no set-up to be told by. */
function subject(facts: Facts): string {
  if (facts.group !== undefined) return room(facts);
  const title = facts.decision.conference?.row.subject;
  return `a new ad hoc session${title === undefined ? '' : ` ${quoted(title)}`}`;
}

function invitations({ decision }: Facts): string[] {
  return (decision.changes?.effects ?? []).flatMap((effect) =>
    effect.kind === 'request' && effect.method === 'INVITE' ? [canonicalAddress(effect.requestUri)] : [],
  );
}

function seats(facts: Facts): string {
  const own = facts.group === undefined ? undefined : maximumOfGroup(facts.group, facts.world.settings);
  const maximum = facts.conference?.row.maxParticipants ?? own;
  if (maximum === undefined) return '';
  return ` (${seated(facts, true).length + 1} of ${maximum} seats are taken then)`;
}

function removed(facts: Facts): string {
  const found = facts.decision.trace.find(({ id }) => id === 'R-7.2.1.8-2a-v')?.found;
  if (found === undefined) return '';
  const left = found.split(', ');
  return `${listed(facts, left)} ${left.length === 1 ? 'is' : 'are'} removed from ${room(facts)}`;
}

function ruleSentence(facts: Facts): string | undefined {
  const rule = decidingRule(facts);
  if (rule === undefined) return undefined;
  const { right, grantedBy, applied } = rule;
  const who = sender(facts);
  const file = documentOf(facts);
  if (grantedBy.length > 0) return `${right} is granted to ${who} by ${named(grantedBy)} of ${file}.`;
  const what =
    applied.length === 0 ? `none of its rules applies to ${who}` : `what applies is ${named(applied)}`;
  return `${right} is not granted to ${who} by ${file}: ${what}.`;
}

function named(rules: readonly string[]): string {
  return `${rules.length === 1 ? 'rule' : 'rules'} ${rules.map(quoted).join(', ')}`;
}
