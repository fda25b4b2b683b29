/**
 * Chat alias (7.2.3.2): a participant who asked for privacy does everything that a client can do, and afterwards neither
 * address nor name of theirs is found in any byte that anybody else has received by SIP or MSRP.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { DOMAIN, FACTORY } from '../support/stack.ts';
import { ruleFor, Stage } from './support/groups-stage.ts';
import { progressOf } from './support/refer-progress.ts';
import { freshUri } from './support/scene.ts';

/** Words that nothing else on the wire contains. */
const USER = 'zephyrine';
const NAME = 'Quillfeather';
const TAINT = new RegExp(`${USER}|${NAME}`, 'gi');
const ALIAS = /^sip:anonymous-\d+\.[a-z0-9]+@anonymous\.invalid$/;
const OWN = `sip:${USER}@${DOMAIN}`;
/** Privacy, asked for by a client that tells its name wherever a header field has room for one. */
const PRIVATE = [
  ['Privacy', 'id'],
  ['History-Info', `<${OWN}?Privacy=history>;index=1`],
  ['Referred-By', `"${NAME}" <${OWN}>`],
  ['Reply-To', `"${NAME}" <${OWN}>`],
  ['P-Preferred-Identity', `"${NAME}" <${OWN}>`],
  ['Organization', `${NAME} and Sons`],
  ['Call-Info', `<https://example.net/${USER}.png>;purpose=icon`],
] as const;
/** And in its SDP. */
const ATTRIBUTES = [`x-owner:${NAME}`, `tool:${USER}`];

const actions = {
  'allow-initiate-conference': true,
  'join-handling': true,
  'allow-conference-state': true,
  'allow-invite-users-dynamically': true,
  'allow-anonymity': true,
};
const stage = new Stage();
const chat = stage.cast('taint-chat', {
  members: ['ada', 'ben', 'dan', USER],
  inviteMembers: false,
  actions,
  rules: ruleFor([`sip:ada.taint-chat@${DOMAIN}`], { 'allow-expelling': true }),
});
const called = stage.cast('taint-called', { members: ['ada', 'ben', [USER, NAME]], actions });
const adHoc = stage.cast('taint-ad-hoc');

before(() => stage.open({ notify: { minIntervalMs: 0 } }));
after(() => stage.close());

/** What others hear of somebody in: looking for a name proves nothing where nothing has come. */
const WHERE = {
  'an invitation': /^INVITE [^]*\r\nReferred-By: [^]*\r\na=path:msrp:/,
  'a list of who else is invited': /^INVITE [^]*Content-Disposition: recipient-list-history/,
  'a roster': /^NOTIFY [^]*\r\nEvent: conference[^]*<user entity="sip:anonymous-/,
  'the progress of a REFER': /^NOTIFY [^]*\r\nEvent: refer[^]*SIP\/2\.0 /,
  'an answer with SDP': /^SIP\/2\.0 200 [^]*\r\no=[^]*\r\na=path:msrp:/,
  'a message in CPIM': /^MSRP \S+ SEND[^]*\r\nFrom: [^\r]*<sip:anonymous-/,
} as const;

/** Everything that these people have received so far is free of the taint, and there was some of each of these kinds. */
function assertClean(kinds: readonly (keyof typeof WHERE)[], ...people: readonly Subscriber[]): void {
  let bytes = 0;
  const seen = new Set<string>();
  for (const person of people) {
    const received = [
      ...person.sip.trace.filter(({ direction }) => direction === 'received'),
      ...person.rooms.flatMap(({ msrp }) => msrp.trace.filter(({ direction }) => direction === 'received')),
    ];
    for (const entry of received) {
      bytes += entry.bytes.length;
      const text = entry.bytes.toString('latin1');
      assert.deepEqual(text.match(TAINT) ?? [], [], `${person.uri} has received\n${text}`);
      for (const kind of kinds) if (WHERE[kind].test(text)) seen.add(kind);
    }
    assert.ok(person.rooms.length > 0 && received.length > 0, `${person.uri} has seen something`);
  }
  assert.ok(bytes > 0);
  assert.deepEqual([...seen].sort(), [...kinds].sort(), 'kinds of messages that have come');
}

/** An IMDN as RFC 5438 wants it: with the address that the message was for. */
function report(of: string, own: string): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${of}</message-id>`,
    `<datetime>2026-01-01T00:00:00Z</datetime><recipient-uri>${own}</recipient-uri>`,
    `<original-recipient-uri>${own.replace('sip:', 'im:')}</original-recipient-uri>`,
    '<delivery-notification><status><delivered/></status></delivery-notification></imdn>',
  ].join('\n');
}

const COMPOSING =
  '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>';

/** What a client sends in a chat, own address and name in its CPIM; all of it arrives, from the alias. */
async function chats(room: Room, own: string, ...others: readonly Room[]): Promise<string> {
  const from = `"${NAME}" <${own}>`;
  let alias = '';
  const say = async (text: string, more: NonNullable<Parameters<Room['say']>[1]> = {}): Promise<void> => {
    assert.equal(await room.say(text, { cpim: { from, to: more.to ?? room.uri }, ...more }), 200, text);
    const hearers = more.to === undefined ? others : others.slice(0, 1);
    for (const other of hearers) {
      const heard = await other.hear();
      assert.match(heard.from, ALIAS);
      assert.ok(alias === '' || alias === heard.from, 'one alias');
      alias = heard.from;
      if (more.contentType === undefined) assert.equal(heard.text, text);
    }
  };
  await say('to all');
  await say('in pieces '.repeat(400), { chunkBytes: 1_000 });
  await say(COMPOSING, { contentType: 'application/im-iscomposing+xml' });
  await say('with more in its head', {
    cpim: {
      from,
      to: room.uri,
      headers: [
        ['NS', 'imdn <urn:ietf:params:imdn>'],
        ['imdn.Message-ID', 'm-1'],
        ['imdn.Disposition-Notification', 'positive-delivery'],
        ['imdn.Original-To', `<${own}>`],
      ],
    },
  });
  await say(report('m-2', own), { contentType: 'message/imdn+xml' });
  assert.equal(await room.msrp.send('no envelope'), 200);
  for (const other of others) assert.equal((await other.hear()).text, 'no envelope');
  return alias;
}

describe('7.2.3.2 chat alias: nothing of who hides behind it reaches anybody', () => {
  test('7.2.3.2 R-7.2.1.4-6 R-7.2.1.5-6 R-7.2.1.7-2-note R-7.2.1.9-ok-3 a chat group: joins, chats, adds, leaves, rejoins, is removed', async () => {
    const [ada, ben, dan] = await chat.come('ada', 'ben', 'dan');
    const hidden = await chat.comeAs(USER, { displayName: NAME });
    const adas = await ada.join(chat.group);
    const bens = await ben.join(chat.group);
    const roster = await bens.watch();
    const early = await adas.watch();
    const room = await hidden.join(chat.group, { headers: PRIVATE, attributes: ATTRIBUTES });
    const alias = await chats(room, hidden.uri, adas, bens);
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === alias && status === 'connected'),
    );
    // Private messages reach the alias and come from it.
    assert.equal(await adas.say('between us', { to: alias }), 200);
    assert.equal((await room.hear()).text, 'between us');
    const cpim = { from: `"${NAME}" <${hidden.uri}>`, to: ada.uri };
    assert.equal(await room.say('quite so', { cpim }), 200);
    assert.equal((await adas.hear()).from, alias);
    const [refer, dans] = await Promise.all([
      room.dialog.refer(`<${dan.uri}>`, { headers: PRIVATE }),
      dan.answerNext({ ring: false }),
    ]);
    await progressOf(refer);
    const own = await room.watch();
    await own.next();
    assert.equal(own.users.length, 4);
    await room.leave();
    await early.until((users) =>
      users.some(({ entity, status }) => entity === alias && status === 'disconnected'),
    );
    const again = await hidden.join(adas.uri, { headers: PRIVATE, attributes: ATTRIBUTES });
    assert.equal(
      await chats(again, hidden.uri, adas, bens, dans),
      alias,
      'the alias is for the whole session',
    );
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === alias && status === 'connected'),
    );
    const removal = await adas.dialog.refer(`<${alias};method=BYE>`);
    await progressOf(removal);
    assert.equal(await again.ended, 'remote');
    await roster.until((users) =>
      users.some(({ entity, disconnectionMethod }) => entity === alias && disconnectionMethod === 'booted'),
    );
    const kinds = [
      'an invitation',
      'a roster',
      'the progress of a REFER',
      'an answer with SDP',
      'a message in CPIM',
    ] as const;
    assertClean(kinds, ada, ben, dan);
  });

  test('7.2.3.2 R-7.2.1.3-6 who sets a group session up hides from all whom it invites', async () => {
    const [ada, ben] = await called.come('ada', 'ben');
    const hidden = await called.comeAs(USER, { displayName: NAME });
    const [room, adas, bens] = await Promise.all([
      hidden.join(called.group, { headers: PRIVATE, attributes: ATTRIBUTES }),
      ada.answerNext(),
      ben.answerNext(),
    ]);
    const roster = await adas.watch();
    const alias = await chats(room, hidden.uri, adas, bens);
    await roster.until((users) => users.some(({ entity }) => entity === alias));
    await room.leave();
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === alias && status === 'disconnected'),
    );
    assertClean(['an invitation', 'a roster', 'a message in CPIM'], ada, ben);
  });

  test('7.2.3.2 A-25 an ad hoc session: its inviter hides from the invited, and from whom they add', async () => {
    const [ada, ben, dan] = await adHoc.come('ada', 'ben', 'dan');
    const hidden = await adHoc.comeAs(USER, { displayName: NAME });
    const [room, adas, bens] = await Promise.all([
      hidden.startAdHoc({
        factory: FACTORY,
        invite: [
          { uri: ada.uri, copyControl: 'to' },
          { uri: ben.uri, copyControl: 'cc' },
        ],
        attributes: ATTRIBUTES,
        subject: 'Who is it?',
        headers: PRIVATE,
      }),
      ada.answerNext(),
      ben.answerNext(),
    ]);
    const roster = await bens.watch();
    const alias = await chats(room, hidden.uri, adas, bens);
    const [refer, dans] = await Promise.all([
      room.dialog.refer(`<${dan.uri}>`, { headers: PRIVATE }),
      dan.answerNext({ ring: false }),
    ]);
    await progressOf(refer);
    // A refused invitation is told to the watchers: by whom it was, is not.
    const gone = freshUri('gone');
    await progressOf(await room.dialog.refer(`<${gone}>`));
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === gone && status === 'disconnected'),
    );
    await room.leave();
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === alias && status === 'disconnected'),
    );
    assert.equal(await dans.say('gone'), 200);
    assert.equal((await adas.hear()).text, 'gone');
    const kinds = [
      'an invitation',
      'a list of who else is invited',
      'a roster',
      'a message in CPIM',
    ] as const;
    assertClean(kinds, ada, ben, dan);
  });
});
