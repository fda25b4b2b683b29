/** One switch process: the MSRP switch and the event socket that the focus commands it by. */
import type { Logger } from 'pino';
import { formatHostPort, switchAddresses } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { EventSocketServer } from '../event-socket/server.ts';
import { type SwitchControl, serveSwitchControl } from '../event-socket/switch-control.ts';
import { FreeSwitchTexts } from '../freeswitch/texts.ts';
import { systemClock } from '../lib/clock.ts';
import { randomIds } from '../lib/ids.ts';
import { MsrpSwitch } from '../msrp/switch/msrp-switch.ts';
import { DEFAULT_SWITCH_LIMITS, type SwitchLimits } from '../msrp/switch/options.ts';
import { busCounters, switchOnBus } from './bus.ts';
import { readIdentity, watchIdentity } from './msrp-certificate.ts';

export interface RunningSwitch {
  readonly addresses: { readonly msrp: readonly string[]; readonly eventSocket: string };
  stop(): Promise<void>;
}

/** @throws CodedError when an address cannot be listened on */
export async function startSwitch(config: Config, index: number, log: Logger): Promise<RunningSwitch> {
  const addresses = switchAddresses(config, index);
  const identity = readIdentity(config.msrp.tls);
  const id = `${config.switch.name}-${index}`;
  const epoch = randomIds.token(60);
  const server = new EventSocketServer({
    host: addresses.eventSocket.host,
    port: addresses.eventSocket.port,
    password: config.eventSocket.password,
    allow: config.eventSocket.allow,
    log,
    commands: {
      'im counters': {
        help: 'counters of the switch, as JSON',
        run: () => `${JSON.stringify(msrp.counters())}\n`,
      },
      'im freeswitch': {
        help: 'users of FreeSWITCH here, whether each FreeSWITCH is reached, and counters, as JSON',
        run: () => `${JSON.stringify(texts?.state() ?? {})}\n`,
      },
      'im bus': {
        help: 'counters of this switch on the bus, as JSON',
        run: () => (bus === undefined ? '-ERR not on a bus\n' : `${busCounters(bus)}\n`),
      },
      'im drain': {
        help: 'takes no new session, and those it has move to others; `im drain stay`: they go on here',
        run: (argument) =>
          argument === '' || argument === 'stay'
            ? setDraining(true, argument === '')
            : '-ERR im drain, or im drain stay\n',
      },
      'im resume': {
        help: 'takes new sessions again',
        run: () => setDraining(false, false),
      },
      'im reload-tls': {
        help: 'reads certificate and key again',
        run: () => `${certificates.reload()}\n`,
      },
    },
  });
  const texts = freeSwitchTexts(config, log);
  const msrp = new MsrpSwitch({
    id,
    listen: addresses.msrp.map(({ proto, host, port }) => ({
      transport: proto,
      host,
      port,
    })),
    ...(config.msrp.advertise === undefined ? {} : { advertiseHost: config.msrp.advertise.host }),
    ...(identity === undefined ? {} : { tls: identity }),
    webOrigins: config.msrp.webSocket.origins,
    policy: {
      acceptTypes: config.msrp.acceptTypes,
      privateMessages: config.msrp.chatroom,
      nicknames: config.msrp.chatroom,
    },
    limits: limitsOf(config),
    log,
    clock: systemClock,
    ids: randomIds,
    onEvent: (event) => control?.publish(event),
    ...(texts === undefined ? {} : { local: texts }),
  });
  const listening = await msrp.start();
  const certificates = watchIdentity(config.msrp.tls, msrp, log);
  const eventSocket = await server.listen();
  const bus = config.eventSocket.bus && switchOnBus(config.eventSocket.bus, id, epoch, log);
  texts?.start();
  const control = serveSwitchControl({
    server,
    ...(bus === undefined ? {} : { bus }),
    id,
    epoch,
    clock: systemClock,
    log,
    handle: (op, body) => {
      const reply = msrp.handle(op, body);
      // Before the reply: who asked then places no session here any more, nor does any other focus.
      if (op === 'switch.drain' && reply.ok) control.sayHello();
      return reply;
    },
    hello: () => {
      const { counters, ...hello } = msrp.hello();
      const refused = refusalsOf(server, control);
      return {
        ...hello,
        epoch,
        ...(counters === undefined ? {} : { counters: { ...counters, ...refused } }),
      };
    },
    helloIntervalMs: config.failover.helloIntervalMs,
  });
  bus?.start();
  function setDraining(on: boolean, empty: boolean): string {
    msrp.drain(on, empty);
    control.sayHello();
    return `+OK ${on ? 'draining' : 'taking new sessions'}\n`;
  }

  return {
    addresses: {
      msrp: listening.map(({ host, port }) => formatHostPort({ host, port })),
      eventSocket: formatHostPort({ host: eventSocket.address, port: eventSocket.port }),
    },
    async stop() {
      certificates.stop();
      control.stop();
      await bus?.close();
      await server.close();
      await msrp.stop();
      await texts?.stop();
    },
  };
}

/** What the event socket refused, for the hello. */
function refusalsOf({ counters: port }: EventSocketServer, { counters: asked }: SwitchControl) {
  return {
    eventSocketAddresses: port.deniedByAddress + port.deniedByLimit,
    eventSocketLogins: port.authFailures + port.authTimeouts,
    eventSocketFrames: port.badFrames,
    eventSocketEvents: port.refusedEvents,
    eventSocketRequests: asked.invalid + asked.reused,
  };
}

/** Undefined: no FreeSWITCH has users here. */
function freeSwitchTexts({ freeswitch }: Config, log: Logger): FreeSwitchTexts | undefined {
  const { nodes, heldMessages, heldMs } = freeswitch;
  if (nodes.length === 0) return undefined;
  const held = { maxTexts: heldMessages, maxAgeMs: heldMs };
  return new FreeSwitchTexts({ nodes, held, clock: systemClock, log });
}

function limitsOf({ msrp: { limits, maxSizeBytes } }: Config): Partial<SwitchLimits> {
  const defaults = DEFAULT_SWITCH_LIMITS;
  return {
    outbox: {
      ...defaults.outbox,
      maxBytes: limits.queueBytes,
      maxMessages: limits.queueMessages,
      maxAgeMs: limits.queueAgeMs,
      stallMs: limits.stallMs,
    },
    addresses: {
      maxConnections: limits.maxConnections,
      maxConnectionsPerAddress: limits.connectionsPerAddress,
      maxUnboundPerAddress: limits.unboundPerAddress,
    },
    idleMs: limits.idleS * 1000,
    handshakeMs: limits.handshakeMs,
    messagesPerS: limits.messagesPerS,
    maxSessionsPerConnection: limits.sessionsPerConnection,
    maxWebMessageBytes: limits.webMessageBytes,
    protocol: { ...defaults.protocol, maxHeadBytes: limits.maxHeaderBytes },
    // Without a stated a=max-size there is none: messages pass chunk by chunk and are never held whole.
    maxMessageBytes: maxSizeBytes ?? Number.MAX_SAFE_INTEGER,
  };
}
