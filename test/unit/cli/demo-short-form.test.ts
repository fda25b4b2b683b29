/** A message as one line of the demo's transcript. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { cpimMessage, multipart, resourceLists } from '../../../src/agents/documents.ts';
import { encodeFrame, type FrameParts, MsrpStream } from '../../../src/agents/msrp/frame.ts';
import { msrpSdp, sdpBody } from '../../../src/agents/sdp.ts';
import { type Body, formatMessage, type HeaderField, SipMessage } from '../../../src/agents/sip/message.ts';
import { shortId, shortMsrp, shortSip, shortText, shortUri } from '../../../src/cli/demo/short-form.ts';

const SESSION = 'sip:im-s-0q7xk2n4mzb8w1rt5yvc@192.0.2.1:5060';
const SDP = sdpBody(msrpSdp({ path: 'msrp://192.0.2.7:2855/abc;tcp', setup: 'actpass' }));

function sip(startLine: string, fields: readonly HeaderField[] = [], body?: Body): SipMessage {
  const method = /^([A-Z]+) /.exec(startLine)?.[1] ?? 'INVITE';
  const all: HeaderField[] = fields.some(([name]) => name === 'CSeq')
    ? [...fields]
    : [['CSeq', `1 ${method}`], ...fields];
  if (body !== undefined) all.push(['Content-Type', body.contentType]);
  return SipMessage.parse(formatMessage(startLine, all, Buffer.from((body?.content ?? '') as string)));
}

const CASES: readonly (readonly [name: string, SipMessage, what: string, about: readonly string[]])[] = [
  [
    'an ad hoc INVITE: the list beside the SDP',
    sip(
      'INVITE sip:factory@example.net SIP/2.0',
      [
        ['Require', 'recipient-list-invite'],
        ['Contact', '<sip:ada@192.0.2.7>;+g.oma.sip-im'],
        ['P-Asserted-Identity', '"Ada" <sip:ada@example.net>'],
        ['Subject', 'Lunch'],
      ],
      multipart([SDP, resourceLists(['sip:ben@example.net', 'sip:cleo@example.net'])]),
    ),
    'INVITE factory',
    ['Require: recipient-list-invite', 'SDP + list of 2', 'P-Asserted-Identity: Ada', 'Subject: Lunch'],
  ],
  [
    'an invitation of the focus',
    sip(
      'INVITE sip:ben@192.0.2.7:5062 SIP/2.0',
      [
        ['Contact', `<${SESSION}>;isfocus;+g.oma.sip-im`],
        ['Referred-By', '<sip:ada@example.net>'],
      ],
      SDP,
    ),
    'INVITE ben',
    ['SDP TCP/MSRP actpass', 'Contact: im-s-0q7xk2…;isfocus', 'Referred-By: ada'],
  ],
  [
    'the 200 to it',
    sip(
      'SIP/2.0 200 OK',
      [
        ['CSeq', '1 INVITE'],
        ['Contact', `<${SESSION}>;isfocus`],
        ['Session-Expires', '1800;refresher=uac'],
      ],
      SDP,
    ),
    '200 OK',
    [
      'to INVITE',
      'Contact: im-s-0q7xk2…;isfocus',
      'SDP TCP/MSRP actpass',
      'Session-Expires: 1800;refresher=uac',
    ],
  ],
  [
    'a refusal with its Warning',
    sip('SIP/2.0 403 Forbidden', [
      ['CSeq', '1 INVITE'],
      ['Warning', '399 im.example.net "isfocus already assigned"'],
    ]),
    '403 Forbidden',
    ['to INVITE', 'Warning: "isfocus already assigned"'],
  ],
  ['a 100 of Kamailio', sip('SIP/2.0 100 trying -- your call is important to us'), '100 trying', []],
  [
    'SUBSCRIBE',
    sip(`SUBSCRIBE ${SESSION} SIP/2.0`, [
      ['Event', 'conference'],
      ['Expires', '600'],
    ]),
    'SUBSCRIBE im-s-0q7xk2…',
    ['Event: conference', 'Expires: 600'],
  ],
  [
    'a NOTIFY with a roster',
    sip('NOTIFY sip:ada@192.0.2.7 SIP/2.0', [['Subscription-State', 'active;expires=600']], {
      contentType: 'application/conference-info+xml',
      content: `<conference-info entity="${SESSION}" state="full" version="3"><users>
        <user entity="sip:ada@example.net"><display-text>Ada</display-text><endpoint entity="x"><status>connected</status></endpoint></user>
        <user entity="sip:ben@example.net"><endpoint entity="y"><status>disconnected</status></endpoint></user>
        </users></conference-info>`,
    }),
    'NOTIFY ada',
    ['roster 3 full: Ada, ben (disconnected)'],
  ],
  [
    'the last NOTIFY',
    sip('NOTIFY sip:ada@192.0.2.7 SIP/2.0', [['Subscription-State', 'terminated;reason=noresource']]),
    'NOTIFY ada',
    ['terminated;reason=noresource'],
  ],
  [
    'a BYE says why',
    sip('BYE sip:ben@192.0.2.7 SIP/2.0', [['Reason', 'SIP;cause=200;text="too few remain"']]),
    'BYE ben',
    ['Reason: "too few remain"'],
  ],
  ['a BYE without a reason', sip('BYE sip:ben@192.0.2.7 SIP/2.0'), 'BYE ben', []],
];

for (const [name, message, what, about] of CASES) {
  test(`SIP: ${name}`, () => {
    const short = shortSip(message);
    assert.equal(short.what, what);
    assert.deepEqual(short.about, about);
  });
}

test('routine is what tells a reader nothing: 100, ACK, 2xx but to INVITE', () => {
  const isRoutine = (startLine: string, cseq: string) => shortSip(sip(startLine, [['CSeq', cseq]])).isRoutine;
  assert.equal(isRoutine('SIP/2.0 100 Trying', '1 INVITE'), true);
  assert.equal(isRoutine('ACK sip:x@example.net SIP/2.0', '1 ACK'), true);
  assert.equal(isRoutine('SIP/2.0 200 OK', '2 NOTIFY'), true);
  assert.equal(isRoutine('SIP/2.0 200 OK', '2 INVITE'), false);
  assert.equal(isRoutine('SIP/2.0 481 Gone', '2 BYE'), false);
});

function msrp(parts: Omit<FrameParts, 'transactionId' | 'fields'> & { type?: string }) {
  const fields: (readonly [string, string])[] = [
    ['To-Path', 'msrp://192.0.2.1:2855/0q7xk2n4mzb8w1rt5yvc;tcp'],
    ['From-Path', 'msrp://192.0.2.7:9/f;tcp'],
  ];
  if (parts.type !== undefined) fields.push(['Byte-Range', '1-5/5'], ['Content-Type', parts.type]);
  const [frame] = new MsrpStream().feed(encodeFrame({ ...parts, transactionId: 'abcd1234', fields }));
  assert(frame !== undefined);
  return shortMsrp(frame);
}

test('MSRP: an empty SEND binds', () => {
  assert.deepEqual(msrp({ startLine: 'SEND' }), {
    what: 'SEND',
    about: ['binds the connection to session 0q7xk2…'],
    isRoutine: false,
  });
});

test('MSRP: message/cpim shows the text and who wrote it', () => {
  const body = cpimMessage('Noon? 🍞', { from: 'Ada <sip:ada@example.net>', to: SESSION });
  assert.deepEqual(msrp({ startLine: 'SEND', type: 'message/cpim', body }), {
    what: 'SEND "Noon? 🍞"',
    about: ['message/cpim from Ada'],
    isRoutine: false,
  });
});

test('MSRP: plain text, a chunk of cpim, responses', () => {
  const plain = msrp({ startLine: 'SEND', type: 'text/plain', body: Buffer.from('hello') });
  assert.deepEqual([plain.what, plain.about], ['SEND "hello"', ['text/plain', 'Byte-Range: 1-5/5']]);
  const chunk = msrp({ startLine: 'SEND', type: 'message/cpim', body: Buffer.from('From'), flag: '+' });
  assert.deepEqual([chunk.what, chunk.about], ['SEND', ['message/cpim', 'Byte-Range: 1-5/5']]);
  assert.deepEqual(msrp({ startLine: '200 OK' }), { what: '200 OK', about: [], isRoutine: true });
  assert.equal(msrp({ startLine: '481 No session' }).isRoutine, false);
});

test('addresses in a text are named by their user part, random words by their beginning', () => {
  assert.equal(shortUri('sip:ada@example.net;transport=tcp'), 'ada');
  assert.equal(shortUri('sip:example.net'), 'example.net');
  assert.equal(
    shortText('sip:dan@example.net: allow-initiate-conference by rule "members"'),
    'dan: allow-initiate-conference by rule "members"',
  );
  assert.equal(shortText(`for <${SESSION}>, CSeq 2`), 'for <im-s-0q7xk2…>, CSeq 2');
  assert.equal(
    shortId('allow-initiate-conference, notwithstanding'),
    'allow-initiate-conference, notwithstanding',
  );
});
