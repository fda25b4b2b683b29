/** What the words of an explanation are made of: who asks for what, and how things stood before. */
import type { GroupDocument } from '../documents/group-model.ts';
import { type Conference, hasKey, type ParticipantRow, takesSeat } from '../focus/conference.ts';
import type { Decision } from '../focus/decide.ts';
import type { DecidingRule, SipReply, TraceStep } from '../focus/decision.ts';
import type { Originator } from '../focus/originator.ts';
import { seatsTakenByOthers } from '../focus/procedures/group-steps.ts';
import { ownSessionOfFactory, sessionOf } from '../focus/procedures/target.ts';
import { Work } from '../focus/work.ts';
import type { World } from '../focus/world.ts';
import { header, type SipRequest } from '../sip/message.ts';
import { addressKey, canonicalAddress } from '../sip/uri.ts';

export type Trust = 'core' | 'digest' | 'none';

export interface Facts {
  readonly world: World;
  readonly request: SipRequest;
  readonly trust: Trust;
  readonly originator: Originator | undefined;
  readonly decision: Decision;
  /** The final reply; undefined while it depends on others. */
  readonly reply: SipReply | undefined;
  /** The session that the request is about, as it is now. */
  readonly conference: Conference | undefined;
  readonly group: GroupDocument | undefined;
  /** Where the group's document is, as the configuration names it. */
  readonly groupFile: string | undefined;
}

/** The session that a request is sent in or to. */
export function conferenceOf(
  world: World,
  request: SipRequest,
  originator: Originator | undefined,
): Conference | undefined {
  for (const ref of world.findDialogs(header(request, 'call-id') ?? '')) {
    const found = world.findConference(ref.conference);
    if (found !== undefined) return found;
  }
  return (
    sessionOf(request, world) ??
    world.findConferenceOfGroup(addressKey(canonicalAddress(request.uri))) ??
    ownSessionOfFactory(request, world, originator?.keys ?? [])
  );
}

/** `ann` for sip:ann@our.domain, the whole address for everybody else. */
export function nameOf({ world }: Pick<Facts, 'world'>, address: string): string {
  const [, scheme, user, host] = /^(sips?):([^@;]+)@([^;?]+)$/.exec(address) ?? [];
  return scheme === 'sip' && user !== undefined && host === world.settings.domain ? user : address;
}

/** Who asks, in short. */
export function sender(facts: Facts): string {
  return facts.originator === undefined ? 'the sender' : nameOf(facts, facts.originator.primary);
}

/** `the room "Team"`, or how else the session or group is called. */
export function room(facts: Facts): string {
  const { group, conference, request } = facts;
  if (group !== undefined) return `the room ${quoted(group.displayName ?? nameOf(facts, group.uri))}`;
  const row = conference?.row;
  if (row === undefined) return request.uri;
  const by = conference?.participants.get(row.initiator);
  const whose = by === undefined ? '' : ` that ${nameOf(facts, by.address)} set up`;
  return `the ad hoc session${row.subject === undefined ? '' : ` ${quoted(row.subject)}`}${whose}`;
}

export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Who has a seat; with `besides` without the sender. */
export function seated(facts: Facts, besides: boolean): readonly ParticipantRow[] {
  const { conference, originator } = facts;
  if (conference === undefined) return [];
  if (besides) return seatsTakenByOthers(Work.on(conference), originator?.keys ?? []);
  return [...conference.participants.values()].filter(takesSeat);
}

/** `ann, bob, cora (still being called)`. */
export function namesOf(facts: Facts, people: readonly ParticipantRow[]): string {
  return people
    .toSorted((a, b) => (a.address < b.address ? -1 : 1))
    .map((person) => {
      const isCalled = person.presence === 'invited' || person.presence === 'alerting';
      return `${nameOf(facts, person.address)}${isCalled ? ' (still being called)' : ''}`;
    })
    .join(', ');
}

/** The sender as the session knows them. */
export function participantOf({ conference, originator }: Facts): ParticipantRow | undefined {
  if (conference === undefined || originator === undefined) return undefined;
  return [...conference.participants.values()].find((row) => hasKey(row, originator.keys));
}

/** The document of the group, in words. */
export function documentOf({ groupFile }: Facts): string {
  return groupFile ?? "the group's document";
}

/** The rule behind the last step that a group document decided. */
export function decidingRule({ decision }: Facts): DecidingRule | undefined {
  return decision.trace.findLast(({ rule }) => rule !== undefined)?.rule;
}

export function lastStep({ decision }: Facts): TraceStep | undefined {
  return decision.trace.at(-1);
}

/** `1st`, `2nd`, `3rd`, `4th`. */
export function ordinal(count: number): string {
  const tens = Math.trunc(count / 10) % 10;
  const suffix = tens === 1 ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th');
  return `${count}${suffix}`;
}

export interface Reason {
  /** Goes on after `because`. */
  readonly because: string;
  /** Whole sentences about where that comes from. */
  readonly details?: readonly string[];
  /** What would help, each a phrase that goes on after `To change that:`. */
  readonly remedies?: readonly string[];
}

/** The refusing step in its own words, without the mark of a sub-step. */
export function found(facts: Facts): string {
  const step = lastStep(facts);
  return (step?.found ?? facts.decision.refusal?.warning ?? 'of a check').replace(/^(R-[\w.-]+|-\w+): /, '');
}

/** For the names of everybody in a list: `bob and cora`, `bob, cora and 3 more`. */
export function listed(facts: Pick<Facts, 'world'>, addresses: readonly string[]): string {
  const names = addresses.map((address) => nameOf(facts, address));
  if (names.length > 5) return `${names.slice(0, 4).join(', ')} and ${names.length - 4} more`;
  const last = names.at(-1) ?? 'nobody';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
