/** Bad input to 7.2.1.2 and 7.2.1.3: INVITEs to a conference-factory URI and to an idle group with one thing wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { multipart } from '../../src/agents/documents.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { Body, SipMessage } from '../../src/agents/sip/message.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN } from '../support/stack.ts';
import { dialFactory, plainSdp, resourceListsPart, setUpBody } from './support/ad-hoc.ts';
import { assertNeverInvited, type BadRow, field, Ground, type Spoilt, tableOf } from './support/bad-input.ts';
import { contentRows, inviteRows, offerRows } from './support/bad-invites.ts';

const ADA = `sip:ada@${DOMAIN}`;
const BEN = `sip:ben@${DOMAIN}`;
const GROUP = `sip:im-g-bad@${DOMAIN}`;
const RL = 'urn:ietf:params:xml:ns:resource-lists';

let ground: Ground;
let ada: Subscriber;
let ben: Subscriber;
before(async () => {
  ground = await Ground.open({
    groups: [groupDocument({ uri: GROUP, members: [ADA, BEN] })],
    config: { adHoc: { maxParticipants: 4 } },
  });
  [ada, ben] = await Promise.all([ground.stack.subscriber('ada'), ground.stack.subscriber('ben')]);
});
after(() =>
  ground.close(async () => {
    await assertNeverInvited(ben);
    assert.deepEqual(ada.violations, []);
  }),
);

const toFactory = ({ headers = [], body }: Spoilt): Promise<SipMessage> =>
  dialFactory(ada, { headers, body: body === undefined ? setUpBody([BEN]) : body }).final();

const toGroup = ({ headers = [], body = sdpBody(plainSdp()) }: Spoilt): Promise<SipMessage> =>
  ada.sip.invite({ to: GROUP, headers, ...(body === null ? {} : { body }) }).final();

describe('7.2.1.2 ad-hoc set-up', () => {
  const entries = (...xml: readonly string[]): string =>
    `<resource-lists xmlns="${RL}"><list>${xml.join('')}</list></resource-lists>`;
  const list = (wrong: string, status: number, warning: RegExp, xml: string): BadRow => ({
    wrong: `resource-lists ${wrong}`,
    status,
    warning,
    body: withList(xml),
  });
  const withList = (xml: string): Body => multipart([sdpBody(plainSdp()), resourceListsPart(xml)]);
  const good = `<entry uri="${BEN}"/>`;
  const rows: readonly BadRow[] = [
    ...inviteRows(),
    ...offerRows((sdp) => setUpBody([BEN], sdp)),
    ...contentRows(),
    field('Subject', 'oversized', 'S'.repeat(2_000), 400, /Subject has more than/),
    field('Contribution-ID', 'oversized', 'c'.repeat(2_000), 400, /Contribution-ID has more than/),
    { wrong: 'no body at all', status: 488, warning: /no SDP/, body: null },
    { wrong: 'resource-lists missing', status: 400, warning: /names no users/, body: sdpBody(plainSdp()) },
    list('empty', 400, /names no users/, entries()),
    list('of the inviter alone', 400, /names no users/, entries(`<entry uri="${ADA}"/>`)),
    list('that is no XML', 400, /XML/, 'ben, please'),
    list('of another namespace', 400, /XML/, entries(good).replace(RL, 'urn:x')),
    list('of another root', 400, /XML/, `<list xmlns="${RL}">${good}</list>`),
    list('with a document type', 400, /XML/, `<!DOCTYPE x>${entries(good)}`),
    list('with an entry without uri', 400, /XML/, entries(good, '<entry/>')),
    list('with an entry that is no URI', 400, /XML/, entries(good, '<entry uri="ben"/>')),
    list('with a broken SIP URI', 400, /URI/, entries(good, '<entry uri="sip:%zz@b"/>')),
    list('with a web address', 400, /cannot be invited/, entries(good, '<entry uri="http://example.net/"/>')),
    list(
      'with a mail address',
      400,
      /cannot be invited/,
      entries(good, '<entry uri="mailto:b@example.net"/>'),
    ),
    list('with a list elsewhere', 400, /XML/, entries(good, '<external anchor="http://example.net/l"/>')),
    list('with an odd copyControl', 400, /XML/, entries(`<entry uri="${BEN}" copyControl="all"/>`)),
    list('of more than the maximum', 486, /too many participants/, entries(...users(4))),
    list('oversized', 486, /too many participants/, entries(...users(600))),
  ];
  tableOf('7.2.1.2', rows, toFactory, () => ground);
});

function users(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `<entry uri="sip:u${n}@${DOMAIN}"/>`);
}

describe('7.2.1.3 group set-up', () => {
  const rows: readonly BadRow[] = [
    ...inviteRows(),
    ...offerRows(sdpBody),
    ...contentRows(),
    field('Subject', 'oversized', 'S'.repeat(2_000), 400, /Subject has more than/),
    field('Contact', 'of a focus', `<sip:ada@127.0.0.1:5060>;isfocus`, 403, /^isfocus already assigned$/),
    field('P-Asserted-Identity', 'of a stranger', `<sip:mallory@${DOMAIN}>`, 403, /not allowed to start/),
    field('Privacy', 'that the group does not allow', 'id', 403, /anonymity/),
  ];
  tableOf('7.2.1.3', rows, toGroup, () => ground);
});

test('the same requests without a fault are taken', async () => {
  const later = await ground.stack.subscriber('late', { uri: `sip:late@${DOMAIN}` });
  const call = dialFactory(ada, { body: setUpBody([later.uri]) });
  const invite = await later.sip.nextInvite();
  await invite.reject(486);
  assert.equal((await call.final()).status, 486);
});
