/** 7.2.1.12 Subscribing to participant information, and 7.2.1.6 a new offer: the order of the checks. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { audioOnly, offer } from './support/groups-offers.ts';
import { assertNotAcceptable, assertRefused } from './support/groups-outcomes.ts';
import { Stage } from './support/groups-stage.ts';
import { orderRows } from './support/order.ts';

const stage = new Stage();
const open = stage.cast('order-open', { members: ['ada', 'ben'], inviteMembers: false });
const secret = stage.cast('order-secret', {
  members: [open.uri('ada'), open.uri('ben')],
  actions: { 'allow-initiate-conference': true, 'join-handling': true },
  inviteMembers: false,
});
const moved = stage.cast('order-moved', { members: ['ada'], inviteMembers: false });

let ada: Subscriber;
let ben: Subscriber;
before(async () => {
  await stage.open();
  [ada, ben] = await open.come('ada', 'ben');
  for (const { group } of [open, secret]) await ada.join(group);
});
after(() => stage.close());

interface Asked {
  readonly to: string;
  readonly who: 'ada' | 'ben' | 'nobody';
}

describe('7.2.1.12 the order of the checks: 404, 403 identity, 403 right and participant', () => {
  const rows = orderRows<Asked>({
    faults: [
      {
        id: 'R-7.2.1.12-1',
        what: 'a session that is gone',
        status: 404,
        warning: /^Conference URI does not exist$/,
        change: { to: `sip:im-s-abcdefghij0123456789@${DOMAIN}` },
      },
      {
        id: 'R-7.2.1.12-2',
        what: 'a group that is not owned',
        status: 404,
        warning: /^Conference URI does not exist$/,
        change: { to: `sip:im-g-nowhere@${DOMAIN}` },
      },
      {
        id: 'R-7.2.1.12-3',
        what: 'nobody asserted',
        status: 403,
        warning: /not authenticated/,
        change: { who: 'nobody' },
      },
      {
        id: 'R-7.2.1.12-4',
        what: 'a group that does not show who takes part',
        status: 403,
        warning: /not allowed to see/,
        change: { to: secret.group },
      },
      {
        id: 'R-7.2.1.12-4',
        what: 'a member who does not take part',
        status: 403,
        warning: /does not take part/,
        change: { who: 'ben' },
      },
    ],
    right: () => ({ to: open.group, who: 'ada' }),
    send: async ({ to, who }) => {
      const headers: HeaderOverrides = who === 'nobody' ? [['P-Asserted-Identity', null]] : [];
      const subscriber = who === 'ben' ? ben : ada;
      return (await subscriber.sip.subscribe({ to, event: 'conference', headers })).response;
    },
  });
  for (const { name, run } of rows) it(name, run);
});

describe('7.2.1.6 the order of the checks: 481, 488', () => {
  it('R-7.2.1.6-1 an offer without MSRP in a dialog that is over: 481; in one that is not: 488', async () => {
    const mover = await moved.comeAs('ada');
    const room = await mover.join(moved.group);
    assertNotAcceptable(await room.dialog.reinvite({ body: audioOnly() }).final(), 'R-7.2.1.6-1');
    assert.equal((await room.dialog.reinvite({ body: offer() }).final()).status, 200);
    await room.leave();
    assertRefused(await room.dialog.reinvite({ body: audioOnly() }).final(), 481, /no such dialog/);
  });
});
