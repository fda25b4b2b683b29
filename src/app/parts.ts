/** The parts of the stack that `up` runs, from the configuration. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { formatHostPort } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { startKamailio } from './kamailio-process.ts';
import { type PartSpec, startChild } from './part.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const KAMAILIO_CFG = fileURLToPath(new URL('../../kamailio/kamailio.cfg', import.meta.url));
const READY_TIMEOUT_MS = 30_000;

export interface PartsOptions {
  readonly config: Config;
  /** The file that `writeResolvedConfig` wrote. */
  readonly resolvedFile: string;
  readonly runDirectory: string;
  readonly log: Logger;
}

/** Switches first, then the focus that connects to them, then Kamailio that calls the focus: no call finds nobody. */
export function partsOf(options: PartsOptions): PartSpec[][] {
  const { config, resolvedFile } = options;
  const child = (name: string, args: readonly string[]): PartSpec => ({
    name,
    start: (spawned) =>
      startChild(
        { name, command: process.execPath, args: [MAIN, ...args], readyTimeoutMs: READY_TIMEOUT_MS },
        spawned,
      ),
  });
  const switches = Array.from({ length: config.switch.processes }, (_, index) =>
    child(`switch ${index}`, ['switch', '--resolved', resolvedFile, '--index', String(index)]),
  );
  const stages = [switches, [child('focus', ['focus', '--resolved', resolvedFile])]];
  return config.kamailio.manage ? [...stages, [kamailio(options)]] : stages;
}

function kamailio({ config, runDirectory, log }: PartsOptions): PartSpec {
  const { sip, digest, kamailio: settings, conference, conferenceFactories } = config;
  const node = settings.nodes[0];
  const freeSwitch = config.freeswitch.nodes.find(({ sip: uri }) => uri !== undefined)?.sip;
  const advertise = (port: number) =>
    sip.advertise === undefined
      ? {}
      : { advertise: formatHostPort({ host: sip.advertise.host, port: sip.advertise.port ?? port }) };
  return {
    name: 'kamailio',
    start: () =>
      startKamailio({
        nodeId: node?.id ?? 'kam1',
        configFile: KAMAILIO_CFG,
        runDir: join(runDirectory, 'kamailio'),
        listen: sip.listen.map((address) => ({ ...address, ...advertise(address.port) })),
        domain: sip.domain,
        realm: digest.realm,
        trustedPeers: sip.trustedPeers,
        rpc: settings.rpc.listen,
        service: [settings.jsonRpc.listen],
        secret: settings.secret,
        sessionPrefix: conference.sessionPrefix,
        factories: conferenceFactories,
        memoryMb: settings.memoryMb,
        t1Ms: sip.t1Ms,
        log: log.child({ part: 'kamailio' }),
        ...(settings.binary === undefined ? {} : { binary: settings.binary }),
        ...(digest.usersFile === undefined ? {} : { usersFile: digest.usersFile }),
        ...(freeSwitch === undefined ? {} : { freeSwitch }),
        ...(sip.nextHop === undefined ? {} : { nextHop: sip.nextHop }),
      }),
  };
}
