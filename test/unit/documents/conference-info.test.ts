import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SaxesParser } from 'saxes';
import {
  assembleConferenceInfo,
  type ConferenceInfo,
  type EndpointInfo,
  formatConferenceInfo,
  formatUser,
} from '../../../src/documents/conference-info.ts';

const NS = 'urn:ietf:params:xml:ns:conference-info';

/** The sequences of RFC 4575's schema, and the attributes that it knows: independent of the writer. */
const SCHEMA: Record<string, { children: string[]; attributes?: string[] }> = {
  'conference-info': {
    children: [
      'conference-description',
      'host-info',
      'conference-state',
      'users',
      'sidebars-by-ref',
      'sidebars-by-val',
    ],
    attributes: ['entity', 'state', 'version'],
  },
  'conference-description': {
    children: [
      'display-text',
      'subject',
      'free-text',
      'keywords',
      'conf-uris',
      'service-uris',
      'maximum-user-count',
      'available-media',
    ],
  },
  'conf-uris': { children: ['entry'], attributes: ['state'] },
  'conference-state': { children: ['user-count', 'active', 'locked'] },
  users: { children: ['user'], attributes: ['state'] },
  user: {
    children: ['display-text', 'associated-aors', 'roles', 'languages', 'cascaded-focus', 'endpoint'],
    attributes: ['entity', 'state'],
  },
  roles: { children: ['entry'] },
  endpoint: {
    children: [
      'display-text',
      'referred',
      'status',
      'joining-method',
      'joining-info',
      'disconnection-method',
      'disconnection-info',
      'media',
      'call-info',
    ],
    attributes: ['entity', 'state'],
  },
  referred: { children: ['when', 'reason', 'by'] },
  'joining-info': { children: ['when', 'reason', 'by'] },
  'disconnection-info': { children: ['when', 'reason', 'by'] },
  media: { children: ['display-text', 'type', 'label', 'src-id', 'status'], attributes: ['id'] },
};
const MAY_REPEAT = new Set(['user', 'endpoint', 'entry', 'media']);
const MUST_HAVE_A_CHILD = new Set(['conf-uris', 'roles']);

interface Seen {
  /** `user/endpoint/status=connected` and so on, in document order. */
  texts: string[];
  problems: string[];
}

/** Reads with a bare parser and notes where the document departs from the schema. */
function inspect(text: string): Seen {
  const seen: Seen = { texts: [], problems: [] };
  const open: { name: string; parent: string; last: number; children: number; text: string }[] = [];
  const parser = new SaxesParser({ xmlns: true });
  parser.on('opentag', (tag) => {
    const above = open.at(-1);
    const schemaName = tag.local === 'entry' && above?.name === 'conf-uris' ? 'uri-entry' : tag.local;
    if (tag.uri !== NS) seen.problems.push(`${tag.name} is in ${tag.uri}`);
    const allowed = SCHEMA[schemaName]?.attributes ?? [];
    for (const { name, prefix } of Object.values(tag.attributes)) {
      if (name !== 'xmlns' && prefix !== 'xmlns' && !allowed.includes(name))
        seen.problems.push(`${schemaName}@${name}`);
    }
    if (above !== undefined) {
      const children =
        above.name === 'uri-entry'
          ? ['uri', 'display-text', 'purpose']
          : (SCHEMA[above.name]?.children ?? []);
      const rank = children.indexOf(tag.local);
      if (rank < 0) seen.problems.push(`${above.name}/${tag.local}`);
      if (rank < above.last) seen.problems.push(`${above.name}/${tag.local} is too late`);
      if (rank === above.last && !MAY_REPEAT.has(tag.local))
        seen.problems.push(`${above.name}/${tag.local} twice`);
      above.last = rank;
      above.children += 1;
    }
    open.push({ name: schemaName, parent: above?.name ?? '', last: -1, children: 0, text: '' });
  });
  parser.on('text', (data) => {
    const top = open.at(-1);
    if (top !== undefined) top.text += data;
  });
  parser.on('closetag', () => {
    const closed = open.pop();
    if (closed === undefined) return;
    if (closed.children === 0 && closed.text !== '')
      seen.texts.push(`${closed.parent}/${closed.name}=${closed.text}`);
    if (closed.children === 0 && MUST_HAVE_A_CHILD.has(closed.name))
      seen.problems.push(`${closed.name} is empty`);
  });
  parser.write(text).close();
  return seen;
}

const everything: ConferenceInfo = {
  entity: 'sip:im-s-1@im.example.net',
  state: 'full',
  version: 7,
  displayText: 'Harbour <watch>',
  subject: 'Fog & ice',
  confUris: [{ uri: 'sip:harbour-watch@im.example.net', displayText: 'Group', purpose: 'participation' }],
  maximumUserCount: 20,
  userCount: 2,
  active: true,
  users: [
    {
      entity: 'sip:ada@example.net',
      displayText: 'Ada "A" O\'Hara',
      roles: ['participant', 'chair'],
      endpoints: [
        {
          entity: 'sip:ada@192.0.2.1:5060;transport=tcp',
          state: 'full',
          displayText: 'phone',
          referredBy: 'sip:bo@example.net',
          status: 'connected',
          joiningMethod: 'dialed-out',
          joiningWhenMs: 0,
          joiningBy: 'sip:bo@example.net',
          media: [{ id: '1', type: 'message', label: 'm', status: 'sendrecv' }],
        },
      ],
    },
    {
      entity: 'sip:cy@example.net',
      state: 'partial',
      endpoints: [
        {
          status: 'disconnected',
          disconnectionMethod: 'failed',
          disconnectionWhenMs: 1000,
          disconnectionReason: 'SIP;cause=603;text="Decline"',
          disconnectionBy: 'sip:cy@example.net',
        },
      ],
    },
    { entity: 'sip:di@example.net', state: 'deleted', endpoints: [] },
  ],
};

describe('formatConferenceInfo', () => {
  it('R-7.2.1.12-9 keeps to the order and the attributes of the schema with everything set', () => {
    const { problems, texts } = inspect(formatConferenceInfo(everything));
    assert.deepEqual(problems, []);
    assert.deepEqual(texts, [
      'conference-description/display-text=Harbour <watch>',
      'conference-description/subject=Fog & ice',
      'uri-entry/uri=sip:harbour-watch@im.example.net',
      'uri-entry/display-text=Group',
      'uri-entry/purpose=participation',
      'conference-description/maximum-user-count=20',
      'conference-state/user-count=2',
      'conference-state/active=true',
      'user/display-text=Ada "A" O\'Hara',
      'roles/entry=participant',
      'roles/entry=chair',
      'endpoint/display-text=phone',
      'referred/by=sip:bo@example.net',
      'endpoint/status=connected',
      'endpoint/joining-method=dialed-out',
      'joining-info/when=1970-01-01T00:00:00.000Z',
      'joining-info/by=sip:bo@example.net',
      'media/type=message',
      'media/label=m',
      'media/status=sendrecv',
      'endpoint/status=disconnected',
      'endpoint/disconnection-method=failed',
      'disconnection-info/when=1970-01-01T00:00:01.000Z',
      'disconnection-info/reason=SIP;cause=603;text="Decline"',
      'disconnection-info/by=sip:cy@example.net',
    ]);
  });

  it('leaves out every list and element that the schema does not allow empty', () => {
    const bare: ConferenceInfo = {
      entity: 'sip:x@h',
      state: 'full',
      version: 0,
      confUris: [],
      users: [{ entity: 'sip:a@h', roles: [], endpoints: [{}] }],
    };
    const text = formatConferenceInfo(bare);
    assert.deepEqual(inspect(text), { texts: [], problems: [] });
    assert.match(
      text,
      /<conference-info [^>]*entity="sip:x@h" state="full" version="0">\n<users state="full">/,
    );
    assert.doesNotMatch(text, /conference-description|conference-state|roles/);
  });

  it('has no empty list of URIs in a description either', () => {
    const text = formatConferenceInfo({ ...everything, confUris: [] });
    assert.deepEqual(inspect(text).problems, []);
    assert.doesNotMatch(text, /conf-uris/);
  });

  it('says which state the list of users has', () => {
    const usersState = (info: Partial<ConferenceInfo>) =>
      /<users state="(\w+)">/.exec(formatConferenceInfo({ ...everything, ...info }))?.[1];
    assert.equal(usersState({}), 'full');
    assert.equal(usersState({ state: 'partial' }), 'partial');
    assert.equal(usersState({ usersState: 'partial' }), 'partial');
    assert.equal(usersState({ users: [] }), 'full');
    assert.equal(usersState({ state: 'partial', users: [] }), undefined);
  });

  it('marks the own user only where asked, because the schema has no such attribute', () => {
    const user = everything.users[0];
    assert.ok(user);
    assert.doesNotMatch(formatUser({ ...user, yourown: false }), /yourown/);
    const marked = formatConferenceInfo({ ...everything, users: [{ ...user, yourown: true }] });
    assert.match(marked, /<user entity="sip:ada@example.net" state="full" yourown="true">/);
    assert.deepEqual(inspect(marked).problems, ['user@yourown']);
  });

  it('is the same from users written before', () => {
    assert.equal(
      assembleConferenceInfo(everything, everything.users.map(formatUser)),
      formatConferenceInfo(everything),
    );
  });

  it('holds 300 users in order', () => {
    const endpoint: EndpointInfo = { status: 'connected' };
    const users = Array.from({ length: 300 }, (_, at) => ({ entity: `sip:u${at}@h`, endpoints: [endpoint] }));
    const text = formatConferenceInfo({ ...everything, users });
    assert.deepEqual(inspect(text).problems, []);
    assert.deepEqual(
      [...text.matchAll(/<user entity="sip:u(\d+)@h"/g)].map((found) => Number(found[1])),
      users.map((_, at) => at),
    );
  });
});
