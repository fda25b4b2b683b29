/** What is measured: a process, or several, that participants connect to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { startRelay } from '../../integration/msrp/relay-kamailio.ts';
import { bindToLife, endChild, within } from '../../support/children.ts';
import { freePort } from '../../support/kamailio/free-port.ts';
import { familyOf } from '../../support/processes.ts';
import type { Reference } from './reference.ts';

/** How a generator has to speak to it. */
export type Dialect = 'msrp' | 'raw' | 'relay';

export interface Subject extends AsyncDisposable {
  readonly pids: readonly number[];
  readonly dialect: Dialect;
  /** One participant a line, an empty line between rooms. */
  readonly spec: readonly string[];
  /** Resident memory before it had any session; 0 where nobody asks. */
  readonly emptyBytes: number;
}

const SWITCH = new URL('../msrp/switch-under-load.ts', import.meta.url).pathname;
const OWN_RAW_NET = new URL('../naive/raw-net.ts', import.meta.url).pathname;
const LARGEST_MESSAGE_BYTES = 10 * 1024 * 1024;
const START_TIMEOUT_MS = 20_000;

export async function startSwitch(receivers: number, rooms = 1): Promise<Subject> {
  const args = [SWITCH, String(receivers), String(LARGEST_MESSAGE_BYTES), String(rooms)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  bindToLife(child);
  const { spec, emptyBytes } = JSON.parse(await firstLine(child, 'the switch')) as {
    spec: string[];
    emptyBytes: number;
  };
  return { ...subjectOf(child, 'msrp', spec), emptyBytes };
}

export async function startCFanOut(reference: Reference, receivers: number): Promise<Subject> {
  const port = await freePort();
  const child = spawn(reference.fanOut, [String(port)], { stdio: 'ignore' });
  bindToLife(child);
  await listening(port);
  return subjectOf(child, 'msrp', specOf(port, receivers));
}

/** Bytes forwarded with Node's net: the reference's, or our own where there is none. */
export async function startRawNet(reference: Reference | null, receivers: number): Promise<Subject> {
  const port = await freePort();
  const script = reference === null ? OWN_RAW_NET : reference.rawNet;
  const child = spawn(process.execPath, [script, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  bindToLife(child);
  await firstLine(child, 'the raw forwarder');
  return subjectOf(child, 'raw', specOf(port, receivers));
}

/** Kamailio's msrp module as a relay. It cannot fan out: the sender sends to each receiver. */
export async function startKamailioRelay(receivers: number): Promise<Subject> {
  const relay = await startRelay({ isOpen: true });
  // A name that leads nowhere: the relay uses the connection that the client was let in on.
  const spec = specOf(relay.port, receivers).map((line) =>
    line.replace('127.0.0.1:7777', 'client.invalid:7777').replace(/\/bench-session-\S+$/, ';tcp'),
  );
  return {
    pids: familyOf(relay.pid).map(({ pid }) => pid),
    dialect: 'relay',
    spec,
    emptyBytes: 0,
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}

function subjectOf(child: ChildProcess, dialect: Dialect, spec: readonly string[]): Subject {
  return {
    pids: [child.pid as number],
    dialect,
    spec,
    emptyBytes: 0,
    // It has nothing to put in order, and Node does not always come to its end by itself (load.ts).
    [Symbol.asyncDispose]: () => endChild(child, 0),
  };
}

/** What a process says when it is ready. @throws Error when it does not */
async function firstLine(child: ChildProcess, name: string): Promise<string> {
  const lines = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
  const first = await within(
    START_TIMEOUT_MS,
    `the first line of ${name}`,
    lines.next(),
    () => `exit status ${child.exitCode}`,
  ).catch(async (error: unknown) => {
    await endChild(child, 0);
    throw error;
  });
  if (first.done === true) throw new Error(`${name} ended before it was ready`);
  return first.value;
}

function specOf(port: number, receivers: number): string[] {
  return Array.from({ length: receivers + 1 }, (_, i) => {
    const number = String(i).padStart(6, '0');
    return `${i === 0 ? 'S' : 'R'} msrp://127.0.0.1:7777/client-${number};tcp msrp://127.0.0.1:${port}/bench-session-${number};tcp`;
  });
}

async function listening(port: number): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  for (;;) {
    deadline.throwIfAborted();
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      socket.destroy();
    }
  }
}
