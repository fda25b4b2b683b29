/** docs/errors.md and the source name the same error codes. Both lists must have something in them. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FAMILIES = [
  'SIP',
  'SDP',
  'XML',
  'MSRP',
  'ESL',
  'RPC',
  'STORE',
  'CONFIG',
  'KAMAILIO',
  'RUN',
  'ADMIN',
  'DEMO',
  'FS',
];

/** Every code that stands as a string of its own in the source. The agents' are theirs: they play clients. */
function codesOfSource(): Map<string, string> {
  const found = new Map<string, string>();
  const files = globSync(['src/**/*.ts', 'deploy/**/*.mjs'], { cwd: ROOT }).filter(
    (file) => !file.startsWith(join('src', 'agents')) && !file.includes('.test.'),
  );
  const code = new RegExp(`'((?:${FAMILIES.join('|')})_[A-Z][A-Z0-9_]*)'`, 'g');
  for (const file of files) {
    for (const [, name = ''] of readFileSync(join(ROOT, file), 'utf8').matchAll(code)) found.set(name, file);
  }
  return found;
}

/** The rows of the tables: code, meaning, who sees it, what to do. */
const rows = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| [A-Z0-9]+_[A-Z0-9_]+ \|/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const documented = rows.map(([code = '']) => code);
const source = codesOfSource();

test('there is something to compare', () => {
  assert(source.size > 90, `only ${source.size} codes were found in the source`);
  assert(rows.length > 90, `only ${rows.length} rows were found in docs/errors.md`);
  for (const family of FAMILIES) {
    assert(
      [...source.keys()].some((code) => code.startsWith(`${family}_`)),
      `no ${family}_ code was found`,
    );
  }
});

test('every code of the source is documented', () => {
  const missing = [...source].filter(([code]) => !documented.includes(code));
  assert.deepEqual(missing, []);
});

test('every documented code is in the source, once, with all that a row says', () => {
  assert.deepEqual(
    documented.filter((code) => !source.has(code)),
    [],
  );
  assert.equal(new Set(documented).size, documented.length, 'a code has two rows');
  for (const row of rows)
    assert(row.length === 4 && row.every((cell) => cell !== ''), `incomplete: ${row.join(' | ')}`);
});

test('coded errors are made with literal codes of a known family', () => {
  const unknown: string[] = [];
  for (const file of globSync('src/**/*.ts', { cwd: ROOT })) {
    if (file.startsWith(join('src', 'agents'))) continue;
    const text = readFileSync(join(ROOT, file), 'utf8');
    for (const [, name = ''] of text.matchAll(
      /new (?:CodedError|ParseError|RpcError|XmlParseError)\(\s*'([^']*)'/g,
    )) {
      if (!source.has(name)) unknown.push(`${file}: ${name}`);
    }
  }
  assert.deepEqual(unknown, []);
});
