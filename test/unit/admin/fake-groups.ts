/** Group ports whose files a test chooses, and group documents for tests. */
import { byKey } from '../../../src/admin/groups/group-list.ts';
import type { FileGroup, GroupPorts } from '../../../src/admin/groups/ports.ts';

export interface FakeFile {
  readonly file: string;
  readonly xml: string;
  readonly entry: Partial<FileGroup> & Pick<FileGroup, 'key'>;
}

export function fakeGroups(files: readonly FakeFile[] = [], own: Partial<GroupPorts> = {}): GroupPorts {
  return {
    files: {
      list: () =>
        files.map(({ file, entry }) => fileGroup({ file, ...entry })).toSorted((a, b) => byKey(a.key, b.key)),
      document: (key) => {
        const found = files.find(({ entry }) => entry.key === key);
        return found === undefined ? undefined : { file: found.file, xml: Buffer.from(found.xml) };
      },
    },
    surroundings: { domain: 'example.net', sessionPrefix: 'im-s-', factories: ['sip:factory@example.net'] },
    resolveList: (anchor) => ({ fault: `${anchor} is not there` }),
    changed: () => [],
    maxVersions: 100,
    imports: {
      folderFiles: () => undefined,
      readFile: () => ({ fault: 'is not there' }),
      xdms: { origins: [], maxBytes: 100_000, timeoutMs: 2_000, maxRedirects: 3, revalidateMs: 0 },
    },
    ...own,
  };
}

export function fileGroup(own: Partial<FileGroup> & Pick<FileGroup, 'key'>): FileGroup {
  return {
    uri: own.key,
    file: '/etc/parley/groups/crew.xml',
    displayName: null,
    members: 2,
    maxParticipants: null,
    inviteMembers: true,
    ...own,
  };
}

export const CREW = 'sip:crew@example.net';
export const CREW_PATH = `/api/v1/groups/${encodeURIComponent(CREW)}`;

/** A document that only a person would write so: its bytes are to come back. */
export function crewXml({
  name = 'Crew',
  members = ['ada', 'ben'],
  rights = 'true',
  uri = CREW,
} = {}): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- by hand -->
<g:group xmlns:g="urn:oma:xml:poc:list-service" xmlns:cr='urn:ietf:params:xml:ns:common-policy'>
   <g:list-service uri="${uri}">
     <g:display-name>${name}</g:display-name>
     <g:list>${members.map((member) => `<g:entry uri="sip:${member}@example.net"/>`).join('\n')}</g:list>
     <g:invite-members>true</g:invite-members>
     <cr:ruleset><cr:rule id="members"><cr:conditions><g:is-list-member/></cr:conditions>
       <cr:actions><g:allow-initiate-conference>${rights}</g:allow-initiate-conference><g:join-handling>true</g:join-handling></cr:actions>
     </cr:rule></cr:ruleset>
   </g:list-service>
</g:group>
`;
}

export const CREW_JSON = {
  uri: CREW,
  displayName: 'Crew',
  members: [{ uri: 'sip:ada@example.net', name: 'Ada' }, { uri: 'tel:+46700000003' }],
  inviteMembers: true,
  maxParticipants: 5,
  rules: [{ id: 'members', when: { members: true as const }, grant: { initiate: true, join: true } }],
};
