/** What an operator sets for ad-hoc sessions: who adds, who removes, which code, what the invited are told. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { dialFactory } from './support/ad-hoc.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { assertRefused, stepOf } from './support/expect.ts';
import { together } from './support/refer-rooms.ts';
import { assertNotInvited, scene } from './support/scene.ts';

let byDefault: Stack;
let set: Stack;
before(async () => {
  [byDefault, set] = await Promise.all([
    Stack.start({ config: { adHoc: { mayAdd: 'nobody', mayRemove: 'participants' } } }),
    Stack.start({
      config: {
        adHoc: { failureCode: 603, mayAdd: 'initiator', mayRemove: 'nobody', recipientListHistory: 'never' },
      },
    }),
  ]);
});
after(async () => {
  assert.deepEqual(await Promise.all([byDefault.stop(), set.stop()]), [0, 0]);
});

const QUIET = { headers: [['Refer-Sub', 'false']] } as const;

describe('7.2.1.2 the code for the inviter', () => {
  test('R-7.2.1.2-fail-1s A-16 a fixed code is sent whatever the invited answered', () =>
    scene(set, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      await (await ben.sip.nextInvite()).reject(486);
      await (await cleo.sip.nextInvite()).reject(480);
      assertRefused(await call.final(), 603, /./);
      evidence('R-7.2.1.2-fail-1s', wireLine(await call.final(), 'Warning'));
    }));
});

describe('7.2.2.7 who may add to an ad-hoc session', () => {
  test('R-7.2.1.7-1 adHoc.mayAdd initiator: the inviter may, another participant may not', () =>
    scene(set, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await together(ada, ben);
      const refused = await his.dialog.refer(`<${cleo.uri}>`, QUIET);
      assertRefused(refused.response, 403, /not allowed to add/);
      const step = await stepOf(set, { callId: his.dialog.callId, clause: '7.2.1.7' }, 'R-7.2.1.7-1');
      assert.match(step.found, /adHoc\.mayAdd/);
      await assertNotInvited(cleo);
      const [allowed, room] = await Promise.all([
        hers.dialog.refer(`<${cleo.uri}>`, QUIET),
        cleo.answerNext(),
      ]);
      assert.equal(allowed.response.status, 202);
      assert.equal(room.uri, hers.uri);
    }));

  test('R-7.2.1.7-1 adHoc.mayAdd nobody: a closed conversation', () =>
    scene(byDefault, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      for (const room of await together(ada, ben))
        assertRefused((await room.dialog.refer(`<${cleo.uri}>`, QUIET)).response, 403, /not allowed to add/);
      await assertNotInvited(cleo);
    }));
});

describe('7.2.1.8 who may remove others from an ad-hoc session', () => {
  test('R-7.2.1.8-2b adHoc.mayRemove nobody: the inviter neither; leaving by oneself is always allowed', () =>
    scene(set, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await together(ada, ben, cleo);
      const refused = await hers.dialog.refer(`<${ben.uri};method=BYE>`, QUIET);
      assertRefused(refused.response, 403, /not allowed to remove/);
      assert.equal((await his.dialog.refer(`<${ben.uri};method=BYE>`, QUIET)).response.status, 202);
      await his.dialog.nextRequest('BYE');
    }));

  test('R-7.2.1.8-2a adHoc.mayRemove participants: another participant may', () =>
    scene(byDefault, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [, his, cleos] = await together(ada, ben, cleo);
      assert.equal((await his.dialog.refer(`<${cleo.uri};method=BYE>`, QUIET)).response.status, 202);
      await cleos.dialog.nextRequest('BYE');
    }));
});

/** The part of an INVITE that tells who else is invited, '' for none. */
function historyOf({ body }: SipMessage): string {
  return (
    /Content-Disposition: recipient-list-history;handling=optional\r\n\r\n([^]*?)\r\n--/.exec(body)?.[1] ?? ''
  );
}

describe('7.2.2.2 the invited are told who else is invited (RFC 5366)', () => {
  const marked = (ben: string, cleo: string, dan: string, eve: string) => [
    { uri: ben, copyControl: 'to' as const, displayName: 'Ben' },
    { uri: cleo, copyControl: 'cc' as const },
    { uri: dan, copyControl: 'bcc' as const },
    { uri: eve, copyControl: 'to' as const, anonymize: true },
  ];
  const names = ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'] as const;

  test('R-7.2.1.2-8 a list marked with copyControl: to and cc are shown, bcc is not, anonymous without address', () =>
    scene(byDefault, names, async (ada, ben, cleo, dan, eve) => {
      const invite = marked(ben.uri, cleo.uri, dan.uri, eve.uri);
      const [hers, ...rooms] = await Promise.all([
        ada.startAdHoc({ factory: FACTORY, invite }),
        ...[ben, cleo, dan, eve].map((person) => person.answerNext()),
      ]);
      for (const { setUpBy } of rooms) {
        assert.match(setUpBy.header('Content-Type') ?? '', /^multipart\/mixed/);
        const list = historyOf(setUpBy);
        assert.match(list, new RegExp(`<entry uri="${ben.uri}" cp:copyControl="to"><display-name>Ben<`));
        assert.match(list, new RegExp(`<entry uri="${cleo.uri}" cp:copyControl="cc"/>`));
        assert.ok(list.includes('cp:copyControl="to" cp:anonymize="true" cp:count="1"'), list);
        for (const hidden of [dan.uri, eve.uri]) assert.ok(!list.includes(hidden), list);
      }
      evidence('R-7.2.1.2-8', wireLine(rooms[0]?.setUpBy ?? hers.setUpBy, 'Content-Type'));
      assert.equal(await rooms[0]?.say('hello'), 200);
      assert.equal((await hers.hear()).text, 'hello');
    }));

  test('R-7.2.1.2-8 a list without marks, and adHoc.recipientListHistory never: the offer alone', async () => {
    await scene(byDefault, ['Ada', 'Ben'], async (ada, ben) => {
      const [, room] = await Promise.all([
        ada.startAdHoc({ factory: FACTORY, invite: [ben.uri] }),
        ben.answerNext(),
      ]);
      assert.equal(room.setUpBy.header('Content-Type'), 'application/sdp');
    });
    await scene(set, ['Ada', 'Ben'], async (ada, ben) => {
      const invite = [{ uri: ben.uri, copyControl: 'to' as const }];
      const [, room] = await Promise.all([ada.startAdHoc({ factory: FACTORY, invite }), ben.answerNext()]);
      assert.equal(room.setUpBy.header('Content-Type'), 'application/sdp');
    });
  });
});
