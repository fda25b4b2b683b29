/** `parley groups` and `parley group …` on the contents page. */
import type { Command, Flag } from './command.ts';
import { REST_FLAGS } from './rest-flags.ts';

const COMMENT: Flag = {
  name: 'comment',
  value: 'TEXT',
  about: 'why; kept with the version and shown by versions',
};
const ETAG: Flag = {
  name: 'etag',
  value: 'TAG',
  about: 'only if the group still has this ETag; default: whatever it has now',
};
const VERSION: Flag = { name: 'version', value: 'N', about: 'an older one' };
const CONNECTION = '[--url URL] [--config FILE] [--json]';

/** @param shared flags of all commands, at the end of each help */
export function groupCommands(shared: readonly Flag[]): Command[] {
  const over = (...own: Flag[]) => [...own, ...REST_FLAGS, ...shared];
  return [
    {
      name: 'groups',
      summary: 'Lists the pre-defined groups of a running focus: managed ones and those of files.',
      usage: `[--search TEXT] [--source managed|file] [--limit N] ${CONNECTION}`,
      flags: over(
        { name: 'search', value: 'TEXT', about: 'in the address or the name, in any case' },
        { name: 'source', value: 'SOURCE', about: 'managed: edited over REST; file: of the configuration' },
        { name: 'limit', value: 'N', about: 'so many at most (default 1000)' },
      ),
      run: async (args) => (await import('./group-read.ts')).runGroups(args),
    },
    {
      name: 'group show',
      summary: 'Shows a group: members, rules, or with --xml its document as it was given.',
      usage: `[--xml] [--version N] ${CONNECTION} URI`,
      flags: over({ name: 'xml', about: 'the OMA document' }, VERSION),
      maxOperands: 1,
      run: async (args) => (await import('./group-read.ts')).runGroupShow(args),
    },
    {
      name: 'group rights',
      summary: 'Tells who may do what in a group, and by which rules.',
      usage: `[--user URI] ${CONNECTION} URI`,
      flags: over({ name: 'user', value: 'URI', about: 'this user, member or not, instead of the members' }),
      maxOperands: 1,
      run: async (args) => (await import('./group-read.ts')).runGroupRights(args),
    },
    {
      name: 'group versions',
      summary: 'Lists the versions of a managed group: when, who, why.',
      usage: `${CONNECTION} URI`,
      flags: over(),
      maxOperands: 1,
      run: async (args) => (await import('./group-read.ts')).runGroupVersions(args),
    },
    {
      name: 'group diff',
      summary: 'Tells what changed from one version of a group to another, or to the newest.',
      usage: `${CONNECTION} URI FROM [TO]`,
      flags: over(),
      maxOperands: 3,
      run: async (args) => (await import('./group-read.ts')).runGroupDiff(args),
    },
    {
      name: 'group validate',
      summary:
        'Says all that is wrong with a group document (XML or JSON), by the running focus; saves nothing.',
      usage: `${CONNECTION} FILE|-`,
      flags: over(),
      maxOperands: 1,
      run: async (args) => (await import('./group-edit.ts')).runGroupValidate(args),
    },
    {
      name: 'group put',
      summary: 'Creates the group of a document (XML or JSON), or replaces it; in force at once.',
      usage: `[--etag TAG] [--comment TEXT] ${CONNECTION} FILE|-`,
      flags: over(ETAG, COMMENT),
      maxOperands: 1,
      run: async (args) => (await import('./group-edit.ts')).runGroupPut(args),
    },
    {
      name: 'group adopt',
      summary: 'Copies the document of a file into the records: from then on the group is edited there.',
      usage: `[--comment TEXT] ${CONNECTION} URI`,
      flags: over(COMMENT),
      maxOperands: 1,
      run: async (args) => (await import('./group-edit.ts')).runGroupAdopt(args),
    },
    {
      name: 'group rollback',
      summary: 'Makes an older version of a group the newest.',
      usage: `[--etag TAG] [--comment TEXT] ${CONNECTION} URI VERSION`,
      flags: over(ETAG, COMMENT),
      maxOperands: 2,
      run: async (args) => (await import('./group-edit.ts')).runGroupRollback(args),
    },
    {
      name: 'group delete',
      summary: 'Deletes a managed group; its versions stay, and running sessions go on.',
      usage: `[--etag TAG] [--comment TEXT] ${CONNECTION} URI`,
      flags: over(ETAG, COMMENT),
      maxOperands: 1,
      run: async (args) => (await import('./group-edit.ts')).runGroupDelete(args),
    },
  ];
}
