/** Bad input to 7.2.1.4 and 7.2.1.5: INVITEs to a running group and to a session identity with one thing wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN } from '../support/stack.ts';
import { plainSdp } from './support/ad-hoc.ts';
import { type BadRow, field, Ground, type Spoilt, tableOf } from './support/bad-input.ts';
import { contentRows, inviteRows, offerRows } from './support/bad-invites.ts';

const uriOf = (name: string): string => `sip:${name}@${DOMAIN}`;
const GROUP = uriOf('im-g-bad');
const FULL = uriOf('im-g-full');

let ground: Ground;
let ada: Subscriber;
let ben: Subscriber;
let recorder: Subscriber;
/** The other device of who is in the session of two. */
let zoe: Subscriber;
before(async () => {
  const members = [uriOf('ada'), uriOf('ben')];
  ground = await Ground.open({
    groups: [
      groupDocument({ uri: GROUP, members, inviteMembers: false }),
      groupDocument({ uri: FULL, members, inviteMembers: false, maxParticipants: 1 }),
    ],
    config: { history: { functions: [uriOf('recorder')] } },
  });
  const { stack } = ground;
  ada = await stack.subscriber('ada');
  ben = await stack.subscriber('ben');
  recorder = await stack.subscriber('recorder');
  zoe = await stack.subscriber('zoe', { uri: ground.people[1].uri });
  for (const group of [GROUP, FULL]) {
    const room = await ada.join(group);
    assert.equal((await room.dialog.request('OPTIONS')).status, 200);
  }
});
after(() =>
  ground.close(() => {
    for (const { violations } of [ada, ben, recorder, zoe]) assert.deepEqual(violations, []);
  }),
);

const inviting =
  (caller: () => Subscriber, to: () => string) =>
  ({ headers = [], body = sdpBody(plainSdp()) }: Spoilt): Promise<SipMessage> =>
    caller()
      .sip.invite({ to: to(), headers, ...(body === null ? {} : { body }) })
      .final();

const toGroup = inviting(
  () => ben,
  () => GROUP,
);
const toSession = inviting(
  () => zoe,
  () => ground.running[0].uri,
);
const recorderToFull = inviting(
  () => recorder,
  () => FULL,
);

const rows: readonly BadRow[] = [...inviteRows(), ...offerRows(sdpBody), ...contentRows()];

describe('7.2.1.4 joining', () => {
  tableOf(
    '7.2.1.4',
    [
      ...rows,
      field('Contact', 'of a focus', `<sip:ben@127.0.0.1:5060>;isfocus`, 403, /^isfocus already assigned$/),
      field('P-Asserted-Identity', 'of a stranger', `<${uriOf('mallory')}>`, 403, /not allowed to join/),
      field('Privacy', 'that the group does not allow', 'id', 403, /anonymity/),
    ],
    toGroup,
    () => ground,
  );
  // Only a History Function at the door of a full group has its Referred-By read (R-7.2.1.4-3a).
  tableOf(
    '7.2.1.4',
    [
      { wrong: 'Referred-By missing', status: 486, warning: /^Too many participants$/ },
      field('Referred-By', 'of a stranger', `<${uriOf('mallory')}>`, 486, /^Too many participants$/),
      field('Referred-By', 'malformed', '<<ada>>', 400, /address/),
      field('Referred-By', 'empty', '', 400, /address/),
      field('Referred-By', 'with a broken URI', '<sip:%zz@x>', 400, /URI/),
      field(
        'Referred-By',
        'repeated',
        [`<${uriOf('ada')}>`, `<${uriOf('ben')}>`],
        400,
        /more than one Referred-By/,
      ),
    ],
    recorderToFull,
    () => ground,
  );
});

describe('7.2.1.5 rejoining', () => {
  tableOf(
    '7.2.1.5',
    [
      ...rows,
      field(
        'Contact',
        'of a session',
        `<sip:im-s-other@${DOMAIN}>;isfocus`,
        403,
        /^isfocus already assigned$/,
      ),
      field('P-Asserted-Identity', 'of a stranger', `<${uriOf('mallory')}>`, 403, /not invited/),
    ],
    toSession,
    () => ground,
  );

  test('an identity of no session, in odd spellings: 403', async () => {
    const [room] = ground.running;
    const id = /^sip:([^@]+)/.exec(room.uri)?.[1] ?? '';
    for (const user of [
      `${id}x`,
      id.slice(0, -1),
      'im-s-',
      `im-s-${'x'.repeat(2_000)}`,
      `${id.toUpperCase()}`,
    ]) {
      const ask = inviting(
        () => zoe,
        () => `sip:${user}@${DOMAIN}`,
      );
      const isSession = user.startsWith('im-s-');
      const row = { wrong: user, status: isSession ? 403 : 404, warning: /does not exist/ };
      await ground.refuses(row, ask);
    }
  });
});

test('the same requests without a fault are taken', async () => {
  for (const ask of [toGroup, toSession]) assert.equal((await ask({})).status, 200);
  const referred = { headers: [['Referred-By', `<${uriOf('ada')}>`]] } as const;
  assert.equal((await recorderToFull(referred)).status, 200);
});
