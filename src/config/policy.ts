/**
 * The part of the configuration that decisions go by and that may change while the focus runs. A policy is a document
 * with the same keys, of which any may be absent: what it does not say is as in the configuration.
 */
import { Checker } from './checker.ts';
import type { Config } from './config.ts';
import type { ConfigError } from './config-error.ts';
import { nearest } from './nearest.ts';
import { checkHistory, checkInitiators, checkSession, resolveFactories } from './resolve.ts';
import { validateDocument } from './validate.ts';

export const SECTIONS = [
  'profile',
  'readings',
  'conferenceFactories',
  'conference',
  'adHoc',
  'groupSessions',
  'session',
  'errors',
  'displayName',
  'notify',
  'release',
  'limits',
  'history',
] as const;

/** Of these sections, but known to others as well: to Kamailio, or to what was opened at the start. */
export const FIXED: Readonly<Record<string, readonly string[]>> = {
  conference: ['sessionPrefix'],
  limits: ['maxDecisions', 'maxEndedDialogs'],
};

export type PolicySection = (typeof SECTIONS)[number];

type Json = Readonly<Record<string, unknown>>;

export type CheckedPolicy =
  /** `config` has the policy in it. */
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** What is in force, all keys of a policy. */
export function policyIn(config: Config): Json {
  return Object.fromEntries(SECTIONS.map((section) => [section, withoutFixed(section, config[section])]));
}

/** @param policy as it was sent; nothing of it is believed */
export function withPolicy(config: Config, policy: unknown): CheckedPolicy {
  if (!isRecord(policy)) return { ok: false, errors: [noSection('', policy)] };
  const strangers = strangersIn(policy);
  const given = Object.fromEntries(SECTIONS.map((section) => [section, config[section]]));
  const own = Object.entries(policy).filter(([section]) => isSection(section));
  const allowed = own.map(([section, value]) => [section, withoutFixed(section, value)] as const);
  const { document, errors } = validateDocument(merged(given, Object.fromEntries(allowed)));
  const checker = new Checker();
  const conferenceFactories = resolveFactories(
    { ...document, kamailio: { ...document.kamailio, manage: config.kamailio.manage } },
    config.sip.domain,
    checker,
  );
  checkSession(document, checker);
  checkHistory(document, checker);
  checkInitiators(document, checker);
  // A key whose own fault is told has its default here.
  const found = checker.errors.filter(
    ({ path }) => !errors.some((error) => path === error.path || path.startsWith(`${error.path}[`)),
  );
  const all = [...strangers, ...errors, ...found].filter(
    ({ path }, index, list) => list.findIndex((other) => other.path === path) === index,
  );
  if (all.length > 0) return { ok: false, errors: all };
  const sections = Object.fromEntries(SECTIONS.map((section) => [section, document[section]]));
  return {
    ok: true,
    config: { ...config, ...(sections as Pick<Config, PolicySection>), conferenceFactories },
    warnings: checker.warnings,
  };
}

function withoutFixed(section: string, value: unknown): unknown {
  const fixed = FIXED[section];
  if (fixed === undefined || !isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !fixed.includes(key)));
}

function strangersIn(policy: Json): ConfigError[] {
  const faults: ConfigError[] = [];
  for (const [section, value] of Object.entries(policy)) {
    if (!isSection(section)) {
      const meant = nearest(section, [...SECTIONS]);
      faults.push({
        path: section,
        value,
        message: 'is no part of a policy',
        mend: meant === undefined ? `use ${SECTIONS.join(', ')}` : `did you mean \`${meant}\`?`,
      });
    }
    for (const key of isRecord(value) ? (FIXED[section] ?? []) : []) {
      if (!Object.hasOwn(value as object, key)) continue;
      faults.push({
        path: `${section}.${key}`,
        value: (value as Json)[key],
        message: 'cannot change while the focus runs',
        mend: 'set it in the configuration, and start the focus again',
      });
    }
  }
  return faults;
}

function isSection(name: string): boolean {
  return (SECTIONS as readonly string[]).includes(name);
}

function noSection(path: string, value: unknown): ConfigError {
  return { path, value, message: 'is no policy', mend: 'write an object with sections such as `adHoc`' };
}

/** Lists are replaced whole; null says nothing. */
function merged(base: unknown, over: unknown): unknown {
  if (over === null || over === undefined) return base;
  if (!isRecord(base) || !isRecord(over)) return over;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  const own = (of: Json, key: string) => (Object.hasOwn(of, key) ? of[key] : undefined);
  return Object.fromEntries([...keys].map((key) => [key, merged(own(base, key), own(over, key))]));
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
