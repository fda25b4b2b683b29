/** Why a request would be refused, in the words of somebody who runs the service and has not read the specification. */
import type { ParticipantRow } from '../focus/conference.ts';
import { canonicalAddress } from '../sip/uri.ts';
import {
  decidingRule,
  documentOf,
  type Facts,
  found,
  lastStep,
  nameOf,
  namesOf,
  participantOf,
  quoted,
  type Reason,
  room,
  seated,
  sender,
} from './explain-facts.ts';
import { full, listTooLong, noRoomForAll } from './explain-seats.ts';

/** By the step that refused; several clauses share a check under ids of their own. */
const REASONS: readonly (readonly [step: RegExp, reason: (facts: Facts) => Reason])[] = [
  [/^R-7\.2\.1\.(4-3b?|5-3)$|^A-22$/, full],
  [/^R-7\.2\.1\.2-7$/, listTooLong],
  [/^R-7\.2\.1\.7-4$/, noRoomForAll],
  [/^R-7\.2\.1\.7-3[ab]?$/, noUsersToAdd],
  [/^R-7\.2\.1\.(2-2|3-3|[45]-2|7-1|8-1|8-2(b-i)?|12-3(-note)?|12-4)$|^A-39$/, notAllowed],
  [/^R-7\.2\.1\.(3-2|4-1|[345]-6|7-2)$|^7\.2\.3\.2$/, contactOrPrivacy],
  [/^R-7\.2\.1\.(2-6|[345]-7|4-7|6-1)$/, mediaNotAcceptable],
  [/^R-7\.2\.1\.(2-1|3-1|12-1|12-2)$|^11\.1\/11\.2$|^RFC3261-11\.2$/, nobodyHere],
  [/^R-7\.2\.1\.5-1$/, sessionGone],
  [/^A-34$/, noneMayBeAdded],
  [/^operator$/, frozen],
  [/^RFC4028-9$/, intervalTooSmall],
  [/^RFC3261-8\.2\.2\.3$/, extensionUnknown],
  [/^RFC3261-12\.2\.2$/, outOfDialog],
  [/^RFC3261-14\.2$/, () => ({ because: 'an earlier request of this client is still being answered' })],
  [/^RFC6665-7\.2\.1$/, eventUnknown],
  [/^RFC3515-2\.4\.2$/, referMethodUnknown],
  [/^5\.1$/, (facts) => ({ because: `${sender(facts)} is not who this dialog was set up with` })],
  [
    /^7\.2\.3$/,
    (facts) => ({ because: found(facts), remedies: ['limits.* and the switches (parley doctor)'] }),
  ],
];

export function reasonOf(facts: Facts): Reason {
  const id = lastStep(facts)?.id ?? '';
  if (facts.decision.refusal?.code === 400) return { because: found(facts) };
  const entry = REASONS.find(([step]) => step.test(id));
  return entry?.[1](facts) ?? { because: found(facts) };
}

function frozen(facts: Facts): Reason {
  return {
    because: `an operator has frozen ${room(facts)}: nobody new is let in`,
    details: ['480 and not 403: clients may try again later.'],
    remedies: ['let newcomers in again: isFrozen of the session (PATCH /api/v1/sessions/{id})'],
  };
}

function noUsersToAdd(facts: Facts): Reason {
  return { because: `the list is too long: ${found(facts)}`, remedies: ['raise limits.maxInvitees'] };
}

/** 403: who is it, and may they? */
function notAllowed(facts: Facts): Reason {
  const { originator, trust, decision } = facts;
  if (originator === undefined) return notAuthenticated(trust);
  const rule = decidingRule(facts);
  const isRule = rule !== undefined && lastStep(facts)?.rule === rule && rule.grantedBy.length === 0;
  if (isRule) return noRule(facts, rule.right, rule.applied);
  const who = sender(facts);
  const warning = decision.refusal?.warning ?? '';
  const where = room(facts);
  const participant = participantOf(facts);
  if (participant?.isExpelled === true && /removed/.test(warning)) {
    return {
      because: `${who} was removed from ${where}${expeller(facts, participant)} and may not return`,
      remedies: [`have somebody who is there add ${who} again (REFER)`],
    };
  }
  if (/set up ad-hoc/.test(warning)) {
    const { mayInitiate } = facts.world.settings.adHoc;
    const isOff = mayInitiate === 'nobody';
    return {
      because: isOff
        ? 'ad hoc sessions are switched off here (adHoc.mayInitiate: nobody)'
        : `${who} is not among those who may set up ad hoc sessions (adHoc.mayInitiate)`,
      ...(isOff
        ? {}
        : {
            details: [
              `That list has ${mayInitiate.length} entries, and none is ${who} or the domain of ${who}.`,
            ],
          }),
      remedies: [
        isOff
          ? 'set adHoc.mayInitiate to everybody, or to a list'
          : `add ${who} or a domain to adHoc.mayInitiate`,
      ],
    };
  }
  if (/not invited/.test(warning)) {
    return {
      because: `${who} was never invited to ${where}, and only who was may come back to it`,
      details: [`Its people are ${namesOf(facts, [...(facts.conference?.participants.values() ?? [])])}.`],
      remedies: [`have one of them add ${who} (REFER)`],
    };
  }
  if (/too many subscriptions/.test(warning)) {
    return {
      because: `${who} watches ${where} from too many places: ${found(facts)} subscriptions`,
      remedies: ['raise limits.maxSubscriptionsPerUser'],
    };
  }
  if (/names no session/.test(warning)) {
    return {
      because: `no session is running at ${canonicalAddress(facts.request.uri)}, so nobody can be added to or removed from it`,
    };
  }
  if (/does not take part/.test(warning)) {
    const what = facts.request.method === 'SUBSCRIBE' ? 'see who is there' : 'add or remove others';
    const isTarget = /user to remove/.test(warning);
    return isTarget
      ? { because: `who is to be removed is not in ${where}: ${target(facts)} is not there` }
      : {
          because: `${who} is not in ${where}, and only who is may ${what}`,
          details: [`In it now: ${namesOf(facts, seated(facts, false)) || 'nobody'}.`],
          remedies: [`let ${who} join first`],
        };
  }
  return { because: `${warning} (${found(facts)})` };
}

/** By whom and why, as far as it is kept. */
function expeller(facts: Facts, { expelledBy }: ParticipantRow): string {
  if (expelledBy === undefined) return '';
  const { kind, name, reason } = expelledBy;
  const why = reason === undefined ? '' : ` (reason: ${quoted(reason)})`;
  return ` by the ${kind} ${kind === 'operator' ? name : nameOf(facts, name)}${why}`;
}

/** Whom a REFER with method=BYE names. */
function target({ decision }: Facts): string {
  return decision.trace.find(({ id }) => id === 'R-7.2.1.8-2')?.found ?? 'that user';
}

function notAuthenticated(trust: Facts['trust']): Reason {
  return {
    because: 'nobody knows who sends it: no identity was authenticated',
    details: [
      'From and P-Asserted-Identity count only from where they can be believed.',
      ...(trust === 'core'
        ? ['It comes from a trusted peer, which must say who it is in P-Asserted-Identity.']
        : []),
    ],
    remedies: [
      'let the client log in by digest (digest.usersFile)',
      'name the core that it comes through in sip.trustedPeers',
    ],
  };
}

/** What each right lets a user do, by its element. */
const MAY: Readonly<Record<string, string>> = {
  'allow-initiate-conference': 'start a conversation in',
  'join-handling': 'join',
  'allow-conference-state': 'see who is in',
  'allow-invite-users-dynamically': 'add users to',
  'allow-expelling': 'remove users from',
  'allow-anonymity': 'hide behind an alias in',
};

function noRule(facts: Facts, right: string, applied: readonly string[]): Reason {
  const who = sender(facts);
  const file = documentOf(facts);
  const rules = applied.map(quoted).join(', ');
  return {
    because: `no rule of ${file} lets ${who} ${MAY[right] ?? right} ${room(facts)}`,
    details: [
      applied.length === 0
        ? `No rule there is about ${who} at all.`
        : `About ${who} there ${applied.length === 1 ? 'is the rule' : 'are the rules'} ${rules}; ${right} is not granted there.`,
    ],
    remedies: [
      applied.length === 0
        ? `make ${who} a member of the list, or write a rule for ${who}`
        : `write <${right}>true</${right}> under the actions of ${applied.length === 1 ? 'that rule' : 'one of them'}`,
      ...(right === 'allow-initiate-conference'
        ? ['have somebody start the conversation who may; joining it is another right']
        : []),
    ],
  };
}

function contactOrPrivacy(facts: Facts): Reason {
  if (/isfocus/.test(facts.decision.refusal?.warning ?? '')) {
    return {
      because:
        'it comes from another conference server: its Contact has isfocus, and one room cannot join another',
      remedies: ['if it is a client: it must not put isfocus into its Contact'],
    };
  }
  const rule = decidingRule(facts);
  const showsInstead = 'go on with the address shown instead: readings.anonymityRefused: show';
  if (rule === undefined) {
    return {
      because: 'it asks for privacy, which is not served in ad-hoc sessions (adHoc.allowAnonymity)',
      remedies: ['set adHoc.allowAnonymity to true', showsInstead],
    };
  }
  const { because, details = [] } = noRule(facts, rule.right, rule.applied);
  return {
    because: `it asks for privacy, and ${because}`,
    details,
    remedies: ['grant allow-anonymity there', showsInstead],
  };
}

function mediaNotAcceptable(facts: Facts): Reason {
  const { acceptTypes } = facts.world.settings.media;
  return {
    because: `what it offers is no message session that can be served: ${found(facts)}`,
    details: [`Served are m=message lines over TCP/MSRP with one of ${acceptTypes.join(', ')}.`],
    remedies: ['offer one; other media may stand beside it', 'extend msrp.acceptTypes'],
  };
}

function nobodyHere(facts: Facts): Reason {
  const { factories } = facts.world.settings;
  return {
    because: `${canonicalAddress(facts.request.uri)} is no conference factory, group or session of this server`,
    details: [
      `The factories are ${factories.join(', ')} (conferenceFactories).`,
      'Groups are those of the documents that `groups` names.',
    ],
    remedies: ['mend the address, or add the factory or the group document'],
  };
}

function sessionGone(facts: Facts): Reason {
  return {
    because: 'the session that it wants to return to is over, or never was',
    details: [
      `Of sessions that are gone ${facts.decision.refusal?.code} is told (readings.goneSession): RCS clients start anew on 404 and give up on 403.`,
    ],
    remedies: ['set a new session up'],
  };
}

function noneMayBeAdded(facts: Facts): Reason {
  return {
    because: `none of those whom ${sender(facts)} wants to add is a member of ${room(facts)}: ${found(facts)}`,
    remedies: [
      `add them to the list in ${documentOf(facts)}`,
      'let anybody be added: readings.addingTargets: any',
    ],
  };
}

function intervalTooSmall({ world }: Facts): Reason {
  return {
    because: `it asks to be refreshed more often than every ${world.settings.session.minSeS} s, which is the least here`,
    details: ['The client will ask again with the Min-SE of this answer; nothing has to be done.'],
    remedies: ['lower session.minSeS'],
  };
}

function extensionUnknown(facts: Facts): Reason {
  return {
    because: `it requires an extension of SIP that is not known here: ${found(facts).replace('not supported: ', '')}`,
    remedies: ['the client must not name it in Require (Supported does no harm)'],
  };
}

function outOfDialog(facts: Facts): Reason {
  const { decision, conference } = facts;
  if (decision.refusal?.code === 500) return { because: 'it is older than what came in its dialog before' };
  return {
    because: `there is no dialog with its Call-ID and tags${conference === undefined ? '' : ' any more'}: the session is over, or it never was`,
  };
}

function eventUnknown(facts: Facts): Reason {
  return {
    because: `it subscribes to what is not told here (${found(facts)}); who is in a room is the package "conference"`,
  };
}

function referMethodUnknown(facts: Facts): Reason {
  const [method = 'that'] = /method (\S+)/.exec(found(facts))?.slice(1) ?? [];
  return {
    because: `it asks us to send a ${method} to somebody; here REFER adds users (INVITE) or removes them (BYE)`,
    details: [`The status is readings.referOther.`],
  };
}
