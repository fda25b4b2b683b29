import { isIP, isIPv6 } from 'node:net';
import { isSecret } from 'kamailio-jsonrpc';
import { CodedError } from '../lib/errors.ts';

export interface KamailioListen {
  readonly proto: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  /** `host:port` that is written into Via, Record-Route and Contact in place of the socket's own. */
  readonly advertise?: string;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface KamailioSettings {
  readonly nodeId: string;
  readonly listen: readonly KamailioListen[];
  readonly domain: string;
  readonly realm: string;
  /** CIDRs. */
  readonly trustedPeers: readonly string[];
  readonly rpc: HostPort;
  /** CIDRs that may reach the RPC socket. Default: loopback. */
  readonly rpcAllow?: readonly string[];
  /** JSON-RPC servers; the lower priority number is tried first (default 10), equal ones share the load. */
  readonly service: readonly (HostPort & { readonly priority?: number })[];
  readonly secret: string;
  readonly sessionPrefix: string;
  /** Conference factories, `sip:user@domain`. */
  readonly factories: readonly string[];
  /** Regular expression on `user@domain` of pre-defined groups. The stand-alone configuration claims unknown users anyway. */
  readonly groupMatch?: string;
  /** Where requests of the service go that name no next hop. Default: this Kamailio's first socket (UDP before others). */
  readonly nextHop?: string;
  /** Where MESSAGEs to groups go: the profile of a FreeSWITCH, as a SIP URI. Default: to the service, which refuses them. */
  readonly freeSwitch?: string;
  /** Kamailio's own tls.cfg; needed as soon as a socket is `tls`. */
  readonly tlsConfigFile?: string;
  /** How long the service may keep a request pending before its caller gets 504. Default 180000. */
  readonly pendingMs?: number;
  /** How long a request waits on when the service gave no sign of life for it, before 503. Default 10000. */
  readonly lateMs?: number;
  /** How long a request waits for any reply; also how long a 2xx is repeated. Default 60 · T1. */
  readonly transactionMs?: number;
  /** T1 of RFC 3261. Default 500. */
  readonly t1Ms?: number;
  /** Worker processes for each UDP socket, and for all TCP connections together. Default 4. */
  readonly workers?: number;
}

const DIGEST_LINE = /^([^:\s]+):([^:]*):([0-9a-fA-F]{32})$/;
const MAX_SERVICES = 4;

/** The file that sets the defines of `kamailio.cfg` and includes it. Throws `CodedError` `KAMAILIO_BAD_OPTIONS`. */
export function formatSettingsFile(
  settings: KamailioSettings,
  configFile: string,
  usersFolder: string,
): string {
  const lines = [
    '#!KAMAILIO',
    '#!define IM_OWN_LISTEN',
    '#!define IM_OWN_RPC_LISTEN',
    '#!define IM_OWN_WORKERS',
  ];
  const define = (name: string, value: string) => lines.push(`#!define ${name} ${quote(name, value)}`);
  if (!isSecret(settings.secret)) throw bad('secret', 'must be 16 to 128 of A-Z a-z 0-9 . _ ~ -');
  if (!/^[A-Za-z0-9._~-]{1,64}$/.test(settings.nodeId))
    throw bad('nodeId', 'must be 1 to 64 of A-Z a-z 0-9 . _ ~ -');
  if (settings.listen.length === 0) throw bad('listen', 'names no socket');
  if (settings.service.length === 0 || settings.service.length > MAX_SERVICES) {
    throw bad('service', `must name 1 to ${MAX_SERVICES} servers`);
  }
  define('IM_NODE_ID', settings.nodeId);
  define('IM_SECRET', settings.secret);
  define('IM_DOMAIN', settings.domain.toLowerCase());
  define('IM_REALM', settings.realm);
  define('IM_SESSION_PREFIX', settings.sessionPrefix);
  define('IM_FACTORIES', settings.factories.map(factoryAddress).join(',') || 'none@invalid');
  if (settings.groupMatch !== undefined) define('IM_GROUP_MATCH', settings.groupMatch);
  if (settings.trustedPeers.length > 0)
    define('IM_TRUSTED_PEERS', cidrs('trustedPeers', settings.trustedPeers));
  if (settings.rpcAllow !== undefined) define('IM_RPC_ALLOW', cidrs('rpcAllow', settings.rpcAllow));
  if (settings.pendingMs !== undefined) define('IM_PENDING_MS', String(settings.pendingMs));
  if (settings.lateMs !== undefined) define('IM_LATE_MS', String(settings.lateMs));
  const { t1Ms = 500 } = settings;
  lines.push(`#!define IM_TRANSACTION_MS ${settings.transactionMs ?? 60 * t1Ms}`);
  lines.push(`#!define IM_RPC_PORT ${settings.rpc.port}`);
  settings.service.forEach(({ host, port, priority }, index) => {
    define(
      `IM_SERVICE_${index + 1}`,
      `conn=im;addr=${host};port=${port};priority=${priority ?? 10};weight=10`,
    );
  });
  define('IM_NEXT_HOP', settings.nextHop ?? ownAddress(settings.listen));
  if (settings.freeSwitch !== undefined) define('IM_FREESWITCH', settings.freeSwitch);
  define('IM_USERS_DB', `text://${usersFolder}`);
  lines.push(`children=${settings.workers ?? 4}`, `tcp_children=${settings.workers ?? 4}`);
  for (const listen of settings.listen) lines.push(formatListen(listen));
  lines.push(`listen=tcp:${hostText(settings.rpc.host)}:${settings.rpc.port}`);
  for (const listen of settings.listen) {
    if (listen.advertise !== undefined) lines.push(`alias=${quote('advertise', listen.advertise)}`);
  }
  if (settings.listen.some(({ proto }) => proto === 'tls')) {
    if (settings.tlsConfigFile === undefined) throw bad('tlsConfigFile', 'is needed by a tls socket');
    lines.push('#!define IM_WITH_TLS');
    define('IM_TLS_CONFIG', settings.tlsConfigFile);
  }
  lines.push(`include_file ${quote('configFile', configFile)}`);
  lines.push(...retransmission(t1Ms), '');
  return lines.join('\n');
}

/** tm's timers by T1; after the include, because what is set last counts. T2 is 4 s of RFC 3261, in proportion. */
function retransmission(t1Ms: number): string[] {
  const timers = { retr_timer1: t1Ms, retr_timer2: 8 * t1Ms, wt_timer: 64 * t1Ms };
  return Object.entries(timers).map(([name, ms]) => `modparam("tm", "${name}", ${ms})`);
}

/**
 * The db_text table of the users, from lines `user:realm:HA1` (htdigest). Lines of other realms are left out.
 * Throws `CodedError` `KAMAILIO_BAD_USERS` with the number of the first bad line.
 */
export function formatUsersTable(htdigest: string, realm: string): string {
  const rows = ['key_name(string) key_type(int) value_type(int) key_value(string) expires(int)'];
  htdigest.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const match = DIGEST_LINE.exec(line);
    if (match === null) {
      throw new CodedError('KAMAILIO_BAD_USERS', `line ${index + 1} of the users file is not user:realm:HA1`);
    }
    const [, user = '', ofRealm, ha1 = ''] = match;
    if (ofRealm === realm) rows.push(`${user.replaceAll('\\', '\\\\')}:0:0:${ha1.toLowerCase()}:0`);
  });
  return `${rows.join('\n')}\n`;
}

/** IPv6 in brackets. */
export function hostText(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

function formatListen({ proto, host, port, advertise }: KamailioListen): string {
  if ((host === '0.0.0.0' || host === '::') && advertise === undefined) {
    throw bad(
      'listen',
      `${proto}:${hostText(host)}:${port} listens everywhere: advertise says what is written into messages`,
    );
  }
  const socket = `${proto}:${hostText(host)}:${port}`;
  return advertise === undefined ? `listen=${socket}` : `listen=${socket} advertise ${advertise}`;
}

function ownAddress(listen: readonly KamailioListen[]): string {
  const socket =
    listen.find(({ proto }) => proto === 'udp') ?? listen.find(({ proto }) => proto === 'tcp') ?? listen[0];
  if (socket === undefined) throw bad('listen', 'names no socket');
  const host = socket.host === '0.0.0.0' ? '127.0.0.1' : socket.host === '::' ? '::1' : socket.host;
  return `sip:${hostText(host)}:${socket.port};transport=${socket.proto}`;
}

function factoryAddress(uri: string): string {
  const match = /^sips?:([^@;?]+@[^;?:,]+)/i.exec(uri);
  if (match === null) throw bad('factories', `${uri} is not sip:user@domain`);
  const [user, domain = ''] = (match[1] as string).split('@');
  return `${user}@${domain.toLowerCase()}`;
}

function cidrs(name: string, list: readonly string[]): string {
  for (const cidr of list) {
    const [address = '', bits] = cidr.split('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    if (family === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) {
      throw bad(name, `${cidr} is no address or CIDR`);
    }
  }
  return list.join(',');
}

function quote(name: string, text: string): string {
  if (text === '' || /["\\\r\n\0]/.test(text))
    throw bad(name, 'is empty, or holds a quote, backslash or line break');
  return `"${text}"`;
}

function bad(name: string, why: string): CodedError {
  return new CodedError('KAMAILIO_BAD_OPTIONS', `${name} ${why}`);
}
