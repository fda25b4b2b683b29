/** Which test proves which MSRP case: read from the names of the tests, and written as a page (`npm run docs:msrp-cases`). */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { MSRP_CASES } from './cases.ts';

const ROOT = new URL('../../', import.meta.url);
export const PAGE = new URL('docs/msrp-cases.md', ROOT);
/** Where bytes meet a running switch. */
const ON_THE_WIRE = /^test\/(?:integration|e2e|conformance)\//;

export interface CaseTest {
  readonly number: number;
  readonly file: string;
  readonly name: string;
  readonly isOnTheWire: boolean;
}

/** Strings such as `'case 37, 43: …'` in test files: names of tests, or the beginnings of names. */
const NAME = /(['"`])((?:[A-Z]-[^'"`:]*, )?case (\d+(?:, \d+)*): (?:(?!\1)[^\\\n]|\\.)*)\1/g;

export function findCaseTests(): readonly CaseTest[] {
  const tests: CaseTest[] = [];
  for (const file of globSync('test/**/*.test.ts', { cwd: ROOT }).sort()) {
    const text = readFileSync(new URL(file, ROOT), 'utf8');
    for (const [, , whole = '', numbers = ''] of text.matchAll(NAME)) {
      const name = whole
        .replace(/^.*?case [\d, ]+: /, '')
        .replace(/\$\{[^}]*\}/g, '…')
        .replace(/\\(.)/g, '$1');
      for (const number of numbers.split(', ').map(Number)) {
        tests.push({ number, file, name, isOnTheWire: ON_THE_WIRE.test(file) });
      }
    }
  }
  return tests;
}

/** What is wrong with the mapping; empty when each case has a test on the wire and each test a case. */
export function mappingFaults(tests: readonly CaseTest[]): readonly string[] {
  const proven = new Set(tests.filter(({ isOnTheWire }) => isOnTheWire).map(({ number }) => number));
  return [
    ...MSRP_CASES.filter(({ number }) => !proven.has(number)).map(
      ({ number }) => `case ${number} has no test on the wire`,
    ),
    ...tests
      .filter(({ number }) => !MSRP_CASES.some((one) => one.number === number))
      .map(({ number, file }) => `${file}: there is no case ${number}`),
  ];
}

/** What a page says that the tests do not: a test that is gone or has another name. Tests that are newer than the page are none of its faults. */
export function pageFaults(page: string, tests: readonly CaseTest[]): readonly string[] {
  const rows = new Map(
    [...page.matchAll(/^\| (\d+) \| .*? \| (.*) \|$/gm)].map(([, number, cells = '']) => [
      Number(number),
      cells,
    ]),
  );
  return MSRP_CASES.flatMap(({ number }) => {
    const own = tests.filter((one) => one.number === number);
    const known = own
      .flatMap(({ file, name }) => [link(file), cell(name)])
      .toSorted((a, b) => b.length - a.length);
    const row = rows.get(number) ?? '';
    if (row === '') return [`case ${number} is not on the page`];
    const rest = known.reduce((text, part) => text.replaceAll(part, ''), row).replace(/(?:; |<br>)/g, '');
    return rest === '' ? [] : [`case ${number}: no test is called ${rest}`];
  });
}

function link(file: string): string {
  return `[${file.replace(/^test\//, '')}](../${file}): `;
}

export function formatPage(tests: readonly CaseTest[]): string {
  const lines = [
    '# MSRP, case by case',
    '',
    '<!-- Made from the names of the tests by `npm run docs:msrp-cases`; do not edit. -->',
    '',
    `What the switch must meet: ${MSRP_CASES.length} cases from RFC 4975, 4976, 6135, 6714, 7701, 7977, 3862, 5438 and 5547, and from what independent`,
    'implementations do. Each has a test that talks to a running switch in raw bytes, or to the whole stack; `npm test` fails when one has none, or when this page',
    'names a test that there is not. Further tests of the same cases, of single parts, stand behind them.',
  ];
  let topic = '';
  for (const one of MSRP_CASES) {
    if (one.topic !== topic) {
      topic = one.topic;
      lines.push('', `## ${topic}`, '', '| case | what must hold | tests |', '| --- | --- | --- |');
    }
    const own = tests
      .filter(({ number }) => number === one.number)
      .toSorted((a, b) => Number(b.isOnTheWire) - Number(a.isOnTheWire));
    const files = [...new Set(own.map(({ file }) => file))];
    const shown = files.map((file) => {
      const names = [...new Set(own.filter((test) => test.file === file).map(({ name }) => name))];
      return `${link(file)}${names.map(cell).join('; ')}`;
    });
    lines.push(`| ${one.number} | ${cell(one.what)} | ${shown.join('<br>')} |`);
  }
  return `${lines.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replace(/[|]/g, '\\|').replace(/[<>]/g, (bracket) => (bracket === '<' ? '&lt;' : '&gt;'));
}

if (import.meta.main) writeFileSync(PAGE, formatPage(findCaseTests()));
