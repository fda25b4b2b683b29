/** A part as the supervisor sees one. Its first argument says how it behaves. */
import { spawn } from 'node:child_process';

const behaviour = process.argv[2] ?? 'good';
process.on('disconnect', () => process.exit(0));

if (behaviour === 'ends-early') process.exit(7);
if (behaviour === 'deaf') process.on('SIGTERM', () => undefined);
// A member of the group that outlives its leader unless somebody ends it.
if (behaviour === 'with-child') spawn('sleep', ['600'], { stdio: 'ignore' });
if (behaviour !== 'never-ready') process.send?.({ type: 'ready', addresses: {} });
setInterval(() => undefined, 60_000);
