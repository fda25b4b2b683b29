/** `parley token create|list|revoke`: on the admin's own records, so that the first token can be made before any exists. */
import { isRole, ROLES, type Role } from '../admin/access/role.ts';
import { type TokenRow, Tokens } from '../admin/access/tokens.ts';
import { AuditLog } from '../admin/records/audit.ts';
import { inTransaction, openRecords } from '../admin/records/database.ts';
import { systemClock } from '../lib/clock.ts';
import type { Arguments } from './command.ts';
import { loadOrTell } from './load-config.ts';

const DAY_MS = 86_400_000;
const MAX_DAYS = 3650;
const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$/;

export async function runTokenCreate(args: Arguments): Promise<number> {
  const role = args.flags.get('role') ?? 'viewer';
  const name = args.flags.get('name') ?? role;
  const days = args.flags.get('expires-days');
  if (!NAME.test(name)) return usage('--name takes letters, digits, blanks and . _ @ -, 64 at most');
  if (!isRole(role)) return usage(`--role is one of ${ROLES.join(', ')}`);
  if (days !== undefined && !(/^\d{1,4}$/.test(days) && Number(days) >= 1 && Number(days) <= MAX_DAYS)) {
    return usage(`--expires-days is a whole number from 1 to ${MAX_DAYS}`);
  }
  return withRecords(args, ({ tokens, change, file }) => {
    const made = change(() => {
      const expires = days === undefined ? {} : { expiresMs: systemClock.nowMs() + Number(days) * DAY_MS };
      const token = tokens.create({ name, role, ...expires });
      return { ...token, action: 'token.create', before: null, after: { name, role, expiresDays: days } };
    });
    process.stdout.write(
      args.flags.has('json')
        ? `${JSON.stringify({ id: made.id, name, role, token: made.text })}\n`
        : `${made.text}\n`,
    );
    if (!args.flags.has('json')) process.stderr.write(shownOnce(args, role, file));
    return 0;
  });
}

export async function runTokenList(args: Arguments): Promise<number> {
  return withRecords(args, ({ tokens }) => {
    const rows = tokens.list();
    if (args.flags.has('json')) process.stdout.write(`${JSON.stringify(rows)}\n`);
    else if (rows.length === 0) process.stdout.write('no tokens\n');
    else for (const row of rows) process.stdout.write(`${lineOf(row)}\n`);
    return 0;
  });
}

export async function runTokenRevoke(args: Arguments): Promise<number> {
  const [id] = args.operands;
  if (id === undefined) return usage('which token? `parley token list` names them');
  return withRecords(args, ({ tokens, change }) => {
    const revoked = change(() => {
      const token = tokens.revoke(id);
      if (token === undefined) return undefined;
      const { name, role } = token;
      return { id, action: 'token.revoke', before: { name, role }, after: null };
    });
    if (revoked !== undefined) return 0;
    process.stderr.write(`parley: token: no token ${id} that could be revoked\n`);
    return 1;
  });
}

function shownOnce(args: Arguments, role: Role, file: string): string {
  const which = args.flags.has('config')
    ? `It counts for a focus that runs with this configuration (${file}).`
    : `Made in ${file}, by the defaults: a focus with a configuration of its own knows it only when you name that with --config.`;
  return `This is shown once: it is not kept. Its role is ${role}. ${which}\n`;
}

interface Records {
  readonly tokens: Tokens;
  /** Where they are kept. */
  readonly file: string;
  /** Runs a change and its audit entry as one; nothing changes when `edit` gives nothing. */
  change<T extends { id: string; action: string; before: unknown; after: unknown } | undefined>(
    edit: () => T,
  ): T;
}

async function withRecords(args: Arguments, use: (records: Records) => number): Promise<number> {
  const loaded = loadOrTell(args.flags.get('config'));
  if (loaded === undefined) return 1;
  const db = openRecords(loaded.config.admin.sqlite);
  const nowMs = () => systemClock.nowMs();
  const audit = new AuditLog(db, nowMs);
  try {
    return use({
      tokens: new Tokens(db, nowMs),
      file: loaded.config.admin.sqlite,
      change: (edit) =>
        inTransaction(db, () => {
          const edited = edit();
          if (edited !== undefined) {
            const { id: target, action, before, after } = edited;
            audit.add({ who: 'cli', action, target, before, after });
          }
          return edited;
        }),
    });
  } finally {
    db.close();
  }
}

function lineOf({ id, name, role, createdMs, expiresMs, revokedMs }: TokenRow): string {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const state =
    revokedMs !== null ? `revoked ${day(revokedMs)}` : expiresMs === null ? '' : `until ${day(expiresMs)}`;
  return `${id}  ${role.padEnd(8)}  ${day(createdMs)}  ${name}  ${state}`.trimEnd();
}

function usage(message: string): number {
  process.stderr.write(`parley: token: ${message}\n`);
  return 2;
}
