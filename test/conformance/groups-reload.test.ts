/** A group document that changes while its session runs: good, bad, mended, hostile, removed. */
import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { eventually, LogWatch } from '../e2e/support/eventually.ts';
import { Stack } from '../support/stack.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { assertRefused } from './support/expect.ts';
import { ALL, entries, groupUri, groupXml, INITIATE, JOIN, one, rule, SEE } from './support/group-xml.ts';
import { offer } from './support/groups-offers.ts';
import { scene } from './support/scene.ts';

const READ_AGAIN = 'a group document was read again';
const OLD_STAYS = 'a group document is invalid; the one read before stays in force';
const GONE = 'a group document is gone: no new session of its groups';

let stack: Stack;
before(async () => {
  // A file to begin with, so that the folder is one of the patterns.
  stack = await Stack.start({ groups: [groupXml('first', {})], config: { notify: { minIntervalMs: 0 } } });
});
after(async () => {
  assert.equal(await stack.stop(), 0);
});

/** As an editor or a provisioning system does it: whole at once. */
async function put(key: string, xml: string): Promise<string> {
  const file = join(stack.directory, `group-${key}.xml`);
  await writeFile(`${file}.part`, xml);
  await rename(`${file}.part`, file);
  return file;
}

/** A new document is served as soon as an INVITE to it is not answered 404. */
async function provision(key: string, xml: string): Promise<string> {
  const file = await put(key, xml);
  await eventually(
    async () => (await groups()).includes(groupUri(key)),
    () => 'the group is not served',
  );
  return file;
}

async function groups(): Promise<string[]> {
  const response = await fetch(new URL('/api/v1/groups', stack.ready.admin));
  return ((await response.json()) as { items: { uri: string }[] }).items.map(({ uri }) => uri);
}

async function refusedCount(): Promise<number> {
  const response = await fetch(new URL('/metrics', stack.ready.admin));
  return Number(/^im_group_documents_refused_total (\d+)$/m.exec(await response.text())?.[1]);
}

function membersMay(...people: readonly Subscriber[]): string {
  return entries(...people.map(({ uri }) => uri));
}

describe('a group document changes while its session runs', () => {
  test('R-7.2.1.4-2 a bad one leaves the old one in force; the log says where and what to do; a mended one counts', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const good = groupXml('mend', {
        list: membersMay(ada, ben),
        maxParticipants: '2',
        rules: rule('<is-list-member/>', ALL),
      });
      const file = await provision('mend', good);
      const room = await ada.join(groupUri('mend'));
      const before = await refusedCount();
      const log = new LogWatch(stack);
      const bad = good
        .replace('>2</max', '>two</max')
        .replace('<is-list-member/>', '<is-list-member>false</is-list-member>');
      await put('mend', bad);
      const entry = await log.until({ msg: OLD_STAYS });
      const line = bad.slice(0, bad.indexOf('<max-participant-count')).split('\n').length;
      assert.deepEqual(
        (entry['faults'] as string[])[0],
        [
          `${file}:${line}:5: /group/list-service/max-participant-count: max-participant-count is "two": write a whole number, 0 or more`,
        ][0],
      );
      assert.match(
        (entry['faults'] as string[])[1] ?? '',
        /\/group\/list-service\/ruleset\/rule\/conditions\/is-list-member: .*leave it empty/,
      );
      assert.equal(await refusedCount(), before + 1);
      const bens = await ben.join(groupUri('mend'));
      assert.equal(bens.uri, room.uri, 'the old policy holds');
      assert.ok((await groups()).includes(groupUri('mend')), 'and is served');
      assertRefused(await cleo.sip.invite({ to: groupUri('mend'), body: offer() }).final(), 403, /join/);
      const mended = new LogWatch(stack);
      await put('mend', good.replace('>2</max', '>3</max').replace('</list>', `${membersMay(cleo)}</list>`));
      await mended.until({ msg: READ_AGAIN });
      assert.equal((await cleo.join(groupUri('mend'))).uri, room.uri, 'the mended policy counts at once');
      const roster = await room.watch();
      assert.equal((await roster.next())?.maximumUserCount, 3);
    }));

  test('R-7.2.1.4-2 R-7.2.1.5-2 a right that is taken away is gone for the running session too', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const good = groupXml('revoke', { list: membersMay(ada, ben), rules: rule('<is-list-member/>', ALL) });
      await provision('revoke', good);
      const room = await ada.join(groupUri('revoke'));
      const log = new LogWatch(stack);
      await put('revoke', good.replace(`<entry uri="${ben.uri}"/>`, ''));
      await log.until({ msg: READ_AGAIN });
      for (const to of [groupUri('revoke'), room.uri])
        assertRefused(await ben.sip.invite({ to, body: offer() }).final(), 403, /not allowed to join/);
    }));

  test('R-7.2.1.12-term 7.2.2.11 the right to watch is taken away: the subscription ends, rejected, without a roster', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const bensRule = rule(one(ben.uri), INITIATE + JOIN + SEE);
      const good = groupXml('watch', {
        list: membersMay(ada, ben),
        rules: rule(one(ada.uri), ALL) + bensRule,
      });
      await provision('watch', good);
      const [adas, bens] = [await ada.join(groupUri('watch')), await ben.join(groupUri('watch'))];
      const [stays, ends] = [await adas.watch(), await bens.watch()];
      await Promise.all([stays.next(), ends.next()]);
      await put('watch', good.replace(bensRule, bensRule.replace(SEE, '')));
      const last = await ends.subscription.nextNotify();
      assert.equal(last.header('Subscription-State'), 'terminated;reason=rejected');
      assert.equal(last.body, '');
      evidence('R-7.2.1.12-term', wireLine(last, 'Subscription-State'));
      assert.equal((await bens.leave()).status, 200);
      await stays.until((users) =>
        users.some(({ entity, status }) => entity === ben.uri && status === 'disconnected'),
      );
      assert.equal(ends.subscription.notifies.length, 2, 'nothing more');
    }));

  test('R-7.2.1.4-2 allow-private-message is taken away and given back: 403 to the private message, and to nothing else', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const may = '<allow-private-message>false</allow-private-message>';
      const good = groupXml('private', { list: membersMay(ada, ben), rules: rule('<is-list-member/>', ALL) });
      await provision('private', good.replace(ALL, ALL + may));
      const [adas, bens] = [await ada.join(groupUri('private')), await ben.join(groupUri('private'))];
      assert.equal(await adas.say('secret', { to: ben.uri }), 403);
      assert.equal(await adas.say('to all'), 200);
      assert.equal((await bens.hear()).text, 'to all');
      const log = new LogWatch(stack);
      await put('private', good);
      await log.until({ msg: READ_AGAIN });
      await eventually(
        async () => (await adas.say('now in private', { to: ben.uri })) === 200,
        () => 'private messages stay refused',
      );
      assert.equal((await bens.hear()).text, 'now in private');
    }));

  test('R-7.2.1.3-1 R-7.2.1.4-2 a removed one: no new session, the running one goes on by the policy that it has', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const good = groupXml('gone', { list: membersMay(ada, ben), rules: rule('<is-list-member/>', ALL) });
      const file = await provision('gone', good);
      const room = await ada.join(groupUri('gone'));
      const log = new LogWatch(stack);
      await rm(file);
      await log.until({ msg: GONE });
      const bens = await ben.join(groupUri('gone'));
      assert.equal(bens.uri, room.uri);
      assertRefused(await cleo.sip.invite({ to: groupUri('gone'), body: offer() }).final(), 403, /join/);
      const roster = await bens.watch();
      await roster.next();
      assert.deepEqual(roster.connected.toSorted(), [ada.uri, ben.uri].toSorted());
      await Promise.all([room.leave(), bens.leave()]);
      assertRefused(
        await ada.sip.invite({ to: groupUri('gone'), body: offer() }).final(),
        404,
        /^Conference URI does not exist$/,
      );
    }));

  const hostile: readonly (readonly [what: string, xml: (good: string) => string])[] = [
    ['entities that grow', (good) => good.replace('<group', '<!DOCTYPE g [<!ENTITY a "aaaa">]><group')],
    [
      'an external entity',
      (good) => good.replace('<group', '<!DOCTYPE g SYSTEM "file:///etc/passwd"><group'),
    ],
    [
      'a million entries',
      (good) => good.replace('</list>', `${'<entry uri="sip:x@y"/>'.repeat(1e6)}</list>`),
    ],
    ['elements a thousand deep', (good) => good.replace('<list>', `${'<list>'.repeat(1000)}`)],
    ['bytes that are no UTF-8', (good) => `${good}\u0000`],
    ['half a file', (good) => good.slice(0, good.length / 2)],
  ];
  test('R-7.2.1.4-2 hostile documents are refused in turn, and nobody notices', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const good = groupXml('hostile', { list: membersMay(ada, ben), rules: rule('<is-list-member/>', ALL) });
      await provision('hostile', good);
      const room = await ada.join(groupUri('hostile'));
      for (const [what, xml] of hostile) {
        const log = new LogWatch(stack);
        await put('hostile', xml(good));
        const entry = await log.until({ msg: OLD_STAYS });
        assert.ok((entry['faults'] as string[]).length > 0, what);
        const joined = await ben.join(groupUri('hostile'));
        assert.equal(joined.uri, room.uri, what);
        await joined.leave();
      }
    }));

  test('R-7.2.1.3-1 what was never good is no group, until it is mended', () =>
    scene(stack, ['Ada'], async (ada) => {
      const log = new LogWatch(stack);
      await put('late', '<group/>');
      await log.until({ msg: 'a group document is invalid and was not taken' });
      const call = ada.sip.invite({ to: groupUri('late'), body: offer() });
      assert.equal((await call.final()).status, 404);
      await provision(
        'late',
        groupXml('late', { list: membersMay(ada), rules: rule('<is-list-member/>', ALL) }),
      );
      assert.ok((await ada.join(groupUri('late'))).isFocus);
    }));
});
