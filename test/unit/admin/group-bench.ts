/** Groups over REST on records that a test can look into. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { GroupPorts } from '../../../src/admin/groups/ports.ts';
import { AuditLog } from '../../../src/admin/records/audit.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { type Answer, asking } from './asking.ts';
import { CREW, CREW_PATH, crewXml, type FakeFile, fakeGroups } from './fake-groups.ts';

export const XML = 'application/vnd.oma.poc.groups+xml';
export const NEW = { 'if-none-match': '*' };
export const FILE: FakeFile = {
  file: '/etc/groups/crew.xml',
  xml: crewXml(),
  entry: { key: CREW, displayName: 'Crew' },
};

export function groupBench(t: TestContext, files: readonly FakeFile[] = [], own: Partial<GroupPorts> = {}) {
  const records = openRecords(':memory:');
  let told = 0;
  const changed = () => {
    told += 1;
    return [];
  };
  const { ask, get } = asking(t, {}, { records, groups: fakeGroups(files, { changed, ...own }) });
  const putXml = (xml: string, headers: Record<string, string> = NEW, path = CREW_PATH) =>
    ask('PUT', path, { 'content-type': XML, ...headers }, xml);
  const putJson = (json: unknown, headers: Record<string, string> = NEW, path = CREW_PATH) =>
    ask('PUT', path, { 'content-type': 'application/json', ...headers }, JSON.stringify(json));
  /** Everything that an edit could leave behind. */
  const left = () => ({
    documents: records.prepare('SELECT * FROM group_document').all(),
    versions: records.prepare('SELECT * FROM group_version').all(),
    audit: records.prepare('SELECT * FROM audit').all(),
    told,
  });
  return {
    ask,
    get,
    putXml,
    putJson,
    left,
    audit: new AuditLog(records, () => 0),
    told: () => told,
    db: records,
  };
}

/** Asserts the code and that nothing was changed. */
export async function refused(
  { left }: Pick<ReturnType<typeof groupBench>, 'left'>,
  code: string,
  run: () => Promise<Answer>,
): Promise<{ detail: string; errors?: { path: string; line?: number; message: string }[] }> {
  const before = left();
  const answer = await run();
  const problem = answer.body as { code: string; status: number; detail: string };
  assert.equal(problem?.code, code, answer.text);
  assert.equal(answer.status, problem.status);
  assert.deepEqual(left(), before);
  return problem;
}
