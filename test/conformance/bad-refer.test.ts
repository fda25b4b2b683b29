/** Bad input to 7.2.1.7 and 7.2.1.8: REFERs in the dialog of an INVITE and outside with one thing wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { multipart, resourceLists } from '../../src/agents/documents.ts';
import type { Body, HeaderOverrides, SipMessage } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { assertNeverInvited, type BadRow, field, Ground, type Spoilt, tableOf } from './support/bad-input.ts';
import { contactRows, generalRows } from './support/bad-invites.ts';

const DAN = `sip:dan@${DOMAIN}`;
const EVE = `sip:eve@${DOMAIN}`;
const RL = 'urn:ietf:params:xml:ns:resource-lists';

let ground: Ground;
let dan: Subscriber;
before(async () => {
  ground = await Ground.open({ config: { adHoc: { maxParticipants: 5 } } });
  dan = await ground.stack.subscriber('dan');
});
after(() =>
  ground.close(() => {
    for (const { violations } of [...ground.people, dan]) assert.deepEqual(violations, []);
  }),
);

/** In the dialog, or outside, with the good Refer-To and Refer-Sub: false unless the row has its own. */
const referring =
  (where: 'inside' | 'outside', good: () => string) =>
  ({ headers = [], body }: Spoilt): Promise<SipMessage> => {
    const given = new Set(headers.map(([name]) => name));
    const own: HeaderOverrides = [
      ['Refer-To', good()],
      ['Refer-Sub', 'false'],
    ];
    const options = {
      headers: [...own.filter(([name]) => !given.has(name)), ...headers],
      ...(body === undefined || body === null ? {} : { body }),
    };
    const [room] = ground.running;
    return where === 'inside'
      ? room.dialog.request('REFER', options)
      : ground.people[0].sip.request('REFER', { to: room.uri, ...options });
  };

/** Where a subscription is asked for, its dialog needs a Contact. */
const dialogRows = [field('Contact', 'missing', null, 400, /Contact/), ...contactRows()].map((row) => ({
  ...row,
  headers: [...(row.headers ?? []), ['Refer-Sub', 'true'] as const],
}));

function referToRows(method: string): BadRow[] {
  return [
    field('Refer-To', 'missing', null, 400, /0 Refer-To values/),
    field('Refer-To', 'empty', '', 400, /0 Refer-To values/),
    field('Refer-To', 'repeated', [`<${DAN}>`, `<${DAN}>`], 400, /more than one Refer-To/),
    field('Refer-To', 'in a list', `<${DAN}>, <${DAN}>`, 400, /2 Refer-To values/),
    field('Refer-To', 'malformed', `<${DAN}${method}`, 400, /address/),
    field('Refer-To', 'that is no URI', 'dan', 400, /address/),
    field('Refer-To', 'with a broken escape', `<sip:%zz@${DOMAIN}${method}>`, 400, /URI/),
    field(
      'Refer-To',
      'oversized and broken',
      `<sip:${'x'.repeat(5_000)}>>`,
      400,
      /URI|address|parameter|malformed/,
    ),
    field('Refer-Sub', 'malformed', 'maybe', 400, /Refer-Sub/),
    field('Refer-Sub', 'empty', '', 400, /Refer-Sub/),
    field('Refer-Sub', 'repeated', ['true', 'false'], 400, /more than one Refer-Sub/),
    field('Referred-By', 'repeated', [`<${DAN}>`, `<${DAN}>`], 400, /more than one Referred-By/),
    field(
      'Target-Dialog',
      'repeated',
      ['a;local-tag=1', 'b;local-tag=2'],
      400,
      /more than one Target-Dialog/,
    ),
    field('P-Asserted-Identity', 'missing', null, 403, /not authenticated/),
    field('P-Asserted-Identity', 'malformed', 'yves <<', 403, /not authenticated/),
    ...generalRows('REFER'),
  ];
}

describe('7.2.1.7 REFER to invite', () => {
  const list = (
    wrong: string,
    status: number,
    warning: RegExp,
    body: Body | null,
    cid = 'list@x',
  ): BadRow => ({
    wrong: `list ${wrong}`,
    status,
    warning,
    headers: [
      ['Refer-To', `<cid:${cid}>`],
      ['Require', 'multiple-refer'],
      ['Content-ID', '<list@x>'],
    ],
    body,
  });
  const xml = (content: string): Body => ({ contentType: 'application/resource-lists+xml', content });
  const entries = (inner: string): Body =>
    xml(`<resource-lists xmlns="${RL}"><list>${inner}</list></resource-lists>`);
  const many = (count: number): Body =>
    resourceLists(Array.from({ length: count }, (_, n) => `sip:u${n}@${DOMAIN}`));
  const named = (...ids: readonly string[]): Body =>
    multipart(ids.map((id) => ({ ...many(1), headers: [['Content-ID', `<${id}>`] as const] })));
  const rows: readonly BadRow[] = [
    ...referToRows(''),
    field('Refer-To', 'of an unknown method', `<${DAN};method=MESSAGE>`, 501, /method MESSAGE/),
    field('Refer-To', 'of a method in small letters', `<${DAN};method=invite>`, 501, /method invite/),
    field('Refer-To', 'of an empty method', `<${DAN};method=>`, 400, /method/),
    field('Refer-To', 'with a method that is none', `<${DAN};method=IN/VITE>`, 400, /method/),
    field('Refer-To', 'with a web address', '<http://example.net/dan>', 400, /cannot be invited/),
    field('Refer-To', 'with a mail address', '<mailto:dan@example.net>', 400, /cannot be invited/),
    field('Refer-To', 'with a telephone number that is none', '<tel:dan>', 400, /URI/),
    field('Privacy', 'malformed', '"id"', 400, /malformed Privacy/),
    list('missing', 400, /names no users/, null),
    list('of another type', 400, /names no users/, { contentType: 'text/plain', content: DAN }),
    list('empty', 400, /names no users/, entries('')),
    list('that is no XML', 400, /XML/, xml('dan')),
    list('with an entry that is no URI', 400, /XML/, entries('<entry uri="dan"/>')),
    list('with a web address', 400, /cannot be invited/, entries('<entry uri="http://example.net/dan"/>')),
    {
      ...list('without a Content-Type', 400, /Content-Type/, many(1)),
      headers: [
        ['Refer-To', '<cid:list@x>'],
        ['Content-Type', null],
      ],
    },
    list('of several, none of them named', 400, /names no users/, named('a@x', 'b@x')),
    list('of more than the maximum', 486, /Too many participants/, many(4)),
    list('oversized', 486, /Too many participants/, many(600)),
  ];
  for (const where of ['inside', 'outside'] as const) {
    const ask = referring(where, () => `<${DAN}>`);
    tableOf(`7.2.1.7 ${where} the dialog:`, rows, ask, () => ground);
  }
  tableOf(
    '7.2.1.7 outside the dialog:',
    dialogRows,
    referring('outside', () => `<${DAN}>`),
    () => ground,
  );
  tableOf(
    '7.2.1.7 outside the dialog:',
    [field('P-Asserted-Identity', 'of a stranger', `<sip:mallory@${DOMAIN}>`, 403, /does not take part/)],
    referring('outside', () => `<${DAN}>`),
    () => ground,
  );
});

describe('7.2.1.8 REFER BYE', () => {
  const zoe = (): string => ground.people[1].uri;
  const rows: readonly BadRow[] = [
    ...referToRows(';method=BYE'),
    field('Refer-To', 'of who is not there', `<${DAN};method=BYE>`, 403, /does not take part/),
    field(
      'Refer-To',
      'of another session',
      `<sip:im-s-other@${DOMAIN};method=BYE>`,
      403,
      /does not take part/,
    ),
    field(
      'Refer-To',
      'of a web address',
      '<http://example.net/;method=BYE>;method=BYE',
      403,
      /does not take part/,
    ),
    field('Refer-To', 'of a list that is missing', '<cid:list@x>;method=BYE', 400, /names no users/),
  ];
  for (const where of ['inside', 'outside'] as const) {
    const ask = referring(where, () => `<${zoe()};method=BYE>`);
    tableOf(`7.2.1.8 ${where} the dialog:`, rows, ask, () => ground);
  }
  tableOf(
    '7.2.1.8 outside the dialog:',
    [
      ...dialogRows,
      field('P-Asserted-Identity', 'of a stranger', `<sip:mallory@${DOMAIN}>`, 403, /does not take part/),
    ],
    referring('outside', () => `<${zoe()};method=BYE>`),
    () => ground,
  );
});

test('the same requests without a fault are taken', async () => {
  await assertNeverInvited(dan);
  // Two users: the first is still being called until the focus knows of the refusal.
  const eve = await ground.stack.subscriber('eve');
  for (const [where, person, uri] of [
    ['inside', dan, DAN],
    ['outside', eve, EVE],
  ] as const) {
    const [response] = await Promise.all([
      referring(where, () => `<${uri}>`)({}),
      person.sip.nextInvite().then((invite) => invite.reject(603)),
    ]);
    assert.equal(response.status, 202);
  }
  await ground.assertGoesOn();
  const leaving = ground.running[1].ended;
  assert.equal((await referring('inside', () => `<${ground.people[1].uri};method=BYE>`)({})).status, 202);
  assert.equal(await leaving, 'remote');
});
