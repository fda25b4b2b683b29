/**
 * Requests and documents in the shapes that the examples of RFC 4575, 5366, 5368 and 4488 have, as bytes: header fields and
 * parts in their order and spelling, whatever our own agents would write.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { readConferenceInfo } from '../../src/agents/documents.ts';
import { formatConferenceInfo } from '../../src/documents/conference-info.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { gather, plainSdp } from './support/ad-hoc.ts';
import { raw } from './support/dialogs-raw.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { orderFaults } from './support/expect.ts';
import { scene } from './support/scene.ts';

let stack: Stack;
before(async () => {
  stack = await Stack.start({ config: { notify: { minIntervalMs: 0 } } });
});
after(async () => assert.equal(await stack.stop(), 0));

/** Answers to bytes that no transaction of the agent sent. */
const BY_BYTES = { transport: 'tcp', mayCross: /^a response to no request of ours/ } as const;

/** Nested lists and attributes of RFC 5364, as RFC 5366 section 9 shows them. */
function copyControlled(uris: readonly string[]): string {
  const kinds = ['to', 'cc', 'bcc'];
  const entries = uris.map(
    (uri, index) => `    <entry uri="${uri}" cp:copyControl="${kinds[index % kinds.length]}" />`,
  );
  return lines(
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"',
    '          xmlns:cp="urn:ietf:params:xml:ns:copycontrol">',
    '  <list>',
    ...entries,
    '  </list>',
    '</resource-lists>',
  );
}

/** As RFC 5368 section 8 shows it: the XSI attributes, and a method in the URI. */
function toBeReferred(uris: readonly string[], method: string): string {
  return lines(
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"',
    '      xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
    '  <list>',
    ...uris.map((uri) => `    <entry uri="${uri}${method}" />`),
    '  </list>',
    '</resource-lists>',
  );
}

function lines(...text: string[]): string {
  return `${text.join('\r\n')}\r\n`;
}

function mixed(sdp: string, list: string, order: 'sdp first' | 'list first'): string {
  const parts = [
    lines('Content-Type: application/sdp', '', sdp.trimEnd()),
    lines(
      'Content-Type: application/resource-lists+xml',
      'Content-Disposition: recipient-list',
      '',
      list.trimEnd(),
    ),
  ];
  if (order === 'list first') parts.reverse();
  return `${parts.map((part) => `--boundary1\r\n${part}`).join('')}--boundary1--\r\n`;
}

const identity = (person: Subscriber) => `P-Asserted-Identity: <${person.uri}>`;

describe('RFC 5366: an INVITE with a recipient list', { concurrency: 2 }, () => {
  for (const [order, boundary, disposition] of [
    ['sdp first', 'boundary1', 'Require: recipient-list-invite'],
    ['list first', '"boundary1"', 'require:   recipient-list-invite'],
  ] as const) {
    test(`R-7.2.1.2-8 ${order}, boundary=${boundary}: each user of the list is invited, and bcc is shown to nobody`, () =>
      scene(
        stack,
        ['Ada', 'Ben', 'Cleo', 'Dan'],
        async (ada, ben, cleo, dan) => {
          const people = [ben, cleo, dan];
          raw(
            ada,
            `INVITE ${FACTORY} SIP/2.0`,
            [
              'Max-Forwards: 70',
              `To: "The factory" <${FACTORY}>`,
              `From: Ada <${ada.uri}>;tag=4fxaed73sl`,
              `Call-ID: ${order.replace(' ', '-')}@ada.example.net`,
              'CSeq: 1 INVITE',
              `Contact: <sip:ada@${ada.sip.address};transport=tcp>`,
              identity(ada),
              'Allow: INVITE, ACK, CANCEL, SUBSCRIBE, BYE, REFER',
              'Allow-Events: dialog',
              'Accept: application/sdp, message/sipfrag',
              disposition,
              `Content-Type: multipart/mixed;boundary=${boundary}`,
            ],
            mixed(plainSdp(), copyControlled(people.map(({ uri }) => uri)), order),
          );
          const invites = await Promise.all(people.map((person) => person.sip.nextInvite()));
          for (const { request } of invites) {
            assert.match(request.body, /recipient-list-history/);
            assert.ok(!request.body.includes(dan.uri), 'who is invited by bcc');
          }
          evidence('R-7.2.1.2-8', wireLine(invites[0]?.request ?? assert.fail(), 'Content-Type'));
          await Promise.all(invites.map((invite) => invite.reject(486)));
          await ada.sip.sees('the final answer', ({ status }) => status === 486);
        },
        BY_BYTES,
      ));
  }
});

describe('RFC 5368: a REFER to several', { concurrency: 2 }, () => {
  for (const [what, required, method] of [
    ['one Require with both tags', ['Require: multiple-refer, norefersub'], ''],
    ['two Require', ['Require: multiple-refer', 'Require: norefersub'], ''],
    ['a method in each URI', ['Require: multiple-refer, norefersub'], ';method=INVITE'],
  ] as const) {
    test(`R-7.2.1.7-3b R-7.2.1.7-7 outside a dialog, ${what}: 202 with Refer-Sub: false, each is invited`, () =>
      scene(
        stack,
        ['Ada', 'Ben', 'Cleo', 'Dan'],
        async (ada, ben, cleo, dan) => {
          const [hers] = await gather(ada, ben);
          raw(
            ada,
            `REFER ${hers.uri} SIP/2.0`,
            [
              'Max-Forwards: 70',
              `To: <${hers.uri}>`,
              `From: Ada <${ada.uri}>;tag=32331`,
              `Call-ID: d432fa84b4c76e66710-${required.length}${method.length}`,
              'CSeq: 2 REFER',
              `Contact: <sip:ada@${ada.sip.address};transport=tcp>`,
              identity(ada),
              'Refer-To: <cid:cn35t8jf02@example.com>',
              'Refer-Sub: false',
              ...required,
              'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY',
              'Allow-Events: dialog',
              'Accept: application/sdp, message/sipfrag',
              'Content-Type: application/resource-lists+xml',
              'Content-Disposition: recipient-list',
              'Content-ID: <cn35t8jf02@example.com>',
            ],
            toBeReferred([cleo.uri, dan.uri], method),
          );
          const invites = await Promise.all([cleo, dan].map((person) => person.sip.nextInvite()));
          const taken = await ada.sip.sees('the answer', ({ status }) => status === 202);
          assert.equal(taken.header('Refer-Sub'), 'false');
          assert.ok(taken.values('Supported').includes('norefersub'));
          evidence('R-7.2.1.7-3b R-7.2.1.7-7', wireLine(taken, 'Refer-Sub', 'Supported'));
          await Promise.all(invites.map((invite) => invite.reject(486)));
          await ada.sip.sync({ to: FACTORY });
          const told = ada.sip.received(({ method: name }) => name === 'NOTIFY');
          assert.deepEqual(told, [], 'RFC 4488: no subscription');
        },
        BY_BYTES,
      ));
  }
});

describe('RFC 5368 section 9: the focus sends BYE to each of the list', () => {
  test('R-7.2.1.8-2a-v R-7.2.1.8-2a-iii outside a dialog, method=BYE in each URI: 202 with Refer-Sub: false, each is removed, the rest go on', () =>
    scene(
      stack,
      ['Ada', 'Ben', 'Cleo', 'Dan'],
      async (ada, ben, cleo, dan) => {
        const [hers, his, cleos, dans] = await gather(ada, ben, cleo, dan);
        assert.ok(his && cleos && dans);
        const fields = [
          'Max-Forwards: 70',
          `To: <${hers.uri}>`,
          `From: Ada <${ada.uri}>;tag=32331`,
          'Call-ID: d432fa84b4c76e66710-bye',
          'CSeq: 2 REFER',
          `Contact: <sip:ada@${ada.sip.address};transport=tcp>`,
          identity(ada),
          'Refer-To: <cid:cn35t8jf02@example.com>',
          'Refer-Sub: false',
          'Require: multiple-refer, norefersub',
          'Accept: application/sdp, message/sipfrag',
          'Content-Type: application/resource-lists+xml',
          'Content-Disposition: recipient-list',
          'Content-ID: <cn35t8jf02@example.com>',
        ];
        raw(ada, `REFER ${hers.uri} SIP/2.0`, fields, toBeReferred([ben.uri, cleo.uri], ';method=BYE'));
        for (const room of [his, cleos]) {
          const bye = await room.dialog.nextRequest('BYE');
          assert.match(bye.request.header('Reason') ?? '', /removed by another participant/);
          evidence('R-7.2.1.8-2a-v', wireLine(bye.request, 'CSeq', 'Reason'));
        }
        const taken = await ada.sip.sees('the answer', ({ status }) => status === 202);
        assert.equal(taken.header('Refer-Sub'), 'false');
        assert.equal(await dans.say('the rest'), 200);
        assert.equal((await hers.hear()).text, 'the rest');
        await ada.sip.sync({ to: FACTORY });
        assert.deepEqual(
          ada.sip.received(({ method }) => method === 'NOTIFY'),
          [],
        );
      },
      BY_BYTES,
    ));
});

describe('RFC 4575: conference-info', () => {
  test('R-7.2.1.12-8 the first NOTIFY has the full state in the order of the schema', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers] = await gather(ada, ben);
      const roster = await hers.watch();
      await roster.next();
      const { body } = roster.subscription.notifies[0] ?? assert.fail();
      assert.deepEqual(orderFaults(body), []);
      assert.match(body, /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<conference-info\s/);
      assert.match(body, /xmlns="urn:ietf:params:xml:ns:conference-info"/);
      const info = readConferenceInfo(body);
      assert.deepEqual([info.entity, info.state, info.version], [hers.uri, 'full', 0]);
      assert.deepEqual(
        new Map(info.users.map(({ entity, status }) => [entity, status])),
        new Map([ada, ben].map(({ uri }) => [uri, 'connected'])),
      );
    }));

  test('R-7.2.1.12-8 a partial document has what changed alone, and says so on both levels', () => {
    const gone = {
      entity: 'sip:bob@example.com',
      endpoints: [
        {
          entity: 'sip:bob@pc33.example.com',
          status: 'disconnected',
          disconnectionMethod: 'departed',
          disconnectionWhenMs: Date.UTC(2005, 1, 1),
        },
      ],
    } as const;
    const xml = formatConferenceInfo({
      entity: 'sip:conf233@example.com',
      state: 'partial',
      version: 5,
      confUris: [],
      userCount: 1,
      active: true,
      users: [gone],
    });
    assert.deepEqual(orderFaults(xml), []);
    assert.match(xml, /<conference-info [^>]*state="partial"[^>]*version="5"/);
    assert.match(xml, /<users state="partial">/);
    const { state, users } = readConferenceInfo(xml);
    assert.deepEqual(
      [
        state,
        ...users.map(({ entity, status, disconnectionMethod }) => [entity, status, disconnectionMethod]),
      ],
      ['partial', [gone.entity, 'disconnected', 'departed']],
    );
  });
});
