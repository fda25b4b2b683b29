/** 7.2.1.3 Pre-defined IM group session set-up: the order of the checks while no session runs. */
import { after, before, describe, it } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Body } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { inviteAs } from './support/group-invites.ts';
import { audioOnly, offer } from './support/groups-offers.ts';
import { assertNobodyInvited, assertNoSession } from './support/groups-outcomes.ts';
import { ruleFor, Stage } from './support/groups-stage.ts';
import { orderRows } from './support/order.ts';

const stage = new Stage();
const idle = stage.cast('order-idle', {
  members: ['ada', 'ben'],
  actions: { 'join-handling': true },
  rules: ruleFor([`sip:ada.order-idle@${DOMAIN}`], { 'allow-initiate-conference': true }),
});

let ada: Subscriber;
let ben: Subscriber;
before(async () => {
  await stage.open();
  [ada, ben] = await idle.come('ada', 'ben');
});
after(() => stage.close());

interface Asked {
  readonly to: string;
  readonly isFocus: boolean;
  readonly who: 'ada' | 'ben' | 'nobody';
  readonly isPrivate: boolean;
  readonly body: Body;
}

describe('7.2.1.3 the order of the checks: 404, 403 isfocus, 403 initiation, 403 privacy, 488', () => {
  const rows = orderRows<Asked>({
    faults: [
      {
        id: 'R-7.2.1.3-1',
        what: 'a group that is not owned',
        status: 404,
        warning: /^Conference URI does not exist$/,
        change: { to: `sip:im-g-nowhere@${DOMAIN}` },
      },
      {
        id: 'R-7.2.1.3-2',
        what: 'isfocus in Contact',
        status: 403,
        warning: /^isfocus already assigned$/,
        change: { isFocus: true },
      },
      {
        id: 'R-7.2.1.3-3',
        what: 'nobody asserted',
        status: 403,
        warning: /not authenticated/,
        change: { who: 'nobody' },
      },
      {
        id: 'R-7.2.1.3-3',
        what: 'a member who may not start a session',
        status: 403,
        warning: /not allowed to start/,
        change: { who: 'ben' },
      },
      {
        id: 'R-7.2.1.3-6',
        what: 'privacy that the group does not allow',
        status: 403,
        warning: /anonymity is not allowed/,
        change: { isPrivate: true },
      },
      {
        id: 'R-7.2.1.3-7',
        what: 'an offer without MSRP',
        status: 488,
        warning: /no message media/i,
        change: { body: audioOnly() },
      },
    ],
    right: () => ({ to: idle.group, isFocus: false, who: 'ada', isPrivate: false, body: offer() }),
    send: ({ who, ...request }) =>
      inviteAs(who === 'ben' ? ben : ada, { ...request, isAsserted: who !== 'nobody' }),
    after: async () => {
      await assertNoSession(stage.stack, idle.group);
      await assertNobodyInvited([ben]);
    },
  });
  for (const { name, run } of rows) it(name, run);
});
