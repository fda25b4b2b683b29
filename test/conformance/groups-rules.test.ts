/** OMA group documents: what their elements decide, each through a real INVITE. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { assertRefused, stepOf } from './support/expect.ts';
import {
  ALL,
  entries,
  groupUri,
  groupXml,
  INITIATE,
  JOIN,
  MEMBERS_MAY_ALL,
  one,
  rule,
  SEE,
} from './support/group-xml.ts';
import { offer } from './support/groups-offers.ts';
import { assertNoFaults } from './support/scene.ts';

const user = (name: string): string => `sip:${name}@${DOMAIN}`;
const [ADA, BEN, CLEO, DAN, EVE] = ['ada', 'ben', 'cleo', 'dan', 'eve'].map(user) as [
  string,
  string,
  string,
  string,
  string,
];
const ANCHOR = `http://xcap.${DOMAIN}/resource-lists/users/sip:ada@${DOMAIN}/index/~~/resource-lists/list%5B@name=%22crew%22%5D`;

const DOCUMENTS = [
  groupXml('legacy', {
    list: `<entry uri="${ADA}"><display-name>Ada of the list</display-name></entry><rl:entry uri="${BEN}"/>`,
    inviteMembers: '0',
    rules: rule(
      '<is-list-member>true</is-list-member>',
      '<cr:allow-initiate-conference>1</cr:allow-initiate-conference><join-handling>allow</join-handling>',
    ),
  }),
  groupXml('blocked', {
    list: entries(ADA, BEN),
    rules: rule('<is-list-member/>', `${INITIATE}<join-handling>block</join-handling>`),
  }),
  groupXml('combined', {
    list: entries(ADA, BEN),
    rules:
      rule('<is-list-member/>', `${INITIATE}<join-handling>false</join-handling>`) +
      rule(one(BEN), JOIN) +
      rule(one(CLEO), SEE),
  }),
  groupXml('domains', {
    rules: rule(
      `<cr:identity><cr:many domain="${DOMAIN.toUpperCase()}"><cr:except id="${BEN}"/></cr:many></cr:identity>`,
      ALL,
    ),
  }),
  groupXml('strangers', {
    list: entries(ADA, BEN),
    rules: rule('<is-list-member/>', INITIATE) + rule('<ocp:other-identity/>', JOIN),
  }),
  groupXml('hours', {
    list: entries(ADA, BEN, CLEO),
    rules:
      rule(one(ADA), ALL) +
      rule(
        `${one(BEN)}<cr:validity><cr:from>2001-01-01T00:00:00Z</cr:from><cr:until>2002-01-01T00:00:00Z</cr:until></cr:validity>`,
        JOIN,
      ) +
      rule(
        `${one(CLEO)}<cr:validity><cr:from>2001-01-01T00:00:00Z</cr:from><cr:until>2002-01-01T00:00:00Z</cr:until><cr:from>2003-01-01T00:00:00+01:00</cr:from><cr:until>2999-01-01T00:00:00Z</cr:until></cr:validity>`,
        JOIN,
      ),
  }),
  groupXml('sphere', {
    list: entries(ADA, BEN),
    rules: rule(one(ADA), ALL) + rule(`${one(BEN)}<cr:sphere value="work"/>`, JOIN),
  }),
  groupXml('elsewhere', {
    list: `${entries(ADA)}<external anchor="${ANCHOR}"/>`,
    inviteMembers: 'true',
    rules:
      MEMBERS_MAY_ALL + rule('<ocp:external-list><ocp:entry anc="friends.xml"/></ocp:external-list>', JOIN),
  }),
  groupXml('closed', { list: entries(ADA), maxParticipants: '0', rules: MEMBERS_MAY_ALL }),
  groupXml('extended', {
    list: `<entry uri="${ADA}"><x:rank xmlns:x="urn:x">1</x:rank></entry><rl:list><rl:entry uri="${BEN}"/></rl:list>`,
    rules: rule('<is-list-member/>', `${ALL}<x:other xmlns:x="urn:x"/><allow-subconf>false</allow-subconf>`),
    others: `
    <e:supported-services xmlns:e="urn:oma:xml:xdm:extensions"><e:service enabler="x"/></e:supported-services>
    <e:session-active-policy xmlns:e="urn:oma:xml:xdm:extensions"/>`,
  }),
];

let stack: Stack;
let folder: string;
const people: Subscriber[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-lists-'));
  const crew = join(folder, 'resource-lists', 'users', `sip:ada@${DOMAIN}`);
  await mkdir(crew, { recursive: true });
  const lists = (inner: string): string =>
    `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">${inner}</resource-lists>`;
  await writeFile(
    join(crew, 'index'),
    lists(
      `<list name="others"><entry uri="${EVE}"/></list><list name="crew"><list><entry uri="${BEN}"/></list><external anchor="more.xml"/></list>`,
    ),
  );
  await writeFile(join(folder, 'more.xml'), lists(`<list><entry uri="${CLEO}"/></list>`));
  await writeFile(join(folder, 'friends.xml'), lists(`<list><entry uri="${DAN}"/></list>`));
  stack = await Stack.start({ config: { groupLists: folder }, groups: DOCUMENTS });
  for (const uri of [ADA, BEN, CLEO, DAN, EVE])
    people.push(await stack.subscriber(uri.slice(4, uri.indexOf('@')), { uri }));
});
after(async () => {
  const exit = await stack.stop();
  await rm(folder, { recursive: true });
  assertNoFaults(people);
  assert.equal(exit, 0);
});

const [ada, ben, cleo, dan, eve] = [0, 1, 2, 3, 4].map((at) => (): Subscriber => {
  const person = people[at];
  assert.ok(person);
  return person;
}) as [() => Subscriber, () => Subscriber, () => Subscriber, () => Subscriber, () => Subscriber];

function dial(who: Subscriber, key: string): Promise<SipMessage> {
  return who.sip.invite({ to: groupUri(key), body: offer() }).final();
}

describe('group documents: rules', () => {
  test('R-7.2.1.3-3 R-7.2.1.4-2 the forms of older schemas mean the same', async () => {
    const room = await ada().join(groupUri('legacy'));
    assert.equal((await ben().join(groupUri('legacy'))).uri, room.uri);
    const step = await stepOf(stack, { callId: room.dialog.callId }, 'R-7.2.1.3-3');
    assert.match(step.found, /allow-initiate-conference by rule "rule-\d+"/);
    await ada().join(groupUri('blocked'));
    assertRefused(await dial(ben(), 'blocked'), 403, /not allowed to join/);
  });

  test('R-7.2.1.4-2 permissions of all rules that apply are added up: a false takes nothing away', async () => {
    const room = await ada().join(groupUri('combined'));
    assert.equal((await ben().join(groupUri('combined'))).uri, room.uri);
    assertRefused(await dial(cleo(), 'combined'), 403, /not allowed to join/);
  });

  test('R-7.2.1.3-3 R-7.2.1.4-2 a whole domain but for one, whatever the case it is written in', async () => {
    assertRefused(await dial(ben(), 'domains'), 403, /not allowed to start/);
    const room = await cleo().join(groupUri('domains'));
    assertRefused(await dial(ben(), 'domains'), 403, /not allowed to join/);
    assert.equal((await dan().join(groupUri('domains'))).uri, room.uri);
  });

  test('R-7.2.1.4-2 other-identity is for those whom no other rule names', async () => {
    const room = await ada().join(groupUri('strangers'));
    assert.equal((await eve().join(groupUri('strangers'))).uri, room.uri);
    assertRefused(await dial(ben(), 'strangers'), 403, /not allowed to join/);
  });

  test('R-7.2.1.4-2 validity: in one of the windows the rule applies, outside all of them it does not', async () => {
    const room = await ada().join(groupUri('hours'));
    assert.equal((await cleo().join(groupUri('hours'))).uri, room.uri);
    assertRefused(await dial(ben(), 'hours'), 403, /not allowed to join/);
  });

  test('R-7.2.1.4-2 a condition that cannot be judged here (sphere) is false: the rule grants nothing', async () => {
    await ada().join(groupUri('sphere'));
    assertRefused(await dial(ben(), 'sphere'), 403, /not allowed to join/);
  });

  test('R-7.2.1.3-8a R-7.2.1.4-2 lists kept elsewhere, also by way of one another: members are invited, external-list grants', async () => {
    const [room, bens, cleos] = await Promise.all([
      ada().join(groupUri('elsewhere')),
      ben().answerNext(),
      cleo().answerNext(),
    ]);
    assert.deepEqual([bens.uri, cleos.uri], [room.uri, room.uri]);
    assert.equal((await dan().join(groupUri('elsewhere'))).uri, room.uri);
    assertRefused(await dial(eve(), 'elsewhere'), 403, /not allowed to join/);
  });

  test('R-7.2.1.4-3b A-22 max-participant-count 0 lets nobody in, the first one neither', async () => {
    assertRefused(await dial(ada(), 'closed'), 486, /^Too many participants$/);
    assertRefused(await dial(eve(), 'closed'), 403, /not allowed to start/);
  });

  test('R-7.2.1.3-3 elements of other namespaces and unknown actions change nothing; lists inside the list count', async () => {
    const room = await ada().join(groupUri('extended'));
    assert.equal((await ben().join(groupUri('extended'))).uri, room.uri);
  });
});
