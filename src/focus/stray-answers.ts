/**
 * Answers to invitations that nobody wants any more (the session ended, the invitation was cancelled), and those of a
 * second fork: each is acknowledged in its own dialog, however often it is repeated, and each such dialog is sent one BYE.
 */
import { header, type SipResponse } from '../sip/message.ts';
import { parseNameAddr } from '../sip/name-addr.ts';
import type { Dialog, LegRow } from './conference.ts';
import type { Decision } from './decide.ts';
import { type Effect, type HeaderLine, STAGE, type Stage } from './decision.ts';
import { cseqNumber, dialogFromResponse, inDialog } from './dialogs.ts';
import type { World } from './world.ts';

/** Another fork has answered too; the leg keeps the dialog of the first. */
export function endFork(world: World, response: SipResponse, leg: LegRow): Decision {
  return endAnswer(world, response, leg.dialog, leg.dialog.remoteTag, 'A second fork has answered');
}

/** A 2xx to an INVITE whose leg is over: `leg`, or one that is forgotten. Undefined when that dialog was ended by BYE. */
export function endStray(world: World, response: SipResponse, leg: LegRow | undefined): Decision | undefined {
  const ours = leg?.dialog ?? dialogOf(response);
  const acknowledged = ours.remoteTag === '' ? firstEnded(world, ours) : ours.remoteTag;
  return endAnswer(world, response, ours, acknowledged, 'An answer after the session ended');
}

/** Kamailio acknowledges the 2xx that it saw first, and later ones of other forks with the tag of that one too. */
function firstEnded(world: World, { callId, localTag }: Dialog): string {
  return world.endedDialogs(callId, localTag)[0] ?? '';
}

function endAnswer(
  world: World,
  response: SipResponse,
  ours: Dialog,
  acknowledgedTag: string,
  procedure: string,
): Decision {
  const inviteCSeq = cseqNumber(response);
  const dialog = { ...dialogFromResponse(ours, response), localCSeq: inviteCSeq };
  const { callId, localTag, remoteTag } = dialog;
  const isEnded =
    world.endedDialogs(callId, localTag).includes(remoteTag) ||
    (ours.remoteTag === remoteTag && remoteTag !== '');
  const needsAck = acknowledgedTag !== '' && acknowledgedTag !== remoteTag;
  const userAgent: HeaderLine = ['User-Agent', world.settings.release];
  const found = [needsAck ? 'ACK' : '', isEnded ? '' : 'BYE'].filter((method) => method !== '').join(' and ');
  return {
    clause: 'RFC3261-13.2.2.4',
    procedure,
    trace: [
      {
        id: 'RFC3261-13.2.2.4',
        title: 'one dialog for each invitation, and none after its end',
        verdict: 'done',
        found: found === '' ? `a repeated answer of ${remoteTag}` : `${found} to ${remoteTag}`,
      },
    ],
    looseEffects: [
      ...(needsAck ? [request(dialog, 'ACK', STAGE.reply, inviteCSeq, userAgent)] : []),
      ...(isEnded ? [] : [request(dialog, 'BYE', STAGE.requests, inviteCSeq + 1, userAgent)]),
    ],
    endedDialog: { callId, localTag, remoteTag },
  };
}

function request(dialog: Dialog, method: string, stage: Stage, cseq: number, userAgent: HeaderLine): Effect {
  const { requestUri, nextHop, headers } = inDialog(dialog, method, cseq);
  return {
    stage,
    kind: 'request',
    method,
    callId: dialog.callId,
    cseq,
    of: { row: 'none' },
    kam: dialog.kam,
    requestUri,
    nextHop,
    headers: [...headers, userAgent],
  };
}

/** Of an INVITE that is forgotten, by what its answer says. */
function dialogOf(response: SipResponse): Dialog {
  const from = parseNameAddr(header(response, 'from') ?? '');
  const to = parseNameAddr(header(response, 'to') ?? '');
  return {
    callId: header(response, 'call-id') ?? '',
    localTag: from.params.get('tag') ?? '',
    remoteTag: '',
    localUri: from.uri,
    remoteUri: to.uri,
    remoteTarget: to.uri,
    routeSet: [],
    localCSeq: cseqNumber(response),
    kam: '',
  };
}
