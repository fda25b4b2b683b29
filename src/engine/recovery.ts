/**
 * After a restart: every effect that was not done has an unknown fate, and each kind has its own way back.
 *
 * | effect | recovery |
 * | --- | --- |
 * | reply | sent again, and the time for its ACK begins anew; "not pending" means that it was sent, or that the caller is gone: the ACK deadline tells |
 * | BYE, NOTIFY | sent again with the next CSeq; 481 is as good as 200. Of a subscription that is over only the last NOTIFY |
 * | INVITE (invitation) | its final reply may be in Kamailio's inbox; else the old one is cancelled and a new one sent; of another start of Kamailio it has failed already |
 * | ACK, CANCEL | sent again as they are |
 * | UPDATE | asked again with the next CSeq, also when it had left; not when it was answered |
 * | command to the switch | dropped: every session is put to its switch anew anyway |
 */
import type { Decision } from '../focus/decide.ts';
import { decideAskAgain } from '../focus/decide-modification.ts';
import { decideAnsweredLate, decideReinvite, decideResend } from '../focus/decide-recovery.ts';
import type { Effect } from '../focus/decision.ts';
import type { OutboxBatch, Store } from '../focus/ports.ts';
import type { Engine } from './engine.ts';
import type { KamailioPort, PerformerLog, RequestEffect } from './performer.ts';

export interface RecoveryOptions {
  readonly engine: Engine;
  readonly store: Store;
  readonly kamailio: KamailioPort;
  readonly log: PerformerLog;
  /** Call-IDs of our INVITEs whose final reply waits in an inbox. */
  readonly answered: ReadonlySet<string>;
}

/** @returns how many effects were dealt with */
export async function recoverEffects(
  batches: readonly OutboxBatch[],
  options: RecoveryOptions,
): Promise<number> {
  let count = 0;
  const unanswered = pendingUpdates(options.engine);
  for (const { conference, effects } of batches) {
    for (const { id, effect } of effects) {
      count += 1;
      try {
        await recover(conference, effect, options);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        options.log.warn(
          { conference, effect: effect.kind, why },
          'an effect of the last run could not be repeated',
        );
      }
      options.store.effectsDone([id]);
    }
  }
  for (const { conference, leg, cseq } of unanswered) {
    const current = options.engine.sessions.byId(conference)?.legs.get(leg);
    if (current?.asked?.cseq !== cseq) continue;
    count += 1;
    options.engine.apply(decideAskAgain(options.engine.world(), conference, leg), 'recovery');
  }
  return count;
}

interface PendingUpdate {
  readonly conference: string;
  readonly leg: string;
  readonly cseq: number;
}

/** UPDATEs of ours that had left: their answers may have come while nobody was there, and are not in the inbox. */
function pendingUpdates({ sessions }: Engine): PendingUpdate[] {
  return [...sessions.all()].flatMap(({ row, legs }) =>
    [...legs.values()].flatMap(({ id, asked }) =>
      asked?.method === 'UPDATE' ? [{ conference: row.id, leg: id, cseq: asked.cseq }] : [],
    ),
  );
}

async function recover(conference: string, effect: Effect, options: RecoveryOptions): Promise<void> {
  const { engine, kamailio } = options;
  switch (effect.kind) {
    case 'reply': {
      const fate = await kamailio.reply(effect.transaction, effect.reply);
      if (fate === 'sent' && effect.leg !== undefined && effect.reply.code >= 200)
        engine.apply(decideAnsweredLate(engine.world(), conference, effect.leg), 'recovery');
      return;
    }
    case 'cancel':
      await kamailio.cancel(effect);
      return;
    case 'switch':
      return;
    case 'request':
      await recoverRequest(conference, effect, options);
  }
}

async function recoverRequest(
  conference: string,
  effect: RequestEffect,
  options: RecoveryOptions,
): Promise<void> {
  const { engine, kamailio, answered } = options;
  const world = engine.world();
  let decision: Decision | undefined;
  if (effect.method === 'INVITE' && effect.of.row === 'leg') {
    if (answered.has(effect.callId)) return;
    decision = decideReinvite(world, conference, effect.of.id);
  } else if (effect.of.row !== 'none') {
    decision = decideResend(world, conference, effect);
  }
  if (decision !== undefined) engine.apply(decision, 'recovery');
  else if (!isSettled(effect))
    await kamailio.request(effect.method === 'ACK' ? effect : withNextCSeq(effect));
}

/**
 * What no row waits for any more: re-INVITEs and UPDATEs that were answered, and of a subscription that is over all but the last
 * NOTIFY. Their next CSeq is another's (RFC 3261 section 12.2.1.1).
 */
function isSettled({ method, headers }: RequestEffect): boolean {
  const state = headers.find(([name]) => name === 'Subscription-State')?.[1];
  return (
    method === 'INVITE' ||
    method === 'UPDATE' ||
    (method === 'NOTIFY' && state?.startsWith('terminated') !== true)
  );
}

function withNextCSeq(effect: RequestEffect): RequestEffect {
  const cseq = effect.cseq + 1;
  const headers = effect.headers.map((line) =>
    line[0].toLowerCase() === 'cseq' ? ([line[0], `${cseq} ${effect.method}`] as const) : line,
  );
  return { ...effect, cseq, headers };
}
