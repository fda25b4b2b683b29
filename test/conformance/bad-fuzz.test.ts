/** Valid requests with bytes flipped and header lines dropped, doubled and exchanged, over the real Kamailio. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Subscriber } from '../../src/agents/chat.ts';
import { DOMAIN, FACTORY } from '../support/stack.ts';
import { setUpBody } from './support/ad-hoc.ts';
import { Ground } from './support/bad-input.ts';

let ground: Ground;
let ada: Subscriber;
before(async () => {
  ground = await Ground.open();
  ada = await ground.stack.subscriber('ada');
});
after(() => ground.close(() => undefined));

/** A change of the header lines, the request line included. */
const spoiling: fc.Arbitrary<(lines: readonly string[]) => string[]> = fc.oneof(
  fc.nat().map((at) => (lines: readonly string[]) => lines.toSpliced(at % lines.length, 1)),
  fc
    .nat()
    .map(
      (at) => (lines: readonly string[]) =>
        lines.toSpliced(at % lines.length, 0, lines[at % lines.length] ?? ''),
    ),
  fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => (lines: readonly string[]) => {
    const valueOf = (at: number): string => (lines[at % lines.length] ?? '').replace(/^[^:]*:/, '');
    const name = (lines[a % lines.length] ?? '').split(':')[0] ?? '';
    return lines.with(a % lines.length, `${name}:${valueOf(b)}`);
  }),
  fc
    .tuple(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }))
    .map(([at, where, bits]) => (lines: readonly string[]) => {
      const line = Buffer.from(lines[at % lines.length] ?? '', 'latin1');
      if (line.length > 0) line[where % line.length] = (line[where % line.length] ?? 0) ^ bits;
      return lines.with(at % lines.length, line.toString('latin1'));
    }),
);

/** INVITE, SUBSCRIBE, REFER and OPTIONS that are good but that nobody who sends them takes part in anything. */
function requests(id: string): { readonly lines: readonly string[]; readonly body: string }[] {
  const session = ground.running[0].uri;
  const request = (method: string, to: string, more: readonly string[] = [], body = '') => ({
    lines: [
      `${method} ${to} SIP/2.0`,
      `Via: ${ada.sip.newVia()}`,
      'Max-Forwards: 70',
      `From: "Ada" <sip:ada@${DOMAIN}>;tag=f${id}`,
      `To: <${to}>`,
      `Call-ID: fuzz-${id}-${method}@client`,
      `CSeq: 1 ${method}`,
      `P-Asserted-Identity: <sip:mallory@${DOMAIN}>`,
      `Contact: <${ada.sip.contactUri}>`,
      ...more,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ],
    body,
  });
  const { contentType, content } = setUpBody([]);
  return [
    request('INVITE', FACTORY, [`Content-Type: ${contentType}`, 'Session-Expires: 1800'], content.toString()),
    request('INVITE', session, ['Content-Type: application/sdp'], 'v=0\r\n'),
    request('SUBSCRIBE', session, [
      'Event: conference',
      'Expires: 600',
      'Accept: application/conference-info+xml',
    ]),
    request('REFER', session, ['Refer-To: <sip:dan@example.net>', 'Refer-Sub: false']),
    request('OPTIONS', FACTORY),
  ];
}

test('RFC3261-21.4.1 spoilt requests leave nothing behind, the service answers on, and it logs no fault of its own', async () => {
  const before = await ground.stack.sessions();
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(4),
      fc.array(spoiling, { minLength: 1, maxLength: 3 }),
      async (which, changes) => {
        count += 1;
        const request = requests(String(count))[which];
        assert.ok(request);
        const lines = changes.reduce<readonly string[]>((spoilt, change) => change(spoilt), request.lines);
        ada.sip.sendRaw(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${request.body}`, 'latin1'));
        if (count % 25 === 0) assert.equal((await ada.sip.sync({ to: FACTORY })).status, 200);
      },
    ),
    { numRuns: Number(process.env['WIRE_FUZZ_RUNS'] ?? 400), endOnFailure: true },
  );
  assert.equal((await ada.sip.sync({ to: FACTORY })).status, 200);
  assert.deepEqual(await ground.stack.sessions(), before);
  await ground.assertGoesOn();
  // Kamailio says of every message that it cannot read; it must not fall over it.
  const entries = ground.stack.logEntries();
  assert.equal(entries.filter(({ msg }) => msg === 'kamailio is ready').length, 1);
  const faults = entries.filter(({ level, part }) => Number(level) >= 50 && part !== 'kamailio');
  assert.deepEqual(faults, []);
});
