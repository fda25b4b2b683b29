import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseGroupDocument } from '../../../src/documents/group-document.ts';
import { groupFromJson, groupToJson } from '../../../src/documents/group-json.ts';
import type { GroupJson } from '../../../src/documents/group-json-schema.ts';

const minimal: GroupJson = { uri: 'sip:g@h', members: [], inviteMembers: false, rules: [] };

function pathsOf(json: unknown): string[] {
  const result = groupFromJson(json);
  assert.ok(!result.ok, 'the document was accepted');
  return result.errors.map(({ path }) => path);
}

describe('group documents as JSON', () => {
  it('shows a common document as the admin does, and reads it back', () => {
    const result = parseGroupDocument(
      readFileSync(new URL('../../fixtures/groups/harbour-watch.xml', import.meta.url)),
    );
    assert.ok(result.ok);
    const [group] = result.groups;
    assert.ok(group);
    const json: unknown = JSON.parse(JSON.stringify(groupToJson(group)));
    assert.deepEqual(json, {
      uri: 'sip:harbour-watch@im.example.net',
      displayName: 'Harbour watch',
      displayNameLang: 'en',
      members: [
        { uri: 'sip:ada@example.net', name: 'Ada' },
        { uri: 'sip:bo@example.net' },
        { uri: 'tel:+46700000003' },
      ],
      externalLists: ['http://xcap.example.net/resource-lists/users/sip:ada@example.net/index/~~/crew'],
      inviteMembers: true,
      maxParticipants: 20,
      rules: [
        {
          id: 'members',
          when: { members: true },
          grant: { initiate: true, join: true, conferenceState: true, addUsers: false, anonymity: false },
        },
        {
          id: 'chair',
          when: { uris: ['sip:ada@example.net'] },
          grant: { addUsers: true, keyParticipant: true },
        },
        { id: 'guest-bar', when: { others: true }, grant: { join: false } },
      ],
      extensions: [
        '<supported-services xmlns="urn:oma:xml:xdm:extensions"><service enabler="org.openmobilealliance.IM-session"/></supported-services>',
      ],
    });
    assert.deepEqual(groupFromJson(json), { ok: true, groups: [group] });
  });

  it('names every value that does not fit the schema', () => {
    assert.deepEqual(pathsOf(null), ['/']);
    assert.deepEqual(pathsOf({ ...minimal, maxParticipants: -1 }), ['/maxParticipants']);
    assert.ok(pathsOf({ ...minimal, members: [{}], inviteMembers: 'yes' }).length >= 2);
    assert.ok(pathsOf({ ...minimal, colour: 'red' }).length >= 1);
    assert.ok(pathsOf({ ...minimal, rules: [{ id: '1 a', when: {}, grant: {} }] }).includes('/rules/0/id'));
  });

  it('names every value that fits the schema and is wrong all the same', () => {
    const day = '2026-01-31T08:00:00Z';
    const rule = {
      id: 'a',
      when: {
        uris: ['no uri'],
        domains: [{ domain: ' ', exceptUris: ['x'], exceptDomains: ['a b'] }],
        externalLists: [' '],
        validity: [{ from: day, until: day }],
        unknown: ['<a'],
      },
      grant: {},
    };
    assert.deepEqual(
      pathsOf({ ...minimal, uri: 'tel:+1', members: [{ uri: 'x' }], rules: [rule, { ...rule, when: {} }] }),
      [
        '/uri',
        '/members/0/uri',
        '/rules/0/when/unknown/0',
        '/rules/0/when/uris/0',
        '/rules/0/when/domains/0/domain',
        '/rules/0/when/domains/0/exceptUris/0',
        '/rules/0/when/domains/0/exceptDomains/0',
        '/rules/0/when/externalLists/0',
        '/rules/0/when/validity/0/until',
        '/rules/1/id',
      ],
    );
  });

  it('refuses fragments that would be read back as rules, grants or members', () => {
    const ls = 'xmlns="urn:oma:xml:poc:list-service"';
    const rule = {
      id: 'a',
      when: { unknown: [`<is-list-member ${ls}/>`] },
      grant: {},
      otherActions: [`<join-handling ${ls}>true</join-handling>`],
    };
    assert.deepEqual(
      pathsOf({
        ...minimal,
        members: [{ uri: 'sip:a@h', extensions: [`<entry ${ls} uri="sip:b@h"/>`] }],
        rules: [rule],
        extensions: ['<ruleset xmlns="urn:ietf:params:xml:ns:common-policy"/>'],
      }).sort(),
      ['/extensions/0', '/members/0/extensions/0', '/rules/0/otherActions/0', '/rules/0/when/unknown/0'],
    );
    assert.deepEqual(pathsOf({ ...minimal, extensions: ['<a/><list-service/>'] }), ['/extensions/0']);
  });

  it('keeps users once and trims what the XML form would trim', () => {
    const result = groupFromJson({
      ...minimal,
      displayName: ' G\u0000 ',
      displayNameLang: 'en',
      members: [{ uri: 'sip:a@h', name: '  ' }, { uri: 'sip:a@H' }],
    });
    assert.ok(result.ok);
    assert.equal(result.groups[0]?.displayName, 'G');
    assert.deepEqual(result.groups[0]?.members, [{ uri: 'sip:a@h' }]);
  });
});
