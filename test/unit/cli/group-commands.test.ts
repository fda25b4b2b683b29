/** `parley groups` and `parley group …` against an admin interface: what they print, and how they end. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { CREW, CREW_JSON, crewXml, fakeGroups } from '../admin/fake-groups.ts';
import { FILE } from '../admin/group-bench.ts';
import { commandsOn } from './run-command.ts';

async function bench(t: TestContext, files: Parameters<typeof fakeGroups>[0] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-group-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const run = await commandsOn(t, { groups: fakeGroups(files) });
  return {
    file(text: string): string {
      const file = join(folder, 'group.xml');
      writeFileSync(file, text);
      return file;
    },
    run: (line: string) => run(...line.split(' ')),
  };
}

test('a group is put, shown, listed, changed, compared, taken back and deleted', async (t) => {
  const { run, file } = await bench(t);
  assert.equal((await run('groups')).out, 'no groups\n');
  const made = await run(`group put --comment first ${file(JSON.stringify(CREW_JSON))}`);
  assert.deepEqual([made.status, made.out], [0, `${CREW} version 1, 2 members: in force now\n`]);
  assert.equal(
    (await run('groups')).out,
    [
      'GROUP                 NAME  MEMBERS  MAX  KEPT       IN',
      'sip:crew@example.net  Crew        2    5  version 1',
      '',
    ].join('\n'),
  );
  assert.equal(
    (await run(`group show ${CREW}`)).out,
    [
      'sip:crew@example.net  "Crew"  version 1',
      'members are invited, 5 seats',
      '',
      'MEMBER               NAME',
      'sip:ada@example.net  Ada',
      'tel:+46700000003',
      '',
      'RULE     FOR      GRANTS',
      'members  members  initiate join',
      '',
    ].join('\n'),
  );
  const xml = crewXml();
  assert.equal((await run(`group put ${file(xml)}`)).status, 0);
  assert.equal((await run('group show --xml crew@example.net')).out, xml);
  assert.deepEqual(JSON.parse((await run(`group show --json --version 1 ${CREW}`)).out), CREW_JSON);
  const diff = await run(`group diff ${CREW} 1`);
  assert.match(diff.out, /^-\s+<max-participant-count>5/m);
  assert.equal((await run(`group diff ${CREW} 1 1`)).out, 'no difference\n');
  assert.equal(
    (await run(`group versions ${CREW}`)).out,
    [
      'VERSION  AT                        WHO       WHY',
      '      2  2026-11-22T10:00:00.000Z  loopback',
      '      1  2026-11-22T10:00:00.000Z  loopback  first',
      '',
    ].join('\n'),
  );
  assert.equal((await run(`group rollback ${CREW} 1`)).out, `${CREW} version 3, 2 members: in force now\n`);
  const gone = await run(`group delete ${CREW}`);
  assert.deepEqual([gone.status, gone.err], [0, '']);
  assert.equal((await run(`group rollback ${CREW} 1`)).status, 0, 'back again');
});

test('who may do what', async (t) => {
  const { run, file } = await bench(t);
  await run(`group put ${file(crewXml({ members: ['ada'] }))}`);
  assert.equal(
    (await run(`group rights ${CREW}`)).out,
    [
      'USER                 MEMBER  INITIATE  JOIN     INVITE  EXPEL  SUBSCRIBE  ANONYMOUS',
      'sip:ada@example.net  yes     members   members  -       -      -          -',
      '',
    ].join('\n'),
  );
  const eve = JSON.parse((await run(`group rights --json --user eve@example.net ${CREW}`)).out) as {
    user: string;
  }[];
  assert.deepEqual(
    eve.map(({ user }) => user),
    ['sip:eve@example.net'],
  );
});

test('faults are told as compilers do, and nothing is put', async (t) => {
  const { run, file } = await bench(t);
  const path = file(crewXml().replace('true<', 'perhaps<'));
  for (const command of ['group validate', 'group put']) {
    const { status, out, err } = await run(`${command} ${path}`);
    assert.deepEqual([status, out], [1, '']);
    assert(
      err.startsWith(`${path}:8:6: /group/list-service/invite-members: invite-members is "perhaps"`),
      err,
    );
  }
  assert.equal((await run('groups')).out, 'no groups\n');
  const good = await run(`group validate ${file(crewXml({ rights: 'false' }))}`);
  assert.deepEqual([good.status, good.out], [0, `${CREW} is good: 2 members\n`]);
  assert.match(good.err, /^warning: no rule grants allow-initiate-conference/);
});

test('what the interface refuses is a line on stderr and status 1', async (t) => {
  const { run, file } = await bench(t, [FILE]);
  const missing = await run('group show sip:b@example.net');
  assert.deepEqual(
    [missing.status, missing.err],
    [1, 'parley: group show: no group sip:b@example.net is known (ADMIN_GROUP_NOT_FOUND)\n'],
  );
  const kept = await run(`group put ${file(crewXml({ name: 'B' }))}`);
  assert.equal(kept.status, 1);
  assert.match(
    kept.err,
    /^parley: group put: .*kept in \/etc\/groups\/crew\.xml.*\(ADMIN_GROUP_IN_FILE\)\n$/,
  );
  assert.equal((await run(`group adopt ${CREW}`)).status, 0);
  const stale = await run(`group put --etag old ${file(crewXml({ name: 'B' }))}`);
  assert.match(stale.err, /ADMIN_PRECONDITION_FAILED/);
  const unreadable = await run('group put /nowhere/x.xml');
  assert.deepEqual(
    [unreadable.status, unreadable.err],
    [
      1,
      'parley: group put: /nowhere/x.xml cannot be read: there is no such file; mend the name, or give - for standard input\n',
    ],
  );
});

for (const line of [
  'groups --limit 0',
  'group show',
  'group show --version x g',
  'group rights',
  'group versions',
  'group diff g',
  'group diff g 1 x',
  'group validate',
  'group put',
  'group adopt',
  'group rollback g',
  'group rollback g one',
  'group delete',
]) {
  test(`status 2: parley ${line}`, async (t) => {
    const { run } = await bench(t);
    const { status, out, err } = await run(line);
    assert.deepEqual([status, out], [2, '']);
    assert.match(err, /^parley: group.*: .+\n$/);
  });
}

test('a long list comes in pages, as far as one wants', async (t) => {
  const many = Array.from({ length: 1_234 }, (_, n) => ({
    ...FILE,
    entry: { key: `sip:g${String(n).padStart(4, '0')}@example.net` },
  }));
  const { run } = await bench(t, many);
  const all = await run('groups --limit 2000 --json');
  assert.equal((JSON.parse(all.out) as unknown[]).length, 1_234);
  const some = await run('groups');
  assert.equal(some.out.split('\n').length, 1_000 + 2);
  assert.equal(some.err, '234 more: --limit or --search\n');
  assert.equal(JSON.parse((await run('groups --json --search g0007')).out).length, 1);
});
