/** 7.2.2.2 IM Session invitation request: the INVITE towards an invited user. */
import type { LegRow, ParticipantRow } from './conference.ts';
import { type HeaderLine, STAGE } from './decision.ts';
import { offerText } from './media.ts';
import { ALLOW, focusContact, imFeatures } from './responses.ts';
import { nameAddr, shown } from './shown.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export interface Invitation {
  readonly participant: ParticipantRow;
  /** Who invites: the initiator, or the one who sent a REFER. */
  readonly inviter: ParticipantRow;
  /** The Kamailio node that sends it. */
  readonly kam: string;
}

/** Creates the leg and its INVITE; the switch must be told of the leg by the caller before the INVITE leaves. */
export function inviteUser(work: Work, world: World, { participant, inviter, kam }: Invitation): LegRow {
  const { settings, ids, nowMs } = world;
  const { row } = work;
  const sessionId = ids.token(100);
  const localSdp = offerText(row, settings, sessionId);
  const leg = work.legs.put({
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
      remoteTarget: participant.address,
      routeSet: [],
      localCSeq: 1,
      kam,
    },
    allow: [],
    supportsTimer: false,
    sessionId,
    isTls: false,
    localSdp,
    sdpVersion: 1,
    expiresS: settings.session.expiresS,
    deadlines: { invite: nowMs + settings.inviteTimeoutS * 1000 },
  });
  sendInvite(work, world, leg, inviter, localSdp);
  work.event({ kind: 'participant-invited', session: row.id, participant: participant.address });
  return leg;
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

function sendInvite(work: Work, world: World, leg: LegRow, inviter: ParticipantRow, body: string): void {
  const { settings } = world;
  const { row } = work;
  const asserted = row.kind === 'group' ? `<${row.address}>` : nameAddr(shown(inviter));
  const headers: HeaderLine[] = [
    ['From', `${fromNameAddr(work, inviter)};tag=${leg.dialog.localTag}`],
    ['To', `<${leg.dialog.remoteUri}>`],
    ['Call-ID', leg.dialog.callId],
    ['CSeq', '1 INVITE'],
    ...(settings.nextHop === undefined ? [] : ([['Route', `<${withLr(settings.nextHop)}>`]] as const)),
    focusContact(row, settings),
    ['P-Asserted-Identity', asserted],
    ['Accept-Contact', `*;${imFeatures(settings)}`],
    ['Referred-By', `<${shown(inviter).uri}>`],
    ALLOW,
    ['Supported', 'timer, norefersub'],
    ['Session-Expires', `${settings.session.expiresS};refresher=uas`],
    ['Min-SE', String(settings.session.minSeS)],
    ['User-Agent', settings.release],
    ...row.passedOn,
    ['Content-Type', 'application/sdp'],
  ];
  work.effect({
    stage: STAGE.requests,
    kind: 'request',
    method: 'INVITE',
    callId: leg.dialog.callId,
    cseq: 1,
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
  'P-Charging-Vector',
] as const;
