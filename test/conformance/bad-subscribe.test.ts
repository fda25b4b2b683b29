/** Bad input to 7.2.1.12: SUBSCRIBEs, first ones and in their dialog, with one thing wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Roster } from '../../src/agents/roster.ts';
import type { HeaderOverrides, SipMessage } from '../../src/agents/sip/message.ts';
import { DOMAIN, FACTORY } from '../support/stack.ts';
import { type BadRow, field, Ground, type Spoilt, tableOf } from './support/bad-input.ts';
import { contactRows, generalRows } from './support/bad-invites.ts';

let ground: Ground;
let zoe: Subscriber;
let roster: Roster;
before(async () => {
  ground = await Ground.open();
  zoe = ground.people[1];
  roster = await ground.running[1].watch();
});
after(() =>
  ground.close(() => {
    assert.deepEqual([...zoe.violations, ...roster.violations], []);
  }),
);

const GOOD: HeaderOverrides = [
  ['Event', 'conference'],
  ['Expires', '600'],
  ['Accept', 'application/conference-info+xml'],
];

const outside = ({ headers = [] }: Spoilt): Promise<SipMessage> =>
  zoe.sip.request('SUBSCRIBE', { to: ground.running[1].uri, headers: over(headers) });
const inside = ({ headers = [] }: Spoilt): Promise<SipMessage> =>
  roster.subscription.dialog.request('SUBSCRIBE', { headers: over(headers) });

/** The good fields, but those that the row has of its own. */
function over(headers: HeaderOverrides): HeaderOverrides {
  const given = new Set(headers.map(([name]) => name));
  return [...GOOD.filter(([name]) => !given.has(name)), ...headers];
}

const eventRows: readonly BadRow[] = [
  field('Event', 'missing', null, 489, /event package|subscription/),
  field('Event', 'of another package', 'presence', 489, /conference/),
  field('Event', 'of REFER', 'refer', 489, /conference/),
  field('Event', 'empty', '', 400, /Event/),
  field('Event', 'malformed', 'conf erence', 400, /Event/),
  field('Event', 'with a malformed parameter', 'conference;="x', 400, /parameter/),
  field('Event', 'repeated', ['conference', 'conference'], 400, /more than one Event/),
  field('Event', 'oversized', 'x'.repeat(5_000), 489, /conference/),
].map((row) => (row.status === 489 ? { ...row, tells: ['Allow-Events', /\bconference\b/] as const } : row));

/** What is no number Kamailio refuses by itself. */
const expiresRows: readonly BadRow[] = [
  field('Expires', 'malformed', 'soon', 400),
  field('Expires', 'empty', '', 400),
  field('Expires', 'negative', '-1', 400),
  field('Expires', 'in a list', '600, 700', 400),
  field('Expires', 'repeated', ['600', '700'], 400, /more than one Expires/),
];

describe('7.2.1.12 SUBSCRIBE', () => {
  const acceptable = (row: BadRow): BadRow => ({
    ...row,
    tells: ['Accept', /^application\/conference-info\+xml$/],
  });
  tableOf(
    '7.2.1.12',
    [
      ...eventRows,
      ...expiresRows,
      ...contactRows(),
      ...generalRows('SUBSCRIBE'),
      field('Contact', 'missing', null, 400, /Contact/),
      field('Record-Route', 'malformed', '<sip:[::1;lr>', 400, /URI|address/),
      acceptable(
        field('Accept', 'of other documents', 'application/pidf+xml, text/plain', 406, /conference-info/),
      ),
      acceptable(field('Accept', 'empty', '', 406, /conference-info/)),
      acceptable(
        field(
          'Accept',
          'with a quality of nought',
          'application/conference-info+xml;q=0, */*',
          406,
          /conference-info/,
        ),
      ),
      field('Accept', 'malformed', 'conference-info', 400, /Content-Type|Accept/),
      field('Accept', 'with a malformed quality', 'application/conference-info+xml;q=high', 400, /Accept/),
      field('P-Asserted-Identity', 'missing', null, 403, /not authenticated/),
      field('P-Asserted-Identity', 'malformed', 'zoe <<', 403, /not authenticated/),
      field('P-Asserted-Identity', 'of a stranger', `<sip:mallory@${DOMAIN}>`, 403, /does not take part/),
    ],
    outside,
    () => ground,
  );

  test('7.2.1.12 to a factory, to nobody and to a session that is not there: 404', async () => {
    for (const to of [FACTORY, `sip:nobody@${DOMAIN}`, `sip:im-s-none@${DOMAIN}`]) {
      const ask = ({ headers = [] }: Spoilt) => zoe.sip.request('SUBSCRIBE', { to, headers: over(headers) });
      await ground.refuses({ wrong: to, status: 404, warning: /^Conference URI does not exist$/ }, ask);
    }
  });
});

describe('7.2.1.12 SUBSCRIBE in its dialog', () => {
  tableOf(
    '7.2.1.12 refresh:',
    [...eventRows, ...expiresRows, ...contactRows(), ...generalRows('SUBSCRIBE')],
    inside,
    () => ground,
  );

  test('7.2.1.12 refresh: with the tags of another dialog: 481', async () => {
    const { dialog } = roster.subscription;
    for (const [from, to] of [
      ['guessed', dialog.remoteTag],
      [dialog.localTag, 'guessed'],
      [ground.running[1].dialog.localTag, dialog.remoteTag],
    ] as const) {
      const ask = () =>
        zoe.sip.request('SUBSCRIBE', {
          to: ground.running[1].uri,
          headers: [
            ...GOOD,
            ['Call-ID', dialog.callId],
            ['From', `<${zoe.uri}>;tag=${from}`],
            ['To', `<${ground.running[1].uri}>;tag=${to}`],
            ['CSeq', '900 SUBSCRIBE'],
          ],
        });
      await ground.refuses({ wrong: 'tags', status: 481, warning: /no such dialog/ }, ask);
    }
  });
});

test('the same requests without a fault are taken', async () => {
  for (const accept of ['application/*', '*/*;q=0.1', 'text/plain, application/conference-info+xml;q=0.5']) {
    const subscription = await zoe.sip.subscribe({ to: ground.running[1].uri, event: 'conference', accept });
    assert.equal(subscription.response.status, 200, accept);
    await subscription.nextNotify();
    const ended = await subscription.dialog.request('SUBSCRIBE', { headers: over([['Expires', '0']]) });
    assert.equal(ended.status, 200);
    await subscription.untilTerminated();
  }
  assert.equal((await inside({})).status, 200);
  await roster.subscription.nextNotify();
  await ground.assertGoesOn();
});
