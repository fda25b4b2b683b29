/** 7.2.1.2 Ad-hoc IM group set-up: the order of the checks. */
import { after, before, describe, it } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, plainSdp } from './support/ad-hoc.ts';
import { orderRows } from './support/order.ts';
import { assertNotInvited, freshUri } from './support/scene.ts';

const MAX_PARTICIPANTS = 3;
const BEN = freshUri('ben');

let stack: Stack;
let ada: Subscriber;
let ben: Subscriber;
before(async () => {
  stack = await Stack.start({
    config: {
      adHoc: { maxParticipants: MAX_PARTICIPANTS, mayInitiate: [DOMAIN] },
    },
  });
  ada = await stack.subscriber('ada');
  ben = await stack.subscriber('ben', { uri: BEN });
});
after(() => stack.stop());

interface Asked {
  readonly to: string;
  readonly asserted: string | null | undefined;
  readonly sdp: string;
  readonly invite: readonly string[];
}

describe('7.2.1.2 the order of the checks: 404, 403, 488, 486', () => {
  const rows = orderRows<Asked>({
    faults: [
      {
        id: 'R-7.2.1.2-1',
        what: 'a factory that is not allocated',
        status: 404,
        warning: /^Conference-factory URI does not exist$/,
        change: { to: `sip:im-conference-factory-2@${DOMAIN}` },
      },
      {
        id: 'R-7.2.1.2-2',
        what: 'nobody asserted',
        status: 403,
        warning: /not authenticated/,
        change: { asserted: null },
      },
      {
        id: 'R-7.2.1.2-2',
        what: 'a user who may not set up sessions',
        status: 403,
        warning: /not allowed to set up/,
        change: { asserted: '<sip:eve@elsewhere.example>' },
      },
      {
        id: 'R-7.2.1.2-6',
        what: 'an offer of types that nobody supports',
        status: 488,
        warning: /accept-types/,
        change: { sdp: plainSdp({ acceptTypes: 'image/png' }) },
      },
      {
        id: 'R-7.2.1.2-7',
        what: 'more users than may take part',
        status: 486,
        warning: /^too many participants$/,
        change: { invite: [BEN, ...['Cleo', 'Dan', 'Eve'].map(freshUri)] },
      },
    ],
    right: () => ({ to: FACTORY, asserted: undefined, sdp: plainSdp(), invite: [BEN] }),
    send: ({ asserted, ...request }) =>
      dialFactory(ada, {
        ...request,
        headers: asserted === undefined ? [] : [['P-Asserted-Identity', asserted]],
      }).final(),
    after: () => assertNotInvited(ben),
  });
  for (const { name, run } of rows) it(name, run);
});
