/** From one sender to the others of a room. This is the hot path: nothing here allocates per recipient but the frame itself. */
import { FLAG_COMPLETE } from '../protocol/wire.ts';
import { BULK, CHAT } from '../transport/outbox.ts';
import { type Audience, findAudience, formFor, prepareForm } from './audience.ts';
import { type ChunkSource, type Form, NOT_FOR_THEM, OutgoingChunk } from './chunk.ts';
import type { SwitchContext } from './context.ts';
import type { SendMeta } from './inbound.ts';
import type { Leg } from './leg.ts';
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
  const chunk = makeChunk(context, {
    messageId: meta.messageId,
    otherContentLines: meta.otherContentLines,
    forms: audience.forms,
    start: 1,
    total: body.length,
    body,
    flag: FLAG_COMPLETE,
  });
  fanOut(context, sender, audience, chunk);
  return OK;
}

/** Sends a whole message to everybody it is for; waits with it for those who are still connecting. */
export function fanOut(context: SwitchContext, sender: Leg, audience: Audience, chunk: OutgoingChunk): void {
  const { targets } = audience;
  const bodyBytes = chunk.source.body.length;
  let receivers = 0;
  let congested = 0;
  for (const leg of targets) {
    if (leg === sender || !leg.mayReceive) continue;
    const peer = leg.peer;
    // A client that has connected before we know its SDP waits too: what types it takes is in there.
    if (peer === null || leg.isProvisional) {
      const entry = { chunk, audience, sender, sinceMs: context.round.nowMs };
      context.counters.backlogDropped += leg.backlog.add(entry);
      continue;
    }
    if (bodyBytes > leg.maxSizeBytes) continue;
    const form = formFor(audience, leg);
    if (form === NOT_FOR_THEM) continue;
    prepareForm(context, sender, audience, form);
    deliver(context, sender, leg, peer, chunk, form, null);
    receivers++;
    if (peer.connection.outbox.isCongested) congested++;
  }
  throttleSender(context, sender, receivers, congested);
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
  const encoded = own.encoded(form);
  peer.outstanding.push(own.source.number, leg, transfer, context.round.nowMs);
  peer.connection.outbox.send(
    own.startLine + leg.paths + encoded.text,
    encoded.body,
    transfer === null ? CHAT : BULK,
    sender,
  );
  leg.messagesOut++;
  context.counters.messagesOut++;
  context.counters.bytesOut += encoded.bytes;
}

/** When nobody keeps up, the sender is read more slowly; one slow recipient alone is its own problem. */
export function throttleSender(
  context: SwitchContext,
  sender: Leg,
  receivers: number,
  congested: number,
): void {
  if (receivers === 0 || congested < receivers || sender.peer === null) return;
  context.counters.senderPauses++;
  sender.peer.pause();
  sender.room.paused.add(sender.peer);
}

export function makeChunk(
  context: SwitchContext,
  source: Omit<ChunkSource, 'number' | 'tid'>,
): OutgoingChunk {
  const number = context.transactions.next(source.body.length === 0 ? null : source.body);
  return new OutgoingChunk({ ...source, number, tid: context.transactions.text(number) });
}

function reissued(context: SwitchContext, chunk: OutgoingChunk): OutgoingChunk {
  return makeChunk(context, chunk.source);
}
