/** A FreeSWITCH that takes part, by its event socket: version, modules, who reaches it, what the configured user may. Reads only. */
import type { Logger } from 'pino';
import { isLoopback } from '../../admin/host-guard.ts';
import { formatHostPort, type HostPort } from '../../config/address.ts';
import type { Config } from '../../config/config.ts';
import { EventSocketClient } from '../../event-socket/client.ts';
import { IM_EVENT, IM_HELLO, IM_REPLY, IM_REQUEST } from '../../event-socket/im-message.ts';
import { controlEvents } from '../../freeswitch/control.ts';
import { TEXT_EVENTS } from '../../freeswitch/texts.ts';
import { CodedError } from '../../lib/errors.ts';
import { attributeOf, readXml, type XmlElement } from '../../xml/reader.ts';
import { type Finding, Findings } from './finding.ts';

export interface FreeSwitchToExamine extends HostPort {
  readonly id: string;
  readonly password: string;
  /** `user@domain`; absent: whoever knows the password may all. */
  readonly user?: string;
  /** Of its modules, what is needed for the use that is made of it. */
  readonly modules: readonly string[];
  /** What focus and switches subscribe to there, each as the words after `event json`. */
  readonly subscriptions: readonly string[];
  /** Its users may send SIP MESSAGE: who reaches its chat protocols counts. */
  readonly takesMessages: boolean;
}

const TIMEOUT_MS = 3000;
/** What the notes of this product were tried with. */
const TRIED = /^1\.(10|11)\./;
const DEFAULT_PASSWORD = 'ClueCon';
/** What freeswitch/README.md asks for. */
const MODULES = [
  ...['mod_event_socket', 'mod_sofia', 'mod_commands', 'mod_dptools', 'mod_dialplan_xml', 'mod_lua'],
  'mod_sms',
];

/** docs/event-socket.md, 5.1: of a focus, and of a switch. */
const BUS_EVENTS = [
  `SHUTDOWN CUSTOM ${IM_REPLY} ${IM_EVENT} ${IM_HELLO}`,
  `SHUTDOWN CUSTOM ${IM_REQUEST} ${IM_HELLO}`,
];

/** The FreeSWITCHes of a configuration: those whose users take part, and the bus. */
export function freeSwitchesOf({ freeswitch, eventSocket }: Config): FreeSwitchToExamine[] {
  const nodes = freeswitch.nodes.map((node) => {
    const hasRooms = freeswitch.rooms.some((room) => room.node === node.id);
    return {
      ...node,
      modules: [...MODULES, ...(hasRooms ? ['mod_conference'] : [])],
      subscriptions: [controlEvents(hasRooms), TEXT_EVENTS],
      takesMessages: true,
    };
  });
  const { bus } = eventSocket;
  if (bus === undefined) return nodes;
  const ofBus = { id: 'bus', modules: ['mod_event_socket'], subscriptions: BUS_EVENTS, takesMessages: false };
  return [...nodes, { ...bus, ...ofBus }];
}

export async function examineFreeSwitch(node: FreeSwitchToExamine, log: Logger): Promise<Finding[]> {
  const to = new Findings(`freeswitch ${node.id}`);
  if (!isLoopback(node.host))
    to.warning('event socket', 'is not encrypted, and leads to another machine', 'lead it through a tunnel');
  try {
    // A user with narrow rights may not be told all; often its password is that of the event socket too.
    if (node.user === undefined || !(await isTold(to, { ...node, user: undefined }, log)))
      await tell(to, node, log);
    await examineSubscriptions(to, node, log);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    tellFailure(to, error);
  }
  return to.all;
}

/** @returns false when this login is refused */
async function isTold(to: Findings, node: Login, log: Logger): Promise<boolean> {
  try {
    await tell(to, node, log);
    return true;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'ESL_AUTH') return false;
    throw error;
  }
}

type Login = Omit<FreeSwitchToExamine, 'user'> & { readonly user?: string | undefined };

/** @throws CodedError when it cannot be asked */
async function tell(to: Findings, node: Login, log: Logger): Promise<void> {
  const { host, port, password, user, modules, takesMessages } = node;
  const login = { host, port, password, ...(user === undefined ? {} : { user }) };
  const client = new EventSocketClient({ ...login, events: '', onEvent: () => undefined, log });
  client.start();
  try {
    await client.whenUp(TIMEOUT_MS);
    to.good('event socket', `${formatHostPort(node)} answers`);
    const ask: Ask = async (command) => {
      try {
        const output = (await client.api(command)).trim();
        return output.startsWith('-ERR') ? undefined : output;
      } catch (error) {
        if (error instanceof CodedError && error.code === 'ESL_REFUSED') return undefined;
        throw error;
      }
    };
    examineVersion(to, await ask('version'));
    await examineModules(to, modules, ask);
    examineEventSocket(to, await ask('xml_locate configuration configuration name event_socket.conf'));
    examineMsrp(to, await ask('xml_locate configuration configuration name msrp.conf'));
    if (takesMessages) examineChat(to, await ask('show chat'));
  } finally {
    await client.close();
  }
}

/** As the configured user, which may be narrower than whom the rest was told to. */
async function examineSubscriptions(to: Findings, node: FreeSwitchToExamine, log: Logger): Promise<void> {
  const { host, port, password, user, subscriptions } = node;
  const login = { host, port, password, ...(user === undefined ? {} : { user }) };
  for (const events of subscriptions) {
    const client = new EventSocketClient({ ...login, events, onEvent: () => undefined, log });
    client.start();
    try {
      await client.whenUp(TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return tellRefused(to, node, { events, error });
    } finally {
      await client.close();
    }
  }
  to.good('subscriptions', `${subscriptions.join(', ')}, to ${user ?? 'who knows the password'}`);
}

function tellRefused(
  to: Findings,
  { user, subscriptions }: FreeSwitchToExamine,
  { events, error }: { readonly events: string; readonly error: CodedError },
): void {
  if (error.code === 'ESL_AUTH' && user !== undefined)
    to.fault(
      'user',
      `${user} is refused`,
      'it must be in the directory of FreeSWITCH, with the configured password as its esl-password',
    );
  else if (error.code === 'ESL_REFUSED')
    to.fault(
      'subscriptions',
      `${events}: ${error.message}`,
      `the esl-allowed-events of ${user ?? 'the user'} must have ${wordsOf(subscriptions)}`,
    );
  else tellFailure(to, error);
}

function wordsOf(subscriptions: readonly string[]): string {
  const words = new Set(subscriptions.flatMap((events) => events.split(' ')));
  const [names, subclasses] = [
    [...words].filter((word) => !word.includes('::') && word !== 'CUSTOM'),
    [...words].filter((word) => word.includes('::')),
  ];
  return [...names, 'CUSTOM', ...subclasses].join(' ');
}

type Ask = (command: string) => Promise<string | undefined>;

function tellFailure(to: Findings, error: CodedError): void {
  const mend: Readonly<Record<string, string>> = {
    ESL_AUTH: 'password (and user) must be those of event_socket.conf.xml and the directory',
    ESL_DENIED: 'its acl.conf.xml must allow this address (apply-inbound-acl of event_socket.conf.xml)',
  };
  to.fault(
    'event socket',
    error.message,
    mend[error.code] ?? 'is FreeSWITCH running, with mod_event_socket, and is this its address?',
  );
}

/** What this user may not ask, or is not there. */
function notTold(to: Findings, check: string): void {
  to.unknown(check, 'not told to this user; fs_cli without userauth tells it');
}

function examineVersion(to: Findings, text: string | undefined): void {
  const version = /Version (\S+)/.exec(text ?? '')?.[1];
  if (version === undefined) notTold(to, 'version');
  else if (TRIED.test(version)) to.good('version', version.split('~')[0] ?? version);
  else
    to.warning(
      'version',
      version,
      'this product is tested with 1.10.12; try a conversation before you rely on it',
    );
}

async function examineModules(to: Findings, modules: readonly string[], ask: Ask): Promise<void> {
  const answers = await Promise.all(modules.map((name) => ask(`module_exists ${name}`)));
  const missing = modules.filter((_, at) => answers[at] === 'false');
  if (missing.length > 0)
    to.fault('modules', `not loaded: ${missing.join(', ')}`, 'add them to autoload_configs/modules.conf.xml');
  else if (answers.includes(undefined)) notTold(to, 'modules');
  else to.good('modules', modules.join(', '));
}

function examineEventSocket(to: Findings, text: string | undefined): void {
  const check = 'event_socket.conf';
  const params = paramsOf(text);
  if (params === undefined) {
    notTold(to, check);
    return;
  }
  const listen = params.get('listen-ip') ?? '127.0.0.1';
  if (params.get('password') === DEFAULT_PASSWORD)
    to.fault(
      check,
      'the password is the one that everybody knows',
      'set one of your own: it commands this FreeSWITCH',
    );
  if (isLoopback(listen)) to.good(check, `listens on ${listen}`);
  else if (params.has('apply-inbound-acl'))
    to.warning(
      check,
      `listens on ${listen}, for ${params.get('apply-inbound-acl')}`,
      'loopback and a tunnel are safer',
    );
  else
    to.fault(check, `listens on ${listen} for everybody`, 'set listen-ip to 127.0.0.1, or apply-inbound-acl');
  if (params.get('initial-event-threads') !== undefined && params.get('initial-event-threads') !== '1')
    to.warning(
      'initial-event-threads',
      `${params.get('initial-event-threads')}: events come out of order`,
      'leave it at 1',
    );
}

/** One unauthenticated request with Byte-Range 0-0/0 ends a FreeSWITCH: its MSRP listener is for loopback only. */
function examineMsrp(to: Findings, text: string | undefined): void {
  const check = 'msrp.conf';
  const params = paramsOf(text);
  if (params === undefined) {
    notTold(to, check);
    return;
  }
  const isOn = params.has('listen-port') || params.has('listen-ssl-port');
  const listen = params.get('listen-ip') ?? '0.0.0.0';
  if (!isOn) to.good(check, 'no MSRP listener');
  else if (isLoopback(listen)) to.good(check, `MSRP listens on ${listen}`);
  else
    to.fault(
      check,
      `MSRP listens on ${listen}: one request of anybody can end this FreeSWITCH`,
      'set listen-ip to 127.0.0.1; clients reach the switch instead',
    );
}

/** A MESSAGE to the chat protocol `api` runs commands. */
function examineChat(to: Findings, text: string | undefined): void {
  if (text === undefined) notTold(to, 'chat protocols');
  else if (/^chat,api,/m.test(text))
    to.warning(
      'chat protocols',
      'api is there: a MESSAGE that reaches it runs commands',
      'let the chatplan take MESSAGE from your Kamailio only and end there, as freeswitch/chatplan does',
    );
  else to.good('chat protocols', 'api is not among them');
}

function paramsOf(text: string | undefined): ReadonlyMap<string, string> | undefined {
  if (text === undefined || !text.startsWith('<')) return undefined;
  const params = new Map<string, string>();
  const visit = (element: XmlElement): void => {
    if (element.local === 'param')
      params.set(attributeOf(element, 'name') ?? '', attributeOf(element, 'value') ?? '');
    for (const child of element.children) visit(child);
  };
  visit(readXml(text));
  return params;
}
