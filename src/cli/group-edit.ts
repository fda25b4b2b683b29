/** What `parley group` changes. */
import type { Arguments } from './command.ts';
import { counted } from './counted.ts';
import { type GroupItem, groupPath, printJson } from './group-read.ts';
import { readInput } from './input-file.ts';
import { EXIT, faultLine, notUnderstood, type RestClient, RestError, shown, withRest } from './rest.ts';

interface Saved extends GroupItem {
  readonly warnings: readonly string[];
  readonly inForce: boolean;
}

const XML_TYPE = 'application/vnd.oma.poc.groups+xml';
const JSON_TYPE = 'application/json';

interface Document {
  readonly type: string;
  readonly text: string;
}

/** JSON begins with a brace, and XML never does. */
function readDocument(file: string): Document {
  const text = readInput(file).toString();
  return { type: text.trimStart().startsWith('{') ? JSON_TYPE : XML_TYPE, text };
}

interface Checked {
  readonly uri: string;
  readonly members: number;
  readonly warnings: readonly string[];
}

/** Tells faults as compilers do: `FILE:12:7: PATH: what is wrong`. Undefined when there are any. */
async function check(rest: RestClient, file: string, document: Document): Promise<Checked | undefined> {
  try {
    return await rest.json<Checked>('POST', '/api/v1/groups/validate', {
      body: document.text,
      headers: { 'content-type': document.type },
    });
  } catch (error) {
    if (!(error instanceof RestError) || error.faults.length === 0) throw error;
    for (const fault of error.faults) {
      const at = fault.line === undefined ? `${file}: ` : `${file}:`;
      process.stderr.write(`${at}${faultLine(fault)}\n`);
    }
    return undefined;
  }
}

export async function runGroupValidate(args: Arguments): Promise<number> {
  const [file] = args.operands;
  if (file === undefined) return notUnderstood('group validate', 'name the file with the document, or -');
  return withRest('group validate', args.flags, async (rest) => {
    const checked = await check(rest, file, readDocument(file));
    if (checked === undefined) return EXIT.failed;
    warn(checked.warnings);
    if (args.flags.has('json')) printJson(checked);
    else process.stdout.write(`${shown(checked.uri)} is good: ${counted(checked.members, 'member')}\n`);
    return EXIT.done;
  });
}

export async function runGroupPut(args: Arguments): Promise<number> {
  const [file] = args.operands;
  if (file === undefined) return notUnderstood('group put', 'name the file with the document, or -');
  return withRest('group put', args.flags, async (rest) => {
    const document = readDocument(file);
    const checked = await check(rest, file, document);
    if (checked === undefined) return EXIT.failed;
    const headers = { 'content-type': document.type, ...(await precondition(rest, args, checked.uri)) };
    const query = { comment: args.flags.get('comment') };
    tell(
      args,
      await rest.json<Saved>('PUT', groupPath(checked.uri), { body: document.text, headers, query }),
    );
    return EXIT.done;
  });
}

export async function runGroupAdopt(args: Arguments): Promise<number> {
  const [uri] = args.operands;
  if (uri === undefined) return notUnderstood('group adopt', 'which group? `parley groups` lists them');
  return withRest('group adopt', args.flags, async (rest) => {
    const query = { comment: args.flags.get('comment') };
    tell(args, await rest.json<Saved>('POST', groupPath(uri, '/adopt'), { query }));
    return EXIT.done;
  });
}

export async function runGroupRollback(args: Arguments): Promise<number> {
  const [uri, version] = args.operands;
  if (uri === undefined || version === undefined || !/^[1-9]\d{0,8}$/.test(version)) {
    return notUnderstood('group rollback', 'say the group and the version: URI VERSION');
  }
  return withRest('group rollback', args.flags, async (rest) => {
    const headers = await precondition(rest, args, uri);
    const query = { comment: args.flags.get('comment') };
    tell(
      args,
      await rest.json<Saved>('POST', groupPath(uri, `/versions/${version}/rollback`), { headers, query }),
    );
    return EXIT.done;
  });
}

export async function runGroupDelete(args: Arguments): Promise<number> {
  const [uri] = args.operands;
  if (uri === undefined) return notUnderstood('group delete', 'which group? `parley groups` lists them');
  return withRest('group delete', args.flags, async (rest) => {
    const headers = await precondition(rest, args, uri);
    await rest.ask('DELETE', groupPath(uri), { headers, query: { comment: args.flags.get('comment') } });
    if (args.flags.has('json')) printJson({ deleted: uri });
    else
      process.stdout.write(
        `${shown(uri)} is deleted; a file that has it counts again, and group versions and group rollback bring it back\n`,
      );
    return EXIT.done;
  });
}

/** What --etag says, else what the group has now: two who edit at once are then told of each other. */
async function precondition(
  rest: RestClient,
  { flags }: Arguments,
  uri: string,
): Promise<Record<string, string>> {
  const given = flags.get('etag');
  if (given !== undefined)
    return { 'if-match': given.startsWith('"') || given === '*' ? given : `"${given}"` };
  try {
    const { headers } = await rest.ask('GET', groupPath(uri));
    return { 'if-match': headers.get('etag') ?? '*' };
  } catch (error) {
    if (error instanceof RestError && error.code === 'ADMIN_GROUP_NOT_FOUND') return { 'if-none-match': '*' };
    throw error;
  }
}

function tell({ flags }: Arguments, saved: Saved): void {
  warn(saved.warnings);
  if (flags.has('json')) {
    printJson(saved);
    return;
  }
  const when = saved.inForce ? 'in force now' : 'saved, not in force yet: the log of the focus says why';
  process.stdout.write(
    `${shown(saved.uri)} version ${saved.version}, ${counted(saved.members, 'member')}: ${when}\n`,
  );
}

function warn(warnings: readonly string[]): void {
  for (const warning of warnings) process.stderr.write(`warning: ${shown(warning)}\n`);
}
