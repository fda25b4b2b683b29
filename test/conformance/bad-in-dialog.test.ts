/** Bad input to 7.2.1.6, 7.2.1.10 and 7.2.1.11: re-INVITE, UPDATE and BYE with one thing wrong, into a session that goes on. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { field, Ground, type Spoilt, tableOf } from './support/bad-input.ts';
import { contactRows, contentRows, generalRows, offerRows, timerRows } from './support/bad-invites.ts';

let ground: Ground;
before(async () => {
  ground = await Ground.open();
});
after(() =>
  ground.close(() => {
    for (const { violations } of ground.people) assert.deepEqual(violations, []);
  }),
);

/** A new revision of what the client has said of itself. */
function nextOffer(): string {
  const sdp = ground.running[1].dialog.localSdp ?? '';
  return sdp.replace(/^(o=\S+ \S+) \d+/m, '$1 9');
}

const reinvite = ({ headers = [], body = sdpBody(nextOffer()) }: Spoilt): Promise<SipMessage> =>
  ground.running[1].dialog.reinvite({ headers, ...(body === null ? {} : { body }) }).final();
const update = ({ headers = [], body = sdpBody(nextOffer()) }: Spoilt): Promise<SipMessage> =>
  ground.running[1].dialog.update({ headers, ...(body === null ? {} : { body }) });
const refresh = ({ headers = [] }: Spoilt): Promise<SipMessage> =>
  ground.running[1].dialog.update({ headers });
const bye = ({ headers = [] }: Spoilt): Promise<SipMessage> =>
  ground.running[1].dialog.request('BYE', { headers });

const allowRows = [
  field('Allow', 'malformed', 'INVITE BYE', 400, /malformed Allow/),
  field('Allow', 'oversized', Array.from({ length: 200 }, (_, n) => `M${n}`).join(', '), 400, /Allow/),
];
/** Without a body, or with one that is no offer, either is a refresh. */
const bodyRows = contentRows().filter(({ status }) => status !== 488);

describe('7.2.1.6 session modification', () => {
  const rows = [...contactRows(), ...allowRows, ...offerRows(sdpBody), ...bodyRows];
  tableOf('7.2.1.6 re-INVITE:', [...rows, ...generalRows('INVITE')], reinvite, () => ground);
  tableOf('7.2.1.6 UPDATE:', [...rows, ...generalRows('UPDATE')], update, () => ground);
});

describe('7.2.1.11 session refresh', () => {
  tableOf('7.2.1.11 UPDATE:', timerRows(), refresh, () => ground);
  tableOf('7.2.1.11 re-INVITE:', timerRows(), reinvite, () => ground);
});

describe('7.2.1.10 BYE', () => {
  tableOf('7.2.1.10', generalRows('BYE'), bye, () => ground);

  const [from, to, call] = ['From', 'To', 'Call-ID'];
  for (const [what, change, status, warning] of [
    ['an unknown From tag', from, 481, /no such dialog/],
    ['an unknown To tag', to, 481, /no such dialog/],
    ['an unknown Call-ID', call, 481, /no such dialog/],
    ['an old CSeq', 'CSeq', 500, /CSeq/],
  ] as const) {
    test(`7.2.1.10 ${what}: ${status}`, async () => {
      const { dialog } = ground.running[1];
      const ask = (): Promise<SipMessage> =>
        ground.people[1].sip.request('BYE', {
          to: dialog.remoteTarget,
          headers: [
            ['From', `${dialog.localAddress};tag=${change === from ? 'x' : dialog.localTag}`],
            ['To', `${dialog.remoteAddress};tag=${change === to ? 'x' : dialog.remoteTag}`],
            ['Call-ID', change === call ? 'x' : dialog.callId],
            ['CSeq', change === 'CSeq' ? '0 BYE' : '900 BYE'],
          ],
        });
      await ground.refuses({ wrong: what, status, warning }, ask);
    });
  }
});

test('the same requests without a fault are taken', async () => {
  assert.equal((await reinvite({})).status, 200);
  // An offer right behind the ACK may overtake it, and is told to come again.
  assert.equal((await ground.running[1].dialog.request('OPTIONS')).status, 200);
  assert.equal((await update({})).status, 200);
  assert.equal((await refresh({})).status, 200);
  await ground.assertGoesOn();
  // What nobody reads does no harm: a BYE may have any body, and header fields that say nothing of it.
  const odd = await bye({
    headers: [
      ['Content-Type', 'nonsense'],
      ['Session-Expires', 'soon'],
      ['Contact', '*'],
      ['Expires', '1'],
    ],
  });
  assert.equal(odd.status, 200);
});
