/** From one sender to the others of a room. This is the hot path: nothing here allocates per recipient. */
import { FLAG_COMPLETE } from '../protocol/wire.ts';
import { BULK, CHAT } from '../transport/outbox.ts';
import { type Audience, findAudience, formFor, prepareForm, refusalOfAll } from './audience.ts';
import { bytesInForm, type ChunkSource, type Form, NOT_FOR_THEM, OutgoingChunk } from './chunk.ts';
import type { SwitchContext } from './context.ts';
import type { SendMeta } from './inbound.ts';
import type { Leg } from './leg.ts';
import { keepPace } from './pace.ts';
import type { Peer } from './peer.ts';
import type { Transfer } from './transfer.ts';

const OK = 200;
const BAD_REQUEST = 400;
const STOP_SENDING = 413;

/** A message that came in one chunk: finds who it is for and sends it. Returns the status to answer. */
export function takeWhole(context: SwitchContext, sender: Leg, meta: SendMeta, body: Buffer): number {
  if (meta.total >= 0 && body.length > meta.total) return STOP_SENDING;
  const audience = findAudience(context, sender, meta.contentType, meta.type, body, true);
  if (audience === null) return BAD_REQUEST;
  if (typeof audience === 'number') return audience;
  if (audience.isPrivate) {
    const refusal = refusalOfAll(audience, sender, body.length);
    if (refusal !== OK) return refusal;
  }
  const chunk = makeChunk(context, {
    messageId: sender.room.idFor(meta.messageId, context.ids),
    otherContentLines: meta.otherContentLines,
    forms: audience.forms,
    start: 1,
    total: body.length,
    body,
    flag: FLAG_COMPLETE,
  });
  fanOut(context, sender, audience, chunk);
  countMessage(context, sender, audience);
  return OK;
}

/** A message has been taken whole. */
export function countMessage(context: SwitchContext, sender: Leg, audience: Audience): void {
  if (audience.isMomentary) context.counters.composing++;
  else {
    context.counters.messagesIn++;
    sender.messagesIn++;
  }
}

/** Sends a whole message to everybody it is for; waits with it for those who are still connecting. */
export function fanOut(context: SwitchContext, sender: Leg, audience: Audience, chunk: OutgoingChunk): void {
  const { targets } = audience;
  const bodyBytes = chunk.source.body.length;
  let receivers = 0;
  let congested = 0;
  let over: Leg[] | null = null;
  for (const leg of targets) {
    if (leg === sender || !leg.mayReceive) continue;
    const peer = leg.peer;
    // A client that has connected before we know its SDP waits too: what types it takes is in there.
    if (peer === null || leg.isProvisional) {
      if ((peer === null && !leg.isIn) || audience.isMomentary) continue;
      putOff(context, sender, leg, chunk, audience, null);
      continue;
    }
    const form = formFor(audience, leg);
    if (form === NOT_FOR_THEM) continue;
    prepareForm(context, sender, audience, form);
    if (bytesInForm(bodyBytes, audience.forms, form) > leg.maxSizeBytes) continue;
    deliver(context, sender, leg, peer, chunk, form, null);
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

/** Keeps a chunk for a recipient that is still connecting. */
export function putOff(
  context: SwitchContext,
  sender: Leg,
  leg: Leg,
  chunk: OutgoingChunk,
  audience: Audience,
  transfer: Transfer | null,
): void {
  const entry = { chunk, audience, sender, sinceMs: context.round.nowMs, transfer };
  context.counters.backlogDropped += leg.backlog.add(entry);
}

/** Puts one chunk on a recipient's connection. */
export function deliver(
  context: SwitchContext,
  sender: Leg | null,
  leg: Leg,
  peer: Peer,
  chunk: OutgoingChunk,
  form: Form,
  transfer: Transfer | null,
): void {
  // Two legs on one connection: a transaction id must be unique there (RFC 4975 section 7.1).
  const own = peer.legs.size > 1 ? reissued(context, chunk) : chunk;
  const frame = own.frame(form, context.round.memory);
  peer.outstanding.push(own.number, leg, transfer, context.round.nowMs);
  peer.connection.outbox.send(frame, leg.pathBytes, transfer === null ? CHAT : BULK, sender);
  leg.messagesOut++;
  leg.bytesOut += frame.byteLength;
  context.counters.messagesOut++;
  context.counters.bytesOut += frame.byteLength;
}

export function makeChunk(context: SwitchContext, source: ChunkSource): OutgoingChunk {
  const number = context.transactions.next(source.body.length === 0 ? null : source.body);
  return new OutgoingChunk(context.transactions, number, source);
}

function reissued(context: SwitchContext, chunk: OutgoingChunk): OutgoingChunk {
  return makeChunk(context, chunk.source);
}
