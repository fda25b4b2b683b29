/** 7.2.3.2 Several anonymous users of one session are told apart, everywhere in the same way. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { evidence } from './support/evidence.ts';
import { Stage } from './support/groups-stage.ts';

const stage = new Stage();
const crew = stage.cast('masked', {
  members: ['ada', 'ben', 'cleo'],
  inviteMembers: false,
  actions: {
    'allow-initiate-conference': true,
    'join-handling': true,
    'allow-conference-state': true,
    'allow-anonymity': true,
  },
});
before(() => stage.open({ notify: { minIntervalMs: 0 } }));
after(() => stage.close());

const PRIVATE = { headers: [['Privacy', 'id']] } as const;

test('R-7.2.1.3-6 R-7.2.1.4-6 R-7.2.1.5-6 two anonymous users have numbers of their own: in the roster, in CPIM From, and when they come back', async () => {
  const [ada, ben, cleo] = await crew.come('ada', 'ben', 'cleo');
  const adas = await ada.join(crew.group, PRIVATE);
  const cleos = await cleo.join(crew.group);
  const bens = await ben.join(crew.group, PRIVATE);
  const roster = await cleos.watch();
  const names = () =>
    roster.users
      .filter(({ entity }) => entity.includes('anonymous.invalid'))
      .map(({ displayText, entity }) => [displayText, entity.replace(/\.[a-z0-9]+@/, '@')]);
  await roster.until((users) => users.length === 3);
  const expected = [
    ['Anonymous 1', 'sip:anonymous-1@anonymous.invalid'],
    ['Anonymous 2', 'sip:anonymous-2@anonymous.invalid'],
  ];
  assert.deepEqual(names(), expected);
  const entityOf = (name: string): string =>
    roster.users.find(({ displayText }) => displayText === name)?.entity ?? '';
  await adas.say('from the first');
  await bens.say('from the second');
  const heard = [await cleos.hear(), await cleos.hear()].toSorted((a, b) => a.name.localeCompare(b.name));
  assert.deepEqual(
    heard.map(({ name, from, text }) => [name, from, text]),
    [
      ['Anonymous 1', entityOf('Anonymous 1'), 'from the first'],
      ['Anonymous 2', entityOf('Anonymous 2'), 'from the second'],
    ],
  );
  await cleos.say('to one of you', { to: entityOf('Anonymous 2') });
  assert.equal((await bens.hear()).text, 'from the first');
  assert.equal((await bens.hear()).text, 'to one of you');
  evidence(
    'R-7.2.1.4-6',
    `From: ${heard[1]?.message.cpim?.from} · conference-info: ${entityOf('Anonymous 2')}`,
  );
  const before = entityOf('Anonymous 1');
  await adas.leave();
  await roster.until((users) =>
    users.some(({ entity, status }) => entity === before && status === 'disconnected'),
  );
  const again = await ada.join(cleos.uri, PRIVATE);
  await roster.until((users) =>
    users.some(({ entity, status }) => entity === before && status === 'connected'),
  );
  assert.deepEqual(
    names().toSorted(([a = ''], [b = '']) => a.localeCompare(b)),
    expected,
    'nobody is a third one',
  );
  await again.say('back');
  assert.equal((await cleos.hear()).from, before);
});
