/** The directory of groups: what is in force while files change. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import { DOCUMENT_MAX_BYTES } from '../../../src/app/document-file.ts';
import { GroupDirectory } from '../../../src/app/groups.ts';

const document = (name: string, displayName: string, list = ''): string =>
  `<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:${name}@example.net"><display-name>${displayName}</display-name><list>${list}</list></list-service></group>`;

interface Bench {
  readonly directory: GroupDirectory;
  readonly logged: { readonly msg: string; readonly faults?: readonly string[] }[];
  put(name: string, text: string): string;
  refresh(): string[];
  nameOf(group: string): string | undefined;
}

function bench(t: TestContext, maxParsed?: number): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'parley-groups-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'lists'));
  const files: string[] = [];
  const logged: Bench['logged'] = [];
  const log = pino({}, { write: (line) => void logged.push(JSON.parse(line) as Bench['logged'][number]) });
  const directory = new GroupDirectory(log, {
    listsFolder: join(folder, 'lists'),
    ...(maxParsed === undefined ? {} : { maxParsed }),
  });
  return {
    directory,
    logged,
    put(name, text) {
      const file = join(folder, name);
      writeFileSync(file, text);
      if (!name.startsWith('lists/') && !files.includes(file)) files.push(file);
      return file;
    },
    refresh: () =>
      [...directory.refresh(files.filter((file) => !removed.has(file)))].toSorted((a, b) =>
        a.localeCompare(b),
      ),
    nameOf: (group) => directory.find(`sip:${group}@example.net`)?.displayName,
  };
}
const removed = new Set<string>();
beforeEach(() => removed.clear());

const key = (name: string): string => `sip:${name}@example.net`;

describe('GroupDirectory', () => {
  it('tells which groups are new, other or gone', (t) => {
    const { put, refresh, nameOf, directory } = bench(t);
    const one = put('1.xml', document('a', 'A'));
    put('2.xml', document('b', 'B'));
    assert.deepEqual(refresh(), [key('a'), key('b')]);
    assert.deepEqual(refresh(), []);
    put('1.xml', document('a', 'A again'));
    assert.deepEqual(refresh(), [key('a')]);
    assert.equal(nameOf('a'), 'A again');
    removed.add(one);
    assert.deepEqual(refresh(), [key('a')]);
    assert.deepEqual([nameOf('a'), nameOf('b'), directory.count], [undefined, 'B', 1]);
  });

  it('keeps the old version when the new one is bad, too large or unreadable, also out of the cache', (t) => {
    const { put, refresh, nameOf, directory, logged } = bench(t, 1);
    const file = put('1.xml', document('a', 'A'));
    put('2.xml', document('b', 'B'));
    refresh();
    for (const bad of ['<group/>', '', 'x'.repeat(DOCUMENT_MAX_BYTES + 1), document('a', 'A').slice(0, 60)]) {
      put('1.xml', bad);
      assert.deepEqual(refresh(), []);
      assert.deepEqual([nameOf('a'), nameOf('b'), nameOf('a')], ['A', 'B', 'A']);
      assert.equal(directory.fileOf(key('a')), file);
    }
    assert.equal(directory.refusedCount, 4);
    assert.equal(directory.faults().length, 1);
    refresh();
    assert.equal(directory.refusedCount, 4, 'a bad version is told once');
    assert.match(logged.at(-1)?.faults?.[0] ?? '', /1\.xml:1:\d+: /);
    put('1.xml', document('a', 'A at last'));
    assert.deepEqual(refresh(), [key('a')]);
    assert.equal(nameOf('a'), 'A at last');
    assert.deepEqual(directory.faults(), []);
  });

  it('lets the later of two files with the same group count, and the other when that is gone', (t) => {
    const { put, refresh, nameOf, directory, logged } = bench(t);
    put('1.xml', document('a', 'first'));
    const two = put('2.xml', document('a', 'second'));
    refresh();
    assert.equal(nameOf('a'), 'second');
    refresh();
    assert.equal(logged.filter(({ msg }) => msg.startsWith('two files')).length, 1);
    assert.equal(directory.doubles().length, 1);
    removed.add(two);
    assert.deepEqual(refresh(), [key('a')]);
    assert.equal(nameOf('a'), 'first');
    assert.deepEqual(directory.doubles(), []);
  });

  it('reads documents again when a list of theirs changes or comes, and keeps a list that turns bad', (t) => {
    const { put, refresh, directory, logged } = bench(t, 1);
    const list = (uri: string): string =>
      `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list><entry uri="${uri}"/></list></resource-lists>`;
    const members = () => directory.find(key('a'))?.lists?.[0]?.members.map(({ uri }) => uri);
    put('1.xml', document('a', 'A', '<external anchor="crew"/>'));
    assert.deepEqual(refresh(), []);
    assert.match(directory.faults()[0] ?? '', /lists\/crew\.xml cannot be read \(ENOENT\)/);
    put('lists/crew.xml', list('sip:b@example.net'));
    assert.deepEqual(refresh(), [key('a')]);
    assert.deepEqual(members(), ['sip:b@example.net']);
    put('lists/crew.xml', list('sip:c@example.net'));
    assert.deepEqual(refresh(), [key('a')]);
    assert.deepEqual(members(), ['sip:c@example.net']);
    put('lists/crew.xml', '<resource-lists');
    assert.deepEqual(refresh(), []);
    assert.deepEqual(members(), ['sip:c@example.net']);
    assert.ok(logged.some(({ msg }) => msg === 'a list cannot be taken; the one read before stays in force'));
    put(
      'lists/crew.xml',
      '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><person/></resource-lists>',
    );
    assert.deepEqual(refresh(), []);
    assert.deepEqual(members(), ['sip:c@example.net'], 'the document with the new list is refused');
  });

  it('refuses references when no folder is configured', (t) => {
    const { put } = bench(t);
    const directory = new GroupDirectory(pino({ enabled: false }));
    assert.equal(directory.load([put('1.xml', document('a', 'A', '<external anchor="crew"/>'))]), 0);
    assert.match(directory.faults()[0] ?? '', /set groupLists to the folder that has it/);
  });
});
