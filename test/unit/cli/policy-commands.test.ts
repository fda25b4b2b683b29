/** `parley decisions`, `parley policy …` and `parley explain --url`: what they ask, what they print, and how they end. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, type TestContext } from 'node:test';
import type { ShadowedRequest } from '../../../src/admin/policies/ports.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import type { DecisionFilter } from '../../../src/admin/view.ts';
import { fakePolicies } from '../admin/fake-policies.ts';
import { DECISION, EXPLANATION, fakeView } from '../admin/fake-view.ts';
import { commandsOn } from './run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-policy-'));
after(() => rmSync(folder, { recursive: true }));

function fileOf(text: string): string {
  const file = join(folder, `${text.length}.yaml`);
  writeFileSync(file, text);
  return file;
}

const OK = { clause: '7.2.1.2', step: null, status: null, warning: null };
const SHADOWED: ShadowedRequest = {
  at: '2026-11-22T10:00:00.000Z',
  method: 'INVITE',
  target: 'sip:factory@example.net',
  user: 'sip:ada@example.net',
  callId: 'c1',
  decided: OK,
  active: OK,
  candidate: { clause: '7.2.1.2', step: 'R-7.2.1.2-5', status: 486, warning: 'full' },
};

async function bench(t: TestContext) {
  const filters: DecisionFilter[] = [];
  const records = openRecords(':memory:');
  const run = await commandsOn(t, {
    records,
    view: fakeView({
      decisions: (filter) => {
        filters.push(filter);
        return [DECISION];
      },
      explain: () => ({ ...EXPLANATION, answer: 'It would get 404.\u001b[31m' }),
    }),
    policies: fakePolicies({
      shadow: () => [SHADOWED],
      changed: () =>
        Number(records.prepare('SELECT version FROM policy_activation ORDER BY id DESC').get()?.['version']),
    }),
  });
  return { run: (name: string, ...words: string[]) => run(...name.split(' '), ...words), filters };
}

test('decisions: searched, as a table, with their steps, and as JSON', async (t) => {
  const { run, filters } = await bench(t);
  const words = ['--user', 'ada@example.net', '--status', '403', '--clause', '7.2.1.4', '--call-id', 'c+1'];
  const { status, out } = await run('decisions', ...words);
  assert.equal(status, 0);
  assert.match(
    out,
    /^AT +ON +ANSWER +CLAUSE +USER +SESSION +WHY\n2026-\S+ +INVITE +403 +7\.2\.1\.4 +sip:alice/,
  );
  assert.deepEqual(filters, [
    { user: 'sip:ada@example.net', status: 403, clause: '7.2.1.4', callId: 'c+1', limit: 50 },
  ]);
  await run('decisions', '--refused', '--limit', '3');
  assert.deepEqual(filters.at(-1), { refused: true, limit: 3 });
  assert.match(
    (await run('decisions', '--steps')).out,
    /\n {2}✗ R-7\.2\.1\.4-3b {2}is the user allowed: not a member\n/,
  );
  assert.equal((JSON.parse((await run('decisions', '--json')).out) as { id: number }[])[0]?.id, 4711);
  for (const wrong of [
    ['--limit', '501'],
    ['--status', 'all'],
  ]) {
    assert.equal((await run('decisions', ...wrong)).status, 2);
  }
});

test('a policy from its file to what is in force, and back', async (t) => {
  const { run } = await bench(t);
  const file = fileOf('limit: 200\n');
  assert.match((await run('policy show')).out, /^# the configuration alone\n$/);
  const checked = await run('policy check', file);
  assert.deepEqual([checked.out, checked.err], ['limit: 10 → 200\n', 'warning: that is much\n']);
  const shadow = await run('policy shadow', file);
  assert.match(shadow.out, /^1 of 1 request would be answered otherwise, .* 0 these have moved on since\n/);
  assert.match(
    shadow.out,
    /INVITE +sip:ada@example\.net +sip:factory\S+ +goes on 7\.2\.1\.2 +486 R-7\.2\.1\.2-5 +as then\n/,
  );
  assert.match(
    (await run('policy store', '--comment', 'the fair', file)).out,
    /^version 1 is stored; .*\nlimit: 10 → 200\n$/,
  );
  assert.equal((await run('policy activate', '1')).out, 'version 1 is in force\n');
  assert.equal((await run('policy show')).out, '# version 1\nlimit: 200\n');
  assert.equal((await run('policy show', '--all')).out, '# version 1\nlimit: 200\nother: true\n');
  assert.match((await run('policy versions')).out, /\n1 \* +2026-\S+ +loopback +2026-\S+ +the fair\n$/);
  assert.equal((await run('policy rollback')).out, 'the configuration alone is in force\n');
});

test('what is wrong with a policy is told line by line, with status 1; what is not understood, with 2', async (t) => {
  const { run } = await bench(t);
  const { status, err } = await run('policy check', fileOf('limit: 0\nmore: {}\n'));
  assert.equal(status, 1);
  assert.match(err, /\(ADMIN_INVALID\)\n {2}more: is no part of a policy\n {2}limit: 0 is not above 0\n$/);
  assert.match((await run('policy check', fileOf('a: [\n'))).err, /is no YAML/);
  assert.match(
    (await run('policy check', join(folder, 'nowhere'))).err,
    /nowhere cannot be read: there is no such file/,
  );
  assert.equal((await run('policy activate', '7')).status, 1);
  for (const words of [['policy check'], ['policy activate'], ['policy activate', 'x'], ['policy shadow']]) {
    const [name = '', ...rest] = words;
    assert.equal((await run(name, ...rest)).status, 2, words.join(' '));
  }
});

test('explain --url asks the focus that runs there', async (t) => {
  const { run } = await bench(t);
  const file = fileOf('INVITE sip:nobody@example.com SIP/2.0\n\n');
  const { status, out } = await run('explain', file);
  assert.equal(status, 0);
  assert.match(
    out,
    /^It would get 404\.\ufffd\[31m\n\nTo change that, one of these:\n {2}- mend the address\n/,
  );
  assert.match(
    out,
    /\nAnswered before, by its Call-ID \(.*\):\n {2}- 2026-11-22T\S+ 486 to the INVITE, by 7\.2\.1\.4\n/,
  );
  assert.match(out, /\nOn the wire:\n {2}SIP\/2\.0 404 Not Found\n {2}Retry-After: 5\n/);
  assert.match(out, /\nSent besides:\n {2}- BYE to sip:bob@192\.0\.2\.9\n/);
  assert.match(
    out,
    /INVITE sip:nobody@example\.com from 192\.0\.2\.7:5060, as sip:alice@example\.com \(no trusted peer: .*\)\.\nNothing was sent/,
  );
  assert.equal((JSON.parse((await run('explain', '--json', file)).out) as { status: number }).status, 404);
  assert.equal((await run('explain', join(folder, 'nowhere'))).status, 1);
});
