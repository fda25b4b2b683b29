/** 5.5 Display Name: the first source of the configured priority that has one. */
import { allMembers, type GroupDocument } from '../documents/group-model.ts';
import { header, type SipRequest } from '../sip/message.ts';
import { parseNameAddr } from '../sip/name-addr.ts';
import { addressKey } from '../sip/uri.ts';
import type { Originator } from './originator.ts';

/** The name stands in every roster and message: what is longer is cut. */
const CUT = /^.{0,256}/su;

export type DisplayNameSource = 'pai' | 'from' | 'group';

export function chooseDisplayName(
  priority: readonly DisplayNameSource[],
  originator: Originator,
  request: SipRequest,
  group: GroupDocument | undefined,
): { readonly name: string; readonly source: DisplayNameSource } | undefined {
  for (const source of priority) {
    const name = nameFrom(source, originator, request, group);
    if (name !== undefined && name !== '') return { name: CUT.exec(name)?.[0] ?? '', source };
  }
  return undefined;
}

function nameFrom(
  source: DisplayNameSource,
  originator: Originator,
  request: SipRequest,
  group: GroupDocument | undefined,
): string | undefined {
  switch (source) {
    case 'pai':
      return originator.displayName;
    case 'from': {
      const from = header(request, 'from');
      return from === undefined ? undefined : parseNameAddr(from).displayName;
    }
    case 'group':
      if (group === undefined) return undefined;
      return allMembers(group).find((member) => originator.keys.includes(addressKey(member.uri)))
        ?.displayName;
  }
}
