/** docs/conformance.md from the verdicts: an operator's conformance statement. */
import { READINGS } from '../../../src/focus/readings.ts';
import type { TestResult } from './collect.ts';
import { CLAUSES } from './statements.ts';
import { withoutIds } from './test-ids.ts';
import type { Verdict, Verdicts } from './verdicts.ts';

export interface RunOf {
  /** Release of the product. */
  readonly version: string;
  /** `2026-11-22` */
  readonly date: string;
  /** `5.6.3` */
  readonly kamailio: string;
}

const OBSERVED: Readonly<Record<string, string>> = {
  SIP: 'SIP',
  MSRP: 'MSRP',
  CONF: 'conference NOTIFY',
  REF: 'refer NOTIFY',
  ind: 'indirectly',
};

const RESULTS = { passed: 'pass', failed: '**FAIL**', missing: '**no test**' } as const;

export function conformancePage(verdicts: Verdicts, { version, date, kamailio }: RunOf): string {
  const { all, passed } = verdicts;
  const clauses = Object.entries(CLAUSES).map(([clause, title]) =>
    clauseTable(
      clause,
      title,
      all.filter(({ statement }) => statement.clause === clause),
    ),
  );
  return `# Conformance to OMA SIMPLE IM 7.2.1

<!-- Made from a run of the conformance tests by \`npm run conformance\`; do not edit. -->

**${passed} of ${all.length}** statements of 7.2.1.1 to 7.2.1.12 are proven by passing tests.

| | |
| --- | --- |
| Product | Parley ${version} |
| Kamailio | ${kamailio} |
| Profile | \`oma-strict\` (a test of another reading says so; [profiles](profiles.md)) |
| Run of | ${date} |

Each test plays SIP and MSRP clients against the whole product behind a real Kamailio. *Level*: M is SHALL, S is SHOULD, I is informative but tested. *Reading*: how an
ambiguity of the text is read; where it can be set, it links to its setting. *Seen*: start line and header fields of a message that the test made assertions on, joined by \`·\`, bodies
in short; where a test has none for the statement itself, one of the same test that is about the same terms, and else the step of the decision trace. Ports, tags and random names are
shown as \`…\`. An empty cell means that the assertions stand in the test alone.

${overview(all)}${faults(verdicts)}
${clauses.join('\n')}`;
}

function overview(all: readonly Verdict[]): string {
  const rows = Object.entries(CLAUSES).map(([clause, title]) => {
    const own = all.filter(({ statement }) => statement.clause === clause);
    const count = own.filter(({ result }) => result === 'passed').length;
    return `| ${clause} | ${title} | ${count} of ${own.length} |`;
  });
  return `| Clause | | Proven |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function faults({ failed, missing, unknown, brokenFiles }: Verdicts): string {
  const lines = [
    ['Without a passing test', [...failed, ...missing]],
    ['Named by a test, but no statement', unknown],
    ['Test files that failed outside of their tests', brokenFiles],
  ] as const;
  const said = lines.filter(([, items]) => items.length > 0);
  return said.map(([what, items]) => `\n${what}: ${items.map(code).join(', ')}.\n`).join('');
}

function clauseTable(clause: string, title: string, own: readonly Verdict[]): string {
  return `## ${clause} ${title}

| Id | Level | Statement | Reading | Test | Seen | Result |
| --- | --- | --- | --- | --- | --- | --- |
${own.map(row).join('\n')}
`;
}

function row({ statement, result, tests, evidence }: Verdict): string {
  const { id, level, title, readings, observed } = statement;
  const [shown, ...others] = tests;
  const cells = [
    id,
    level,
    `${title} (${observed.map((plane) => OBSERVED[plane]).join(', ')})`,
    readings.map(readingCell).join(', '),
    shown === undefined
      ? ''
      : `${testCell(shown)}${others.length === 0 ? '' : ` (and ${others.length} more)`}`,
    evidence === undefined ? '' : code(stable(evidence)),
    RESULTS[result],
  ];
  return `| ${cells.map(inCell).join(' | ')} |`;
}

const SETTABLE = new Map(READINGS.map(({ of, key }) => [of, key]));

function readingCell(reading: string): string {
  const key = SETTABLE.get(reading);
  return key === undefined ? reading : `[${reading}](profiles.md "readings.${key}")`;
}

/** The file is linked, the name without its ids: they stand in the first column. */
function testCell({ file, name }: TestResult): string {
  const base =
    file
      .split('/')
      .at(-1)
      ?.replace(/\.test\.ts$/, '') ?? file;
  return `[${base}](../${file}): ${withoutIds(name)}`;
}

/** What differs from run to run, shortened. */
export function stable(line: string): string {
  return line
    .replaceAll(/\b(im-s-|anonymous\.)[a-z0-9]{6,}/g, '$1…')
    .replaceAll(/\b(tag|branch|icid-value|nonce|rr)=[^;>\s"]+/g, '$1=…')
    .replaceAll(/\b(\d{1,3}(?:\.\d{1,3}){3}):\d{2,5}\b/g, '$1:…')
    .replaceAll(/(msrps?:\/\/[^/\s]+\/)[^;\s]+/g, '$1…')
    .replaceAll(/(\bsips?:[a-z]+)-\d+@/g, '$1@')
    .replaceAll(/\b(leg|user|sub)-[a-z0-9]{8,}/g, '$1-…')
    .replaceAll(/\b[0-9a-f]{12,}\b/g, '…')
    .replaceAll(/\b(active;expires)=\d+/g, '$1=…');
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
