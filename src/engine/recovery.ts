/**
 * After a restart: every effect that was not done has an unknown fate, and each kind has its own way back.
 *
 * | effect | recovery |
 * | --- | --- |
 * | reply | sent again; "not pending" means that it was sent, or that the caller is gone: the ACK deadline tells |
 * | BYE, NOTIFY | sent again with the next CSeq; 481 is as good as 200 |
 * | INVITE (invitation) | its final reply may be in Kamailio's inbox; else the old one is cancelled and a new one sent |
 * | ACK, CANCEL | sent again as they are |
 * | command to the switch | dropped: every session is put to its switch anew anyway |
 */
import type { Decision } from '../focus/decide.ts';
import { decideReinvite, decideResend } from '../focus/decide-recovery.ts';
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
  return count;
}

async function recover(conference: string, effect: Effect, options: RecoveryOptions): Promise<void> {
  const { kamailio } = options;
  switch (effect.kind) {
    case 'reply':
      await kamailio.reply(effect.transaction, effect.reply);
      return;
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
  else if (effect.method !== 'INVITE')
    await kamailio.request(effect.method === 'ACK' ? effect : withNextCSeq(effect));
}

function withNextCSeq(effect: RequestEffect): RequestEffect {
  const cseq = effect.cseq + 1;
  const headers = effect.headers.map((line) =>
    line[0].toLowerCase() === 'cseq' ? ([line[0], `${cseq} ${effect.method}`] as const) : line,
  );
  return { ...effect, cseq, headers };
}
