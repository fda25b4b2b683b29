/**
 * A switch for a load generator in another process: prints one line of JSON, `{"pid":…,"port":…,"emptyBytes":…,"spec":[…]}`. Each line of
 * the spec is `S|R <client-uri> <switch-uri>`, with an empty one between rooms; `emptyBytes` is its resident memory before it had
 * any session. It ends on SIGTERM or the end of stdin.
 * Usage: switch-under-load.ts RECEIVERS_A_ROOM [LARGEST_MESSAGE_BYTES] [ROOMS]
 */
import { MsrpSwitch } from '../../../src/msrp/switch/msrp-switch.ts';
import type { LegSnapshot } from '../../../src/switch-control/protocol.ts';

const receivers = Number(process.argv[2] ?? 10);
const rooms = Number(process.argv[4] ?? 1);
const complain = (fields: object, message: string): void => {
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
};
const log = { debug() {}, info() {}, warn: complain, error: complain };
const msrp = new MsrpSwitch({
  id: 'bench',
  listen: [{ transport: 'tcp', host: '127.0.0.1', port: 0 }],
  log,
  onEvent: () => {},
  limits: {
    maxMessageBytes: Number(process.argv[3] ?? 10 * 1024 * 1024),
    // All participants come from one address here.
    addresses: { maxConnections: 65_536, maxConnectionsPerAddress: 65_536, maxUnboundPerAddress: 4_096 },
  },
});
const addresses = await msrp.start();
const port = addresses[0]?.port ?? 0;

const emptyBytes = process.memoryUsage.rss();

const spec: string[] = [];
for (let room = 0; room < rooms; room++) {
  const session = `im-s-bench-${room}`;
  const legs = Array.from({ length: receivers + 1 }, (_, i) => legOf(room * (receivers + 1) + i));
  const put = { session, revision: 1, addresses: [`sip:${session}@example.net`], legs };
  const reply = msrp.handle('session.put', put);
  if (!reply.ok) throw new Error(reply.reason);
  if (room > 0) spec.push('');
  for (const [i, { sessionId, path }] of legs.entries()) {
    spec.push(`${i === 0 ? 'S' : 'R'} ${path?.[0]} msrp://127.0.0.1:${port}/${sessionId};tcp`);
  }
}
process.stdout.write(`${JSON.stringify({ pid: process.pid, port, emptyBytes, spec })}\n`);

function legOf(number: number): LegSnapshot {
  const name = String(number).padStart(6, '0');
  return {
    leg: `leg-${name}`,
    sessionId: `bench-session-${name}`,
    tls: false,
    path: [`msrp://127.0.0.1:7777/client-${name};tcp`],
    role: 'passive',
    // Plain text stays as it is: what is measured is the forwarding.
    acceptTypes: ['text/plain'],
    acceptWrappedTypes: ['*'],
    direction: 'sendrecv',
    identities: [`sip:user${number}@example.net`],
  };
}

const stop = (): void => void msrp.stop().then(() => process.exit(0));
process.on('SIGTERM', stop);
process.stdin.resume();
process.stdin.on('end', stop);
