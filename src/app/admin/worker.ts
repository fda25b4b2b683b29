/** The entry of the admin thread. */
import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { type RunningAdmin, startAdmin } from '../../admin/admin.ts';
import { openRecords } from '../../admin/records/database.ts';
import type { HostPort } from '../../config/address.ts';
import type { Config } from '../../config/config.ts';
import { systemClock } from '../../lib/clock.ts';
import { Checkpointer } from '../../store/checkpointer.ts';
import { StateReader } from '../../store/state-reader.ts';
import type { SessionTraffic } from '../../switch-control/protocol.ts';
import { createLogger } from '../logging.ts';
import { PolicyInForce } from '../policy-in-force.ts';
import { focusSettings } from '../settings.ts';
import { answerSpan } from '../tracing/answer-span.ts';
import type { TraceExporter } from '../tracing/exporter.ts';
import { openExporter } from '../tracing/open-exporter.ts';
import { VERSION } from '../version.ts';
import { type Explainer, explainer } from './explainer.ts';
import { groupPorts } from './group-ports.ts';
import { ThreadLink } from './link.ts';
import type { LiveState } from './live-state.ts';
import { LoopLag } from './loop-lag.ts';
import { policyPorts } from './policy-ports.ts';
import { stateView } from './state-view.ts';
import { stepBack } from './step-back.ts';
import { traceMetrics } from './trace-metrics.ts';

export interface AdminThreadData {
  readonly config: Config;
}

export interface AdminOperations {
  readonly [name: string]: (...args: never[]) => unknown;
  start(): Promise<HostPort>;
  stop(): Promise<void>;
}

if (parentPort === null) throw new Error('this is the entry of a thread, not of a process');
const { config } = workerData as AdminThreadData;
const log = createLogger(config.log.level, 'admin');
const lag = new LoopLag();
let admin: RunningAdmin | undefined;
let reader: StateReader | undefined;
let checkpointer: Checkpointer | undefined;
let explaining: Explainer | undefined;
let policy: PolicyInForce | undefined;
let records: DatabaseSync | undefined;
let exporter: TraceExporter | undefined;

const operations: AdminOperations = {
  async start() {
    stepBack();
    reader = new StateReader(config.store.sqlite);
    checkpointer = new Checkpointer(config.store.sqlite);
    records = openRecords(config.admin.sqlite);
    exporter = openExporter(config, 'admin', log);
    const inForce = new PolicyInForce(config, log);
    policy = inForce;
    const explain = explainer(inForce, reader, log);
    explaining = explain;
    const { listen, withoutToken, openProbes, openPage, maxEventStreams } = config.admin;
    admin = await startAdmin({
      ...listen,
      log,
      records,
      nowMs: () => systemClock.nowMs(),
      ...(withoutToken === 'nothing' ? {} : { withoutToken }),
      openProbes,
      openPage,
      live: { maxClients: maxEventStreams },
      ...(exporter === undefined ? {} : { onAnswered: (answered) => exporter?.add(answerSpan(answered)) }),
      limits: { requestsPerS: config.admin.requestsPerS },
      sessionRecords: {
        ...config.sessionRecords,
        maxAgeMs: config.sessionRecords.maxAgeS * 1000,
      },
      webhooks: config.webhooks,
      groups: groupPorts(inForce, link, log),
      policies: policyPorts(inForce, link, explain),
      control: {
        order: (order) => link.ask('order', order),
        announce: (announcement) => link.ask('announce', announcement),
        drain: (switchId, to) => link.ask('drain', switchId, to),
        addSwitch: (at) => link.ask('addSwitch', at),
        removeSwitch: (at) => link.ask('removeSwitch', at),
      },
      view: {
        version: VERSION,
        configuration: () => config,
        ...stateView(reader, () => focusSettings(inForce.config), trafficOf),
        explain: explain.explain,
        readiness: () => link.ask('readiness'),
        switches: () => link.ask('switches'),
        metrics: async () => [
          ...(await link.ask('metrics')),
          lag.metric('admin'),
          ...traceMetrics('admin', exporter),
        ],
      },
    });
    return admin.address;
  },
  async stop() {
    await admin?.close();
    await exporter?.stop();
    explaining?.close();
    policy?.close();
    reader?.close();
    checkpointer?.close();
    records?.close();
  },
};
const link = new ThreadLink<LiveState>(parentPort, operations);

/** A switch that is silent must not keep a page from being shown. */
function trafficOf(session: string): Promise<SessionTraffic | undefined> {
  return link.ask('traffic', session).catch(() => undefined);
}
