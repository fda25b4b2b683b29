/** 7.2.2.8 IM Session release policy: key participants, the initiator, the last ones, the longest time. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { killPart } from '../e2e/support/outage.ts';
import { FACTORY } from '../support/stack.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { sessionOf, stepOf } from './support/expect.ts';
import { type Cast, ruleFor, Stage } from './support/groups-stage.ts';
import { together } from './support/refer-rooms.ts';
import { scene } from './support/scene.ts';

/** Time enough to set a session up in. */
const LONGEST_S = 5;
const IDLE_S = 4;
/** A focus that was killed is back. */
const BACK_MS = 20_000;
const KEY = { 'is-key-participant': true };

/** A chat group in which `keys` have is-key-participant. */
function keyed(stage: Stage, name: string, keys: readonly string[], inviteMembers = false): Cast {
  const uris = keys.map((key) => stage.cast(name).uri(key));
  return stage.cast(name, {
    members: ['ada', 'ben', 'cleo'],
    inviteMembers,
    rules: ruleFor(uris, KEY),
  });
}

const byDefault = new Stage();
const one = keyed(byDefault, 'one-key', ['ada']);
const two = keyed(byDefault, 'two-keys', ['ada', 'ben']);
const invited = keyed(byDefault, 'key-declines', ['cleo'], true);
const booted = byDefault.cast('key-removed', {
  members: ['ada', 'ben', 'cleo'],
  inviteMembers: false,
  rules: ruleFor([byDefault.cast('key-removed').uri('ben')], KEY),
  actions: {
    'allow-initiate-conference': true,
    'join-handling': true,
    'allow-conference-state': true,
    'allow-expelling': true,
  },
});
const brief = new Stage();
const silent = brief.cast('silent', { members: ['ada', 'ben', 'cleo'], inviteMembers: false });
const others = new Stage();
const last = keyed(others, 'last-key', ['ada', 'ben']);
const initiator = others.cast('initiator', { members: ['ada', 'ben', 'cleo'], inviteMembers: false });

before(() =>
  Promise.all([
    byDefault.open({ notify: { minIntervalMs: 0 } }),
    brief.open({
      notify: { minIntervalMs: 0 },
      release: { maxLengthS: { adHoc: LONGEST_S }, idleS: { chatGroup: IDLE_S } },
    }),
    others.open({
      notify: { minIntervalMs: 0 },
      release: { whenKeyParticipantLeaves: 'last', whenInitiatorLeaves: ['adHoc', 'chatGroup'] },
    }),
  ]),
);
after(() => Promise.all([byDefault.close(), brief.close(), others.close()]));

interface Member {
  readonly person: Subscriber;
  readonly room: Room;
}

/** The members come one after another: the first one sets the session up. */
async function comeIn(
  cast: Cast,
  ...names: readonly [string, string, string]
): Promise<[Member, Member, Member]> {
  const members: Member[] = [];
  for (const name of names) {
    const person = await cast.comeAs(name);
    members.push({ person, room: await person.join(cast.group) });
  }
  return members as [Member, Member, Member];
}

/** All that the focus has sent until now has arrived, and no BYE is among it. */
async function goesOn(...members: readonly Member[]): Promise<void> {
  for (const { person } of members) {
    await person.sip.sync({ to: FACTORY });
    const byes = person.sip.received(({ isRequest, method }) => isRequest && method === 'BYE');
    assert.equal(byes.length, 0, `${person.name} is still there`);
  }
}

describe('7.2.2.8 key participants (is-key-participant)', () => {
  test('R-7.2.1.10-3 the key participant leaves: everybody gets BYE, though enough are there', async () => {
    const [ada, ben, cleo] = await comeIn(one, 'ada', 'ben', 'cleo');
    await cleo.room.leave();
    await goesOn(ada, ben);
    await ada.room.leave();
    const bye = await ben.room.dialog.nextRequest('BYE');
    assert.match(bye.request.header('Reason') ?? '', /a key participant has left/);
    evidence('R-7.2.1.10-3', wireLine(bye.request, 'Reason'));
    await ben.room.msrp.closed;
    const step = await stepOf(byDefault.stack, { callId: ada.room.dialog.callId }, 'R-7.2.1.10-3');
    assert.match(step.found, /is-key-participant/);
  });

  test('R-7.2.1.10-3 of two key participants any one ends it by default', async () => {
    const [ada, ben, cleo] = await comeIn(two, 'ada', 'ben', 'cleo');
    await ben.room.leave();
    for (const { room } of [ada, cleo]) await room.dialog.nextRequest('BYE');
    await Promise.all([ada.room.msrp.closed, cleo.room.msrp.closed]);
  });

  test('R-7.2.1.8-2a-vi a key participant who is removed ends it too', async () => {
    const [ada, ben, cleo] = await comeIn(booted, 'ada', 'ben', 'cleo');
    await ada.room.dialog.refer(`<${booted.uri('ben')};method=BYE>`, { headers: [['Refer-Sub', 'false']] });
    for (const { room } of [ada, ben, cleo]) await room.dialog.nextRequest('BYE');
  });

  test('R-7.2.1.3-fail-1 one who declines was never there: the session goes on', async () => {
    const [ada, ben, cleo] = await invited.come('ada', 'ben', 'cleo');
    const [adas, bens] = await Promise.all([
      ada.join(invited.group),
      ben.answerNext(),
      cleo.sip.nextInvite().then((invite) => invite.reject(603)),
    ]);
    const roster = await adas.watch();
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === cleo.uri && status === 'disconnected'),
    );
    await goesOn({ person: ada, room: adas }, { person: ben, room: bens });
  });

  test('R-7.2.1.10-3 with release.whenKeyParticipantLeaves last the session goes on until none is left', async () => {
    // Cleo sets it up, so that it does not end with who did.
    const [cleo, ada, ben] = await comeIn(last, 'cleo', 'ada', 'ben');
    await ben.room.leave();
    await goesOn(ada, cleo);
    await ada.room.leave();
    const bye = await cleo.room.dialog.nextRequest('BYE');
    assert.match(bye.request.header('Reason') ?? '', /a key participant has left/);
  });
});

describe('7.2.2.8 who set the session up', () => {
  test('R-7.2.1.10-3 leaves: by default the others go on', () =>
    scene(byDefault.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await together(ada, ben, cleo);
      await hers.leave();
      await goesOn({ person: ben, room: his }, { person: cleo, room: cleos });
    }));

  test('R-7.2.1.10-3 leaves: with release.whenInitiatorLeaves everybody gets BYE', () =>
    scene(others.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, ...rooms] = await together(ada, ben, cleo);
      await hers.leave();
      for (const room of rooms) {
        const bye = await room.dialog.nextRequest('BYE');
        assert.match(bye.request.header('Reason') ?? '', /who set it up has left/);
      }
    }));

  test('R-7.2.1.10-3 leaves a chat group: the same, and another who leaves ends nothing', async () => {
    const [ada, ben, cleo] = await comeIn(initiator, 'ada', 'ben', 'cleo');
    await ben.room.leave();
    await goesOn(ada, cleo);
    await ada.room.leave();
    const bye = await cleo.room.dialog.nextRequest('BYE');
    assert.match(bye.request.header('Reason') ?? '', /who set it up has left/);
  });
});

describe('7.2.2.8 release.maxLengthS', () => {
  test('R-7.2.1.9-1, R-7.2.1.12-term after it all who are there get BYE and the last NOTIFY, and the record says why', () =>
    scene(brief.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const begunMs = Date.now();
      const rooms = await together(ada, ben);
      const roster = await rooms[1].watch();
      for (const room of rooms) {
        const bye = await room.dialog.nextRequest('BYE');
        assert.match(bye.request.header('Reason') ?? '', /it has lasted as long as it may/);
        evidence('R-7.2.1.9-1', wireLine(bye.request, 'CSeq', 'Reason'));
        await room.msrp.closed;
      }
      const lastedMs = Date.now() - begunMs;
      assert.ok(lastedMs >= LONGEST_S * 1000, `${lastedMs} ms`);
      await roster.subscription.terminated;
      const about = { session: sessionOf(rooms[0].setUpBy) };
      assert.match((await stepOf(brief.stack, about, '7.2.2.8-length')).found, /release\.maxLengthS/);
      await eventually(
        async () => {
          const response = await fetch(new URL('/api/v1/session-records', brief.stack.ready.admin));
          const { items } = (await response.json()) as { items: { endReason: string }[] };
          return items.some(({ endReason }) => /it has lasted as long as it may/.test(endReason));
        },
        () => 'no record says why the session ended',
      );
    }));

  test('R-7.2.1.9-1 a focus that is killed meanwhile still knows when it is over', () =>
    scene(brief.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const rooms = await together(ada, ben);
      const byes = rooms.map(({ dialog }) => dialog.nextRequest('BYE', { timeoutMs: BACK_MS }));
      await killPart(brief.stack, 'focus');
      for (const { request } of await Promise.all(byes))
        assert.match(request.header('Reason') ?? '', /it has lasted as long as it may/);
    }));
});

describe('7.2.2.8 release.idleS', () => {
  test('R-7.2.1.9-1 nobody writes for so long: all get BYE, and not before', async () => {
    const [ada, ben, cleo] = await comeIn(silent, 'ada', 'ben', 'cleo');
    const writtenMs = Date.now();
    assert.equal(await ada.room.say('anybody?'), 200);
    for (const { room } of [ada, ben, cleo]) {
      const bye = await room.dialog.nextRequest('BYE');
      assert.match(bye.request.header('Reason') ?? '', /nobody has written for too long/);
    }
    assert.ok(Date.now() - writtenMs >= IDLE_S * 1000);
    const found = await stepOf(brief.stack, { session: sessionOf(ada.room.setUpBy) }, '7.2.2.8-idle');
    assert.match(found.found, new RegExp(`no message for ${IDLE_S} s`));
  });
});
