/** A real FreeSWITCH with the configuration and the scripts that the project ships, on free loopback ports. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EventSocketClient } from '../../../src/event-socket/client.ts';
import { freePort } from '../kamailio/free-port.ts';
import { Callers } from './callers.ts';
import type { FreeSwitch, FreeSwitchOptions } from './free-switch.ts';

const SHIPPED = fileURLToPath(new URL('../../../freeswitch', import.meta.url));
const START_TIMEOUT_MS = 45_000;
const MODULES = [
  'mod_logfile',
  'mod_event_socket',
  'mod_commands',
  'mod_dptools',
  'mod_dialplan_xml',
  'mod_sms',
  'mod_lua',
  'mod_sofia',
  'mod_conference',
];

export async function startRealFreeSwitch(binary: string, options: FreeSwitchOptions): Promise<FreeSwitch> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-freeswitch-'));
  const [eventSocketPort, sipPort, msrpPort] = [await freePort(), await freePort(), await freePort()];
  await writeConfiguration(directory, {
    im_domain: options.domain,
    im_sip_ip: '127.0.0.1',
    im_sip_port: String(sipPort),
    im_kamailio: `127.0.0.1:${options.kamailioPort}`,
    im_kamailio_cidr: '127.0.0.1/32',
    im_msrp_port: String(msrpPort),
    im_event_socket_port: String(eventSocketPort),
    im_event_socket_password: options.password,
  });
  const folder = (name: string) => join(directory, name);
  const flags = Object.entries({
    conf: 'conf',
    log: 'log',
    run: 'run',
    db: 'db',
    scripts: 'scripts',
    temp: 'tmp',
    storage: 'storage',
    recordings: 'recordings',
    cache: 'cache',
    certs: 'certs',
  }).flatMap(([flag, name]) => [`-${flag}`, folder(name)]);
  const child = spawn(
    binary,
    ['-nf', '-nonat', '-nc', '-np', ...flags, '-mod', join(dirname(dirname(binary)), 'mod')],
    { stdio: 'ignore' },
  );
  const log = async () =>
    (await readFile(folder('log/freeswitch.log'), 'utf8').catch(() => '')).slice(-8_000);
  const client = new EventSocketClient({
    host: '127.0.0.1',
    port: eventSocketPort,
    password: options.password,
    events: '',
    onEvent: () => undefined,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    limits: { reconnect: { minMs: 50, maxMs: 200 }, replyDeadlineMs: 15_000 },
  });
  client.start();
  try {
    await client.whenUp(START_TIMEOUT_MS);
    await profileRuns(client);
  } catch (error) {
    await client.close();
    await killed(child);
    throw new Error(`FreeSWITCH did not start: ${String(error)}\n${await log()}`, { cause: error });
  }
  const callers = new Callers({ host: '127.0.0.1', port: sipPort }, options.domain);
  const kill = async () => {
    await client.close();
    await killed(child);
  };
  return {
    isReal: true,
    eventSocket: `127.0.0.1:${eventSocketPort}`,
    sip: `sip:127.0.0.1:${sipPort}`,
    callWithText: (caller, group) => callers.callWithText(caller, group),
    callRoom: (caller, room) => callers.callRoom(caller, room),
    runScript: (name, ...args) => client.api(`lua ${name} ${args.join(' ')}`),
    api: async (line) => (await client.api(line)).trim(),
    kill,
    async stop() {
      await callers.stop();
      await kill();
      if (process.env['PARLEY_FREESWITCH_LOG'] !== undefined)
        await cp(folder('log/freeswitch.log'), process.env['PARLEY_FREESWITCH_LOG']);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function writeConfiguration(directory: string, variables: Record<string, string>): Promise<void> {
  const conf = join(directory, 'conf');
  await cp(SHIPPED, conf, { recursive: true });
  for (const name of ['log', 'run', 'db', 'tmp', 'storage', 'recordings', 'cache', 'certs'])
    await mkdir(join(directory, name));
  await cp(join(SHIPPED, 'scripts'), join(directory, 'scripts'), { recursive: true });
  let vars = await readFile(join(SHIPPED, 'im-vars.xml'), 'utf8');
  for (const [name, value] of Object.entries(variables)) {
    assert.match(vars, new RegExp(`data="${name}=`), `im-vars.xml has no ${name}`);
    vars = vars.replace(new RegExp(`data="${name}=[^"]*"`), `data="${name}=${value}"`);
  }
  await writeFile(join(conf, 'im-vars.xml'), vars);
  await writeFile(join(conf, 'freeswitch.xml'), mainFile(join(directory, 'log/freeswitch.log')));
}

/** X-PRE-PROCESS has to have a line of its own. */
function mainFile(logFile: string): string {
  const param = (name: string, value: string) => `<param name="${name}" value="${value}"/>`;
  return `<?xml version="1.0"?>
<document type="freeswitch/xml">
<X-PRE-PROCESS cmd="include" data="im-vars.xml"/>
<section name="configuration">
<configuration name="switch.conf"><settings>${param('loglevel', 'debug')}${param('sessions-per-second', '1000')}</settings></configuration>
<configuration name="modules.conf"><modules>${MODULES.map((name) => `<load module="${name}"/>`).join('')}</modules></configuration>
<configuration name="logfile.conf"><profiles><profile name="default"><settings>${param('logfile', logFile)}</settings><mappings><map name="all" value="debug,info,notice,warning,err,crit,alert"/></mappings></profile></profiles></configuration>
<configuration name="lua.conf"><settings></settings></configuration>
<configuration name="sofia.conf"><profiles>
<X-PRE-PROCESS cmd="include" data="sip_profiles/*.xml"/>
</profiles></configuration>
<configuration name="conference.conf"><advertise/><caller-controls/><profiles><profile name="default">${param('rate', '8000')}${param('interval', '20')}${param('comfort-noise', 'false')}</profile></profiles></configuration>
<X-PRE-PROCESS cmd="include" data="autoload_configs/*.xml"/>
</section>
<section name="dialplan">
<X-PRE-PROCESS cmd="include" data="dialplan/*.xml"/>
</section>
<section name="chatplan">
<X-PRE-PROCESS cmd="include" data="chatplan/*.xml"/>
</section>
<section name="directory">
<X-PRE-PROCESS cmd="include" data="directory/*.xml"/>
</section>
</document>
`;
}

async function profileRuns(client: EventSocketClient): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!/^\s*im\s+profile\s.*RUNNING/m.test(await client.api('sofia status'))) {
    if (performance.now() > deadline) throw new Error('the profile im does not run');
    await delay(50);
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
