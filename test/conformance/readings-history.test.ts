/** The History Function: a recorder that a participant brings in. It takes no seat (R-7.2.1.4-3, A-21; `history.*`). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { assertRefused } from './support/expect.ts';
import { offer } from './support/groups-offers.ts';
import { type Cast, Stage } from './support/groups-stage.ts';
import { progressOf } from './support/refer-progress.ts';
import { assertNotInvited } from './support/scene.ts';

const SEATS = 2;
const INVOKER = `sip:ben.listed@${DOMAIN}`;
const actions = {
  'allow-initiate-conference': true,
  'join-handling': true,
  'allow-conference-state': true,
  'allow-invite-users-dynamically': true,
};
const room = { members: ['ada', 'ben', 'cleo'], inviteMembers: false, maxParticipants: SEATS, actions };

/** Its participants may bring a recorder in, as long as nothing else is configured. */
const open = new Stage();
const seats = open.cast('seats', room);
const full = open.cast('full', room);
const brought = open.cast('brought', room);
const last = open.cast('last', room);
const recorders = [seats, full, brought, last].map((cast) => cast.uri('recorder'));
/** Only the users of a list may. */
const ruled = new Stage();
const listed = ruled.cast('listed', room);
const unseen = ruled.cast('unseen', { ...room, members: [...room.members, 'recorder'] });

before(() =>
  Promise.all([
    open.open({ history: { functions: recorders }, notify: { minIntervalMs: 0 } }),
    ruled.open({
      history: {
        functions: [listed.uri('recorder'), unseen.uri('recorder')],
        invokers: [INVOKER],
        showInRoster: false,
      },
      notify: { minIntervalMs: 0 },
    }),
  ]),
);
after(() => Promise.all([open.close(), ruled.close()]));

/** The INVITE of a recorder, or of somebody who says so. @returns the final response */
async function calls(who: Subscriber, { group }: Cast, referredBy?: string): Promise<SipMessage> {
  const headers = referredBy === undefined ? [] : [['Referred-By', `<${referredBy}>`] as const];
  return who.sip.invite({ to: group, headers, body: offer() }).final();
}

describe('7.2.1.4 the History Function', () => {
  test('R-7.2.1.4-3-note a recorder that is there is not counted: the same number of users fits, it is shown as what it is', async () => {
    const [ada, ben, cleo, recorder] = await seats.come('ada', 'ben', 'cleo', 'recorder');
    const hers = await ada.join(seats.group);
    assert.equal((await calls(recorder, seats)).status, 200, 'no member, yet it may join');
    await ben.join(seats.group);
    assertRefused(await calls(cleo, seats), 486, /^too many participants$/i);
    const roster = await hers.watch();
    await roster.until((users) => users.length === 3);
    const xml = roster.subscription.notifies.at(-1)?.body ?? '';
    assert.match(
      xml,
      new RegExp(
        `<user entity="${recorder.uri}"[^>]*>(?:(?!</user>).)*<roles>\\s*<entry>history</entry>`,
        's',
      ),
    );
    assert.equal(xml.match(/<entry>history<\/entry>/g)?.length, 1);
    assert.equal(roster.documents.at(-1)?.maximumUserCount, SEATS);
  });

  test('R-7.2.1.12-5 history.showInRoster false: only the recorder itself sees it in the conference state', async () => {
    const [ada, ben, recorder] = await unseen.come('ada', 'ben', 'recorder');
    const hers = await ada.join(unseen.group);
    const roster = await hers.watch();
    const own = await (await recorder.join(unseen.group)).watch();
    await own.until((users) => users.length === 2);
    await ben.join(unseen.group);
    await roster.until((users) => users.some(({ entity }) => entity === ben.uri));
    assert.deepEqual(roster.users.map(({ entity }) => entity).toSorted(), [ada.uri, ben.uri]);
    assert.match(roster.subscription.notifies.at(-1)?.body ?? '', /<user-count>2<\/user-count>/);
    for (const { body } of roster.subscription.notifies) assert.doesNotMatch(body, /recorder|history/);
    await own.until((users) => users.length === 3);
  });

  test('R-7.2.1.4-3a R-7.2.1.4-3b a full room: in with the Referred-By of a participant, 486 without, or with that of a stranger', async () => {
    const [ada, ben, cleo, recorder] = await full.come('ada', 'ben', 'cleo', 'recorder');
    await Promise.all([ada.join(full.group), ben.join(full.group)]);
    assertRefused(await calls(recorder, full), 486, /^too many participants$/i);
    assertRefused(await calls(recorder, full, cleo.uri), 486, /^too many participants$/i);
    // Not by what anybody says about themselves: neither Referred-By nor From makes a user a recorder.
    assertRefused(await calls(cleo, full, ada.uri), 486, /^too many participants$/i);
    const posing = cleo.sip.invite({
      to: full.group,
      headers: [
        ['From', `<${recorder.uri}>;tag=posing`],
        ['Referred-By', `<${ada.uri}>`],
      ],
      body: offer(),
    });
    assertRefused(await posing.final(), 486, /^too many participants$/i);
    assert.equal((await calls(recorder, full, ada.uri)).status, 200);
  });

  test('R-7.2.1.4-3a history.invokers: only the users of that list, though they need not be there', async () => {
    const [ada, cleo, recorder] = await listed.come('ada', 'cleo', 'recorder');
    await Promise.all([ada.join(listed.group), cleo.join(listed.group)]);
    assertRefused(await calls(recorder, listed, ada.uri), 486, /^too many participants$/i);
    assert.equal((await calls(recorder, listed, INVOKER)).status, 200);
  });

  test('R-7.2.1.4-3-note R-7.2.1.7-4 a participant brings it into a full room by REFER, where a user would be one too many', async () => {
    const [ada, ben, cleo, recorder] = await brought.come('ada', 'ben', 'cleo', 'recorder');
    const hers = await ada.join(brought.group);
    const his = await ben.join(brought.group);
    const [refer, records] = await Promise.all([
      hers.dialog.refer(`<${recorder.uri}>`),
      recorder.answerNext({ ring: false }),
    ]);
    assert.equal((await progressOf(refer)).at(-1), 'SIP/2.0 200 OK');
    assert.equal(await his.say('for the record'), 200);
    assert.equal((await records.hear()).text, 'for the record');
    assertRefused((await hers.dialog.refer(`<${cleo.uri}>`)).response, 486, /^too many participants$/i);
    await assertNotInvited(cleo);
    await his.leave();
    await cleo.join(brought.group);
  });

  test('R-7.2.1.10-3 with nobody but the recorder left the session is over (7.2.2.8)', async () => {
    const [ada, recorder] = await last.come('ada', 'recorder');
    const hers = await ada.join(last.group);
    const records = await recorder.join(last.group);
    await hers.leave();
    assert.equal(await records.ended, 'remote');
    await records.msrp.closed;
  });
});
