/**
 * Torture messages in the manner of RFC 4475, as bytes to the real Kamailio by UDP and TCP: what is odd but right is
 * answered, what is wrong gets 4xx or silence, nothing is left behind, and a call works after each.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { TraceEntry } from '../../src/agents/sip/core.ts';
import { DEFAULT_WAIT_MS, within } from '../../src/agents/waiting.ts';
import { DOMAIN, FACTORY } from '../support/stack.ts';
import { plainSdp } from './support/ad-hoc.ts';
import { Ground } from './support/bad-input.ts';

let ground: Ground;
let callers: Readonly<Record<'udp' | 'tcp', Subscriber>>;
before(async () => {
  ground = await Ground.open();
  callers = {
    udp: await ground.stack.subscriber('ada', { onTrace: heard }),
    tcp: await ground.stack.subscriber('tom', { transport: 'tcp', onTrace: heard }),
  };
});
after(() => ground.close(() => undefined));

type Transport = 'udp' | 'tcp';

interface Torture {
  readonly what: string;
  /** Statuses that are right; 0: silence. */
  readonly expect: readonly number[];
  /** Lines after Via; `{id}` stands for the Call-ID, `{session}` for a session identity. */
  readonly lines: readonly string[];
  readonly body?: string;
  readonly only?: Transport;
}

const from = `From: "Ada" <sip:ada@${DOMAIN}>;tag=a1`;
const usual = (method: string, to: string): string[] => [
  'Max-Forwards: 70',
  from,
  `To: <${to}>`,
  'Call-ID: {id}',
  `CSeq: 1 ${method}`,
  `P-Asserted-Identity: <sip:ada@${DOMAIN}>`,
  `Contact: <sip:ada@127.0.0.1:9>`,
];
const options = [`OPTIONS ${FACTORY} SIP/2.0`, ...usual('OPTIONS', FACTORY)];
const changed = (of: readonly string[], name: RegExp, ...by: readonly string[]): string[] => {
  const at = of.findIndex((line) => name.test(line));
  if (at < 0) throw new Error(`${name} is not there`);
  return of.toSpliced(at, 1, ...by);
};
const invite = [`INVITE {session} SIP/2.0`, ...usual('INVITE', '{session}'), 'Content-Type: application/sdp'];

/** Kamailio lets these through to the focus, or refuses them by itself; either is right. */
const messages: readonly Torture[] = [
  // Both are right by the grammar; Kamailio's parser knows neither, and drops them without a word.
  {
    what: 'a field name of every token character',
    expect: [200, 0],
    lines: [...options, "X!interesting-Message0123456789_*+`.%indeed'~: *:*"],
  },
  {
    what: 'a folded CSeq',
    expect: [200, 0],
    lines: changed(options, /^CSeq/, 'CSeq: 0009\r\n  OPTIONS'),
  },
  {
    what: 'a short tortuous request',
    expect: [200],
    lines: [
      'OPTIONS sip:im-conference-factory@example.net SIP/2.0',
      'MAX-FORWARDS: 0068',
      `f:  "A \\"d\\" a"\t<sip:ada@${DOMAIN}>\t; tag = a1`,
      `TO :\r\n sip:im-conference-factory@${DOMAIN}`,
      'i  : {id}',
      'cseq: 0009 OPTIONS',
      's :',
      'NewFangledHeader:   newfangled value\r\n continued newfangled value',
      'UnknownHeaderWithUnusualValue: ;;,,;;,;',
    ],
  },
  {
    what: 'unusual tokens in fields that nobody reads',
    expect: [200],
    lines: [...options, 'Accept-Language: da;q=', 'Date: yesterday'],
  },
  {
    what: 'an escaped user part',
    expect: [200],
    lines: changed(options, /^OPTIONS/, `OPTIONS sip:im%2Dconference%2dfactory@${DOMAIN} SIP/2.0`),
  },
  {
    what: 'an escaped NUL in the Request-URI',
    expect: [404],
    lines: changed(options, /^OPTIONS/, `OPTIONS sip:null-%00-null@${DOMAIN} SIP/2.0`),
  },
  {
    what: 'no space between display name and address',
    expect: [200],
    lines: changed(options, /^From/, `From: caller<sip:ada@${DOMAIN}>;tag=a1`),
  },
  {
    what: 'long values',
    expect: [200],
    lines: [
      ...changed(
        options,
        /^From/,
        `From: "${'I have a user name of extreme proportion '.repeat(40)}" <sip:ada@${DOMAIN}:6000;${'unknownparam'.repeat(60)}=x>;tag=${'1'.repeat(100)}`,
      ),
      `X-Long: ${'long'.repeat(500)}`,
    ],
    only: 'tcp',
  },
  {
    what: 'a display name in UTF-8',
    expect: [200],
    lines: changed(options, /^From/, `From: "Ådå 中文" <sip:ada@${DOMAIN}>;tag=a1`),
  },
  {
    what: 'parameters after a semicolon in the user part',
    expect: [404],
    lines: changed(options, /^OPTIONS/, `OPTIONS sip:user;par=u%40example.net@${DOMAIN} SIP/2.0`),
  },
  {
    what: 'an unknown method with a long name',
    expect: [405],
    lines: [
      `!interesting-method_*+.%indeed'~ {session} SIP/2.0`,
      ...usual("!interesting-method_*+.%indeed'~", '{session}'),
    ],
  },
  { what: 'From without a tag', expect: [200], lines: changed(options, /^From/, `From: sip:ada@${DOMAIN}`) },
  {
    what: 'an unknown scheme in the Request-URI',
    expect: [416, 400, 404, 478],
    lines: changed(options, /^OPTIONS/, 'OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0'),
  },
  {
    what: 'an unknown scheme in To',
    expect: [200, 400],
    lines: changed(options, /^To/, 'To: <isbn:2983792873>'),
  },
  {
    what: 'Require and Proxy-Require of the unknown',
    expect: [420],
    lines: [
      ...options,
      'Require: nothingSupportsThis, nothingSupportsThisEither',
      'Proxy-Require: noProxiesSupportThis',
    ],
  },
  { what: 'a missing From', expect: [400, 0], lines: changed(options, /^From/) },
  {
    what: 'a missing Call-ID and CSeq',
    expect: [400, 0],
    lines: changed(changed(options, /^Call-ID/), /^CSeq/),
  },
  { what: 'CSeq of another method', expect: [400], lines: changed(options, /^CSeq/, 'CSeq: 8 INVITE') },
  {
    what: 'CSeq out of range',
    expect: [400],
    lines: changed(options, /^CSeq/, 'CSeq: 36893488147419103232 OPTIONS'),
  },
  {
    what: 'From and To twice',
    expect: [400, 0],
    lines: [...options, `From: <sip:other@${DOMAIN}>;tag=b`, `To: <sip:other@${DOMAIN}>`],
  },
  {
    what: 'an unterminated quoted string in To',
    expect: [400, 0],
    lines: changed(options, /^To/, `To: "Mr. J. User <${FACTORY}>`),
  },
  {
    what: 'a Request-URI in angle brackets',
    expect: [400],
    lines: changed(options, /^OPTIONS/, `OPTIONS <${FACTORY}> SIP/2.0`),
  },
  {
    what: 'white space within the Request-URI',
    expect: [400, 0],
    lines: changed(options, /^OPTIONS/, `OPTIONS ${FACTORY}; lr SIP/2.0`),
  },
  {
    what: 'two spaces in the request line',
    expect: [200, 400, 0],
    lines: changed(options, /^OPTIONS/, `OPTIONS  ${FACTORY}  SIP/2.0`),
  },
  {
    what: 'a version of the future',
    expect: [505, 0],
    lines: changed(options, /^OPTIONS/, `OPTIONS ${FACTORY} SIP/7.0`),
  },
  {
    what: 'commas in From that no brackets hold',
    expect: [200, 400],
    lines: changed(options, /^From/, `From: Bell, Alexander <sip:ada@${DOMAIN}>;tag=a1`),
  },
  {
    what: 'a Content-Length above the body',
    expect: [400],
    lines: [...options, 'Content-Length: 9999'],
    only: 'udp',
  },
  { what: 'a negative Content-Length', expect: [400, 0], lines: [...options, 'Content-Length: -999'] },
  { what: 'a Max-Forwards of nought', expect: [483], lines: changed(options, /^Max/, 'Max-Forwards: 0') },
  {
    what: 'an INVITE with a body of an unknown type',
    expect: [403, 415, 488],
    lines: changed(invite, /^Content-Type/, 'Content-Type: application/unknownformat'),
    body: '<audio>\r\n</audio>',
  },
  {
    what: 'an INVITE with Contact twice, one of them a page',
    expect: [400, 403],
    lines: changed(invite, /^Contact/, 'Contact: <http://www.example.com>, <sip:ada@127.0.0.1:9>'),
    body: plainSdp(),
  },
  {
    what: 'an INVITE with header fields in the Request-URI',
    expect: [400, 403],
    lines: changed(invite, /^INVITE/, 'INVITE {session}?Route=%3Csip:x%3E SIP/2.0'),
    body: plainSdp(),
  },
  {
    what: 'a response that nobody waits for',
    expect: [0],
    lines: ['SIP/2.0 200 OK', ...usual('INVITE', '{session}')],
  },
  {
    what: 'a response above 699',
    expect: [0],
    lines: ['SIP/2.0 4294967301 better not break the receiver', ...usual('INVITE', '{session}')],
  },
  {
    what: 'an ACK that belongs to nothing',
    expect: [0],
    lines: ['ACK {session} SIP/2.0', ...changed(usual('ACK', '{session}'), /^To/, 'To: <{session}>;tag=x')],
  },
  {
    what: 'a CANCEL that belongs to nothing',
    expect: [481],
    lines: ['CANCEL {session} SIP/2.0', ...usual('CANCEL', '{session}')],
  },
];

let count = 0;
/** Who waits for the first bytes with this branch. */
const waiting = new Map<string, (status: number) => void>();

function heard({ direction, bytes }: TraceEntry): void {
  if (direction !== 'received') return;
  const text = bytes.toString('latin1');
  const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1]);
  if (status < 200) return;
  for (const [branch, tell] of waiting) if (text.includes(branch)) tell(status);
}

/** @returns the final status, or 0 for silence: whatever was sent after it has been answered meanwhile */
async function send(transport: Transport, torture: Torture): Promise<number> {
  const { sip } = callers[transport];
  count += 1;
  const session = ground.running[0].uri;
  const body = torture.body ?? '';
  const lines = torture.lines.map((line) =>
    line.replaceAll('{id}', `torture-${count}`).replaceAll('{session}', session),
  );
  const length = lines.some((line) => /^content-length/i.test(line))
    ? []
    : [`Content-Length: ${Buffer.byteLength(body)}`];
  const [start = '', ...rest] = lines;
  const via = sip.newVia();
  const branch = /branch=([^;]+)/.exec(via)?.[1] ?? '';
  const answered = new Promise<number>((resolve) => waiting.set(branch, resolve));
  sip.sendRaw(`${[start, `Via: ${via}`, ...rest, ...length].join('\r\n')}\r\n\r\n${body}`);
  const silence = torture.expect.includes(0) ? [othersAnswered(transport)] : [];
  const status = await within(
    Promise.race([answered, ...silence]),
    DEFAULT_WAIT_MS,
    torture.what,
    () => 'silence',
  );
  waiting.delete(branch);
  if (transport === 'tcp') sip.dropConnections();
  return status;
}

async function othersAnswered(transport: Transport): Promise<number> {
  for (let round = 0; round < 4; round += 1) {
    // A stream that lost its framing is closed by Kamailio, and what follows in it with it.
    await callers.udp.sip.sync({ to: FACTORY });
    if (transport === 'udp') await callers.udp.sip.sync();
  }
  return 0;
}

describe('RFC 4475', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    for (const torture of messages.filter(({ only }) => only === undefined || only === transport)) {
      test(`RFC4475 ${torture.what} over ${transport}: ${torture.expect.map((status) => status || 'silence').join(' or ')}`, async () => {
        const before = await ground.stack.sessions();
        const status = await send(transport, torture);
        assert.ok(torture.expect.includes(status), `${status}`);
        assert.deepEqual(await ground.stack.sessions(), before);
        await ground.assertGoesOn();
      });
    }
  }
});
