/** Kamailio's msrp module as an RFC 4976 relay: a process of its own on a free port of loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bindToLife, endChild } from '../../support/children.ts';
import { freePort } from '../../support/kamailio/free-port.ts';

export const REALM = 'relay.test';
export const PASSWORD = 'let me through';
const START_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_MS = 5_000;

/** Clients of the tests are `.invalid`: what goes to them takes the connection that they were let in on. */
function configuration(port: number, runDirectory: string, isOpen: boolean): string {
  const digest = `if (!pv_www_authenticate("${REALM}", "${PASSWORD}", "0", "$msrp(method)")) {
      if (auth_get_www_authenticate("${REALM}", "0", "$var(challenge)")) msrp_reply("401", "Unauthorized", "$var(challenge)");
      else msrp_reply("500", "Server Error");
      exit;
    }`;
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=1
tcp_children=2
auto_aliases=no
tcp_accept_no_cl=yes
listen=tcp:127.0.0.1:${port}
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "auth.so"
loadmodule "kex.so"
loadmodule "jsonrpcs.so"
loadmodule "msrp.so"
modparam("jsonrpcs", "transport", 0)
modparam("jsonrpcs", "fifo_name", "${runDirectory}/rpc.fifo")
modparam("msrp", "cmap_size", 4)
request_route {
  exit;
}
event_route[msrp:frame-in] {
  msrp_reply_flags("1");
  if (msrp_is_reply()) {
    if ($msrp(nexthops) > 0) msrp_relay();
    exit;
  }
  if ($msrp(method) == "AUTH") {
    ${isOpen ? '' : digest}
    msrp_cmap_save();
    exit;
  }
  if ($msrp(nexthop) =~ "invalid") {
    if (!msrp_cmap_lookup()) {
      msrp_reply("481", "No such session");
      exit;
    }
  }
  if ($msrp(method) == "SEND") msrp_reply("200", "OK");
  msrp_relay();
}
`;
}

export interface Relay {
  readonly port: number;
  /** Of the main process. */
  readonly pid: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * @param options.isOpen lets everybody in without digest: for load, where what is measured is relaying
 * @throws Error with what Kamailio said when it does not listen in time
 */
export async function startRelay({ isOpen = false } = {}): Promise<Relay> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'parley-relay-'));
  const file = join(directory, 'relay.cfg');
  await writeFile(file, configuration(port, directory, isOpen));
  const args = [
    '-f',
    file,
    '-DD',
    '-E',
    '-m',
    isOpen ? '128' : '16',
    '-M',
    isOpen ? '32' : '4',
    '-Y',
    directory,
    '-P',
    join(directory, 'pid'),
  ];
  const child = spawn('kamailio', args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    detached: true,
  });
  bindToLife(child, true);
  let said = '';
  child.once('error', ({ message }) => {
    said = message;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-8_000);
  });
  try {
    await answering(child, port);
  } catch (error) {
    await endChild(child, STOP_TIMEOUT_MS);
    await rm(directory, { recursive: true, force: true });
    throw new Error(`the relay did not start: ${String(error)}\n${said}`, { cause: error });
  }
  return {
    port,
    pid: child.pid as number,
    async [Symbol.asyncDispose]() {
      await endChild(child, STOP_TIMEOUT_MS);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Somebody else may have been quicker to take the port: it has to answer as a relay does. */
async function answering(child: ChildProcess, port: number): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  for (;;) {
    if (child.pid === undefined || child.exitCode !== null)
      throw new Error(`it ended with ${child.exitCode}`);
    deadline.throwIfAborted();
    const socket = connect(port, '127.0.0.1');
    try {
      const signal = AbortSignal.any([deadline, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
      await once(socket, 'connect', { signal });
      socket.write(
        `MSRP probe0001 AUTH\r\nTo-Path: msrp://127.0.0.1:${port};tcp\r\nFrom-Path: msrp://client.invalid:2855/probe;tcp\r\n-------probe0001$\r\n`,
      );
      const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
      if (/^MSRP probe0001 \d/.test(answer.toString('latin1'))) return;
    } catch {
      // Not yet.
    } finally {
      socket.destroy();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
