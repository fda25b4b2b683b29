/** 7.2.1.4 Joining a pre-defined IM group session, and 7.2.1.5 rejoining one: the order of the checks. */
import { after, before, describe, it } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import type { Body } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { inviteAs } from './support/group-invites.ts';
import { audioOnly, offer } from './support/groups-offers.ts';
import { Stage } from './support/groups-stage.ts';
import { type Fault, orderRows } from './support/order.ts';

const stage = new Stage();
/** A session with room, and one whose seats are taken: ben was in both. */
const roomy = stage.cast('order-roomy', { members: ['ada', 'ben'], inviteMembers: false });
const full = stage.cast('order-full', {
  members: [roomy.uri('ada'), roomy.uri('ben'), roomy.uri('cyd')],
  maxParticipants: 2,
  inviteMembers: false,
});

let ben: Subscriber;
let xia: Subscriber;
const running = new Map<Place, string>();
before(async () => {
  await stage.open();
  const [ada, cyd] = await roomy.come('ada', 'cyd');
  [ben, xia] = await roomy.come('ben', 'xia');
  const rooms: Room[] = [];
  for (const { group } of [roomy, full]) {
    rooms.push(await ada.join(group));
    await (await ben.join(group)).leave();
  }
  await cyd.join(full.group);
  running.set('roomy', rooms[0]?.uri ?? '').set('full', rooms[1]?.uri ?? '');
  running.set('gone', `sip:im-s-abcdefghij0123456789@${DOMAIN}`);
});
after(() => stage.close());

type Place = 'roomy' | 'full' | 'gone';

interface Asked {
  readonly place: Place;
  readonly who: 'ben' | 'xia' | 'nobody';
  readonly isFocus: boolean;
  readonly isPrivate: boolean;
  readonly body: Body;
}

const right = (): Asked => ({ place: 'roomy', who: 'ben', isFocus: false, isPrivate: false, body: offer() });

/** What joining and rejoining both look at, with the ids of the clause. */
function common(clause: '7.2.1.4' | '7.2.1.5'): readonly Fault<Asked>[] {
  return [
    {
      id: `R-${clause}-2`,
      what: 'nobody asserted',
      status: 403,
      warning: /not authenticated/,
      change: { who: 'nobody' },
    },
    {
      id: `R-${clause}-2`,
      what: 'a user who may not join',
      status: 403,
      warning: /not allowed to join/,
      change: { who: 'xia' },
    },
    {
      id: clause === '7.2.1.4' ? 'R-7.2.1.4-3b' : 'R-7.2.1.5-3',
      what: 'a session that is full',
      status: 486,
      warning: /^Too many participants$/,
      change: { place: 'full' },
    },
    {
      id: `R-${clause}-6`,
      what: 'privacy that the group does not allow',
      status: 403,
      warning: /anonymity is not allowed/,
      change: { isPrivate: true },
    },
    {
      id: `R-${clause}-7`,
      what: 'an offer without MSRP',
      status: 488,
      warning: /no message media/i,
      change: { body: audioOnly() },
    },
  ];
}

describe('7.2.1.4 the order of the checks: 404, 403 isfocus, 403 joining, 486, 403 privacy, 488', () => {
  const groups = { roomy: roomy.group, full: full.group, gone: `sip:im-g-nowhere@${DOMAIN}` };
  const rows = orderRows<Asked>({
    faults: [
      {
        id: 'R-7.2.1.3-1',
        what: 'a group that is not owned',
        status: 404,
        warning: /^Conference URI does not exist$/,
        change: { place: 'gone' },
      },
      {
        id: 'R-7.2.1.4-1',
        what: 'isfocus in Contact',
        status: 403,
        warning: /^isfocus already assigned$/,
        change: { isFocus: true },
      },
      ...common('7.2.1.4'),
    ],
    right,
    send: ({ place, ...request }) => send(groups[place], request),
  });
  for (const { name, run } of rows) it(name, run);
});

describe('7.2.1.5 the order of the checks: 403 gone, 403 joining, 486, 403 privacy, 488', () => {
  const rows = orderRows<Asked>({
    faults: [
      {
        id: 'R-7.2.1.5-1',
        what: 'a session that is gone',
        status: 403,
        warning: /does not exist/,
        change: { place: 'gone' },
      },
      ...common('7.2.1.5'),
    ],
    right,
    send: ({ place, ...request }) => send(running.get(place) ?? '', request),
  });
  for (const { name, run } of rows) it(name, run);
});

function send(to: string, { who, ...request }: Omit<Asked, 'place'>) {
  return inviteAs(who === 'xia' ? xia : ben, { to, ...request, isAsserted: who !== 'nobody' });
}
