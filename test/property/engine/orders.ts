/** What operators order of running sessions, and what editors of group documents change under them. */
import { decideGroupDocument } from '../../../src/focus/decide-group-document.ts';
import type { OperatorOrder } from '../../../src/focus/operator.ts';
import { addressKey } from '../../../src/sip/uri.ts';
import { user } from '../../unit/focus/messages.ts';
import { pick, userOf } from './acts.ts';
import type { System } from './system.ts';

function order(system: System, choice: number, make: (session: string) => OperatorOrder): string | undefined {
  const session = pick([...system.engine.sessions.all()], choice >> 5)?.row.id;
  if (session === undefined) return undefined;
  const made = make(session);
  return `${JSON.stringify(made)}: ${system.engine.order(made).kind}`;
}

const BY = 'operator';

export const orderRemoval = (system: System, choice: number) =>
  order(system, choice, (session) => {
    return { kind: 'remove', session, by: BY, userKey: addressKey(user(userOf(choice))) };
  });

export const orderEnd = (system: System, choice: number) =>
  order(system, choice, (session) => ({ kind: 'end', session, by: BY }));

export const orderLimit = (system: System, choice: number) =>
  order(system, choice, (session) => {
    const mutedKeys = choice % 3 === 0 ? [addressKey(user(userOf(choice >> 2)))] : [];
    const isFrozen = choice % 4 === 1;
    const most = choice % 8 === 2 ? { maxParticipants: 2 + (choice % 5) } : {};
    return { kind: 'limit', session, by: BY, mutedKeys, isFrozen, ...most };
  });

/** Another name, and guests who may watch or not. */
export function changeGroup(system: System, choice: number): string | undefined {
  const document = pick([...system.groups.values()], choice);
  if (document === undefined) return undefined;
  const { ms } = system.clock;
  const mayWatch = choice % 3 !== 0;
  const rules = document.rules.map((rule) =>
    rule.id === 'guests' ? { ...rule, grant: { ...rule.grant, conferenceState: mayWatch } } : rule,
  );
  const displayName = choice % 2 === 0 ? `As of ${ms}` : document.displayName;
  const changed = { ...document, rules, ...(displayName === undefined ? {} : { displayName }) };
  system.groups.set(document.uri, changed);
  const { engine } = system;
  for (const { row } of [...engine.sessions.all()])
    if (row.groupKey === addressKey(document.uri))
      engine.apply(decideGroupDocument(engine.world(), row.id, changed), 'group-document');
  return `${document.uri} is called ${displayName}; guests ${mayWatch ? 'may watch' : 'may not watch'}`;
}
