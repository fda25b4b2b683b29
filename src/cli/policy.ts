/** `parley policy …`: what decisions go by, looked at, tried, changed and taken back. */
import { parseDocument, stringify } from 'yaml';
import type { PolicyChange } from '../admin/policies/policy-diff.ts';
import type { ShadowedRequest, Verdict } from '../admin/policies/ports.ts';
import type { Arguments } from './command.ts';
import { counted } from './counted.ts';
import { print, printJson } from './group-read.ts';
import { readInput } from './input-file.ts';
import {
  type Column,
  EXIT,
  formatTable,
  notUnderstood,
  type RestClient,
  RestError,
  shown,
  withRest,
} from './rest.ts';

const BASE = '/api/v1/policies';

interface Version {
  readonly version: number;
  readonly at: string;
  readonly who: string;
  readonly comment: string | null;
  readonly activatedAt: string | null;
}

const VERSION_COLUMNS: readonly Column<Version & { readonly isActive: boolean }>[] = [
  { title: 'VERSION', of: ({ version, isActive }) => `${version}${isActive ? ' *' : ''}` },
  { title: 'STORED', of: ({ at }) => at },
  { title: 'BY', of: ({ who }) => who },
  { title: 'IN FORCE SINCE', of: ({ activatedAt }) => activatedAt },
  { title: 'WHY', of: ({ comment }) => comment },
];

type Differing = ShadowedRequest & { readonly hasMoved: boolean };

const SHADOW_COLUMNS: readonly Column<Differing>[] = [
  { title: 'AT', of: ({ at }) => at },
  { title: 'REQUEST', of: ({ method }) => method },
  { title: 'USER', of: ({ user }) => user },
  { title: 'TARGET', of: ({ target }) => target },
  { title: 'NOW', of: ({ active }) => verdictText(active) },
  { title: 'WOULD BE', of: ({ candidate }) => verdictText(candidate) },
  { title: 'STATE', of: ({ hasMoved }) => (hasMoved ? 'has moved on' : 'as then') },
];

export async function runPolicyShow({ flags }: Arguments): Promise<number> {
  return withRest('policy show', flags, async (rest) => {
    const active = await rest.json<{ version: number; policy: object; effective: object }>(
      'GET',
      `${BASE}/active`,
    );
    const { version, policy, effective } = active;
    if (flags.has('json')) printJson(active);
    else {
      const from = version === 0 ? 'the configuration alone' : `version ${version}`;
      const document = flags.has('all') ? effective : policy;
      print(`# ${from}\n${Object.keys(document).length === 0 ? '' : stringify(document)}`);
    }
    return EXIT.done;
  });
}

export async function runPolicyVersions({ flags }: Arguments): Promise<number> {
  return withRest('policy versions', flags, async (rest) => {
    const query = { limit: 500 };
    const { items, active } = await rest.json<{ items: Version[]; active: number }>(
      'GET',
      `${BASE}/versions`,
      {
        query,
      },
    );
    const rows = items.map((item) => ({ ...item, isActive: item.version === active }));
    if (flags.has('json')) printJson({ items, active });
    else if (rows.length === 0) print('no versions: the configuration alone\n');
    else print(formatTable(rows, VERSION_COLUMNS));
    return EXIT.done;
  });
}

export async function runPolicyCheck({ flags, operands: [file] }: Arguments): Promise<number> {
  if (file === undefined) return notUnderstood('policy check', 'name the file with the policy, or -');
  return withRest('policy check', flags, async (rest) => {
    const found = await rest.json<{ changes: PolicyChange[]; warnings: string[] }>(
      'POST',
      `${BASE}/validate`,
      {
        body: { policy: read(file) },
      },
    );
    for (const warning of found.warnings) process.stderr.write(`warning: ${shown(warning)}\n`);
    if (flags.has('json')) printJson(found);
    else print(changesText(found.changes));
    return EXIT.done;
  });
}

export async function runPolicyShadow({ flags, operands: [given] }: Arguments): Promise<number> {
  if (given === undefined)
    return notUnderstood('policy shadow', 'name the file with the policy, or a version');
  const limit = flags.get('limit') ?? '200';
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > 500) {
    return notUnderstood('policy shadow', '--limit is a whole number from 1 to 500');
  }
  return withRest('policy shadow', flags, async (rest) => {
    const candidate = /^\d+$/.test(given) ? { version: Number(given) } : { policy: read(given) };
    const found = await rest.json<{ looked: number; moved: number; differing: Differing[] }>(
      'POST',
      `${BASE}/shadow`,
      {
        body: { ...candidate, limit: Number(limit) },
      },
    );
    const { looked, moved, differing } = found;
    if (flags.has('json')) printJson(found);
    else {
      print(
        `${differing.length} of ${counted(looked, 'request')} would be answered otherwise, on sessions and groups as they are now; for ${moved} these have moved on since\n`,
      );
      print(formatTable(differing, SHADOW_COLUMNS));
    }
    return EXIT.done;
  });
}

export async function runPolicyStore({ flags, operands: [file] }: Arguments): Promise<number> {
  if (file === undefined) return notUnderstood('policy store', 'name the file with the policy, or -');
  return withRest('policy store', flags, async (rest) => {
    const comment = flags.get('comment');
    const stored = await rest.json<{ version: number; changes: PolicyChange[] }>('POST', `${BASE}/versions`, {
      body: { policy: read(file), ...(comment === undefined ? {} : { comment }) },
    });
    if (flags.has('json')) printJson(stored);
    else
      print(
        `version ${stored.version} is stored; \`parley policy activate\` puts it in force\n${changesText(stored.changes)}`,
      );
    return EXIT.done;
  });
}

export async function runPolicyActivate({ flags, operands: [version] }: Arguments): Promise<number> {
  if (version === undefined || !/^\d{1,9}$/.test(version)) {
    return notUnderstood('policy activate', 'which version? `parley policy versions` lists them; 0: none');
  }
  return withRest('policy activate', flags, (rest) =>
    putInForce(rest, flags, `/versions/${version}/activate`),
  );
}

export async function runPolicyRollback({ flags }: Arguments): Promise<number> {
  return withRest('policy rollback', flags, (rest) => putInForce(rest, flags, '/rollback'));
}

/** Two who do this at once are told of each other. */
async function putInForce(rest: RestClient, flags: Arguments['flags'], path: string): Promise<number> {
  const { headers } = await rest.ask('GET', `${BASE}/active`);
  const now = await rest.json<{ version: number; inForce: boolean }>('POST', `${BASE}${path}`, {
    headers: { 'if-match': headers.get('etag') ?? '' },
  });
  if (flags.has('json')) printJson(now);
  else {
    const what = now.version === 0 ? 'the configuration alone' : `version ${now.version}`;
    print(`${what} is in force${now.inForce ? '' : ' within seconds: the focus did not answer yet'}\n`);
  }
  return EXIT.done;
}

/** YAML, of which JSON is a part. @throws RestError, as what withRest tells of */
function read(file: string): unknown {
  const document = parseDocument(readInput(file).toString());
  const [fault] = document.errors;
  if (fault !== undefined) throw new RestError(`${file} is no YAML: ${fault.message.split('\n')[0]}`);
  return document.toJS({ maxAliasCount: 100 }) ?? {};
}

function changesText(changes: readonly PolicyChange[]): string {
  if (changes.length === 0) return 'nothing would change\n';
  const text = (value: unknown) => (value === undefined ? 'not set' : JSON.stringify(value));
  return changes.map(({ path, from, to }) => `${shown(`${path}: ${text(from)} → ${text(to)}`)}\n`).join('');
}

function verdictText({ status, clause, step }: Verdict): string {
  return [status ?? 'goes on', step ?? clause].join(' ');
}
