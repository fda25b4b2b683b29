import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KamailioRpcClient, type Logger, type SipReply } from 'kamailio-jsonrpc';
import {
  type KamailioOptions,
  type KamailioProcess,
  startKamailio,
} from '../../../src/app/kamailio-process.ts';
import { eventually } from '../eventually.ts';
import { freePort } from './free-port.ts';
import { ha1, SipEndpoint } from './sip-endpoint.ts';
import { quiet, SECRET, StubService } from './stub-service.ts';

export const DOMAIN = 'example.test';
export const REALM = 'test realm';
export const PASSWORDS = { alice: 'wonder land', bob: 'builder', carol: 'sings' } as const;
/** For tests that want a user without a registration from before. */
export const FRESH_USERS = Array.from({ length: 40 }, (_, n) => `user${n}`);
export const FRESH_PASSWORD = 'fresh';
export const FACTORY = `sip:im-conference-factory@${DOMAIN}`;
export const CONFIG_FILE = path.join(import.meta.dirname, '../../../kamailio/kamailio.cfg');

/** The tests' log lines; PARLEY_TEST_LOG=1 shows them. */
export const log: Logger =
  process.env['PARLEY_TEST_LOG'] === '1' ? { info: print, warn: print, error: print, debug: print } : quiet;

export interface KamailioFixture {
  readonly kamailio: KamailioProcess;
  readonly service: StubService;
  readonly client: KamailioRpcClient;
  readonly options: KamailioOptions;
  readonly sipPort: number;
  readonly servicePort: number;
  /** `udp:127.0.0.1:port` */
  readonly udpSocket: string;
  readonly tcpSocket: string;
  /** `host`: any address of 127/8. */
  /** As `replyOnceSuspended`. */
  reply(tid: string, reply: SipReply): Promise<void>;
  udp(user: string, host?: string): Promise<SipEndpoint>;
  tcp(user: string): Promise<SipEndpoint>;
  stop(): Promise<void>;
}

/** A real Kamailio with the stand-alone configuration, on free ports, and a stub service. Nobody is trusted unless the options say so. */
export async function startFixture(change: Partial<KamailioOptions> = {}): Promise<KamailioFixture> {
  const sipPort = await freePort();
  const rpcPort = await freePort();
  // Nobody is to take it while a test has no service there.
  const servicePort = await freePort();
  const service = new StubService(servicePort, log);
  await service.server.listen();
  const runDir = await mkdtemp(path.join(tmpdir(), 'parley-kamailio-'));
  const usersFile = path.join(runDir, 'htdigest');
  await writeFile(usersFile, usersText());
  const options: KamailioOptions = {
    nodeId: 'kam-test',
    configFile: CONFIG_FILE,
    runDir,
    listen: [
      { proto: 'udp', host: '127.0.0.1', port: sipPort },
      { proto: 'tcp', host: '127.0.0.1', port: sipPort },
    ],
    domain: DOMAIN,
    realm: REALM,
    usersFile,
    trustedPeers: [],
    rpc: { host: '127.0.0.1', port: rpcPort },
    service: [{ host: '127.0.0.1', port: servicePort }],
    secret: SECRET,
    sessionPrefix: 'im-s-',
    factories: [FACTORY],
    memoryMb: 64,
    workers: 2,
    log,
    ...change,
  };
  const cleanUp = async () => {
    await service.server.close();
    await rm(runDir, { recursive: true, force: true });
  };
  const kamailio = await startKamailio(options).catch(async (error: unknown) => {
    await cleanUp();
    throw error;
  });
  const client = new KamailioRpcClient({ url: `http://127.0.0.1:${rpcPort}`, secret: options.secret, log });
  const endpoints: SipEndpoint[] = [];
  // with services of its own the test waits for them itself
  if (change.service === undefined) await service.whenConnected();
  const keep = (endpoint: SipEndpoint) => {
    endpoints.push(endpoint);
    return endpoint;
  };
  return {
    kamailio,
    service,
    client,
    options,
    sipPort,
    servicePort,
    udpSocket: `udp:127.0.0.1:${sipPort}`,
    tcpSocket: `tcp:127.0.0.1:${sipPort}`,
    reply: (tid, reply) => replyOnceSuspended(client, tid, reply),
    udp: async (user, host) => keep(await SipEndpoint.udp(user, DOMAIN, sipPort, host)),
    tcp: async (user) => keep(await SipEndpoint.tcp(user, DOMAIN, sipPort)),
    async stop() {
      for (const endpoint of endpoints.splice(0)) endpoint.close();
      await client.close();
      await kamailio.stop();
      await cleanUp();
    },
  };
}

/** Answers a request that the script may be in the very act of suspending: asks again until it is. */
export async function replyOnceSuspended(
  client: KamailioRpcClient,
  tid: string,
  reply: SipReply,
): Promise<void> {
  await eventually('the reply to leave', async () => (await client.reply(tid, reply)) === 'sent');
}

export function usersText(): string {
  return [...Object.entries(PASSWORDS), ...FRESH_USERS.map((user) => [user, FRESH_PASSWORD] as const)]
    .map(([user, password]) => `${user}:${REALM}:${ha1(user, REALM, password)}\n`)
    .join('');
}

function print(details: object, message: string): void {
  process.stderr.write(`${message} ${JSON.stringify(details)}\n`);
}
