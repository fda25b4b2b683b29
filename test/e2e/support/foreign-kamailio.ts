/** Debian's Kamailio as an operator has it: as packaged, or with the lines that our README documents. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SipAgent } from '../../../src/agents/sip/agent.ts';
import { writeForeignConfig } from '../../support/kamailio/foreign-config.ts';
import { CORE, DOMAIN, FACTORY, type Ports, SECRET } from './attached.ts';
import { eventually } from './eventually.ts';

const BINARY = '/usr/sbin/kamailio';

export interface ForeignOptions {
  readonly withOurLines: boolean;
  /** Digest of its own (WITH_AUTH) for these users. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** What an operator has done otherwise than documented. */
  readonly mistakes?: (config: string) => string;
}

/** What Debian's file needs for WITH_AUTH, with a folder of text files as its database. */
async function digestOptions(folder: string, passwords: Readonly<Record<string, string>>): Promise<string[]> {
  const users = Object.entries(passwords).map(
    ([user, password], index) => `${index}:${user}:${DOMAIN}:${password}:-:-`,
  );
  const columns = 'id(int,auto) username(string) domain(string) password(string) ha1(string) ha1b(string)';
  await writeFile(join(folder, 'subscriber'), `${[columns, ...users].join('\n')}\n`);
  const versions = 'id(int,auto) table_name(string) table_version(int)\n0:subscriber:7\n';
  await writeFile(join(folder, 'version'), versions);
  return ['--loadmodule=db_text.so', '-M', '16', '-A', 'WITH_AUTH', '-A', `DBURL="text://${folder}"`];
}

/** Ends with the test, and with the process of the test. */
export async function startForeignKamailio(
  t: Pick<TestContext, 'after'>,
  ports: Ports,
  { withOurLines, passwords, mistakes }: ForeignOptions,
): Promise<void> {
  const runDir = await mkdtemp(join(tmpdir(), 'parley-foreign-'));
  const file = withOurLines
    ? await writeForeignConfig(runDir, SECRET, mistakes)
    : await writeForeignConfig(runDir);
  const sip = `127.0.0.1:${ports.sip}`;
  const defines = [
    `IM_DOMAIN="${DOMAIN}"`,
    `IM_FACTORIES="${FACTORY.slice('sip:'.length)}"`,
    `IM_TRUSTED_PEERS="${CORE}/32"`,
    `IM_NEXT_HOP="sip:${sip};transport=udp"`,
    `IM_SERVICE_1="conn=im;addr=127.0.0.1;port=${ports.jsonRpc};priority=10;weight=10"`,
    `IM_RPC_LISTEN=tcp:127.0.0.1:${ports.rpc}`,
    `IM_RPC_PORT=${ports.rpc}`,
  ];
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'SIGTERM', '--', BINARY, '-DD', '-E', `--alias=${DOMAIN}`, '-n', '2', '-m', '64'],
      ...['-Y', runDir, '-f', file, '-l', `udp:${sip}`, '-l', `tcp:${sip}`],
      ...(withOurLines ? defines.flatMap((define) => ['-A', define]) : []),
      ...(passwords === undefined ? [] : await digestOptions(runDir, passwords)),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
    await rm(runDir, { recursive: true, force: true });
  });
  const proxy = { host: '127.0.0.1', port: ports.sip };
  const probe = await SipAgent.start({ uri: `sip:probe@${DOMAIN}`, proxy });
  try {
    await eventually(
      () =>
        probe.request('OPTIONS', { to: `sip:${sip}`, timeoutMs: 200 }).then(
          ({ status }) => status === 200,
          () => {
            if (child.exitCode !== null) throw new Error(`kamailio ended: ${output}`);
            return false;
          },
        ),
      () => output,
    );
  } finally {
    await probe.stop();
  }
}
