/**
 * A message that comes in several chunks. Each chunk goes on as a SEND of its own, so that others' messages can pass in
 * between; bytes are counted, never believed from the headers.
 */

import { baseMediaType } from '../protocol/media-type.ts';
import { type ContinuationFlag, FLAG_ABORT, FLAG_COMPLETE, FLAG_MORE } from '../protocol/wire.ts';
import { type Audience, findAudience, formFor, prepareForm, refusalOfAll } from './audience.ts';
import { AS_SENT, bytesInForm, type Form, NOT_FOR_THEM } from './chunk.ts';
import type { SwitchContext } from './context.ts';
import { countMessage, deliver, makeChunk, putOff } from './fan-out.ts';
import type { SendMeta } from './inbound.ts';
import type { Leg } from './leg.ts';
import { keepPace } from './pace.ts';
import type { Peer } from './peer.ts';
import { noteStreamed } from './scavenge.ts';

interface Recipient {
  readonly leg: Leg;
  /** Null while it is still connecting: what has come waits in its backlog, and the form is not settled. */
  peer: Peer | null;
  form: Form;
  isStopped: boolean;
}

const OK = 200;
const BAD_REQUEST = 400;
const NOT_FOUND = 404;
const STOP_SENDING = 413;
const NOTHING = Buffer.alloc(0);

export class Transfer {
  readonly messageId: string;
  /** As recipients see it. */
  readonly outgoingId: string;
  readonly contentType: string;
  readonly otherContentLines: string;
  readonly total: number;
  receivedBytes = 0;
  lastMs: number;
  /** Not 0: refused, and every further chunk is answered so. */
  refusal = 0;
  audience: Audience | null = null;
  recipients: Recipient[] = [];
  /** The beginning of a CPIM message whose head is not complete. */
  pendingHead: Buffer | null = null;

  constructor(meta: SendMeta, outgoingId: string, nowMs: number) {
    this.messageId = meta.messageId;
    this.outgoingId = outgoingId;
    this.contentType = meta.contentType;
    this.otherContentLines = meta.otherContentLines;
    this.total = meta.total;
    this.lastMs = nowMs;
  }

  /** Of the whole message, as far as anybody can tell. */
  get knownBytes(): number {
    return Math.max(this.receivedBytes, this.total);
  }

  /** A recipient answered that it wants no more of this message, or cannot have it. */
  stopFor(leg: Leg): void {
    for (const recipient of this.recipients) if (recipient.leg === leg) recipient.isStopped = true;
  }

  /** A recipient has connected, and has been sent what waited for it. */
  connected(leg: Leg, peer: Peer, form: Form): void {
    for (const recipient of this.recipients) {
      if (recipient.leg !== leg) continue;
      recipient.peer = peer;
      recipient.form = form;
    }
  }
}

/**
 * Takes the next chunk, or piece of one, of a message that is not whole.
 * @param start where the body stands in the message, from 1
 * @returns the status to answer
 */
export function takeChunk(
  context: SwitchContext,
  sender: Leg,
  meta: SendMeta,
  start: number,
  body: Buffer,
  flag: ContinuationFlag,
): number {
  let transfer = sender.transfers.get(meta.messageId);
  if (transfer === undefined) {
    if (flag === FLAG_ABORT && start === 1) return OK;
    if (start !== 1) return STOP_SENDING;
    if (sender.transfers.size >= context.limits.maxTransfersPerLeg) {
      context.counters.limitedByTransfers++;
      return STOP_SENDING;
    }
    const outgoingId = sender.room.idFor(meta.messageId, context.ids);
    transfer = new Transfer(meta, outgoingId, context.round.nowMs);
    sender.transfers.set(meta.messageId, transfer);
    sender.room.unfinishedIds.add(outgoingId);
  }
  transfer.lastMs = context.round.nowMs;
  const status =
    transfer.refusal !== 0 ? transfer.refusal : advance(context, sender, transfer, start, body, flag);
  if (status !== OK && transfer.refusal === 0) {
    abortRecipients(context, sender, transfer);
    transfer.refusal = status;
    transfer.pendingHead = null;
  }
  if (flag === FLAG_COMPLETE && status === OK && transfer.audience !== null)
    countMessage(context, sender, transfer.audience);
  if (flag !== FLAG_MORE) forgetTransfer(sender, meta.messageId);
  return status;
}

/** No more of a message comes. */
export function forgetTransfer(sender: Leg, messageId: string): void {
  const transfer = sender.transfers.get(messageId);
  if (transfer === undefined) return;
  sender.transfers.delete(messageId);
  sender.room.unfinishedIds.delete(transfer.outgoingId);
}

/** Gives an unfinished message up: those who got part of it hear `#` (RFC 4975 section 7.1.1). */
export function abortTransfer(context: SwitchContext, sender: Leg, transfer: Transfer): void {
  forgetTransfer(sender, transfer.messageId);
  if (transfer.refusal === 0) abortRecipients(context, sender, transfer);
}

function advance(
  context: SwitchContext,
  sender: Leg,
  transfer: Transfer,
  start: number,
  body: Buffer,
  flag: ContinuationFlag,
): number {
  if (flag === FLAG_ABORT) {
    abortRecipients(context, sender, transfer);
    return OK;
  }
  if (start !== transfer.receivedBytes + 1) return STOP_SENDING;
  const received = transfer.receivedBytes + body.length;
  if (received > context.limits.maxMessageBytes) {
    context.counters.limitedBySize++;
    return STOP_SENDING;
  }
  if (transfer.total >= 0 && received > transfer.total) return STOP_SENDING;
  if (transfer.audience !== null) {
    transfer.receivedBytes = received;
    forward(context, sender, transfer, start, body, flag);
    return OK;
  }
  const bytes = transfer.pendingHead === null ? body : Buffer.concat([transfer.pendingHead, body]);
  const audience = findAudience(
    context,
    sender,
    transfer.contentType,
    baseMediaType(transfer.contentType),
    bytes,
    flag === FLAG_COMPLETE,
  );
  transfer.receivedBytes = received;
  if (audience === null) {
    if (flag === FLAG_COMPLETE) return BAD_REQUEST;
    if (bytes.length > context.limits.maxCpimHeadBytes) return STOP_SENDING;
    transfer.pendingHead = Buffer.from(bytes);
    return OK;
  }
  if (typeof audience === 'number') return audience;
  transfer.pendingHead = null;
  const recipients = findRecipients(context, sender, transfer, audience);
  if (audience.isPrivate) {
    const refusal = refusalOfAll(audience, sender, transfer.knownBytes);
    if (refusal !== OK) return refusal;
    if (recipients.length === 0) return NOT_FOUND;
  }
  transfer.audience = audience;
  transfer.recipients = recipients;
  forward(context, sender, transfer, 1, bytes, flag);
  return OK;
}

/** Those who are in the room at the first chunk get the message; who comes later would have no beginning of it. */
function findRecipients(
  context: SwitchContext,
  sender: Leg,
  transfer: Transfer,
  audience: Audience,
): Recipient[] {
  const recipients: Recipient[] = [];
  for (const leg of audience.targets) {
    if (leg === sender || !leg.mayReceive) continue;
    const { peer } = leg;
    if (peer === null || leg.isProvisional) {
      if ((peer === null && !leg.isIn) || audience.isMomentary) continue;
      if (transfer.total > context.limits.backlogBytes) context.counters.backlogDropped++;
      else recipients.push({ leg, peer: null, form: AS_SENT, isStopped: false });
      continue;
    }
    const form = formFor(audience, leg);
    if (form === NOT_FOR_THEM) continue;
    prepareForm(context, sender, audience, form);
    if (bytesInForm(transfer.total, audience.forms, form) > leg.maxSizeBytes) continue;
    recipients.push({ leg, peer, form, isStopped: false });
  }
  return recipients;
}

function forward(
  context: SwitchContext,
  sender: Leg,
  transfer: Transfer,
  start: number,
  body: Buffer,
  flag: ContinuationFlag,
): void {
  const chunk = chunkOf(context, transfer, start, body, flag);
  noteStreamed(body.length);
  let receivers = 0;
  let congested = 0;
  let over: Leg[] | null = null;
  for (const recipient of transfer.recipients) {
    const { leg, peer, form } = recipient;
    if (recipient.isStopped) continue;
    if (peer === null) {
      if (transfer.audience !== null) putOff(context, sender, leg, chunk, transfer.audience, transfer);
      continue;
    }
    if (leg.peer !== peer) continue;
    if (bytesInForm(transfer.receivedBytes, transfer.audience?.forms ?? [], form) > leg.maxSizeBytes) {
      recipient.isStopped = true;
      if (start > 1) sendAbort(context, sender, transfer, recipient, start);
      continue;
    }
    deliver(context, sender, leg, peer, chunk, form, transfer);
    receivers++;
    const { outbox } = peer.connection;
    if (!outbox.isCongested) continue;
    congested++;
    if (outbox.isOver) {
      over ??= [];
      over.push(leg);
    }
  }
  if (congested > 0) keepPace(context, sender, { receivers, congested, over });
}

function abortRecipients(context: SwitchContext, sender: Leg, transfer: Transfer): void {
  if (transfer.audience === null) return;
  for (const recipient of transfer.recipients) {
    if (recipient.isStopped) continue;
    recipient.isStopped = true;
    if (recipient.peer === null) recipient.leg.backlog.forget(transfer);
    else sendAbort(context, sender, transfer, recipient, transfer.receivedBytes + 1);
  }
}

function sendAbort(
  context: SwitchContext,
  sender: Leg,
  transfer: Transfer,
  recipient: Recipient,
  start: number,
): void {
  const { leg, peer, form } = recipient;
  if (peer === null || leg.peer !== peer) return;
  const chunk = chunkOf(context, transfer, start, NOTHING, FLAG_ABORT);
  deliver(context, sender, leg, peer, chunk, form, transfer);
}

function chunkOf(
  context: SwitchContext,
  transfer: Transfer,
  start: number,
  body: Buffer,
  flag: ContinuationFlag,
) {
  return makeChunk(context, {
    messageId: transfer.outgoingId,
    otherContentLines: transfer.otherContentLines,
    forms: transfer.audience?.forms ?? [],
    start,
    total: transfer.total,
    body,
    flag,
  });
}
