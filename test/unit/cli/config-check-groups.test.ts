/** `parley config check` on the group documents that a configuration names. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runToEnd } from '../../support/children.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

const group = (uri: string, inner = ''): string =>
  `<group xmlns="urn:oma:xml:poc:list-service">\n  <list-service uri="${uri}">${inner}</list-service>\n</group>\n`;

function check(t: TestContext, yaml: string, files: Readonly<Record<string, string>>, ...flags: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'parley-check-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries({ 'parley.yaml': yaml, ...files })) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  const run = runToEnd(process.execPath, [MAIN, 'config', 'check', ...flags, join(directory, 'parley.yaml')]);
  const plain = (text: string): string => text.replaceAll(`${directory}/`, '');
  return { status: run.status, stdout: plain(run.stdout), lines: plain(run.stderr).trim().split('\n') };
}

const BASE = 'sip: {domain: example.net, trustedPeers: [10.0.0.1]}\n';

test('good documents are counted', (t) => {
  const run = check(t, `${BASE}groups: ["groups/*.xml"]\n`, {
    'groups/a.xml': group('sip:a@example.net'),
    'groups/b.xml': group('sip:b@example.net', '<list><entry uri="sip:ada@example.net"/></list>'),
  });
  assert.deepEqual([run.status, run.stdout], [0, 'the configuration is good; groups: 2\n']);
});

test('each fault has its file, line, column and path, and what to do; the exit status is 1', (t) => {
  const files = {
    'groups/a.xml': group(
      'sip:a@example.net',
      '\n    <invite-members>maybe</invite-members>\n    <list><entry/></list>',
    ),
    'groups/b.xml': '<group',
    'groups/c.xml': group('sip:c@example.net', '<list><external anchor="crew"/></list>'),
  };
  const yaml = `${BASE}groups: ["groups/*.xml"]\ngroupLists: lists\n`;
  const run = check(t, yaml, { ...files, 'lists/other.xml': '' });
  assert.equal(run.status, 1);
  assert.equal(run.stdout, '5 to mend\n');
  assert.deepEqual(run.lines, [
    'groups/a.xml:3:5: /group/list-service/invite-members: invite-members is "maybe": write true or false',
    'groups/a.xml:4:5: /group/list-service/list: list stands too late: the order is display-name, list, invite-members, max-participant-count, others',
    'groups/a.xml:4:11: /group/list-service/list/entry: entry has no uri: it is the address of the member',
    'groups/b.xml:1:6: /: document must contain a root element.',
    'groups/c.xml:2:47: /group/list-service/list/external: lists/crew.xml cannot be read (ENOENT): make it a file that this user may read',
  ]);
  const json = check(t, yaml, { ...files, 'lists/other.xml': '' }, '--json');
  const answer = JSON.parse(json.stdout) as { ok: boolean; errors: unknown[]; groupFaults: string[] };
  assert.deepEqual([answer.ok, answer.errors, answer.groupFaults.length], [false, [], 5]);
});

test('warned of: a pattern that matches nothing, a group of another domain, one that two files have', (t) => {
  const run = check(t, `${BASE}groups: ["none/*.xml", "groups/*.xml"]\n`, {
    'groups/a.xml': group('sip:a@example.net'),
    'groups/b.xml': group('sip:A@example.org'),
    'groups/c.xml': group('sip:a@example.net'),
  });
  assert.equal(run.status, 0);
  assert.match(run.lines[0] ?? '', /^warning: groups\[0\]: none\/\*\.xml matches no file$/);
  assert.match(
    run.lines[1] ?? '',
    /^warning: groups\/c\.xml and groups\/a\.xml both have sip:a@example\.net/,
  );
  assert.match(
    run.lines[2] ?? '',
    /^warning: groups\/b\.xml: sip:A@example\.org is not in sip\.domain \(example\.net\)/,
  );
});

test('the folder of lists must be one', (t) => {
  const run = check(t, `${BASE}groupLists: lists\n`, { lists: 'a file' });
  assert.equal(run.status, 1);
  assert.match(run.lines[0] ?? '', /^groupLists: "lists" is no folder/);
});
