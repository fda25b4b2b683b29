/** Managed groups in the focus: what another connection has written is in force when it is looked for. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import { summaryOf } from '../../../src/admin/groups/group-content.ts';
import { inTransaction, openRecords } from '../../../src/admin/records/database.ts';
import { GroupRecords } from '../../../src/admin/records/groups.ts';
import { GroupDirectory } from '../../../src/app/groups.ts';
import { parseGroupDocument } from '../../../src/documents/group-document.ts';
import { addressKey } from '../../../src/sip/uri.ts';

const uri = (name: string) => `sip:${name}@example.net`;
const document = (name: string, displayName: string, list = ''): string =>
  `<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="${uri(name)}"><display-name>${displayName}</display-name><list>${list}</list></list-service></group>`;

function bench(t: TestContext, { maxParsed = 5_000 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-managed-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'lists'));
  const recordsFile = join(folder, 'admin.db');
  const db = openRecords(recordsFile);
  t.after(() => db.close());
  const records = new GroupRecords(db, () => 0, 100);
  const logged: { msg: string; faults?: string[] }[] = [];
  const log = pino({}, { write: (line) => void logged.push(JSON.parse(line) as (typeof logged)[number]) });
  const open = () => {
    const directory = new GroupDirectory(log, { listsFolder: join(folder, 'lists'), recordsFile, maxParsed });
    t.after(() => directory.close());
    return directory;
  };
  let ticks = 0;
  return {
    open,
    logged,
    db,
    records,
    put(name: string, xml: string): void {
      const read = parseGroupDocument(xml);
      assert(read.ok && read.groups[0] !== undefined);
      const [group] = read.groups;
      const key = addressKey(group.uri);
      const more = { etag: `"${ticks++}"`, origin: null, xcapPath: null, who: 'test', comment: null };
      inTransaction(db, () => records.put({ key, xml, summary: summaryOf(group), ...more }));
      assert.equal(key, uri(name));
    },
    remove: (name: string) => inTransaction(db, () => records.delete(uri(name), 'test', null)),
    file(name: string, text: string): string {
      const file = join(folder, name);
      writeFileSync(file, text);
      utimesSync(file, 1, ++ticks);
      return file;
    },
  };
}

const member = (name: string) => `<entry uri="sip:${name}@example.net"/>`;
const listDocument = (...names: string[]) =>
  `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>${names.map(member).join('')}</list></resource-lists>`;
const nameOf = (directory: GroupDirectory, name: string) => directory.find(uri(name))?.displayName;

describe('managed groups', () => {
  it('are there at the start, and follow every edit', (t) => {
    const { open, put, remove } = bench(t);
    put('a', document('a', 'A'));
    const directory = open();
    assert.deepEqual([directory.count, nameOf(directory, 'a')], [1, 'A']);
    assert.deepEqual([...directory.refreshManaged()], []);
    put('a', document('a', 'A2'));
    put('b', document('b', 'B'));
    put('a', document('a', 'A3'));
    assert.equal(nameOf(directory, 'a'), 'A', 'until it is told');
    assert.deepEqual([...directory.refreshManaged()].sort(), [uri('a'), uri('b')]);
    assert.deepEqual([nameOf(directory, 'a'), nameOf(directory, 'b')], ['A3', 'B']);
    remove('a');
    assert.deepEqual([...directory.refreshManaged()], [uri('a')]);
    assert.deepEqual([nameOf(directory, 'a'), directory.count], [undefined, 1]);
    put('a', document('a', 'back'));
    directory.refreshManaged();
    assert.equal(nameOf(directory, 'a'), 'back');
  });

  it('win over files, which count again when they are deleted', (t) => {
    const { open, put, remove, file } = bench(t);
    const path = file('a.xml', document('a', 'of file'));
    const directory = open();
    directory.load([path]);
    assert.equal(directory.fileOf(uri('a')), path);
    put('a', document('a', 'managed'));
    assert.deepEqual([...directory.refreshManaged()], [uri('a')]);
    assert.equal(nameOf(directory, 'a'), 'managed');
    assert.deepEqual([directory.fileOf(uri('a')), directory.count], [undefined, 1]);
    assert.equal(directory.fileDocument(uri('a'))?.file, path);
    file('a.xml', document('a', 'of file, new'));
    assert.deepEqual([...directory.refresh([path])], [], 'what is overridden changes nothing');
    assert.equal(nameOf(directory, 'a'), 'managed');
    remove('a');
    assert.deepEqual([...directory.refreshManaged()], [uri('a')]);
    assert.equal(nameOf(directory, 'a'), 'of file, new');
  });

  it('are parsed again when they have left the cache', (t) => {
    const { open, put } = bench(t, { maxParsed: 1 });
    for (const name of ['a', 'b', 'c']) put(name, document(name, name.toUpperCase()));
    const directory = open();
    assert.deepEqual(
      ['a', 'b', 'c', 'a'].map((name) => nameOf(directory, name)),
      ['A', 'B', 'C', 'A'],
    );
  });

  it('go by their lists, and keep what they had when one turns bad', (t) => {
    const { open, put, file, logged } = bench(t);
    file('lists/crew.xml', listDocument('ada'));
    put('a', document('a', 'A', '<external anchor="crew"/>'));
    const directory = open();
    directory.load([]);
    const members = () => directory.find(uri('a'))?.lists?.[0]?.members.map((one) => one.uri);
    assert.deepEqual(members(), [uri('ada')]);
    file('lists/crew.xml', listDocument('ada', 'ben'));
    assert.deepEqual([...directory.refresh([])], [uri('a')]);
    assert.deepEqual(members(), [uri('ada'), uri('ben')]);
    put('a', document('a', 'A2', '<external anchor="nowhere"/>'));
    assert.deepEqual([...directory.refreshManaged()], []);
    assert.equal(nameOf(directory, 'a'), 'A', 'the version before stays in force');
    assert.deepEqual(directory.behind(), [uri('a')]);
    assert.equal(directory.refusedCount, 2, 'the document, and its list');
    assert.match(logged.map(({ msg }) => msg).join(), /the one before, if any, stays in force/);
    file('lists/nowhere.xml', listDocument('cy'));
    assert.deepEqual([...directory.refresh([])], [uri('a')]);
    assert.deepEqual([nameOf(directory, 'a'), members()], ['A2', [uri('cy')]]);
    assert.deepEqual(directory.behind(), []);
  });

  it('with a list that is not there at the start are unknown until it comes', (t) => {
    const { open, put, file } = bench(t);
    put('a', document('a', 'A', '<external anchor="crew"/>'));
    const directory = open();
    directory.load([]);
    assert.equal(directory.find(uri('a')), undefined);
    file('lists/crew.xml', listDocument('ada'));
    assert.deepEqual([...directory.refresh([])], [uri('a')]);
    assert.equal(nameOf(directory, 'a'), 'A');
  });

  it('ten thousand: all known, none parsed before it is asked for', (t) => {
    const { open, db, records } = bench(t);
    const xml = (n: number) => document(`g${n}`, `Group ${n}`);
    inTransaction(db, () => {
      for (let n = 0; n < 10_000; n += 1) {
        const summary = {
          uri: uri(`g${n}`),
          displayName: null,
          members: 0,
          maxParticipants: null,
          inviteMembers: false,
        };
        const more = { etag: '"x"', origin: null, xcapPath: null, who: 'test', comment: null };
        // Broken on purpose but for one: who parses them all at the start finds it out.
        records.put({ key: uri(`g${n}`), xml: n === 7 ? xml(n) : '<broken', summary, ...more });
      }
    });
    const directory = open();
    assert.equal(directory.count, 10_000);
    assert.equal(nameOf(directory, 'g7'), 'Group 7');
    assert.equal(directory.refusedCount, 0);
  });

  it('without a records file there are none', () => {
    const directory = new GroupDirectory(pino({ enabled: false }), { recordsFile: '/nowhere/admin.db' });
    assert.deepEqual([directory.count, directory.find(uri('a'))], [0, undefined]);
    assert.deepEqual([...directory.refreshManaged()], []);
  });
});
