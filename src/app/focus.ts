/** The focus process: Kamailio's calls in, decisions, their effects out; switches over the event socket; the admin. */
import { KamailioRpcServer } from 'kamailio-jsonrpc';
import type { Logger } from 'pino';
import { startAdmin } from '../admin/admin.ts';
import { eventSocketTargets, formatHostPort } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { groupFiles } from '../config/load.ts';
import { Engine } from '../engine/engine.ts';
import { recoverEffects } from '../engine/recovery.ts';
import { SwitchFleet } from '../event-socket/switch-fleet.ts';
import { decideKamailioRestarted } from '../focus/decide-recovery.ts';
import type { OutboxBatch } from '../focus/ports.ts';
import { systemClock } from '../lib/clock.ts';
import { randomIds } from '../lib/ids.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import { DecisionTally, focusView } from './focus-view.ts';
import { GroupDirectory } from './groups.ts';
import { Inbox } from './inbox.ts';
import { KamailioCalls } from './kamailio-calls.ts';
import { KamailioNodes } from './kamailio-nodes.ts';
import { focusSettings } from './settings.ts';
import { SwitchPlacement } from './switch-placement.ts';

export interface RunningFocus {
  readonly addresses: { readonly jsonRpc: string; readonly admin: string };
  stop(): Promise<void>;
}

const DRAIN_TIMEOUT_MS = 1_500;

/** @throws CodedError when the store cannot be opened or an address cannot be listened on */
export async function startFocus(config: Config, log: Logger): Promise<RunningFocus> {
  const settings = focusSettings(config);
  const store = openSqliteStore({ file: config.store.sqlite, maxDecisions: config.limits.maxDecisions });
  const groups = new GroupDirectory(log);
  const count = groups.load(groupFiles(config));
  log.info({ groups: count }, 'groups loaded');

  const nodes = new KamailioNodes(config.kamailio, log);
  const placement = new SwitchPlacement(log);
  const tally = new DecisionTally();
  const engine = new Engine({
    settings,
    store,
    kamailio: nodes,
    switches: placement,
    findGroup: (address) => groups.find(address),
    clock: systemClock,
    ids: randomIds,
    log,
    onDecision: (record) => tally.add(record),
  });
  const leftovers = engine.load();

  const fleet = new SwitchFleet({
    switches: eventSocketTargets(config).map((address) => ({
      ...address,
      password: config.eventSocket.password,
    })),
    focusId: 'focus-1',
    log,
    clock: systemClock,
    onEvent: (switchId, event) => log.debug({ switchId, ...event }, 'switch event'),
    onState: (switchId, state, change) => {
      log.info({ switchId, state: state.state, ...change }, 'switch state');
      if (state.state === 'up') void placement.resyncAll(engine, switchId);
    },
  });
  placement.use(fleet);
  fleet.start();

  let isKamailioSeen = false;
  const epochs = new Map<string, string>();
  const kamailioConnected = Promise.withResolvers<void>();
  const inbox = new Inbox(nodes, log);
  const calls = new KamailioCalls({
    engine,
    settings,
    log,
    onConnected: () => {
      isKamailioSeen = true;
      kamailioConnected.resolve();
      inbox.readSoon(calls);
      void askEpochs();
    },
    onEpoch: seeEpoch,
    onHandled: (kam, message, kind) => inbox.forget(kam, message, kind),
  });
  const rpc = new KamailioRpcServer({
    host: config.kamailio.jsonRpc.listen.host,
    port: config.kamailio.jsonRpc.listen.port,
    secret: config.kamailio.secret,
    allow: config.kamailio.jsonRpc.allow,
    log,
    handlers: calls,
  });
  const jsonRpc = await rpc.listen();
  const admin = await startAdmin({
    ...config.admin.listen,
    view: focusView({
      engine,
      store,
      fleet,
      rpc,
      groups,
      calls,
      tally,
      isKamailioSeen: () => isKamailioSeen,
    }),
    log,
  });
  const recovering = recover(leftovers);
  return {
    addresses: { jsonRpc: formatHostPort(jsonRpc), admin: `http://${formatHostPort(admin.address)}` },
    async stop() {
      await rpc.close();
      await admin.close();
      await engine.stop(DRAIN_TIMEOUT_MS);
      inbox.stop();
      await Promise.race([recovering, Promise.resolve()]);
      await fleet.stop();
      await nodes.close();
      store.close();
    },
  };

  /** A Kamailio that was started anew may not call for long, and what died with the old one is not to wait for that. */
  async function askEpochs(): Promise<void> {
    for (const id of nodes.ids) {
      try {
        const { kam, epoch } = await nodes.client(id).epoch();
        seeEpoch(kam, epoch);
      } catch (error) {
        log.debug({ kam: id, why: String(error) }, 'the node will say its epoch with its first call');
      }
    }
  }

  function seeEpoch(kam: string, epoch: string): void {
    if (epochs.get(kam) === epoch) return;
    const isRestart = epochs.has(kam);
    epochs.set(kam, epoch);
    log.info({ kam, epoch, isRestart }, 'Kamailio node seen');
    settleLostTransactions(kam, epoch, isRestart);
  }

  /**
   * Each decision settles one transaction that died with the old Kamailio, so it is asked until there is none. After a
   * start of our own only a caller's transaction tells that Kamailio is another one than it was.
   */
  function settleLostTransactions(kam: string, epoch: string, isRestart: boolean): void {
    for (const { row, legs } of [...engine.sessions.all()]) {
      const hasLostCaller = [...legs.values()].some(
        ({ state, transaction }) =>
          state === 'offered' && transaction?.kam === kam && transaction.epoch !== epoch,
      );
      if (!isRestart && !hasLostCaller) continue;
      for (let left = legs.size; left > 0; left -= 1) {
        const decision = decideKamailioRestarted(engine.world(), row.id, kam, epoch);
        if (decision === undefined) break;
        engine.apply(decision, 'kamailio');
      }
    }
  }

  /** Effects of the last run, once what Kamailio kept for us was read. */
  async function recover(batches: readonly OutboxBatch[]): Promise<void> {
    if (batches.length === 0) return;
    await kamailioConnected.promise; // Before that there is nobody to perform them.
    const answered = await inbox.answeredInvites();
    const repeated = await recoverEffects(batches, { engine, store, kamailio: nodes, log, answered });
    log.info({ repeated }, 'effects of the last run dealt with');
  }
}
