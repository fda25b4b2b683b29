/**
 * A switch with one room, for an external load generator: prints one line of JSON
 * `{"pid":…,"port":…,"spec":[…]}`; each spec line is `S|R <client-uri> <switch-uri>`. A line on
 * stdin asks for `{"cpuMicros":…}`; it ends on SIGTERM or the end of stdin.
 * Usage: switch-under-load.ts RECEIVERS
 */
import { MsrpSwitch } from '../../../src/msrp/switch/msrp-switch.ts';
import type { LegSnapshot } from '../../../src/switch-control/protocol.ts';

const receivers = Number(process.argv[2] ?? 10);
const complain = (fields: object, message: string): void => {
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
};
const log = { debug() {}, info() {}, warn: complain, error: complain };
const msrp = new MsrpSwitch({
  id: 'bench',
  listen: [{ transport: 'tcp', host: '127.0.0.1', port: 0 }],
  log,
  onEvent: () => {},
});
const addresses = await msrp.start();
const port = addresses[0]?.port ?? 0;

const legs: LegSnapshot[] = [];
const spec: string[] = [];
for (let i = 0; i <= receivers; i++) {
  const sessionId = `bench-session-${String(i).padStart(6, '0')}`;
  const client = `msrp://127.0.0.1:7777/client-${String(i).padStart(6, '0')};tcp`;
  legs.push({
    leg: `leg-${i}`,
    sessionId,
    tls: false,
    path: [client],
    role: 'passive',
    acceptTypes: ['message/cpim', 'text/plain'],
    acceptWrappedTypes: ['*'],
    direction: 'sendrecv',
    identities: [`sip:user${i}@example.net`],
  });
  spec.push(`${i === 0 ? 'S' : 'R'} ${client} msrp://127.0.0.1:${port}/${sessionId};tcp`);
}
const reply = msrp.handle('session.put', {
  session: 'im-s-bench',
  revision: 1,
  addresses: ['sip:im-s-bench@example.net'],
  legs,
});
if (!reply.ok) throw new Error(reply.reason);
process.stdout.write(`${JSON.stringify({ pid: process.pid, port, spec })}\n`);

const stop = (): void => void msrp.stop().then(() => process.exit(0));
process.on('SIGTERM', stop);
// Every line asks for the CPU time used so far.
process.stdin.on('data', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`${JSON.stringify({ cpuMicros: user + system })}\n`);
});
process.stdin.on('end', stop);
