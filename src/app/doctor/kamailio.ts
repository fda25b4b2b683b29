/** One Kamailio node, looked at from outside: its RPC socket, what its script was given, and the way of requests both ways. */
import { KamailioRpcClient, RpcError } from 'kamailio-jsonrpc';
import type { Logger } from 'pino';
import { isLoopback } from '../../admin/host-guard.ts';
import { type HostPort, parseListen } from '../../config/address.ts';
import type { Config, KamailioNode } from '../../config/config.ts';
import { randomIds } from '../../lib/ids.ts';
import { header, headers, type SipResponse } from '../../sip/message.ts';
import { compareBuffers, compareFacts, compareGroups, compareModules } from './compare-facts.ts';
import { type Finding, Findings } from './finding.ts';
import { SipProbe } from './sip-probe.ts';

/** What a request of a client may have (IM_MAX_BYTES), nearly. */
const PADDING_BYTES = 47_900;
const MIN_FREE_SHARE = 0.1;
const MIB = 1_048_576;

export interface KamailioExamination {
  readonly config: Config;
  readonly node: KamailioNode;
  /** URIs of the pre-defined groups. */
  readonly groups: readonly string[];
  readonly log: Logger;
}

export async function examineKamailio({
  config,
  node,
  groups,
  log,
}: KamailioExamination): Promise<Finding[]> {
  const to = new Findings(`kamailio ${node.id}`);
  const { secret, jsonRpc } = config.kamailio;
  const client = new KamailioRpcClient({ url: node.rpc, secret, log });
  try {
    if (!isLoopback(new URL(node.rpc).hostname.replace(/^\[|\]$/g, '')))
      to.warning(
        'control channel',
        `${node.rpc} is plain HTTP to another machine`,
        'lead it through a tunnel',
      );
    const facts = await client.facts();
    to.good('RPC socket', `${node.rpc} answers, and knows the secret`);
    compareModules(to, await client.modules());
    compareFacts(to, facts, node, { ...config, jsonRpcPort: jsonRpc.listen.port });
    compareGroups(to, facts, groups);
    await examineBuffers(to, client);
    await examineMemory(to, client);
    await examineRoutes(to, client, config, node);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    tellRpc(to, error, node, config.kamailio.manage);
  } finally {
    await client.close();
  }
  return to.all;
}

function tellRpc(to: Findings, error: RpcError, { rpc }: KamailioNode, isManaged: boolean): void {
  const check = 'RPC socket';
  if (error.code !== 'RPC_FORBIDDEN') {
    const mend = isManaged
      ? 'is it running? parley up --config FILE'
      : 'is Kamailio running, with im-modules.cfg and im-routes.cfg, and does IM_RPC_LISTEN say this address?';
    to.fault(check, `${rpc}: ${error.message}`, mend);
  } else if (error.message.includes('secret'))
    to.fault(check, 'the secret is another one', 'IM_SECRET must be what is in the file kamailio.secretFile');
  else if (error.message.includes('address'))
    to.fault(check, 'this address may not call', 'add it to IM_RPC_ALLOW');
  else
    to.fault(
      check,
      'it does not know what this version asks: its im-routes.cfg is an older one',
      'copy kamailio/*.cfg to your Kamailio again and restart it',
    );
}

async function examineBuffers(to: Findings, client: KamailioRpcClient): Promise<void> {
  try {
    compareBuffers(to, await client.facts(PADDING_BYTES));
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    // What came is answered, though its text does not fit a variable; what did not fit the read buffer never is.
    const name = error.code === 'RPC_BAD_ANSWER' ? 'pv_buffer_size' : 'tcp_rd_buf_size';
    to.fault(
      name,
      `a call of ${PADDING_BYTES} bytes is lost: large requests and rosters do not pass`,
      `${name}=131072, in the last line that sets it`,
    );
  }
}

async function examineMemory(to: Findings, client: KamailioRpcClient): Promise<void> {
  const { total, free } = await client.sharedMemory();
  const found = `${Math.round(free / MIB)} of ${Math.round(total / MIB)} MiB are free`;
  if (free >= total * MIN_FREE_SHARE) to.good('shared memory', found);
  else
    to.warning(
      'shared memory',
      found,
      'start Kamailio with a larger -m: each finished transaction stays 32 s',
    );
}

/** Asks as a client would, and has Kamailio ask us. */
async function examineRoutes(
  to: Findings,
  client: KamailioRpcClient,
  config: Config,
  node: KamailioNode,
): Promise<void> {
  const socket = node.sendSockets.udp;
  const address = socket === undefined ? undefined : parseListen(socket, ['udp'] as const);
  if (address === undefined) {
    to.unknown('routes', 'this node has no UDP socket to ask by');
    return;
  }
  const probe = await SipProbe.open(address);
  try {
    const own = await examineInitial(to, probe, address, config);
    if (own !== undefined) await examineInSession(to, probe, address, config, own);
    await examineOutgoing(to, probe, client, socket ?? '');
  } finally {
    probe.close();
  }
}

/** @returns the Server of the service, when it was the service that answered */
async function examineInitial(
  to: Findings,
  probe: SipProbe,
  address: HostPort,
  config: Config,
): Promise<string | undefined> {
  const factory =
    config.conferenceFactories[0] ?? `sip:${config.conference.sessionPrefix}doctor@${config.sip.domain}`;
  const check = 'IM_INITIAL: a request to the service';
  const answer = await probe.options(address, factory);
  const server = answer === undefined ? undefined : header(answer, 'Server');
  if (answer === undefined)
    to.fault(
      check,
      `no answer to OPTIONS ${factory}`,
      'is this a listen socket of it, and open in the firewall?',
    );
  else if (answer.status === 200 && (header(answer, 'Contact') ?? '').includes('+g.oma.sip-im')) {
    to.good(check, `OPTIONS ${factory} is answered by the focus`);
    return server;
  } else if (answer.status === 503)
    to.fault(check, '503: Kamailio has nobody to ask', 'start the focus; IM_SERVICE_1 must lead to it');
  else if (answer.status === 500)
    to.fault(
      check,
      '500: the focus refused the question',
      'the secrets of the two sides differ, see the log of the focus',
    );
  else if (config.kamailio.manage && CHALLENGES.has(answer.status))
    to.good(check, `${lineOf(answer)}: who is not in sip.trustedPeers is asked for a login, as doctor was`);
  else to.fault(check, `${answer.status} ${answer.reason}${by(server)}: not from the focus`, INITIAL_MEND);
  return undefined;
}

const CHALLENGES: ReadonlySet<number> = new Set([401, 407]);

const INITIAL_MEND =
  'call route(IM_INITIAL) in request_route behind your authentication; a challenge (401, 407) means that it stands before that, see kamailio/README.md steps 5 and 6';

async function examineInSession(
  to: Findings,
  probe: SipProbe,
  address: HostPort,
  config: Config,
  ownServer: string,
): Promise<void> {
  const check = 'IM_EARLY: a request within a session';
  const uri = `sip:${config.conference.sessionPrefix}doctor@${config.sip.domain}`;
  const answer = await probe.options(address, uri, 'doctor');
  const server = answer === undefined ? undefined : header(answer, 'Server');
  if (server === ownServer) to.good(check, `${lineOf(answer)} by the focus`);
  else if (answer !== undefined && CHALLENGES.has(answer.status))
    to.good(check, `${lineOf(answer)}: your IM_AUTH_ROUTE asks who it is`);
  else
    to.fault(
      check,
      answer === undefined ? 'no answer' : `${lineOf(answer)}${by(server)}, not by the focus`,
      'call route(IM_EARLY) in request_route before requests within dialogs are handled (step 4): BYE and REFER do not reach the focus else',
    );
}

async function examineOutgoing(
  to: Findings,
  probe: SipProbe,
  client: KamailioRpcClient,
  sendSocket: string,
): Promise<void> {
  const check = 'IM_LOCAL_REQUEST: a request of the service';
  const { host, port } = probe.address;
  const here = `sip:doctor@${host.includes(':') ? `[${host}]` : host}:${port}`;
  const callId = `doctor-${randomIds.token(80)}`;
  const heard = probe.awaits(callId);
  await client.startRequest({
    method: 'OPTIONS',
    requestUri: here,
    nextHop: here,
    sendSocket,
    headers: [
      ['From', `<sip:doctor@invalid>;tag=${randomIds.token(60)}`],
      ['To', `<${here}>`],
      ['Call-ID', callId],
      ['CSeq', '1 OPTIONS'],
    ],
  });
  const message = await heard;
  if (message === undefined) {
    to.fault(check, `OPTIONS to ${here} did not come`, `can ${sendSocket} send to this machine?`);
    return;
  }
  const tags = (header(message, 'From') ?? '').split(';tag=').length - 1;
  const isMarked = headers(message, 'X-IM-Uac').length > 0;
  if (tags === 1 && !isMarked) to.good(check, 'leaves as the focus wrote it');
  else
    to.fault(
      check,
      isMarked ? 'leaves with the mark X-IM-Uac' : `its From has ${tags} tags`,
      'call route(IM_LOCAL_REQUEST) first in your event_route[tm:local-request], or define IM_OWN_LOCAL_REQUEST_ROUTE (step 7): replies are not told to the focus else',
    );
}

function lineOf(answer: SipResponse | undefined): string {
  return answer === undefined ? 'no answer' : `${answer.status} ${answer.reason}`;
}

function by(server: string | undefined): string {
  return server === undefined ? '' : ` by ${server}`;
}
