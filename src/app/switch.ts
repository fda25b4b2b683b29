/** One switch process: the MSRP switch and the event socket that the focus commands it by. */
import type { Logger } from 'pino';
import { formatHostPort, formatListen, switchAddresses } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { EventSocketServer } from '../event-socket/server.ts';
import { serveSwitchControl } from '../event-socket/switch-control.ts';
import { systemClock } from '../lib/clock.ts';
import { CodedError } from '../lib/errors.ts';
import { randomIds } from '../lib/ids.ts';
import { MsrpSwitch } from '../msrp/switch/msrp-switch.ts';
import { DEFAULT_SWITCH_LIMITS, type SwitchLimits } from '../msrp/switch/options.ts';

export interface RunningSwitch {
  readonly addresses: { readonly msrp: readonly string[]; readonly eventSocket: string };
  stop(): Promise<void>;
}

/** @throws CodedError when an address cannot be listened on */
export async function startSwitch(config: Config, index: number, log: Logger): Promise<RunningSwitch> {
  const addresses = switchAddresses(config, index);
  const unsupported = addresses.msrp.find(({ proto }) => proto !== 'tcp');
  if (unsupported !== undefined) {
    throw new CodedError(
      'CONFIG_UNSUPPORTED',
      `msrp.listen: ${formatListen(unsupported)} is not served yet; use tcp:`,
    );
  }
  const id = `switch-${index}`;
  const epoch = randomIds.token(60);
  const server = new EventSocketServer({
    host: addresses.eventSocket.host,
    port: addresses.eventSocket.port,
    password: config.eventSocket.password,
    log,
    commands: {
      'im sessions': {
        help: 'sessions with their legs, as JSON',
        run: () => `${JSON.stringify(msrp.sessions())}\n`,
      },
      'im counters': {
        help: 'counters of the switch, as JSON',
        run: () => `${JSON.stringify(msrp.counters())}\n`,
      },
    },
  });
  const msrp = new MsrpSwitch({
    id,
    listen: addresses.msrp.map(({ proto, host, port }) => ({
      transport: proto === 'tls' ? 'tls' : 'tcp',
      host,
      port,
    })),
    ...(config.msrp.advertise === undefined ? {} : { advertiseHost: config.msrp.advertise.host }),
    policy: { acceptTypes: config.msrp.acceptTypes },
    limits: limitsOf(config),
    log,
    clock: systemClock,
    ids: randomIds,
    onEvent: (event) => control?.publish(event),
  });
  const listening = await msrp.start();
  const eventSocket = await server.listen();
  const control = serveSwitchControl({
    server,
    id,
    epoch,
    clock: systemClock,
    log,
    handle: (op, body) => msrp.handle(op, body),
    hello: () => ({ ...msrp.hello(), epoch }),
  });
  return {
    addresses: {
      msrp: listening.map(({ host, port }) => formatHostPort({ host, port })),
      eventSocket: formatHostPort({ host: eventSocket.address, port: eventSocket.port }),
    },
    async stop() {
      control.stop();
      await server.close();
      await msrp.stop();
    },
  };
}

function limitsOf({ msrp: { limits, maxSizeBytes } }: Config): Partial<SwitchLimits> {
  const defaults = DEFAULT_SWITCH_LIMITS;
  return {
    outbox: {
      ...defaults.outbox,
      maxBytes: limits.queueBytes,
      maxMessages: limits.queueMessages,
      maxAgeMs: limits.stallMs,
    },
    addresses: { ...defaults.addresses, maxConnections: limits.maxConnections },
    idleMs: limits.idleS * 1000,
    protocol: { ...defaults.protocol, maxHeadBytes: limits.maxHeaderBytes },
    // Without a stated a=max-size there is none: messages pass chunk by chunk and are never held whole.
    maxMessageBytes: maxSizeBytes ?? Number.MAX_SAFE_INTEGER,
  };
}
