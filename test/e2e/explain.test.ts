/** `parley explain FILE` as an operator uses it: beside a running stack, on its store, for a group that is full. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import { plainSdp } from '../conformance/support/ad-hoc.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { Command, type Ended } from './support/command.ts';
import { eventually } from './support/eventually.ts';

const GROUP = `sip:im-g-explained@${DOMAIN}`;
const IDLE = `sip:im-g-idle@${DOMAIN}`;
const [ADA, BEN, CLEO] = ['ada', 'ben', 'cleo'].map((name) => `sip:${name}@${DOMAIN}`) as [
  string,
  string,
  string,
];

let stack: Stack;
let room: Room;
let people: Subscriber[];
before(async () => {
  const members = [ADA, BEN, CLEO];
  stack = await Stack.start({
    groups: [
      groupDocument({
        uri: GROUP,
        displayName: 'Explained',
        members,
        inviteMembers: false,
        maxParticipants: 2,
      }),
      groupDocument({ uri: IDLE, members: [ADA, BEN] }),
    ],
  });
  people = await Promise.all(['ada', 'ben', 'cleo'].map((name) => stack.subscriber(name)));
  const [ada, ben] = people as [Subscriber, Subscriber];
  room = await ada.join(GROUP);
  await ben.join(GROUP);
  await eventually(
    () => rows().every((table) => !table.startsWith('outbox') || table === 'outbox []'),
    () => 'effects are still under way',
  );
});
after(() => stack.stop());

/** An INVITE as it stands in a log: bare LF, no true Content-Length. */
function invite(from: string, to: string, more: readonly string[] = []): string {
  const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
  const media = [
    'm=message 2855 TCP/MSRP *',
    'a=accept-types:message/cpim text/plain',
    'a=path:msrp://127.0.0.1:2855/x1y2z3;tcp',
  ];
  return [
    `INVITE ${to} SIP/2.0`,
    'Via: SIP/2.0/UDP 127.0.0.1:5555;branch=z9hG4bKexplain',
    'Max-Forwards: 70',
    `From: <${from}>;tag=explain`,
    `To: <${to}>`,
    'Call-ID: explained@127.0.0.1',
    'CSeq: 1 INVITE',
    'Contact: <sip:client@127.0.0.1:5555>',
    ...more,
    'Content-Type: application/sdp',
    'Content-Length: 0',
    '',
    ...sdp,
    ...media,
    '',
  ].join('\n');
}

async function explain(text: string, ...flags: readonly string[]): Promise<Ended> {
  const file = join(stack.directory, 'request.sip');
  await writeFile(file, text);
  return new Command('explain', '--config', join(stack.directory, 'parley.yaml'), ...flags, file).ended();
}

function explainOverRest(question: object): Promise<Response> {
  return fetch(new URL('/api/v1/explain', stack.ready.admin), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(question),
  });
}

/** Every row of every table of the store. */
function rows(): string[] {
  const db = new DatabaseSync(join(stack.directory, 'parley.db'), { readOnly: true });
  try {
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    return tables.map(({ name }) => `${name} ${JSON.stringify(db.prepare(`SELECT * FROM ${name}`).all())}`);
  } finally {
    db.close();
  }
}

/** The store itself and, where SQLite keeps what is not yet in it, its log. */
async function bytesOf(): Promise<string> {
  const files = ['parley.db', 'parley.db-wal'].map((name) => join(stack.directory, name));
  const contents = await Promise.all(files.map((file) => readFile(file).catch(() => Buffer.alloc(0))));
  return contents.map((bytes) => createHash('sha256').update(bytes).digest('hex')).join(' ');
}

interface Step {
  readonly id: string;
  readonly verdict: string;
  readonly found: string;
}

interface Answer {
  readonly answer: string;
  readonly remedies: readonly string[];
  readonly rule: string | null;
  readonly method: string;
  readonly target: string;
  readonly originator: string | null;
  readonly clause: string;
  readonly status: number | null;
  readonly warning: string | null;
  readonly steps: readonly Step[];
  readonly actions: readonly string[];
  readonly earlier: readonly string[];
}

function asJson({ code, stdout, stderr }: Ended): Answer {
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trimEnd().split('\n').length, 1, 'one line');
  return JSON.parse(stdout) as Answer;
}

const fromCore = (who: string): readonly string[] => [`P-Asserted-Identity: <${who}>`];

describe('parley explain, beside a running stack', () => {
  test('R-7.2.1.4-3b a full group: 486 in words, with the step, what it found, and the Warning', async () => {
    const { code, stdout, stderr } = await explain(invite(CLEO, GROUP, fromCore(CLEO)));
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    const lines = stdout.split('\n');
    // The answer first, for who does not know the specification.
    assert.equal(
      lines[0],
      'This INVITE would get 486 Busy Here, because the room "Explained" is full: 2 of 2 seats are taken (ada, ben); cleo would be the 3rd.',
    );
    assert.match(lines[1] ?? '', /^The limit is max-participant-count in \S*group-0\.xml\.$/);
    assert.match(
      stdout,
      /\nTo change that, one of these:\n {2}- wait until .*parley kick.*\n {2}- raise max-participant-count in \S+, or .*: parley limit SESSION --max N\n/,
    );
    assert.match(stdout, /\nWhat was looked at, by 7\.2\.1\.4 Joining a pre-defined IM group session:\n/);
    assert.match(stdout, /✓ R-7\.2\.1\.4-2 +.*join-handling by rule "members"/);
    assert.match(stdout, /✗ R-7\.2\.1\.4-3b +a seat is free: 2 of 2 seats are taken by others/);
    assert.match(stdout, /\nRule:\n {2}join-handling is granted to cleo by rule "members" of \S+\.xml\.\n/);
    assert.match(
      stdout,
      /\nOn the wire:\n {2}SIP\/2\.0 486 Busy Here\n {2}Warning: 399 \S+ "Too many participants"\n/,
    );
    assert.match(
      stdout,
      new RegExp(`\nINVITE ${GROUP} from 127\\.0\\.0\\.1:5060, as ${CLEO} \\(a trusted peer: `),
    );
    assert.match(stdout, /Nothing was sent and nothing was changed\.\n$/);
  });

  test('R-7.2.1.4-3b an INVITE that was answered before: when, with what and why, beside how it would be now', async () => {
    const cleo = people[2] ?? assert.fail();
    const call = cleo.sip.invite({ to: GROUP, body: sdpBody(plainSdp()) });
    assert.equal((await call.final()).status, 486);
    const { callId, raw } = call.request;
    await eventually(
      async () => (await stack.decisions({ callId })).length > 0,
      () => 'the decision is not kept',
    );
    // The same Call-ID to a room that is free: the answer of now is another than that of then.
    const now = raw.toString('utf8').replaceAll(GROUP, IDLE);
    const { code, stdout, stderr } = await explain(now, '--trust', 'digest');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^This INVITE would get 403 Forbidden, because no rule /);
    assert.match(
      stdout,
      /\nAnswered before, by its Call-ID \(the above is how it would be now\):\n {2}- \d{4}-\d\d-\d\dT\S+Z 486 "Too many participants" to the INVITE, by 7\.2\.1\.4 .*; R-7\.2\.1\.4-3b a seat is free: 2 of 2 seats are taken by others\n/,
    );
    const { earlier } = asJson(await explain(now, '--trust', 'digest', '--json'));
    assert.match(earlier[0] ?? '', / 486 "Too many participants" /);
    assert.deepEqual(asJson(await explain(invite(CLEO, GROUP, fromCore(CLEO)), '--json')).earlier, []);
    const asked = ['--trust', 'digest', '--url', stack.ready.admin];
    assert.equal((await explain(now, ...asked)).stdout, stdout, 'a running focus says the same');
  });

  test('R-7.2.1.4-3b --json: the same as one line of JSON', async () => {
    const answer = asJson(await explain(invite(CLEO, GROUP, fromCore(CLEO)), '--json'));
    assert.deepEqual(
      [answer.method, answer.target, answer.originator, answer.clause, answer.status, answer.warning],
      ['INVITE', GROUP, CLEO, '7.2.1.4', 486, 'Too many participants'],
    );
    const last = answer.steps.at(-1);
    assert.deepEqual([last?.id, last?.verdict], ['R-7.2.1.4-3b', 'refuse']);
    assert.equal(last?.found, '2 of 2 seats are taken by others');
    assert.match(answer.answer, /^This INVITE would get 486 Busy Here, because the room "Explained" is full/);
    assert.match(answer.rule ?? '', /^join-handling is granted to cleo by rule "members"/);
    assert.equal(answer.remedies.length, 2);
    assert.deepEqual(answer.actions, []);
  });

  test('the admin answers the same, by the state as it is', async () => {
    const text = invite(CLEO, GROUP, fromCore(CLEO));
    const told = asJson(await explain(text, '--json'));
    const before = await bytesOf();
    const answered = await explainOverRest({ message: text });
    assert.equal(answered.status, 200);
    assert.deepEqual(await answered.json(), told);
    assert.equal(await bytesOf(), before, 'nothing is written');
    const asNobody = (await (await explainOverRest({ message: text, trust: 'none' })).json()) as Answer;
    assert.equal(asNobody.status, 403);
    assert.equal((await explainOverRest({ message: 'SIP/2.0 200 OK\n\n' })).status, 422);
    assert.equal((await explainOverRest({ message: text, src: 'somewhere' })).status, 422);
  });

  test('it is what the stack answers: the same status, Warning and steps', async () => {
    const [, , cleo] = people as [Subscriber, Subscriber, Subscriber];
    const text = invite(CLEO, GROUP, fromCore(CLEO));
    const told = asJson(await explain(text, '--json'));
    const sdp = text.slice(text.indexOf('\n\n') + 2).replaceAll('\n', '\r\n');
    const call = cleo.sip.invite({ to: GROUP, body: { contentType: 'application/sdp', content: sdp } });
    const final = await call.final();
    assert.equal(final.status, told.status);
    assert.match(final.header('Warning') ?? '', new RegExp(told.warning ?? 'none'));
    const steps = await stack.steps(call.request.callId);
    assert.deepEqual(
      steps.map(({ id, verdict, found }) => ({ id, verdict, found })),
      told.steps.map(({ id, verdict, found }) => ({ id, verdict, found })),
    );
  });

  test('an INVITE that would set a session up: no final answer yet, and what would be sent', async () => {
    const answer = asJson(await explain(invite(ADA, IDLE, fromCore(ADA)), '--json'));
    assert.deepEqual([answer.clause, answer.status], ['7.2.1.3', null]);
    assert.ok(answer.actions.includes(`INVITE to ${BEN}`), answer.actions.join(', '));
    const { stdout } = await explain(invite(ADA, IDLE, fromCore(ADA)));
    assert.match(
      stdout,
      /^This INVITE would get no final answer yet: ben is invited to the room "im-g-idle"\. The first of them who accepts brings the 200\.\nIf none does, ada gets the lowest of their codes/,
    );
    assert.match(stdout, new RegExp(`\nSent:\n(?: .*\n)* {2}- INVITE to ${BEN}\n`));
  });

  test('--src and --trust: who it counts as coming from', async () => {
    const text = invite(BEN, GROUP, fromCore(ADA));
    const as = async (...flags: string[]) => {
      const { originator, status, warning } = asJson(await explain(text, '--json', ...flags));
      return { originator, status, warning };
    };
    // A trusted peer: what it asserts. Elsewhere: the digest user, who is taken to be the one in From.
    assert.equal((await as()).originator, ADA);
    assert.equal((await as('--src', '127.0.0.1:5070')).originator, ADA);
    assert.equal((await as('--src', '192.0.2.7:5060')).originator, BEN);
    assert.equal((await as('--trust', 'digest')).originator, BEN);
    assert.equal((await as('--src', '192.0.2.7:5060', '--trust', 'core')).originator, ADA);
    assert.deepEqual((({ originator, status }) => [originator, status])(await as('--trust', 'none')), [
      null,
      403,
    ]);
  });

  test('the store in use is read and not changed, by not one row and not one byte; nobody hears of it', async () => {
    const before = { rows: rows(), bytes: await bytesOf(), sessions: await stack.sessions() };
    assert.ok(before.rows.some((table) => table.startsWith('conference [{')));
    const heard = people.map((person) => person.sip.trace.length);
    for (const text of [invite(ADA, IDLE, fromCore(ADA)), invite(BEN, GROUP, fromCore(BEN))])
      assert.equal((await explain(text)).code, 0);
    // One that has an effect on a dialog that stands.
    const { callId, localTag, remoteTag, remoteTarget } = room.dialog;
    const bye = [
      `BYE ${remoteTarget} SIP/2.0`,
      'Via: SIP/2.0/UDP 127.0.0.1:5555;branch=z9hG4bKbye',
      'Max-Forwards: 70',
      `From: <${ADA}>;tag=${localTag}`,
      `To: <${GROUP}>;tag=${remoteTag}`,
      `Call-ID: ${callId}`,
      'CSeq: 99 BYE',
      ...fromCore(ADA),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    const answer = asJson(await explain(bye, '--json'));
    assert.deepEqual([answer.clause, answer.status], ['7.2.1.10', 200]);
    assert.deepEqual(rows(), before.rows);
    assert.equal(await bytesOf(), before.bytes);
    assert.deepEqual(await stack.sessions(), before.sessions);
    assert.deepEqual(
      people.map((person) => person.sip.trace.length),
      heard,
    );
    assert.equal(await room.say('still in'), 200);
  });

  const faults: readonly (readonly [name: string, text: string, told: RegExp])[] = [
    [
      'a response',
      'SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n',
      /a response; give a request/,
    ],
    ['no SIP at all', 'hello\n\n', /^parley: explain: /],
    ['nothing', '', /^parley: explain: /],
  ];
  for (const [name, text, told] of faults) {
    test(`${name} instead of a request: one line on stderr, exit status 1`, async () => {
      const { code, stdout, stderr } = await explain(text);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, told);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    });
  }

  test('- reads standard input; CR LF and bare LF mean the same', async () => {
    const text = invite(CLEO, GROUP, fromCore(CLEO));
    const config = ['--config', join(stack.directory, 'parley.yaml'), '--json'];
    const answers = await Promise.all(
      [text, text.replaceAll('\n', '\r\n')].map(async (input) => {
        const command = new Command('explain', ...config, '-');
        command.child.stdin?.end(input);
        return asJson(await command.ended());
      }),
    );
    assert.deepEqual(answers[0], answers[1]);
    assert.equal(answers[0]?.status, 486);
  });

  test('--help says what it does and takes', async () => {
    const { code, stdout } = await new Command('explain', '--help').ended();
    assert.equal(code, 0);
    assert.match(stdout, /^parley explain .*--src IP:PORT.*--trust core\|digest\|none.*FILE\|-\n/);
    for (const flag of ['--config', '--json', '--trust', '--src'])
      assert.match(stdout, new RegExp(`  ${flag}`));
  });

  test('a wrong use: exit status 2; a file that is not there: 1', async () => {
    const text = invite(CLEO, GROUP);
    for (const flags of [
      ['--src', 'here'],
      ['--trust', 'everybody'],
    ])
      assert.equal((await explain(text, ...flags)).code, 2, flags.join(' '));
    const { code, stderr } = await new Command('explain', join(stack.directory, 'no-such-file')).ended();
    assert.equal(code, 1);
    assert.match(stderr, /no-such-file/);
  });
});
