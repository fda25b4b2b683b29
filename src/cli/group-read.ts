/** `parley groups` and what `parley group` shows. */

import type { GroupJson } from '../documents/group-json-schema.ts';
import type { Arguments } from './command.ts';
import { counted } from './counted.ts';
import { groupText } from './group-text.ts';
import { type Column, EXIT, formatTable, notUnderstood, shown, withRest } from './rest.ts';

export interface GroupItem {
  readonly uri: string;
  readonly displayName: string | null;
  readonly members: number;
  readonly maxParticipants: number | null;
  readonly source: 'managed' | 'file';
  readonly file: string | null;
  readonly origin: string | null;
  readonly version: number | null;
  readonly updatedAt: string | null;
}

const DEFAULT_LIMIT = 1000;
const PAGE_LIMIT = 500;

const GROUP_COLUMNS: readonly Column<GroupItem>[] = [
  { title: 'GROUP', of: ({ uri }) => uri },
  { title: 'NAME', of: ({ displayName }) => displayName },
  { title: 'MEMBERS', of: ({ members }) => members, isRight: true },
  { title: 'MAX', of: ({ maxParticipants }) => maxParticipants, isRight: true },
  { title: 'KEPT', of: ({ source, version }) => (source === 'file' ? 'file' : `version ${version}`) },
  { title: 'IN', of: ({ file, origin }) => file ?? origin },
];

/** `/api/v1/groups/…` of the address that was typed. */
export function groupPath(uri: string, rest = ''): string {
  return `/api/v1/groups/${encodeURIComponent(uri)}${rest}`;
}

export function print(text: string): void {
  process.stdout.write(text);
}

export function printJson(value: unknown): void {
  print(`${JSON.stringify(value)}\n`);
}

export async function runGroups(args: Arguments): Promise<number> {
  const { flags } = args;
  const limit = flags.get('limit') ?? String(DEFAULT_LIMIT);
  if (!/^[1-9]\d{0,5}$/.test(limit))
    return notUnderstood('groups', '--limit is a whole number from 1 to 999999');
  return withRest('groups', flags, async (rest) => {
    const items: GroupItem[] = [];
    let matching = 0;
    let cursor: string | undefined;
    do {
      const query = {
        q: flags.get('search'),
        source: flags.get('source'),
        cursor,
        limit: Math.min(PAGE_LIMIT, Number(limit) - items.length),
      };
      const page = await rest.json<{
        items: GroupItem[];
        nextCursor: string | null;
        counts: { matching: number };
      }>('GET', '/api/v1/groups', { query });
      items.push(...page.items);
      ({ matching } = page.counts);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && items.length < Number(limit));
    if (flags.has('json')) printJson(items);
    else print(items.length === 0 ? 'no groups\n' : formatTable(items, GROUP_COLUMNS));
    if (matching > items.length) {
      process.stderr.write(`${matching - items.length} more: --limit or --search\n`);
    }
    return EXIT.done;
  });
}

export async function runGroupShow(args: Arguments): Promise<number> {
  const [uri] = args.operands;
  if (uri === undefined) return notUnderstood('group show', 'which group? `parley groups` lists them');
  const version = args.flags.get('version');
  if (version !== undefined && !/^\d{1,9}$/.test(version)) {
    return notUnderstood('group show', '--version is a whole number');
  }
  return withRest('group show', args.flags, async (rest) => {
    const path = groupPath(uri, version === undefined ? '' : `/versions/${version}`);
    const isXml = args.flags.has('xml');
    const accept = isXml ? 'application/vnd.oma.poc.groups+xml' : 'application/json';
    const { text, headers } = await rest.ask('GET', path, { headers: { accept } });
    if (isXml) print(text.endsWith('\n') ? text : `${text}\n`);
    else if (args.flags.has('json')) print(`${text}\n`);
    else print(groupText(JSON.parse(text) as GroupJson, headers));
    return EXIT.done;
  });
}

interface Granted {
  readonly allowed: boolean;
  readonly rules: readonly string[];
}

interface RightsRow {
  readonly user: string;
  readonly isMember: boolean;
  readonly initiate: Granted;
  readonly join: Granted;
  readonly invite: Granted;
  readonly expel: Granted;
  readonly subscribe: Granted;
  readonly beAnonymous: Granted;
  readonly applied: readonly string[];
}

const may = ({ allowed, rules }: Granted): string => (allowed ? rules.join('+') || 'yes' : '-');

const RIGHTS_COLUMNS: readonly Column<RightsRow>[] = [
  { title: 'USER', of: ({ user }) => user },
  { title: 'MEMBER', of: ({ isMember }) => (isMember ? 'yes' : 'no') },
  { title: 'INITIATE', of: ({ initiate }) => may(initiate) },
  { title: 'JOIN', of: ({ join }) => may(join) },
  { title: 'INVITE', of: ({ invite }) => may(invite) },
  { title: 'EXPEL', of: ({ expel }) => may(expel) },
  { title: 'SUBSCRIBE', of: ({ subscribe }) => may(subscribe) },
  { title: 'ANONYMOUS', of: ({ beAnonymous }) => may(beAnonymous) },
];

/** Each right with the rules that grant it. */
export async function runGroupRights(args: Arguments): Promise<number> {
  const [uri] = args.operands;
  if (uri === undefined) return notUnderstood('group rights', 'which group? `parley groups` lists them');
  return withRest('group rights', args.flags, async (rest) => {
    const items: RightsRow[] = [];
    let cursor: string | null = null;
    do {
      const query = { user: args.flags.get('user'), cursor: cursor ?? undefined, limit: PAGE_LIMIT };
      const page: { items: RightsRow[]; nextCursor: string | null } = await rest.json(
        'GET',
        groupPath(uri, '/rights'),
        { query },
      );
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    if (args.flags.has('json')) printJson(items);
    else print(items.length === 0 ? 'no members\n' : formatTable(items, RIGHTS_COLUMNS));
    return EXIT.done;
  });
}

interface VersionItem {
  readonly version: number;
  readonly at: string;
  readonly who: string;
  readonly comment: string | null;
  readonly isDeletion: boolean;
}

export async function runGroupVersions(args: Arguments): Promise<number> {
  const [uri] = args.operands;
  if (uri === undefined) return notUnderstood('group versions', 'which group? `parley groups` lists them');
  return withRest('group versions', args.flags, async (rest) => {
    const query = { limit: PAGE_LIMIT };
    const { items } = await rest.json<{ items: VersionItem[] }>('GET', groupPath(uri, '/versions'), {
      query,
    });
    if (args.flags.has('json')) printJson(items);
    else
      print(
        formatTable(items, [
          { title: 'VERSION', of: ({ version }) => version, isRight: true },
          { title: 'AT', of: ({ at }) => at },
          { title: 'WHO', of: ({ who }) => who },
          {
            title: 'WHY',
            of: ({ comment, isDeletion }) => `${isDeletion ? 'deleted ' : ''}${comment ?? ''}`.trim(),
          },
        ]),
      );
    return EXIT.done;
  });
}

export async function runGroupDiff(args: Arguments): Promise<number> {
  const [uri, from, to] = args.operands;
  if (uri === undefined || from === undefined || ![from, to ?? '1'].every((n) => /^[1-9]\d{0,8}$/.test(n))) {
    return notUnderstood('group diff', 'say the group and a version or two: URI FROM [TO]');
  }
  return withRest('group diff', args.flags, async (rest) => {
    const diff = await rest.json<{ unified: string | null; changes: unknown[] }>(
      'GET',
      groupPath(uri, '/diff'),
      {
        query: { from, to },
      },
    );
    if (args.flags.has('json')) printJson(diff);
    else if (diff.unified === null)
      print(`too much for a text: ${counted(diff.changes.length, 'change')}, see --json\n`);
    else if (diff.unified === '') print('no difference\n');
    else print(diff.unified.split('\n').map(shown).join('\n'));
    return EXIT.done;
  });
}
