/** The switch of a soak, in a process of its own: takes the focus's commands from its parent, and tells events, defects and vitals. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MsrpSwitch } from '../../../../src/msrp/switch/msrp-switch.ts';
import type { SwitchEvent } from '../../../../src/switch-control/protocol.ts';
import { LOOPBACK } from '../certificates.ts';

export type Order =
  | { readonly op: string; readonly body: unknown }
  /** `isExact` collects garbage first. */
  | { readonly vitals: number; readonly isExact: boolean };

export interface Vitals {
  readonly cpuMicros: number;
  readonly rssBytes: number;
  /** What is in use in V8's heap and outside it. */
  readonly liveBytes: number;
  readonly connections: number;
  readonly heldBytes: number;
  readonly messagesOut: number;
  readonly senderPauses: number;
}

export type Telling =
  | { readonly ready: Readonly<Record<string, number>> }
  | { readonly event: SwitchEvent }
  | { readonly refused: string }
  | { readonly defect: string }
  | { readonly vitals: Vitals; readonly number: number };

const tell = (telling: Telling): void => {
  // A parent that is gone wants to know no more.
  if (process.connected) process.send?.(telling, undefined, undefined, () => {});
};

const msrp = new MsrpSwitch({
  id: 'soak',
  listen: (['tcp', 'tls', 'ws'] as const).map((transport) => ({ transport, host: '127.0.0.1', port: 0 })),
  tls: LOOPBACK,
  limits: { tickMs: 100 },
  log: {
    debug() {},
    info() {},
    warn() {},
    error: (fields, message) =>
      tell({ defect: `${message} ${String((fields as { err?: Error }).err?.stack)}` }),
  },
  onEvent: (event) => tell({ event }),
});
const addresses = await msrp.start();
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

process.on('message', (order: Order) => {
  if ('op' in order) {
    const reply = msrp.handle(order.op, order.body);
    if (!reply.ok) tell({ refused: `${order.op}: ${reply.code} ${reply.reason}` });
    return;
  }
  if (order.isExact) collect();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { connections, heldBytes, messagesOut, senderPauses } = msrp.counters();
  const liveBytes = heapUsed + external;
  const vitals = {
    cpuMicros: user + system,
    rssBytes: rss,
    liveBytes,
    connections,
    heldBytes,
    messagesOut,
    senderPauses,
  };
  tell({ vitals, number: order.vitals });
});
process.on('disconnect', () => void msrp.stop().then(() => process.exit(0)));
tell({ ready: Object.fromEntries(addresses.map(({ transport, port }) => [transport, port])) });
