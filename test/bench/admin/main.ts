/** `node test/bench/admin/main.ts`: what the admin costs, and what it costs the focus. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { environmentText } from '../document.ts';
import { describeEnvironment } from '../environment.ts';
import { decisions, type Figure, listing, liveView, prepareStore, type Scale } from './cases.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCUMENT = join(ROOT, 'docs/performance-admin.md');
const FULL: Scale = { sessions: 10_000, pages: 100, liveS: 15, pairs: 7, pairS: 3 };
const SHORT: Scale = { sessions: 600, pages: 3, liveS: 2, pairs: 1, pairS: 0.5 };
const COMMAND = 'node_modules/.bin/node test/bench/admin/main.ts --write';
const HELP = `Usage: node_modules/.bin/node test/bench/admin/main.ts [options]

Measures the admin interface; takes about two minutes of a machine with nothing else to do. Exit status: 0, 1 when a
bound is missed.

  --only NAME  listing, liveView or decisions; may be given several times
  --short  a few seconds to see that all of it works; judges nothing
  --write  writes docs/performance-admin.md
`;

const MEASURES = [listing, liveView, decisions];

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      short: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const scale = values.short ? SHORT : FULL;
  const environment = describeEnvironment(ROOT, 'none');
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-admin-'));
  try {
    prepareStore(folder, scale);
    const figures: Figure[] = [];
    const wanted = MEASURES.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
    for (const measure of wanted) {
      const found = await measure(folder, scale);
      figures.push(...found);
      for (const { isKept, what, measured, bound, note } of found) {
        process.stdout.write(`${isKept ? 'kept' : 'MISS'}  ${what}: ${measured} (${bound})\n      ${note}\n`);
      }
    }
    if (values.write) writeFileSync(DOCUMENT, page(figures, environmentText(environment)));
    return values.short || figures.every(({ isKept }) => isKept) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function page(figures: readonly Figure[], environment: string): string {
  const rows = figures.map(
    ({ what, measured, bound, isKept }) =>
      `| ${what} | ${measured} | ${bound} | ${isKept ? 'kept' : '**miss**'} |`,
  );
  return `# Performance of the admin

<!-- Written by test/bench/admin/main.ts from one run; do not edit. -->

Run: \`${COMMAND}\`

${environment}

| what | measured | bound | |
| --- | --- | --- | --- |
${rows.join('\n')}

${figures.map(({ what, note }) => `- ${what}: ${note}`).join('\n')}

The admin is a thread of the focus process ([decisions/0009](decisions/0009-the-admin-is-a-thread.md)): a list costs the focus's own thread nothing but
the processor, the disk and the cache that both share. The listing and the live view are measured on an admin in a process of its own, so that what it uses is
known; the decisions with both threads in one process. The load is two clients that ask without a pause for pages of 500 sessions, decisions, one session, metrics and
explanations, and eight that follow the events; they have the lowest priority, because they share the machine.
`;
}
