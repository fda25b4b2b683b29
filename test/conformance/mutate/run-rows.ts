/** A child of its own for each mutant: runs rows (JSON in argv) and prints the results as one line of JSON. */
import { runTests } from '../report/run-tests.ts';
import { namePattern, type Row } from './steps.ts';

const rows = JSON.parse(process.argv[2] ?? '[]') as Row[];
const results = await runTests({
  files: [...new Set(rows.map(({ file }) => file))].sort(),
  namePatterns: rows.map(namePattern),
  testTimeoutMs: Number(process.argv[3]),
});
process.stdout.write(`${JSON.stringify(results)}\n`);
