/** Who asks, and whether they may: a bearer token, or nothing from this very machine where the configuration allows that. */
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../host-guard.ts';
import { type Problem, problemOf } from '../problem.ts';
import { type Caller, mayAct, type Role } from './role.ts';

export interface AccessRules {
  /** What somebody on this machine may do without a token; undefined: nothing. */
  readonly withoutToken?: Role;
  /** Whose token this is. */
  readonly callerOf: (token: string) => Caller | undefined;
}

export interface Asker {
  readonly remoteAddress: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

export type Admission =
  | { readonly caller: Caller }
  | { readonly problem: Problem; readonly challenge?: string };

const BEARER = /^Bearer +([^\s]+) *$/i;
const CHALLENGE = 'Bearer realm="parley"';
/** A proxy on this machine makes everybody look local; these say that one is between. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const;

/** `needed` is the route's role. */
export function admit(asker: Asker, needed: Role, rules: AccessRules): Admission {
  const { authorization } = asker.headers;
  const caller = authorization === undefined ? localCaller(asker, rules) : tokenCaller(authorization, rules);
  if (caller === undefined) {
    const detail =
      authorization === undefined
        ? 'a bearer token is needed; `parley token create --config FILE` makes one'
        : 'the token is unknown, expired or revoked';
    return { problem: problemOf('ADMIN_TOKEN_NEEDED', detail), challenge: CHALLENGE };
  }
  if (!mayAct(caller.role, needed)) {
    const detail = `this needs the role ${needed}; ${caller.name} has ${caller.role}`;
    return { problem: problemOf('ADMIN_FORBIDDEN', detail) };
  }
  if (authorization === undefined && isForeignPage(asker)) {
    return { problem: problemOf('ADMIN_FORBIDDEN', 'a page of another site may change nothing here') };
  }
  return { caller };
}

function tokenCaller(authorization: string, rules: AccessRules): Caller | undefined {
  const token = BEARER.exec(authorization)?.[1];
  return token === undefined ? undefined : rules.callerOf(token);
}

function localCaller({ remoteAddress, headers }: Asker, { withoutToken }: AccessRules): Caller | undefined {
  if (withoutToken === undefined || !isLoopback(unmapped(remoteAddress))) return undefined;
  if (FORWARDED.some((name) => headers[name] !== undefined)) return undefined;
  return { name: 'loopback', role: withoutToken };
}

/** Without a token nothing proves that the operator meant it: a browser says which site a change comes from. */
function isForeignPage({ method, headers }: Asker): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin, host } = headers;
  return origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`;
}

/** `::ffff:127.0.0.1` of a dual-stack socket. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:/i, '');
}
