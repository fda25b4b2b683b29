/** docs/conformance.md from the verdicts: an operator's conformance statement. */
import { READINGS } from '../../../src/focus/readings.ts';
import type { TestResult } from './collect.ts';
import { READING_TEXTS } from './readings-text.ts';
import { CLAUSES, STATEMENTS } from './statements.ts';
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

Parley meets **${passed} of ${all.length}** statements of section 7.2.1 (IM group conversations) of OMA SIMPLE IM, clauses 7.2.1.1 to 7.2.1.12. Every one
of them was observed by a test that plays SIP and MSRP clients against the whole product behind a real Kamailio.

| | |
| --- | --- |
| Product | Parley ${version} |
| SIP server | Kamailio ${kamailio} |
| Profile | \`oma-strict\` (the default); a test of another reading says so ([profiles](profiles.md)) |
| Date of the run | ${date} |
| To reproduce | \`npm test -- conformance\` installs what is missing, runs the tests and compares this page with what they show; \`npm run conformance\` writes it anew |

${overview(all)}${faults(verdicts)}
## How to read the tables

- **Level**: M is a SHALL of the text, S a SHOULD, I a note that is informative and tested all the same.
- **Statement**: what is asked for, in our words, and in brackets where it is observed.
- **Reading**: how an ambiguity of the text is read ([list](#readings)); – where the text has none.
- **Test**: one of the tests that carry the statement; the result is that of all of them.
- **Seen**: the captured message on which the test made its assertion: its start line, then header fields and parts of the body, with \`·\` between them. What
  cannot be seen from outside is shown by its step of the decision trace. Ports, tags and other random parts are written as \`…\`.

${clauses.join('\n')}
${readingsPart()}`;
}

const READINGS_HEADING = '## Readings\n';

/** The end of the page. It tells of the product as it is, so that no run is needed to write it. */
function readingsPart(): string {
  return `${READINGS_HEADING}\n${readings()}\n`;
}

/** The page with its readings written anew. */
export function withReadings(page: string): string {
  const [before = ''] = page.split(READINGS_HEADING, 1);
  return `${before}${readingsPart()}`;
}

function overview(all: readonly Verdict[]): string {
  const count = (own: readonly Verdict[], level?: string): string => {
    const wanted = own.filter(({ statement }) => level === undefined || statement.level === level);
    if (wanted.length === 0) return '–';
    return `${wanted.filter(({ result }) => result === 'passed').length} of ${wanted.length}`;
  };
  const cells = (own: readonly Verdict[]) =>
    [count(own, 'M'), count(own, 'S'), count(own, 'I'), count(own)].join(' | ');
  const rows = Object.entries(CLAUSES).map(
    ([clause, title]) =>
      `| ${clause} | ${title} | ${cells(all.filter(({ statement }) => statement.clause === clause))} |`,
  );
  return `| Clause | About | M (SHALL) | S (SHOULD) | I (note) | All |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
| **All** | | ${cells(all)} |
`;
}

function faults({ failed, missing, unseen, unknown, brokenFiles }: Verdicts): string {
  const lines = [
    ['Without a passing test', [...failed, ...missing]],
    ['Without a line of what was seen', unseen],
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
${own.map((verdict) => formatRow(rowOf(verdict))).join('\n')}
`;
}

/** The cells of a statement's row as they stand on the page. */
export interface Row {
  readonly id: string;
  readonly level: string;
  readonly statement: string;
  readonly reading: string;
  readonly test: string;
  readonly seen: string;
  readonly result: string;
}

const NOTHING = '–';

export function rowOf({ statement, result, tests, evidence }: Verdict): Row {
  const { id, level, title, readings, observed } = statement;
  return {
    id,
    level,
    statement: inCell(`${title} (${observed.map((plane) => OBSERVED[plane]).join(', ')})`),
    reading: readings.map((reading) => `[${reading}](#readings)`).join(', ') || NOTHING,
    test: tests[0] === undefined ? NOTHING : testCell(tests[0]),
    seen: evidence === undefined ? NOTHING : seenCell(evidence),
    result: RESULTS[result],
  };
}

function formatRow({ id, level, statement, reading, test, seen, result }: Row): string {
  return `| ${[id, level, statement, reading, test, seen, result].join(' | ')} |`;
}

/** The rows that stand on a page, by statement. */
export function rowsOf(page: string): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of page.split('\n')) {
    if (!line.startsWith('| R-')) continue;
    const cells = line.slice(2, -2).split(' | ');
    const [id = '', level = '', statement = '', reading = '', test = '', seen = '', result = ''] = cells;
    rows.set(id, { id, level, statement, reading, test, seen, result });
  }
  return rows;
}

/** The file is linked, the name without its ids: they stand in the first column. */
export function testCell({ file, name }: TestResult): string {
  const base =
    file
      .split('/')
      .at(-1)
      ?.replace(/\.test\.ts$/, '') ?? file;
  return inCell(`[${base}](../${file}): ${withoutIds(name)}`);
}

export function seenCell(line: string): string {
  return inCell(code(cut(stable(line))));
}

const MAX_SEEN_CHARACTERS = 280;

function cut(line: string): string {
  return line.length <= MAX_SEEN_CHARACTERS ? line : `${line.slice(0, MAX_SEEN_CHARACTERS - 1).trimEnd()}…`;
}

/** Those that statements name, with their settings. */
function readings(): string {
  const named = new Set(STATEMENTS.flatMap((statement) => statement.readings));
  const number = (reading: string): number => Number(reading.slice('A-'.length));
  return [...named]
    .toSorted((a, b) => number(a) - number(b))
    .map((reading) => {
      const keys = READINGS.filter(({ of }) => of === reading).map(({ key }) => `\`readings.${key}\``);
      const setting = keys.length === 0 ? '' : ` Set by ${keys.join(' and ')} ([profiles](profiles.md)).`;
      return `- **${reading}** ${READING_TEXTS[reading] ?? ''}${setting}`;
    })
    .join('\n');
}

/** What differs from run to run, shortened. */
export function stable(line: string): string {
  return line
    .replace(/^MSRP \S+ /, 'MSRP … ')
    .replaceAll(/\b(im-s-|anonymous(?:-\d+)?\.(?!invalid\b))[a-z0-9]{6,}/g, '$1…')
    .replaceAll(/\b(tag|branch|icid-value|nonce|rr|rport)=[^;>\s",]+/g, '$1=…')
    .replaceAll(/\b(\d{1,3}(?:\.\d{1,3}){3}):\d{2,5}\b/g, '$1:…')
    .replaceAll(/(msrps?:\/\/[^/\s]+\/)[^;\s]+/g, '$1…')
    .replaceAll(/(\bsips?:[a-z]+)-\d+@/g, '$1@')
    .replaceAll(/\b(leg|user|sub)-[a-z0-9]{8,}/g, '$1-…')
    .replaceAll(/\b[0-9a-f]{12,}\b/g, '…')
    .replaceAll(/\b(active;expires)=\d+/g, '$1=…')
    .replaceAll(/\b(Content-Length: )\d+/g, '$1…')
    .replaceAll(/\bm=message [1-9]\d*/g, 'm=message …')
    .replaceAll(/\bo=- \d+/g, 'o=- …');
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** A bar in a cell is escaped; what separates cells is then a bar between blanks alone. */
function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
