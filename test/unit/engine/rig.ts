/** An engine on a store in memory, with a Kamailio and a switch that do as they are told. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Engine, type EngineOptions } from '../../../src/engine/engine.ts';
import type {
  CancelEffect,
  KamailioPort,
  PerformerLog,
  RequestEffect,
  SwitchPort,
} from '../../../src/engine/performer.ts';
import type { Transaction } from '../../../src/focus/conference.ts';
import type { SipReply } from '../../../src/focus/decision.ts';
import type { Store } from '../../../src/focus/ports.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import type { CommandReply } from '../../../src/switch-control/protocol.ts';
import { CountedIds, SETTINGS, START_MS } from '../focus/stage.ts';

export class FakeKamailio implements KamailioPort {
  /** All that left, in order: `INVITE bob`, `200 tid-1`, `CANCEL call`. */
  readonly log: string[] = [];
  readonly requests: RequestEffect[] = [];
  readonly cancels: CancelEffect[] = [];
  readonly replies: { readonly transaction: Transaction; readonly reply: SipReply }[] = [];
  readonly gone = new Set<string>();
  /** Methods that cannot leave now. */
  readonly failing = new Set<string>();

  reply(transaction: Transaction, reply: SipReply): Promise<'sent' | 'not-pending'> {
    this.log.push(`${reply.code} ${transaction.tid}`);
    if (this.gone.has(transaction.tid)) return Promise.resolve('not-pending');
    this.replies.push({ transaction, reply });
    return Promise.resolve('sent');
  }

  request(effect: RequestEffect): Promise<void> {
    this.log.push(`${effect.method} ${/:(\w+)@/.exec(effect.requestUri)?.[1] ?? effect.requestUri}`);
    if (this.failing.has(effect.method)) return Promise.reject(new Error('no such socket'));
    this.requests.push(effect);
    return Promise.resolve();
  }

  cancel(effect: CancelEffect): Promise<void> {
    this.log.push('CANCEL');
    this.cancels.push(effect);
    return Promise.resolve();
  }
}

type Command = Parameters<SwitchPort['command']>;

export class FakeSwitch implements SwitchPort {
  readonly log: string[] = [];
  readonly commands: { readonly op: Command[1]; readonly body: Record<string, unknown> }[] = [];
  /** Answers to come, before all is well again. */
  readonly answers: (CommandReply | Error)[] = [];
  isAvailable = true;

  command(...[, op, body]: Command): Promise<CommandReply> {
    this.log.push(op);
    this.commands.push({ op, body: body as Record<string, unknown> });
    const answer = this.answers.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve(answer ?? { ok: true, revision: 0 });
  }

  choose() {
    return this.isAvailable ? { id: 'switch-1', host: '192.0.2.1', port: 2855 } : undefined;
  }
}

export const SILENT_LOG: PerformerLog & EngineOptions['log'] = {
  info() {},
  error() {},
  warn() {},
  debug() {},
};

export function startEngine(options: Partial<EngineOptions> = {}) {
  const store: Store = options.store ?? openSqliteStore({ file: ':memory:' });
  const kamailio = new FakeKamailio();
  const switches = new FakeSwitch();
  const clock = { ms: START_MS, nowMs: () => clock.ms };
  const errors: object[] = [];
  const engine = new Engine({
    settings: SETTINGS,
    kamailio,
    switches,
    findGroup: () => undefined,
    clock,
    ids: new CountedIds(),
    log: { ...SILENT_LOG, error: (details) => errors.push(details) },
    ...options,
    store,
  });
  return { engine, store, kamailio, switches, clock, errors };
}

/** Resolves when no lane has work left. */
export async function settled(engine: Engine): Promise<void> {
  do await nextTurn();
  while (engine.performer.busy > 0);
}
