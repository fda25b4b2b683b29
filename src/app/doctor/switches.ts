/** The MSRP switches, each by its event socket and by the ports that clients connect to. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Logger } from 'pino';
import { isLoopback } from '../../admin/host-guard.ts';
import { eventSocketTargets, formatHostPort, type HostPort } from '../../config/address.ts';
import type { Config } from '../../config/config.ts';
import { EventSocketClient } from '../../event-socket/client.ts';
import { CodedError } from '../../lib/errors.ts';
import { type Finding, Findings } from './finding.ts';

const TIMEOUT_MS = 3000;
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

export async function examineSwitches(config: Config, log: Logger): Promise<Finding[]> {
  const each = eventSocketTargets(config).map((target) => examineSwitch(config, target, log));
  return [...(await Promise.all(each)).flat(), ...examineCertificate(config)];
}

async function examineSwitch(config: Config, target: HostPort, log: Logger): Promise<Finding[]> {
  const to = new Findings(`switch ${formatHostPort(target)}`);
  if (!isLoopback(target.host))
    to.warning('event socket', 'is not encrypted, and leads to another machine', 'lead it through a tunnel');
  const client = new EventSocketClient({
    ...target,
    password: config.eventSocket.password,
    events: '',
    onEvent: () => undefined,
    log,
  });
  client.start();
  try {
    await client.whenUp(TIMEOUT_MS);
    const status = fieldsOf(await client.api('im status'));
    to.good('event socket', `answers as ${status.get('id')?.[0] ?? 'a switch'}`);
    if (status.get('draining')?.[0] === 'true')
      to.warning(
        'state',
        'it drains: no new session is placed there',
        'parley resume SWITCH, when it is to serve again',
      );
    for (const address of status.get('msrp') ?? []) await examineListener(to, address);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    tellEventSocket(to, error, config.kamailio.manage ? 'parley up' : 'parley switch');
  } finally {
    await client.close();
  }
  return to.all;
}

function tellEventSocket(to: Findings, error: CodedError, starts: string): void {
  const mend: Readonly<Record<string, string>> = {
    ESL_AUTH: 'the file of eventSocket.passwordFile must be the same here and there',
    ESL_DENIED: 'eventSocket.allow of the switch must have this address',
  };
  to.fault(
    'event socket',
    error.message,
    mend[error.code] ?? `is the switch running? ${starts} --config FILE`,
  );
}

/** `name: value` lines; a name may stand more than once. */
function fieldsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(': ');
    if (at < 0) continue;
    const name = line.slice(0, at);
    fields.set(name, [...(fields.get(name) ?? []), line.slice(at + 2)]);
  }
  return fields;
}

/** `tcp:192.0.2.1:2855` */
async function examineListener(to: Findings, text: string): Promise<void> {
  const match = /^(\w+):(.+):(\d+)$/.exec(text);
  const check = `MSRP ${text}`;
  if (match === null) return to.unknown(check, 'is no address that could be tried');
  const host = (match[2] ?? '').replace(/^\[|\]$/g, '');
  const failure = await connectFailure({ host, port: Number(match[3]) });
  if (failure === undefined) to.good(check, 'takes connections');
  else
    to.fault(check, failure, 'clients are sent there: msrp.advertise and the firewall must fit msrp.listen');
}

function connectFailure({ host, port }: HostPort): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: TIMEOUT_MS });
    const settle = (failure: string | undefined) => {
      socket.destroy();
      resolve(failure);
    };
    socket.once('connect', () => settle(undefined));
    socket.once('timeout', () => settle(`no connection in ${TIMEOUT_MS / 1000} s`));
    socket.once('error', (error) => settle(error.message));
  });
}

function examineCertificate({ msrp }: Config): Finding[] {
  const { certificateFile } = msrp.tls;
  if (certificateFile === undefined) return [];
  const to = new Findings('switch certificate');
  try {
    const days =
      (Date.parse(new X509Certificate(readFileSync(certificateFile)).validTo) - Date.now()) / DAY_MS;
    const found = days < 0 ? 'has expired' : `is good for ${Math.floor(days)} days`;
    if (days < 0) to.fault(certificateFile, found, 'renew it; it is read again without a restart');
    else if (days < SOON_DAYS)
      to.warning(certificateFile, found, 'renew it; it is read again without a restart');
    else to.good(certificateFile, found);
  } catch (error) {
    to.fault(
      certificateFile,
      (error as Error).message,
      'it must be a PEM certificate that this user may read',
    );
  }
  return to.all;
}
