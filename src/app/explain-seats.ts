/** Why there is no seat for somebody, in words: 486 of joining, rejoining, setting up and adding. */
import { maximumOfGroup } from '../focus/policy/group-policy.ts';
import { referredBy } from '../sip/refer.ts';
import { addressKey, canonicalAddress } from '../sip/uri.ts';
import {
  documentOf,
  type Facts,
  found,
  listed,
  nameOf,
  namesOf,
  ordinal,
  type Reason,
  room,
  seated,
  sender,
} from './explain-facts.ts';

/** What the seats are counted by. */
function limitOf(facts: Facts): string {
  const { conference, group = conference?.row.group, world } = facts;
  if (conference?.row.kind === 'ad-hoc') return 'adHoc.maxParticipants';
  return group?.maxParticipantCount === undefined &&
    world.settings.groupSessions.defaultMaxParticipants !== undefined
    ? 'groupSessions.defaultMaxParticipants, or max-participant-count in a group document'
    : `max-participant-count in ${documentOf(facts)}`;
}

/** 486 of joining and rejoining. */
export function full(facts: Facts): Reason {
  const { conference, group, world } = facts;
  const others = seated(facts, true);
  const isAdHoc = conference?.row.kind === 'ad-hoc';
  const ordered = conference?.row.maxParticipants;
  const maximum =
    ordered ??
    (isAdHoc
      ? world.settings.adHoc.maxParticipants
      : maximumOfGroup(group ?? conference?.row.group, world.settings));
  const who = sender(facts);
  if (maximum === 0) {
    return {
      because: `${room(facts)} lets nobody in: its limit is 0`,
      details: [`The limit is ${ordered === undefined ? limitOf(facts) : 'one that an operator has set'}.`],
      remedies: [`raise ${ordered === undefined ? limitOf(facts) : 'maxParticipants of the session'}`],
    };
  }
  const seats = `${others.length} of ${maximum} seats are taken${others.length > 0 ? ` (${namesOf(facts, others)})` : ''}`;
  const limit = limitOf(facts);
  if (isRecorder(facts)) return recorderNotBroughtIn(facts, seats);
  if (ordered !== undefined) {
    return {
      because: `${room(facts)} is full: ${seats}; ${who} would be the ${ordinal(others.length + 1)}`,
      details: ['An operator has set this limit for the session.'],
      remedies: ['wait until one of them leaves', 'raise maxParticipants of the session'],
    };
  }
  return {
    because: `${room(facts)} is full: ${seats}; ${who} would be the ${ordinal(others.length + 1)}`,
    details: [
      `The limit is ${limit}.`,
      ...(isAdHoc ? ['It is looked at on a return because of readings.rejoinCountsAdHoc.'] : []),
      'Somebody who is still being called has a seat; a History Function has none.',
    ],
    remedies: [
      'wait until one of them leaves, or have one of them removed (parley kick SESSION ADDRESS)',
      `raise ${limit}, or for this session alone: parley limit SESSION --max N`,
    ],
  };
}

function isRecorder({ originator, world }: Facts): boolean {
  const functions = new Set(world.settings.history.functions.map(addressKey));
  return originator?.keys.some((key) => functions.has(key)) === true;
}

/** 486 of a History Function: it needs no seat, but somebody who asked for it. */
function recorderNotBroughtIn(facts: Facts, seats: string): Reason {
  const named = referredBy(facts.request);
  const { invokers } = facts.world.settings.history;
  const who =
    invokers === 'participants'
      ? `somebody who is there (${namesOf(facts, seated(facts, true))})`
      : `one of ${listed(facts, invokers.map(canonicalAddress))}`;
  const said =
    named === undefined
      ? 'this INVITE has none'
      : `this one names ${nameOf(facts, canonicalAddress(named.uri))}`;
  return {
    because: `${room(facts)} is full: ${seats}; ${sender(facts)} is a History Function, and nobody who may has asked for it`,
    details: [
      `A History Function takes no seat and enters a full session when Referred-By names ${who}; ${said}.`,
    ],
    remedies: [
      'let a participant bring it in by REFER, or the History Function send Referred-By',
      'name who may in history.invokers',
    ],
  };
}

/** 486 and 400 of an ad-hoc set-up. */
export function listTooLong(facts: Facts): Reason {
  const { adHoc, limits } = facts.world.settings;
  const isBounded = /entries/.test(found(facts));
  const limit = isBounded ? 'limits.maxInvitees' : 'adHoc.maxParticipants';
  return {
    because: `${sender(facts)} asks for too many participants: ${found(facts)}`,
    details: [`The limit is ${limit}: ${isBounded ? limits.maxListEntries : adHoc.maxParticipants}.`],
    remedies: [
      'invite fewer users (an address that stands twice counts once)',
      `raise ${limit}`,
      ...(isBounded ? [] : ['do not count the inviter: readings.inviterCounts: false']),
    ],
  };
}

/** 486 of a REFER. */
export function noRoomForAll(facts: Facts): Reason {
  const isAdHoc = facts.conference?.row.kind === 'ad-hoc';
  const limit = limitOf(facts);
  return {
    because: `${room(facts)} has no room for all whom ${sender(facts)} wants to add: ${found(facts)}`,
    details: [`The seats are taken by ${namesOf(facts, seated(facts, false))}.`, `The limit is ${limit}.`],
    remedies: [
      'add fewer users, or wait until somebody leaves',
      `raise ${limit}`,
      ...(isAdHoc
        ? []
        : ['do not look at the limit when users are added: readings.addingCountsGroup: false']),
    ],
  };
}
