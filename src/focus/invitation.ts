/** 7.2.2.2 IM Session invitation request: the INVITE towards an invited user. */
import { addressKey, canonicalAddress, requestUriOf } from '../sip/uri.ts';
import type { LegRow, ParticipantRow } from './conference.ts';
import { type HeaderLine, STAGE } from './decision.ts';
import { isSecure, offeredTransport, offerText } from './media.ts';
import { done, type Trace } from './procedure.ts';
import { invitationBody } from './recipient-list.ts';
import { ALLOW, focusContact, imFeatures } from './responses.ts';
import { askedInterval } from './session-timer.ts';
import { nameAddr, shown } from './shown.ts';
import type { RequestTurn } from './turn.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export interface Invitation {
  readonly participant: ParticipantRow;
  /** As the list, the Refer-To or the group document has it: port and parameters say where and how they are reached. */
  readonly uri: string;
  /** Who invites: the initiator, or the one who sent a REFER. */
  readonly inviter: ParticipantRow;
  /** The Kamailio node that sends it. */
  readonly kam: string;
  /** The dialog that the invited user is to leave for this one (RFC 3891): a conversation of two becomes a session. */
  readonly replaces?: string | undefined;
}

/** Who is to be invited, as a list or a group document has it. */
export interface Invitee {
  readonly uri: string;
  readonly displayName?: string;
  readonly replaces?: string;
}

/** Invites users whom the session does not know yet, in the name of the one who sets it up. */
export function inviteAll({ work, world, origin }: RequestTurn, invitees: readonly Invitee[]): void {
  const inviter = work.participants.get(work.row.initiator);
  if (inviter === undefined) throw new Error('The inviter was not admitted.');
  for (const { uri, displayName, replaces } of invitees) {
    const participant = work.participants.put({
      id: `user-${world.ids.token(60)}`,
      keys: [addressKey(uri)],
      address: canonicalAddress(uri),
      ...(displayName === undefined ? {} : { displayName }),
      role: 'user',
      presence: 'invited',
      joined: 'dialed-out',
      isExpelled: false,
    });
    inviteUser(work, world, { participant, uri, inviter, replaces, kam: origin.transaction.kam });
  }
}

/** Creates the leg and its INVITE; the switch must be told of the leg by the caller before the INVITE leaves. */
export function inviteUser(work: Work, world: World, invitation: Invitation): LegRow {
  const { participant, uri, inviter, kam, replaces } = invitation;
  const { settings, ids, nowMs } = world;
  const { row } = work;
  const sessionId = ids.token(100);
  const localSdp = offerText(row, settings, sessionId);
  const leg = work.legs.put({
    ...epochOf(world, kam),
    id: `leg-${ids.token(60)}`,
    participant: participant.id,
    origin: 'outgoing',
    state: 'inviting',
    dialog: {
      callId: `${ids.token(80)}@${settings.domain}`,
      localTag: ids.token(50),
      remoteTag: '',
      localUri: row.kind === 'group' ? row.address : row.identity,
      remoteUri: participant.address,
      // To has neither port nor transport (RFC 3261 section 19.1.1): the address; where it goes is as it was given.
      remoteTarget: requestUriOf(uri),
      routeSet: [],
      localCSeq: 1,
      kam,
    },
    allow: [],
    supportsTimer: false,
    sessionId,
    isTls: isSecure(offeredTransport(row)),
    localSdp,
    sdpVersion: 1,
    expiresS: settings.session.expiresS,
    invitedBy: inviter.id,
    ...(replaces === undefined ? {} : { replaces }),
    deadlines: { invite: nowMs + settings.inviteTimeoutS * 1000 },
  });
  sendInvite(work, world, leg, inviter);
  work.event({ kind: 'participant-invited', session: row.id, participant: participant.address });
  return leg;
}

/**
 * The same invitation with the longer interval that a 422 asks for: the same Call-ID, the next CSeq (RFC 4028
 * section 7.3). The time to answer runs on.
 */
export function inviteAgain(work: Work, world: World, trace: Trace, leg: LegRow, expiresS: number): void {
  const localCSeq = leg.dialog.localCSeq + 1;
  const dialog = { ...leg.dialog, localCSeq };
  const again = work.legs.put({ ...leg, ...epochOf(world, dialog.kam), expiresS, dialog });
  sendInvite(work, world, again, inviterOf(work, leg));
  trace.note('RFC4028-7.3', 'invite again with the interval that the 422 asks for', done(`${expiresS} s`));
}

/** Who set the session up stands in for an inviter who is forgotten. */
export function inviterOf(work: Work, { invitedBy = work.row.initiator }: LegRow): ParticipantRow {
  const inviter = work.participants.get(invitedBy) ?? work.participants.get(work.row.initiator);
  if (inviter === undefined) throw new Error('This session has nobody who could have invited.');
  return inviter;
}

function epochOf(world: World, kam: string): Pick<LegRow, 'kamEpoch'> {
  const kamEpoch = world.kamailioEpoch?.(kam);
  return kamEpoch === undefined ? {} : { kamEpoch };
}

/** From is the session (or group), so that clients which send SUBSCRIBE or REFER to From reach the session. */
function fromNameAddr(work: Work, inviter: ParticipantRow): string {
  const { row } = work;
  if (row.kind === 'group') {
    const displayName = row.group?.displayName;
    return nameAddr({ uri: row.address, ...(displayName === undefined ? {} : { displayName }) });
  }
  const { displayName } = shown(inviter);
  return nameAddr({ uri: row.identity, ...(displayName === undefined ? {} : { displayName }) });
}

function sendInvite(work: Work, world: World, leg: LegRow, inviter: ParticipantRow): void {
  const { settings } = world;
  const { callId, localCSeq } = leg.dialog;
  const { row } = work;
  const { contentType, body } = invitationBody(row, leg);
  const asserted = row.kind === 'group' ? `<${row.address}>` : nameAddr(shown(inviter));
  const headers: HeaderLine[] = [
    ['From', `${fromNameAddr(work, inviter)};tag=${leg.dialog.localTag}`],
    ['To', `<${leg.dialog.remoteUri}>`],
    ['Call-ID', callId],
    ['CSeq', `${localCSeq} INVITE`],
    ...(settings.nextHop === undefined ? [] : ([['Route', `<${withLr(settings.nextHop)}>`]] as const)),
    focusContact(row, settings),
    ['P-Asserted-Identity', asserted],
    ['Accept-Contact', `*;${imFeatures(settings)}`],
    ['Referred-By', `<${shown(inviter).uri}>`],
    ALLOW,
    ['Supported', 'timer, norefersub'],
    ...askedInterval(leg, settings.session),
    ['User-Agent', settings.release],
    ...row.passedOn,
    ...(leg.replaces === undefined ? [] : ([['Replaces', leg.replaces]] as const)),
    ['Content-Type', contentType],
  ];
  work.effect({
    stage: STAGE.requests,
    kind: 'request',
    method: 'INVITE',
    callId,
    cseq: localCSeq,
    of: { row: 'leg', id: leg.id },
    kam: leg.dialog.kam,
    requestUri: leg.dialog.remoteTarget,
    ...(settings.nextHop === undefined ? {} : { nextHop: settings.nextHop }),
    headers,
    body,
  });
}

function withLr(uri: string): string {
  return /;lr(;|$|=)/i.test(uri) ? uri : `${uri};lr`;
}

/** Header fields of the inviter's INVITE that invitations repeat: chat title and RCS conversation ids. */
export const PASSED_ON = [
  'Subject',
  'Contribution-ID',
  'Conversation-ID',
  'Session-Replaces',
  'InReplyTo-Contribution-ID',
] as const;
