/**
 * The Kamailios as they come and go. While none is connected nothing can leave and nobody can be heard, so deadlines
 * wait; when one comes, what was missed is made up for in an order that loses nothing:
 *
 * 1. which start of it this is; transactions of an earlier one are settled, since nobody will answer them any more;
 * 2. its inbox: replies, ACKs and CANCELs that came meanwhile;
 * 3. after a start of ours: the effects of the last run;
 * 4. deadlines, those that came due meanwhile first.
 */
import type { Logger } from 'pino';
import type { Engine } from '../engine/engine.ts';
import type { KamailioPort } from '../engine/performer.ts';
import { recoverEffects } from '../engine/recovery.ts';
import { decideKamailioRestarted } from '../focus/decide-recovery.ts';
import type { OutboxBatch, Store } from '../focus/ports.ts';
import type { Inbox } from './inbox.ts';
import type { KamailioCalls } from './kamailio-calls.ts';

/** `KamailioNodes`, as far as it is needed here. */
export interface PresentNodes extends KamailioPort {
  readonly ids: readonly string[];
  client(kam: string): { epoch(): Promise<{ readonly kam: string; readonly epoch: string }> };
  epochOf(kam: string): string | undefined;
  setEpoch(kam: string, epoch: string): void;
}

export interface KamailioPresenceOptions {
  readonly engine: Engine;
  readonly store: Store;
  readonly nodes: PresentNodes;
  readonly inbox: Pick<Inbox, 'answeredInvites' | 'read' | 'readSoon'>;
  /** Effects of the last run. */
  readonly leftovers: readonly OutboxBatch[];
  readonly log: Logger;
}

export class KamailioPresence {
  readonly #options: KamailioPresenceOptions;
  #connections = 0;
  #isSeen = false;
  /** One return after the other. */
  #returning = Promise.resolve();

  constructor(options: KamailioPresenceOptions) {
    this.#options = options;
    options.engine.holdDeadlines();
  }

  /** Whether one has connected since the start. */
  get isSeen(): boolean {
    return this.#isSeen;
  }

  connected(calls: KamailioCalls): void {
    const isFirst = !this.#isSeen;
    this.#isSeen = true;
    this.#connections += 1;
    this.#returning = this.#returning.then(() => this.#makeUp(calls, isFirst));
  }

  disconnected(): void {
    this.#connections -= 1;
    if (this.#connections === 0) this.#options.engine.holdDeadlines();
  }

  /** Every call says which start of which Kamailio it comes from. */
  seeEpoch(kam: string, epoch: string): void {
    const { nodes, log } = this.#options;
    const known = nodes.epochOf(kam);
    if (known === epoch) return;
    nodes.setEpoch(kam, epoch);
    log.info({ kam, epoch, isRestart: known !== undefined }, 'Kamailio node seen');
    this.#settle(kam, epoch, known !== undefined);
  }

  async #makeUp(calls: KamailioCalls, isFirst: boolean): Promise<void> {
    const { engine, inbox, log } = this.#options;
    try {
      await this.#askEpochs();
      if (isFirst) await this.#recover(calls);
      else await inbox.readSoon(calls);
    } catch (error) {
      log.error({ err: error }, 'what was missed could not be made up for');
    }
    if (this.#connections > 0) engine.releaseDeadlines();
  }

  /** A Kamailio that was started anew may not call for long, and what died with the old one is not to wait for that. */
  async #askEpochs(): Promise<void> {
    const { nodes, log } = this.#options;
    for (const id of nodes.ids) {
      try {
        const { kam, epoch } = await nodes.client(id).epoch();
        this.seeEpoch(kam, epoch);
      } catch (error) {
        log.debug({ kam: id, why: String(error) }, 'the node will say its epoch with its first call');
      }
    }
  }

  async #recover(calls: KamailioCalls): Promise<void> {
    const { engine, store, nodes, inbox, leftovers, log } = this.#options;
    const answered = leftovers.length === 0 ? new Set<string>() : await inbox.answeredInvites();
    await inbox.read(calls);
    // Also without any: what was sent and not answered is asked again.
    const repeated = await recoverEffects(leftovers, { engine, store, kamailio: nodes, log, answered });
    if (repeated > 0) log.info({ repeated }, 'effects of the last run dealt with');
  }

  /**
   * Each decision settles one transaction that died with the old Kamailio, so it is asked until there is none. After a
   * start of our own only the epoch of a transaction tells that Kamailio is another one than it was.
   */
  #settle(kam: string, epoch: string, isRestart: boolean): void {
    const { engine } = this.#options;
    for (const { row, legs } of [...engine.sessions.all()]) {
      const hasLost = [...legs.values()].some(
        ({ state, transaction, dialog, kamEpoch }) =>
          (state === 'offered' && transaction?.kam === kam && transaction.epoch !== epoch) ||
          (state === 'inviting' && dialog.kam === kam && kamEpoch !== undefined && kamEpoch !== epoch),
      );
      if (!isRestart && !hasLost) continue;
      for (let left = legs.size; left > 0; left -= 1) {
        const decision = decideKamailioRestarted(engine.world(), row.id, kam, epoch);
        if (decision === undefined) break;
        engine.apply(decision, 'kamailio');
      }
    }
  }
}
