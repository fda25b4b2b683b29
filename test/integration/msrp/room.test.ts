/** spec cases 56–62: the room of RFC 7701 and CPIM. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { cpim, type Hall, header, legOf, Member, openHall, putRoom, ROOM_ADDRESS } from './raw-client.ts';

const CPIM = { type: 'message/cpim' };
const A = 'sip:a@example.net';

async function trio(hall: Hall): Promise<[Member, Member, Member]> {
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  return [await Member.join(hall, 'a'), await Member.join(hall, 'b'), await Member.join(hall, 'c')];
}

function nick(member: Member, value: string | null): Promise<string> {
  const extra = value === null ? {} : { extra: `Use-Nickname: ${value}` };
  return member.sendAndStatus(null, { method: 'NICKNAME', range: null, ...extra });
}

test('case 56: NICKNAME: 200, 400, 424, 425, and "" clears', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  assert.equal(await nick(a, '"Ada the great"'), '200');
  assert.equal(await nick(b, '"ADA the great"'), '425');
  assert.equal(await nick(a, null), '400');
  assert.equal(await nick(a, 'Ada'), '424');
  assert.equal(await nick(a, '"\x01"'), '424');
  assert.equal(await nick(a, '"\xff\xfe"'), '424');
  assert.equal(await nick(a, '""'), '200');
  assert.equal(await nick(b, '"ADA the great"'), '200');
});

test('case 56: a nickname is the name that others see where the switch says who speaks, until it is cleared', async () => {
  await using hall = await openHall();
  putRoom(hall, [
    legOf('a', { displayName: 'Ada' }),
    legOf('b', { alias: '"Anonymous 1" <sip:anonymous-1.k3@anonymous.invalid>' }),
    legOf('c', { acceptTypes: ['message/cpim'] }),
  ]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  const shown = async (member: Member): Promise<string> => {
    assert.equal(await member.sendAndStatus('who?'), '200');
    return /^From: (.*)\r\n/.exec((await c.message()).body.toString())?.[1] ?? '';
  };
  assert.equal(await shown(a), `"Ada" <${A}>`);
  assert.equal(await nick(a, '"The \\"great\\" Ad\xc3\xa4"'), '200');
  assert.equal(await shown(a), `"The \\"great\\" Adä" <${A}>`);
  assert.equal(await nick(a, '""'), '200');
  assert.equal(await shown(a), `"Ada" <${A}>`);
  // Who is anonymous stays so.
  assert.equal(await nick(b, '"Ben"'), '200');
  assert.equal(await shown(b), '"Anonymous 1" <sip:anonymous-1.k3@anonymous.invalid>');
});

test('case 56: NICKNAME where it is not allowed is 403', async () => {
  await using hall = await openHall({ policy: { nicknames: false } });
  const [a] = await trio(hall);
  assert.equal(await nick(a, '"Ada"'), '403');
});

test("case 57: a CPIM From that is not the participant's is 403 and goes to nobody", async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  assert.equal(await a.sendAndStatus(cpim('sip:b@example.net', ROOM_ADDRESS, 'x'), CPIM), '403');
  assert.equal(
    await a.sendAndStatus(cpim('SIP:a@EXAMPLE.net;transport=tcp', ROOM_ADDRESS, 'y'), CPIM),
    '200',
  );
  assert.match((await b.message()).body.toString(), /y$/);
});

test('case 58: CPIM To one member reaches only that member; unknown 404', async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  assert.equal(await a.sendAndStatus(cpim(A, 'sip:c@example.net', 'secret'), CPIM), '200');
  assert.equal(await a.sendAndStatus(cpim(A, 'sip:nobody@example.net', 'lost'), CPIM), '404');
  assert.equal(await a.sendAndStatus(cpim(A, 'sip:factory@example.net', 'all'), CPIM), '200');
  assert.match((await b.message()).body.toString(), /all$/);
  assert.match((await c.message()).body.toString(), /secret$/);
  assert.match((await c.message()).body.toString(), /all$/);
});

test('case 58: private messages where they are not supported are 428', async () => {
  await using hall = await openHall({ policy: { privateMessages: false } });
  const [a] = await trio(hall);
  assert.equal(await a.sendAndStatus(cpim(A, 'sip:c@example.net', 'secret'), CPIM), '428');
});

/** More than the backlog of a member takes. */
const LONGER_THAN_WAITS_BYTES = 300_000;

test('case 58: a private message that its recipient cannot take is refused, not lost: 415, 413, 404', async () => {
  await using hall = await openHall();
  putRoom(hall, [
    legOf('a'),
    legOf('b', { acceptTypes: ['text/plain'], maxSizeBytes: 200 }),
    legOf('c', { direction: 'sendonly' }),
  ]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const toB = (text: string, type?: string) => cpim(A, 'sip:b@example.net', text, type);
  assert.equal(await a.sendAndStatus(toB('<p/>', 'text/html'), CPIM), '415');
  assert.equal(await a.sendAndStatus(toB('x'.repeat(300)), CPIM), '413');
  assert.equal(await a.sendAndStatus(cpim(A, 'sip:c@example.net', 'x'), CPIM), '404');
  assert.equal(await a.sendAndStatus(cpim(A, A, 'to myself'), CPIM), '404');
  assert.equal(await a.sendAndStatus(toB('fits'), CPIM), '200');
  assert.equal((await b.message()).body.toString(), 'fits');
  // In chunks as well; to one whose client is away, as far as it can wait.
  const chunk = { ...CPIM, messageId: 'm', range: '1-*/*', flag: '+' };
  assert.equal(await a.sendAndStatus(toB('<p/>', 'text/html'), chunk), '415');
  b.close();
  await hall.nextEvent((event) => event.op === 'leg.unbound');
  const long = { ...chunk, messageId: 'l', range: `1-*/${LONGER_THAN_WAITS_BYTES}` };
  putRoom(hall, [legOf('a'), legOf('b')], 2);
  assert.equal(await a.sendAndStatus(toB('begun'), long), '404');
  assert.equal(await a.sendAndStatus(toB('begun'), { ...chunk, messageId: 'n' }), '200');
  const back = await Member.join(hall, 'b');
  assert.match((await back.message()).body.toString(), /begun$/);
});

test('case 58: who may write no private messages gets 403 and is counted; all else goes on', async () => {
  await using hall = await openHall();
  putRoom(hall, [{ ...legOf('a'), mayWritePrivately: false }, legOf('b'), legOf('c')]);
  const [a, b] = [await Member.join(hall, 'a'), await Member.join(hall, 'b')];
  assert.equal(await a.sendAndStatus(cpim(A, 'sip:b@example.net', 'secret'), CPIM), '403');
  assert.equal(hall.msrp.counters().privateRefused, 1);
  assert.equal(await a.sendAndStatus(cpim(A, ROOM_ADDRESS, 'to all'), CPIM), '200');
  assert.match((await b.message()).body.toString(), /to all$/);
  assert.equal(await b.sendAndStatus(cpim('sip:b@example.net', A, 'to you'), CPIM), '200');
  assert.match((await a.message()).body.toString(), /to you$/);
});

test('CPIM To anonymous, as RCS clients write for the group, means everybody', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  assert.equal(await a.sendAndStatus(cpim(A, 'sip:anonymous@anonymous.invalid', 'all'), CPIM), '200');
  assert.match((await b.message()).body.toString(), /all$/);
});

test('case 59: content without CPIM where CPIM is required is 415; broken CPIM is 400', async () => {
  await using hall = await openHall({ policy: { acceptTypes: ['message/cpim'] } });
  const [a] = await trio(hall);
  assert.equal(await a.sendAndStatus('plain'), '415');
  for (const broken of [
    'no head at all',
    'From: x\r\n\r\n\r\n',
    `To: <${ROOM_ADDRESS}>\r\n\r\nContent-Type: a/b\r\n\r\n`,
  ]) {
    assert.equal(await a.sendAndStatus(broken, CPIM), '400', broken);
  }
});

test('case 60: IMDN headers, unknown namespaces and bare-LF inner heads pass byte-exact', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  const text =
    `From: "A \\"q\\"" <${A}>\r\nTo: <${ROOM_ADDRESS}>\r\nNS: imdn <urn:ietf:params:imdn>\r\n` +
    'imdn.Message-ID: 34jk324j\r\nimdn.Disposition-Notification: positive-delivery, display\r\n' +
    'NS: zz <urn:x:y>\r\nzz.Odd:  spaced \r\n\r\nMIME-Version: 1.0\nContent-Type: text/plain; charset="utf8"\n\nhi';
  assert.equal(await a.sendAndStatus(text, CPIM), '200');
  assert.equal((await b.message()).body.toString(), text);
  const imdn = cpim(A, 'sip:b@example.net', '<imdn/>', 'message/imdn+xml');
  assert.equal(await a.sendAndStatus(imdn, CPIM), '200');
  assert.equal((await b.message()).body.toString(), imdn);
});

test('case 60: is-composing is forwarded and not counted as a message', async () => {
  await using hall = await openHall();
  const [a, b] = await trio(hall);
  assert.equal(await a.sendAndStatus('<isComposing/>', { type: 'application/im-iscomposing+xml' }), '200');
  assert.equal((await b.message()).body.toString(), '<isComposing/>');
  assert.equal(hall.msrp.counters().messagesIn, 0);
});

for (const [name, body, type] of [
  ['plain', '<isComposing/>', 'application/im-iscomposing+xml'],
  ['in CPIM', cpim(A, ROOM_ADDRESS, '<isComposing/>', 'application/im-iscomposing+xml'), CPIM.type],
] as const) {
  test(`case 60: is-composing, ${name}, is kept for nobody and counts as no message`, async () => {
    await using hall = await openHall();
    putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
    const a = await Member.join(hall, 'a');
    const c = await Member.join(hall, 'c');
    assert.equal(await a.sendAndStatus(body, { type }), '200');
    assert.equal((await c.message()).body.toString(), body);
    assert.equal(await a.sendAndStatus('said meanwhile'), '200');
    const b = await Member.join(hall, 'b');
    assert.equal((await b.message()).body.toString(), 'said meanwhile');
    const { messagesIn, composing } = hall.msrp.counters();
    assert.deepEqual([messagesIn, composing], [1, 1]);
  });
}

test('case 61: the sender gets no copy; the order of one sender is the same for all', async () => {
  await using hall = await openHall();
  const [a, b, c] = await trio(hall);
  const texts = Array.from({ length: 50 }, (_, i) => `n${i}`);
  const tids = texts.map((text) => a.send(text));
  for (const tid of tids) assert.equal(await a.client.status(tid), '200');
  for (const member of [b, c]) {
    for (const text of texts) assert.equal((await member.message()).body.toString(), text);
  }
  assert.deepEqual(a.client.frames, []);
});

test('case 62: a heartbeat is answered and goes to nobody, with the types of the configuration and of who may not send', async () => {
  const loaded = loadConfig({ env: {} });
  assert.ok(loaded.ok);
  await using hall = await openHall({ policy: { acceptTypes: loaded.config.msrp.acceptTypes } });
  putRoom(hall, [legOf('a'), legOf('b'), legOf('mute', { direction: 'recvonly' })]);
  const [a, b, mute] = [
    await Member.join(hall, 'a'),
    await Member.join(hall, 'b'),
    await Member.join(hall, 'mute'),
  ];
  const heartbeat = { type: 'text/x-msrp-heartbeat' };
  assert.equal(await a.sendAndStatus('HEARTBEAT', heartbeat), '200');
  assert.equal(await mute.sendAndStatus('HEARTBEAT', heartbeat), '200');
  assert.equal(await mute.sendAndStatus('text'), '403');
  assert.equal(await a.sendAndStatus('HEARTBEAT', { type: 'text/x-other' }), '415');
  assert.equal(await a.sendAndStatus('text'), '200');
  for (const member of [b, mute]) assert.equal((await member.message()).body.toString(), 'text');
  assert.equal(hall.msrp.counters().heartbeats, 2);
});

test('7.2.3.2: an alias stands for the sender in every form, and a private message to it arrives', async () => {
  await using hall = await openHall();
  const alias = '"Anonymous 1" <sip:anonymous-1.k3@anonymous.invalid>';
  putRoom(hall, [legOf('a', { alias }), legOf('b'), legOf('c', { acceptTypes: ['message/cpim'] })]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  assert.equal(await a.sendAndStatus(cpim(A, ROOM_ADDRESS, 'who am I'), CPIM), '200');
  assert.equal(await a.sendAndStatus('plain words'), '200');
  const [seenB, seenC, plainC] = [await b.message(), await c.message(), await c.message()];
  for (const frame of [seenB, seenC, plainC]) {
    assert.ok(frame.body.toString().startsWith(`From: ${alias}\r\n`), frame.body.toString());
    assert.ok(!`${frame.head}${frame.body.toString()}`.includes('a@example'));
  }
  assert.equal(header(seenB, 'Byte-Range')?.split('/')[1], String(seenB.body.length));
  const reply = cpim('sip:b@example.net', 'sip:anonymous-1.k3@anonymous.invalid', 'psst');
  assert.equal(await b.sendAndStatus(reply, CPIM), '200');
  assert.equal((await a.message()).body.toString(), reply);
  assert.deepEqual(c.client.frames, []);
});

test('7.2.3.2: ranges stay without gap when the alias changes the length of a chunked message', async () => {
  await using hall = await openHall();
  const alias = '"A considerably longer name than before" <sip:anonymous-1.k3@anonymous.invalid>';
  putRoom(hall, [legOf('a', { alias }), legOf('b')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const first = cpim(A, ROOM_ADDRESS, 'one ');
  const size = first.length + 3;
  const options = { ...CPIM, messageId: 'm' };
  assert.equal(
    await a.sendAndStatus(first, { ...options, range: `1-${first.length}/${size}`, flag: '+' }),
    '200',
  );
  assert.equal(
    await a.sendAndStatus('two', { ...options, range: `${first.length + 1}-${size}/${size}` }),
    '200',
  );
  const [one, two] = [await b.message(), await b.message()];
  const total = one.body.length + two.body.length;
  assert.equal(header(one, 'Byte-Range'), `1-${one.body.length}/${total}`);
  assert.equal(header(two, 'Byte-Range'), `${one.body.length + 1}-${total}/${total}`);
  assert.match(one.body.toString() + two.body.toString(), /one two$/);
});

test('a plain client gets wrapped text unwrapped, a CPIM client gets plain text wrapped', async () => {
  await using hall = await openHall();
  putRoom(hall, [
    legOf('a', { acceptTypes: ['message/cpim'], displayName: 'Åda' }),
    legOf('b', { acceptTypes: ['text/plain'] }),
    legOf('c', { acceptTypes: ['message/cpim'] }),
  ]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  assert.equal(
    await a.sendAndStatus(cpim(A, ROOM_ADDRESS, 'inner', 'text/plain;charset=utf-8'), CPIM),
    '200',
  );
  const plain = await b.message();
  assert.equal(header(plain, 'Content-Type'), 'text/plain;charset=utf-8');
  assert.equal(header(plain, 'Byte-Range'), '1-5/5');
  assert.equal(plain.body.toString(), 'inner');
  await c.message();
  assert.equal(await a.sendAndStatus('outer'), '200');
  const wrapped = await c.message();
  assert.equal(header(wrapped, 'Content-Type'), 'message/cpim');
  assert.match(
    wrapped.body.toString(),
    /^From: "Åda" <sip:a@example\.net>\r\nTo: <sip:im-s-room1@example\.net>\r\nDateTime: \d{4}-.*Z\r\n\r\nContent-Type: text\/plain\r\n\r\nouter$/,
  );
});

test('any type is wrapped, or goes without its head, as the clients negotiated; is-composing has an author where it can', async () => {
  await using hall = await openHall({
    policy: { acceptTypes: ['message/cpim', 'text/plain', 'text/html', 'application/im-iscomposing+xml'] },
  });
  const composing = 'application/im-iscomposing+xml';
  putRoom(hall, [
    legOf('a'),
    legOf('cpim', { acceptTypes: ['message/cpim', composing], acceptWrappedTypes: ['text/*', composing] }),
    legOf('narrow', { acceptTypes: ['message/cpim', composing], acceptWrappedTypes: ['text/plain'] }),
    legOf('plain', { acceptTypes: ['text/plain', 'text/html', composing], acceptWrappedTypes: [] }),
  ]);
  const a = await Member.join(hall, 'a');
  const members = [
    await Member.join(hall, 'cpim'),
    await Member.join(hall, 'narrow'),
    await Member.join(hall, 'plain'),
  ];
  const seen = async (body: string, type: string): Promise<string[]> => {
    assert.equal(await a.sendAndStatus(body, { type }), '200');
    assert.equal(await a.sendAndStatus('end', { type: 'text/plain' }), '200');
    return Promise.all(
      members.map(async (member) => {
        const frame = await member.message();
        const text = frame.body.toString();
        if (text.endsWith('end')) return 'nothing';
        await member.message();
        return `${header(frame, 'Content-Type')}${text.startsWith('From: <sip:a@example.net>') ? ' from a' : ''}`;
      }),
    );
  };
  assert.deepEqual(await seen('<p/>', 'text/html'), ['message/cpim from a', 'nothing', 'text/html']);
  assert.deepEqual(await seen('<x/>', composing), ['message/cpim from a', composing, composing]);
  const inCpim = (type: string) => cpim(A, ROOM_ADDRESS, '<x/>', type);
  assert.deepEqual(await seen(inCpim('text/html'), CPIM.type), [
    'message/cpim from a',
    'nothing',
    'text/html',
  ]);
  assert.deepEqual(await seen(inCpim(composing), CPIM.type), [
    'message/cpim from a',
    'message/cpim from a',
    composing,
  ]);
  assert.deepEqual(await seen(inCpim('message/imdn+xml'), CPIM.type), [
    'message/cpim from a',
    'message/cpim from a',
    'nothing',
  ]);
});

test('types that a recipient does not list are not sent to it', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b', { acceptTypes: ['text/plain'] })]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  assert.equal(await a.sendAndStatus('<p/>', { type: 'text/html' }), '200');
  assert.equal(await a.sendAndStatus('plain'), '200');
  assert.equal((await b.message()).body.toString(), 'plain');
});
