/**
 * The part of docs/profiles.md about all readings A-1 … A-53: what each comes to, which settings decide it, and which
 * tests on the wire prove it. Tests are found by their names: by the reading, and by the statements that it is about.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { READINGS } from '../../../src/focus/readings.ts';
import { READING_TEXTS } from './readings-text.ts';
import { conformanceFiles, ROOT } from './run-tests.ts';
import { idsOf } from './test-ids.ts';

/** Statements that a reading is about: their tests prove the default. None: the reading asks for nothing to be done. */
const STATEMENTS: Readonly<Record<string, readonly string[]>> = {
  'A-1': ['R-7.2.1.1-1', 'R-7.2.1.6-3'],
  'A-2': ['R-7.2.1.2-5'],
  'A-3': ['R-7.2.1.3-2', 'R-7.2.1.4-1'],
  'A-4': ['R-7.2.1.1-4a', 'R-7.2.1.1-4b'],
  'A-5': ['R-7.2.1.1-7', 'R-7.2.1.4-12'],
  'A-6': ['R-7.2.1.1-3', 'R-7.2.1.11-exp'],
  'A-7': ['R-7.2.1.1-6'],
  'A-8': ['R-7.2.1.2-1', 'R-7.2.1.2-6', 'R-7.2.1.2-7'],
  'A-9': ['R-7.2.1.2-2'],
  'A-10': ['R-7.2.1.2-7'],
  'A-11': ['R-7.2.1.2-8'],
  'A-12': ['R-7.2.1.4-3b', 'R-7.2.1.3-2'],
  'A-13': ['R-7.2.1.2-ok-2b'],
  'A-14': ['R-7.2.1.2-ok-1'],
  'A-15': ['R-7.2.1.2-fail-2', 'R-7.2.1.3-fail-2'],
  'A-16': ['R-7.2.1.2-fail-1s', 'R-7.2.1.3-fail-1s'],
  'A-17': ['R-7.2.1.3-9', 'R-7.2.1.4-8'],
  'A-18': ['R-7.2.1.4-8b'],
  'A-19': ['R-7.2.1.3-9b-i'],
  'A-20': ['R-7.2.1.3-ok-4'],
  'A-21': ['R-7.2.1.4-3a', 'R-7.2.1.4-3-note'],
  'A-22': ['R-7.2.1.4-3'],
  'A-23': ['R-7.2.1.3-9d', 'R-7.2.1.5-11'],
  'A-24': ['R-7.2.1.4-9b'],
  'A-25': ['R-7.2.1.2-4'],
  'A-26': ['R-7.2.1.2-2'],
  'A-27': ['R-7.2.1.5-1'],
  'A-28': ['R-7.2.1.5-8'],
  'A-29': ['R-7.2.1.5-3', 'R-7.2.1.7-4'],
  'A-30': ['R-7.2.1.5-8'],
  'A-31': ['R-7.2.1.6-3', 'R-7.2.1.11-1'],
  'A-32': ['R-7.2.1.7-5'],
  'A-33': ['R-7.2.1.7-6'],
  'A-34': ['R-7.2.1.7-1', 'R-7.2.1.7-9'],
  'A-35': ['R-7.2.1.7-3b', 'R-7.2.1.7-10'],
  'A-36': ['R-7.2.1.7-0'],
  'A-37': ['R-7.2.1.7-fwd403'],
  'A-38': ['R-7.2.1.8-1'],
  'A-39': ['R-7.2.1.8-2a', 'R-7.2.1.8-2a-v', 'R-7.2.1.8-2b'],
  'A-40': ['R-7.2.1.8-2a-ix', 'R-7.2.1.8-3'],
  'A-41': ['R-7.2.1.8-2a-iv'],
  'A-42': ['R-7.2.1.9-ok-1'],
  'A-43': ['R-7.2.1.10-3'],
  'A-44': ['R-7.2.1.12-chg'],
  'A-45': ['R-7.2.1.11-1'],
  'A-46': ['R-7.2.1.12-1', 'R-7.2.1.12-4'],
  'A-47': ['R-7.2.1.12-5a'],
  'A-48': ['R-7.2.1.2-2-warn', 'R-7.2.1.12-4-warn'],
  'A-49': ['R-7.2.1.3-7', 'R-7.2.1.4-7', 'R-7.2.1.6-1'],
  'A-50': ['R-7.2.1.1-ims'],
  'A-51': ['R-7.2.1.3-1'],
  'A-52': [],
  'A-53': [],
};

/** Settings outside of `readings` that decide one. */
const OTHER_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'A-10': ['adHoc.maxParticipants'],
  'A-11': ['adHoc.allowEmptyList'],
  'A-16': ['adHoc.failureCode'],
  'A-21': ['history.functions', 'history.invokers'],
  'A-22': ['groupSessions.defaultMaxParticipants'],
  'A-25': ['adHoc.allowAnonymity'],
  'A-26': ['adHoc.mayInitiate'],
  'A-34': ['adHoc.mayAdd'],
  'A-39': ['adHoc.mayRemove'],
  'A-50': ['sip.trustedPeers', 'sip.nextHop'],
};

export interface ReadingRow {
  /** `A-27`. */
  readonly id: string;
  readonly text: string;
  readonly settings: readonly string[];
  readonly statements: readonly string[];
  /** Files with tests that name it, relative to the project. */
  readonly files: readonly string[];
  /** How many tests name it, or one of its statements. */
  readonly proofs: number;
}

/** One row for each of the 53 readings. */
export function readingRows(): readonly ReadingRow[] {
  const tests = conformanceFiles().flatMap((file) =>
    namesIn(readFileSync(join(ROOT, file), 'utf8')).map((name) => ({ file, name, ids: idsOf(name).ids })),
  );
  return Object.entries(STATEMENTS).map(([id, statements]) => {
    const isNamed = new RegExp(`\\b${id}\\b`);
    const named = tests.filter(({ name }) => isNamed.test(name));
    const about = tests.filter(({ ids }) => statements.some((statement) => ids.includes(statement)));
    return {
      id,
      text: READING_TEXTS[id] ?? 'Nothing to be done: the text has no content there.',
      settings: [
        ...READINGS.filter(({ of }) => isNamed.test(of)).map(({ key }) => `readings.${key}`),
        ...(OTHER_SETTINGS[id] ?? []),
      ],
      statements,
      files: [...new Set(named.map(({ file }) => file))].sort(),
      proofs: new Set([...named, ...about]).size,
    };
  });
}

/** The names of tests are the strings with ids in them. */
function namesIn(source: string): string[] {
  return [...source.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)]
    .map(([, quoted, template]) => quoted ?? template ?? '')
    .filter((text) => /\bR-7\.2\.1\.|\bA-\d/.test(text));
}

export function readingsSection(): string {
  const rows = readingRows().map(({ id, text, settings, statements, files }) => {
    const cells = [
      id,
      text,
      settings.map((setting) => `\`${setting}\``).join(', '),
      statements.join(', '),
      files.map((file) => `[${basename(file, '.test.ts')}](../${file})`).join(', '),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `## All readings

What the product does where the specification leaves room, by default. The tests of the statements, with the line of the message that proves them, are in
[conformance.md](conformance.md); further tests are named here. Those of a setting try each of its values.

| of | reading | settings | statements | further tests |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
