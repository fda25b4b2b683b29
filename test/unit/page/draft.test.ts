/** The form and the JSON face say the same. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { groupFromJson, groupToJson } from '../../../src/documents/group-json.ts';
import {
  addressOf,
  draftOf,
  faultsByField,
  formFaults,
  jsonOf,
  newDraft,
} from '../../../src/page/groups/draft.ts';
import type { GroupJson } from '../../../src/page/groups/group-json.ts';

const FULL: GroupJson = {
  uri: 'sip:im-g-crew@example.net',
  displayName: 'Crew',
  displayNameLang: 'en',
  members: [
    { uri: 'sip:ada@example.net', name: 'Ada Lovelace', extensions: ['<x:y xmlns:x="urn:x"/>'] },
    { uri: 'tel:+46700000003' },
  ],
  externalLists: ['crew'],
  inviteMembers: true,
  maxParticipants: 20,
  rules: [
    { id: 'members', when: { members: true }, grant: { initiate: true, join: false } },
    { id: 'boss', when: { uris: ['sip:ada@example.net'] }, grant: { addUsers: true, privateMessage: false } },
    { id: 'rest', when: { others: true }, grant: {} },
    {
      id: 'day',
      when: {
        members: true,
        validity: [{ from: '2026-11-22T08:00:00.000Z', until: '2026-11-22T18:00:00.000Z' }],
      },
      grant: { join: true },
      transformations: ['<x:t xmlns:x="urn:x"/>'],
    },
  ],
  extensions: ['<x:z xmlns:x="urn:x"/>'],
};

test('a document comes out of the form as it went in, what the form does not know too', () => {
  const result = groupFromJson(FULL);
  assert(result.ok, JSON.stringify(result));
  const [group] = result.groups;
  assert(group !== undefined);
  const json = groupToJson(group) as unknown as GroupJson;
  assert.deepEqual(jsonOf(draftOf(json)), json);
  assert.deepEqual(
    draftOf(json).rules.map(({ who }) => who),
    ['members', 'uris', 'others', 'kept'],
  );
});

test('addresses are typed short', () => {
  assert.deepEqual([' ada@example.net ', '+46700000003', 'tel:+4670', 'sips:x@y', '', 'ada'].map(addressOf), [
    'sip:ada@example.net',
    'tel:+46700000003',
    'tel:+4670',
    'sips:x@y',
    '',
    'ada',
  ]);
  const draft = {
    ...newDraft(),
    uri: 'im-g-x@example.net',
    members: 'ada@example.net  Ada  L\n\n +46700000003\n',
  };
  assert.deepEqual(jsonOf(draft).members, [
    { uri: 'sip:ada@example.net', name: 'Ada L' },
    { uri: 'tel:+46700000003' },
  ]);
  assert(groupFromJson(jsonOf(draft)).ok);
});

test('what was emptied is gone from the document', () => {
  const json = jsonOf({ ...draftOf(FULL), displayName: ' ', maxParticipants: '' });
  assert(!('displayName' in json) && !('displayNameLang' in json) && !('maxParticipants' in json));
});

test('a fault stands at its field, and at the line that was typed', () => {
  const draft = {
    ...newDraft(),
    uri: 'nowhere',
    members: 'ada@example.net\n\n\nben@@x',
    maxParticipants: 'many',
    rules: [{ id: 'a b', who: 'uris' as const, uris: '\nx@@y', grant: {}, original: undefined }],
  };
  const faults = [
    { path: '/uri', message: 'not a SIP URI' },
    { path: '/members/1/uri', message: 'not a URI' },
    { path: '/rules/0/id', message: 'must match' },
    { path: '/rules/0/when/uris/0', message: 'not a URI' },
    { path: '/', message: 'whole' },
    ...formFaults(draft),
  ];
  assert.deepEqual(Object.fromEntries(faultsByField(draft, faults)), {
    uri: ['not a SIP URI'],
    members: ['line 4: not a URI'],
    'rule-0-id': ['must match'],
    'rule-0-uris': ['line 2: not a URI'],
    '': ['whole'],
    maxParticipants: ['a whole number, or nothing for no limit'],
  });
});
