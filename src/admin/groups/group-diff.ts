/** What differs between two versions of a group document: for people as text, for programs as a list of changes. */
import { isDeepStrictEqual } from 'node:util';
import { createTwoFilesPatch } from 'diff';
import { formatGroupDocument } from '../../documents/group-document.ts';
import { groupToJson } from '../../documents/group-json.ts';
import { type GroupDocument, keyOf, RIGHT_NAMES, type RightName } from '../../documents/group-model.ts';

export interface GroupDiff {
  /** Of the documents written one member and one rule part a line; empty when they say the same, null when they have too little in common. */
  readonly unified: string | null;
  readonly changes: readonly GroupChange[];
}

export type GroupChange =
  | { readonly kind: 'created' | 'deleted' }
  | { readonly kind: 'field-changed'; readonly field: string; readonly from: unknown; readonly to: unknown }
  | { readonly kind: 'member-added' | 'member-removed'; readonly user: string; readonly name: string | null }
  | { readonly kind: 'member-changed'; readonly user: string; readonly from: unknown; readonly to: unknown }
  | {
      readonly kind: 'rule-added' | 'rule-removed';
      readonly rule: string;
      readonly granted: readonly RightName[];
    }
  | { readonly kind: 'rule-moved'; readonly rule: string; readonly from: number; readonly to: number }
  | {
      readonly kind: 'condition-changed';
      readonly rule: string;
      readonly from: unknown;
      readonly to: unknown;
    }
  | {
      readonly kind: 'right-changed';
      readonly rule: string;
      readonly right: RightName;
      readonly from: boolean | null;
      readonly to: boolean | null;
    }
  | { readonly kind: 'rule-extension-changed'; readonly rule: string };

/** Above this the text diff is given up: its cost grows with what differs. */
const MAX_EDITS = 4_000;
const TEXT_TIMEOUT_MS = 500;

/** Undefined: the group was not there. */
export function diffGroups(
  before: GroupDocument | undefined,
  after: GroupDocument | undefined,
  names: { readonly from: string; readonly to: string },
): GroupDiff {
  return { unified: unifiedDiff(before, after, names), changes: changesOf(before, after) };
}

function unifiedDiff(
  before: GroupDocument | undefined,
  after: GroupDocument | undefined,
  { from, to }: { readonly from: string; readonly to: string },
): string | null {
  // Both by one writer: what only looks different is no difference.
  const [old, fresh] = [before, after].map((group) =>
    group === undefined ? '' : formatGroupDocument(group),
  );
  if (old === fresh) return '';
  const patch = createTwoFilesPatch(from, to, old ?? '', fresh ?? '', undefined, undefined, {
    maxEditLength: MAX_EDITS,
    timeout: TEXT_TIMEOUT_MS,
  });
  // The line of equal signs that it puts before is of no diff tool that people know.
  return patch === undefined ? null : patch.replace(/^=+\n/, '');
}

function changesOf(before: GroupDocument | undefined, after: GroupDocument | undefined): GroupChange[] {
  if (before === undefined || after === undefined) {
    if (before === after) return [];
    return [{ kind: before === undefined ? 'created' : 'deleted' }];
  }
  return [...fieldChanges(before, after), ...memberChanges(before, after), ...ruleChanges(before, after)];
}

function* fieldChanges(before: GroupDocument, after: GroupDocument): Generator<GroupChange> {
  const { members: _m1, rules: _r1, ...old } = groupToJson(before);
  const { members: _m2, rules: _r2, ...fresh } = groupToJson(after);
  const values = (json: object) => new Map<string, unknown>(Object.entries(json));
  const [from, to] = [values(old), values(fresh)];
  for (const field of new Set([...from.keys(), ...to.keys()])) {
    const [was, is] = [from.get(field) ?? null, to.get(field) ?? null];
    if (!isDeepStrictEqual(was, is)) yield { kind: 'field-changed', field, from: was, to: is };
  }
}

function* memberChanges(before: GroupDocument, after: GroupDocument): Generator<GroupChange> {
  const byKey = ({ members }: GroupDocument) =>
    new Map(members.map((one) => [keyOf(one.uri) ?? one.uri, one]));
  const [old, fresh] = [byKey(before), byKey(after)];
  for (const [key, { uri, displayName }] of old) {
    if (!fresh.has(key)) yield { kind: 'member-removed', user: uri, name: displayName ?? null };
  }
  for (const [key, member] of fresh) {
    const was = old.get(key);
    const name = member.displayName ?? null;
    if (was === undefined) yield { kind: 'member-added', user: member.uri, name };
    else if (!isDeepStrictEqual(was, member))
      yield { kind: 'member-changed', user: was.uri, from: was, to: member };
  }
}

function* ruleChanges(before: GroupDocument, after: GroupDocument): Generator<GroupChange> {
  const old = new Map(before.rules.map((rule, at) => [rule.id, { rule, at }]));
  const fresh = new Map(after.rules.map((rule, at) => [rule.id, { rule, at }]));
  const granted = (grant: GroupDocument['rules'][number]['grant']) =>
    RIGHT_NAMES.filter((right) => grant[right] === true);
  for (const [id, { rule }] of old) {
    if (!fresh.has(id)) yield { kind: 'rule-removed', rule: id, granted: granted(rule.grant) };
  }
  const kept = (rules: GroupDocument['rules'], others: ReadonlyMap<string, unknown>) =>
    rules.filter(({ id }) => others.has(id)).map(({ id }) => id);
  const [oldOrder, freshOrder] = [kept(before.rules, fresh), kept(after.rules, old)];
  for (const [id, { rule, at }] of fresh) {
    const was = old.get(id);
    if (was === undefined) {
      yield { kind: 'rule-added', rule: id, granted: granted(rule.grant) };
      continue;
    }
    // Rules that went or came do not move the others.
    if (oldOrder.indexOf(id) !== freshOrder.indexOf(id))
      yield { kind: 'rule-moved', rule: id, from: was.at, to: at };
    if (!isDeepStrictEqual(was.rule.conditions, rule.conditions)) {
      yield { kind: 'condition-changed', rule: id, from: was.rule.conditions, to: rule.conditions };
    }
    for (const right of RIGHT_NAMES) {
      const [from, to] = [was.rule.grant[right] ?? null, rule.grant[right] ?? null];
      if (from !== to) yield { kind: 'right-changed', rule: id, right, from, to };
    }
    const others = ({ otherActions, transformations }: typeof rule) => [otherActions, transformations];
    if (!isDeepStrictEqual(others(was.rule), others(rule)))
      yield { kind: 'rule-extension-changed', rule: id };
  }
}
