/** 7.2.1.7 Adding participants, and 7.2.1.8 REFER with method BYE: the order of the checks. */
import { after, before, describe, it } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { resourceLists } from '../../src/agents/documents.ts';
import type { HeaderOverrides, SipMessage } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { assertNobodyInvited } from './support/groups-outcomes.ts';
import { ruleFor, Stage } from './support/groups-stage.ts';
import { type Fault, orderRows } from './support/order.ts';

const MEMBERS = { 'allow-initiate-conference': true, 'join-handling': true };
const CHAIR = { 'allow-invite-users-dynamically': true, 'allow-expelling': true };

const stage = new Stage();
const group = stage.cast('order-refer', {
  members: ['ada', 'ben', 'cleo', 'dan', 'eve'],
  maxParticipants: 3,
  inviteMembers: false,
  actions: MEMBERS,
  rules: ruleFor([`sip:ada.order-refer@${DOMAIN}`], CHAIR),
});
const idle = stage.cast('order-refer-idle', { members: ['ada'] });

const people = new Map<Sender, Subscriber>();
let cleo: Subscriber;
before(async () => {
  await stage.open({ readings: { addingTargets: 'members' } });
  const [ada, ben, xena] = await group.come('ada', 'ben', 'xena');
  [cleo] = await group.come('cleo');
  await ada.join(group.group);
  await ben.join(group.group);
  people.set('chair', ada).set('nobody', ada).set('member', ben).set('outsider', xena);
});
after(() => stage.close());

/** `nobody`: the chair's client, whom the core does not assert. */
type Sender = 'chair' | 'member' | 'outsider' | 'nobody';

interface Asked {
  readonly to: string;
  readonly who: Sender;
  readonly isPrivate: boolean;
  /** Without any the list cannot be read. */
  readonly targets: readonly string[];
}

async function refer(
  { to, who, isPrivate }: Omit<Asked, 'targets'>,
  referTo: string,
  body?: ReturnType<typeof resourceLists>,
): Promise<SipMessage> {
  const sender = people.get(who);
  if (sender === undefined) throw new Error(`${who} is not there`);
  const headers: HeaderOverrides = [
    ['Content-ID', '<list@home>'],
    ...(who === 'nobody' ? [['P-Asserted-Identity', null] as const] : []),
    ...(isPrivate ? [['Privacy', 'id'] as const] : []),
  ];
  const options = { to, referTo, headers, ...(body === undefined ? {} : { body }) };
  return (await sender.sip.refer(options)).response;
}

/** Who asks, and whether there is a session: looked at first by both clauses. */
function aboutSender(id: string): readonly Fault<Asked>[] {
  return [
    { id, what: 'nobody asserted', status: 403, warning: /not authenticated/, change: { who: 'nobody' } },
    {
      id,
      what: 'a group without a session',
      status: 403,
      warning: /no session/,
      change: { to: idle.group },
    },
    {
      id,
      what: 'a sender who does not take part',
      status: 403,
      warning: /does not take part/,
      change: { who: 'outsider' },
    },
  ];
}

const right = (): Asked => ({
  to: group.group,
  who: 'chair',
  isPrivate: false,
  targets: [group.uri('cleo')],
});

describe('7.2.1.7 the order of the checks: 403 sender, 403 right, 403 privacy, 400, 403 targets, 486', () => {
  const rows = orderRows<Asked>({
    faults: [
      ...aboutSender('R-7.2.1.7-1'),
      {
        id: 'R-7.2.1.7-1',
        what: 'a sender who may not add users',
        status: 403,
        warning: /not allowed to add/,
        change: { who: 'member' },
      },
      {
        id: 'R-7.2.1.7-2',
        what: 'privacy that the group does not allow',
        status: 403,
        warning: /anonymity/,
        change: { isPrivate: true },
      },
      {
        id: 'R-7.2.1.7-3b',
        what: 'a list of nobody',
        status: 400,
        warning: /./,
        change: { targets: [] },
      },
      {
        id: 'R-7.2.1.7-9',
        what: 'users who may not be added',
        status: 403,
        warning: /none of the users may be added/,
        change: { targets: ['sip:someone', 'sip:another'].map((user) => `${user}@${DOMAIN}`) },
      },
      {
        id: 'R-7.2.1.7-4',
        what: 'more users than there are seats',
        status: 486,
        warning: /^too many participants$/i,
        change: { targets: ['cleo', 'dan', 'eve'].map((name) => group.uri(name)) },
      },
    ],
    right,
    send: ({ targets, ...request }) => refer(request, '<cid:list@home>', resourceLists(targets)),
    after: () => assertNobodyInvited([cleo]),
  });
  for (const { name, run } of rows) it(name, run);
});

describe('7.2.1.8 the order of the checks: 403 sender, 403 participant, 403 right', () => {
  const rows = orderRows<Asked>({
    faults: [
      ...aboutSender('R-7.2.1.8-1'),
      {
        id: 'R-7.2.1.8-2b',
        what: 'a target who does not take part',
        status: 403,
        warning: /to remove does not take part/,
        change: { targets: [group.uri('cleo')] },
      },
      {
        id: 'R-7.2.1.8-1',
        what: 'a sender who may not remove others',
        status: 403,
        warning: /not allowed to remove/,
        change: { who: 'member' },
      },
    ],
    right: () => ({ ...right(), targets: [group.uri('ada')] }),
    send: ({ targets: [target], ...request }) => refer(request, `<${target};method=BYE>`),
  });
  for (const { name, run } of rows) it(name, run);
});
