/** The focus process: Kamailio's calls in, decisions, their effects out; switches over the event socket; the admin. */
import { KamailioRpcServer } from 'kamailio-jsonrpc';
import type { Logger } from 'pino';
import { AddedSwitches, type SwitchAt } from '../admin/records/added-switches.ts';
import { openRecords } from '../admin/records/database.ts';
import { eventSocketTargets, formatHostPort } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { groupFiles } from '../config/load.ts';
import { Engine } from '../engine/engine.ts';
import { SwitchFleet } from '../event-socket/switch-fleet.ts';
import { systemClock } from '../lib/clock.ts';
import { randomIds } from '../lib/ids.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import { DecisionTally, liveState } from './admin/live-state.ts';
import { startAdminThread } from './admin/thread.ts';
import { focusOnBus } from './bus.ts';
import { prepareFreeSwitch, startFreeSwitch } from './freeswitch.ts';
import { followGroups } from './group-reload.ts';
import { GroupDirectory } from './groups.ts';
import { IdleWatch } from './idle-watch.ts';
import { Inbox } from './inbox.ts';
import { KamailioCalls } from './kamailio-calls.ts';
import { KamailioNodes } from './kamailio-nodes.ts';
import { KamailioPresence } from './kamailio-presence.ts';
import { LostClients } from './lost-clients.ts';
import { PolicyInForce } from './policy-in-force.ts';
import { RecentRequests } from './recent-requests.ts';
import { focusSettings } from './settings.ts';
import { SwitchKeeper } from './switch-keeper.ts';
import { SwitchPlacement } from './switch-placement.ts';
import { openExporter } from './tracing/open-exporter.ts';
import { FocusTracer } from './tracing/tracer.ts';

export interface RunningFocus {
  readonly addresses: { readonly jsonRpc: string; readonly admin: string };
  /** What is not there yet, in words; empty when it can serve (`/readyz` says the same). */
  waitsFor(): readonly string[];
  stop(): Promise<void>;
}

const DRAIN_TIMEOUT_MS = 1_500;
const POLICY_LOOK_MS = 15_000;
const RECENT_MAX_BYTES = 8_388_608;

/** @throws CodedError when the store cannot be opened or an address cannot be listened on */
export async function startFocus(config: Config, log: Logger): Promise<RunningFocus> {
  const settingsOf = (from: Config) => focusSettings(from, (id) => placement.fingerprintOf(id));
  const store = openSqliteStore({ file: config.store.sqlite, maxDecisions: config.limits.maxDecisions });
  // Makes the file of a first start, and brings that of an earlier release up, before it is read along.
  const addedSwitches = readAddedSwitches(config.admin.sqlite);
  const policy = new PolicyInForce(config, log);
  const settings = settingsOf(policy.config);
  const groups = new GroupDirectory(log, {
    listsFolder: config.groupLists,
    recordsFile: config.admin.sqlite,
  });
  const count = groups.load(groupFiles(config));
  log.info({ groups: count }, 'groups loaded');

  const nodes = new KamailioNodes(config.kamailio, log);
  const placement = new SwitchPlacement();
  const tally = new DecisionTally();
  const recent = new RecentRequests({ maxCount: config.admin.recentRequests, maxBytes: RECENT_MAX_BYTES });
  const exporter = openExporter(config, 'focus', log);
  const tracer = exporter === undefined ? undefined : new FocusTracer(exporter);
  const engine = new Engine({
    settings,
    store,
    kamailio: tracer?.kamailio(nodes) ?? nodes,
    switches: tracer?.switches(placement) ?? placement,
    findGroup: (address) => groups.find(address),
    clock: systemClock,
    ids: randomIds,
    log,
    maxEndedDialogs: config.limits.maxEndedDialogs,
    onExpulsionLost: (session, switchId) => keeper.expulsionLost(session, switchId),
    onDecision: (record, asked) => {
      tally.add(record);
      tracer?.noteDecision(record);
      if (asked !== undefined) recent.add(record, asked);
    },
  });
  const leftovers = engine.load();
  const freeSwitchParts = { config, engine, nodes, log };
  const freeSwitchCalls = prepareFreeSwitch(freeSwitchParts, () => freeSwitch.controls);
  const following = followGroups({ config, groups, engine, log });
  const policyChanged = () => {
    if (policy.refresh()) engine.useSettings(settingsOf(policy.config));
  };
  // The admin tells of every change; this finds what it could not tell.
  const policyLook = setInterval(policyChanged, POLICY_LOOK_MS).unref();

  const focusEpoch = randomIds.token(80);
  const fleet = new SwitchFleet({
    switches: [...eventSocketTargets(config), ...addedSwitches].map((address) => ({
      ...address,
      password: config.eventSocket.password,
    })),
    focusId: config.eventSocket.bus?.focusName ?? 'focus-1',
    focusEpoch,
    log,
    clock: systemClock,
    onEvent: (switchId, event) => {
      log.debug({ switchId, ...event }, 'switch event');
      lostClients.onEvent(switchId, event);
    },
    onState: (switchId, state) => void keeper.onState(switchId, state),
    limits: {
      helloIntervalMs: config.failover.helloIntervalMs,
      missedHellos: config.failover.missedHellos,
    },
  });
  const keeper = new SwitchKeeper({
    engine,
    fleet: () => fleet,
    failover: config.failover,
    clock: systemClock,
    log,
  });
  const { clientLostS, movesPerS } = config.failover;
  const lostClients = new LostClients({
    engine,
    afterMs: clientLostS * 1_000,
    perS: movesPerS,
    clock: systemClock,
    log,
  });
  const idleWatch = new IdleWatch({
    engine,
    idleS: () => policy.config.release.idleS,
    messagesIn: async (switchId, session) => {
      const reply = await fleet.request(switchId, 'session.traffic', { session });
      return reply.ok ? reply.traffic?.messagesIn : undefined;
    },
    clock: systemClock,
    log,
  });
  keeper.start();
  idleWatch.start();
  placement.use(fleet);
  fleet.start();
  const bus = config.eventSocket.bus && focusOnBus(config.eventSocket.bus, focusEpoch, fleet, log);
  bus?.start();
  const freeSwitch = startFreeSwitch(freeSwitchParts, freeSwitchCalls, fleet);

  const inbox = new Inbox(nodes, log);
  const presence = new KamailioPresence({ engine, store, nodes, inbox, leftovers, log });
  const calls: KamailioCalls = new KamailioCalls({
    engine,
    settings,
    log,
    onConnected: () => presence.connected(calls),
    onDisconnected: () => presence.disconnected(),
    onEpoch: (kam, epoch) => presence.seeEpoch(kam, epoch),
    onHandled: (kam, message, kind) => inbox.forget(kam, message, kind),
    onPutOff: () => inbox.readAgain(calls),
  });
  const rpc = new KamailioRpcServer({
    host: config.kamailio.jsonRpc.listen.host,
    port: config.kamailio.jsonRpc.listen.port,
    secret: config.kamailio.secret,
    allow: config.kamailio.jsonRpc.allow,
    log,
    handlers: tracer?.handlers(calls) ?? calls,
  });
  const jsonRpc = await rpc.listen();
  const isKamailioSeen = () => presence.isSeen;
  const groupsChanged = () => following.look();
  const live = liveState({
    engine,
    fleet,
    bus,
    keeper,
    eventSocketPassword: config.eventSocket.password,
    rpc,
    groups,
    groupsChanged,
    calls,
    nodes,
    tally,
    recent,
    policy,
    policyChanged,
    isKamailioSeen,
    freeSwitch,
    exporter,
  });
  const admin = await startAdminThread(config, live, log);
  return {
    waitsFor: () => live.readiness().reasons,
    addresses: { jsonRpc: formatHostPort(jsonRpc), admin: `http://${formatHostPort(admin.address)}` },
    async stop() {
      calls.stopping();
      following.stop();
      clearInterval(policyLook);
      await rpc.close();
      await admin.close();
      await freeSwitch.stop();
      await engine.stop(DRAIN_TIMEOUT_MS);
      keeper.stop();
      lostClients.stop();
      idleWatch.stop();
      inbox.stop();
      await fleet.stop();
      await bus?.close();
      await nodes.close();
      await exporter?.stop();
      store.close();
      groups.close();
      policy.close();
    },
  };
}

/** Opening makes the file of a first start, too. */
function readAddedSwitches(file: string): SwitchAt[] {
  const records = openRecords(file);
  try {
    return new AddedSwitches(records).all();
  } finally {
    records.close();
  }
}
