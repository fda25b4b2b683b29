/** The table of a run, for a terminal and for docs/performance.md. */
import type { Row, Scale } from './bench.ts';
import type { Environment } from './environment.ts';

export function asText(rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.verdict, row.what, row.measured, row.ratio, row.bound, row.reference]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function environmentText(environment: Environment): string {
  const { date, commit, node, system, processor, cores, memoryGiB, loadAverage, reference } = environment;
  return `${date}, commit ${commit}; Node ${node}, ${system}, ${cores} × ${processor}, ${memoryGiB} GiB; load average ${loadAverage} before; reference points: ${reference}`;
}

export function asMarkdown(
  rows: readonly Row[],
  environment: Environment,
  scale: Scale,
  command: string,
): string {
  const lines = rows.map(({ what, measured, reference, ratio, bound, verdict }) =>
    row([what, measured, reference, ratio, bound, verdict === 'miss' ? '**miss**' : verdict]),
  );
  const spreads = rows.filter(({ note }) => note !== '').map(({ what, note }) => `- ${what}: ${note}`);
  return `# Performance of the MSRP switch

<!-- Written by \`npm run bench -- --write\` from one run; do not edit. -->

Run: \`${command}\`

${environmentText(environment)}

${row(['what', 'measured', 'beside it', 'ratio', 'bound', ''])}
${row(['---', '---', '---', '---', '---', '---'])}
${lines.join('\n')}

Each figure is the median of ${scale.rounds} runs of ${scale.seconds} s, contenders in turn, warm by 600,000 deliveries or 5 s; CPU time is user and kernel
time of the whole process as the kernel counts it. Closed loop: 64 SENDs without answer, at most 256 ahead of the slowest receiver,
and every SEND is answered 200.

- *Minimal C fan-out*: parses frames and gives each recipient paths and a transaction id of its own; no limits, CPIM or reports.
- *Raw Node net*: writes the sender's bytes to all others without a look at them.
- *Kamailio relay*: its msrp module relays and cannot fan out, so the sender sends to each receiver.
- Latency counts from when a SEND was due, in an open loop of ${2 * scale.seconds} s whose generator shares the machine, and is warm.

Compare ratios, not absolute figures: those are of one machine in one hour.

## Spread

${spreads.join('\n')}
`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
