/** An operator's words to all of a room: as message/cpim from the room itself, or as plain text, as each client takes it. */
import { formatCpimHead, parseCpim } from '../../documents/cpim.ts';
import type { Reach } from '../../switch-control/protocol.ts';
import { FLAG_COMPLETE } from '../protocol/wire.ts';
import { type Audience, CPIM, formFor } from './audience.ts';
import { NOT_FOR_THEM } from './chunk.ts';
import type { SwitchContext } from './context.ts';
import { deliver, makeChunk } from './fan-out.ts';
import { asBytes } from './leg.ts';
import type { Room } from './room.ts';

const PLAIN = 'text/plain;charset=UTF-8';
const MESSAGE_ID_BITS = 100;

export function announce(context: SwitchContext, room: Room, text: string): Reach {
  const body = announcementBody(context, room, text);
  const audience = audienceOf(room, body);
  const chunk = makeChunk(context, {
    messageId: context.ids.token(MESSAGE_ID_BITS),
    otherContentLines: '',
    forms: audience.forms,
    start: 1,
    total: body.length,
    body,
    flag: FLAG_COMPLETE,
  });
  const reach = { sent: 0, waiting: 0, unable: 0 };
  for (const leg of room.members) {
    const { peer } = leg;
    const form = formFor(audience, leg);
    if (!leg.mayReceive || body.length > leg.maxSizeBytes || form === NOT_FOR_THEM) reach.unable++;
    else if (peer !== null && !leg.isProvisional) {
      // No sender could be held back for a slow one: its queue's age and bounds are looked at with the next tick.
      deliver(context, null, leg, peer, chunk, form, null);
      reach.sent++;
    } else if (peer === null && !leg.isIn) {
      reach.unable++; // Its invitation is not answered yet.
    } else {
      const entry = { chunk, audience, sender: null, sinceMs: context.round.nowMs, transfer: null };
      context.counters.backlogDropped += leg.backlog.add(entry);
      reach.waiting++;
    }
  }
  return reach;
}

function announcementBody(context: SwitchContext, room: Room, text: string): Buffer {
  const address = `<${room.ownAddress}>`;
  const head = formatCpimHead({
    from: address,
    to: address,
    dateTime: new Date(context.clock.nowMs()).toISOString(),
    contentType: PLAIN,
  });
  return Buffer.from(asBytes(`${head}${text.replace(/\r?\n/g, '\r\n')}`), 'latin1');
}

/** Both forms that a client can take are made here, as no sender is there to make them of. */
function audienceOf(room: Room, body: Buffer): Audience {
  const head = parseCpim(body);
  return {
    targets: room.members,
    type: CPIM,
    innerType: 'text/plain',
    contentType: CPIM,
    head,
    isPrivate: false,
    isMomentary: false,
    forms: [
      { contentType: CPIM, cutBytes: 0, prefix: '' },
      { contentType: PLAIN, cutBytes: head?.contentStart ?? 0, prefix: '' },
      null,
    ],
  };
}
