/** What the demo prints: order, copies, width, colour, and checks that do not hold. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TraceEntry } from '../../../src/agents/sip/core.ts';
import { formatMessage, SipMessage } from '../../../src/agents/sip/message.ts';
import { Capture } from '../../../src/cli/demo/capture.ts';
import { Director, type DirectorOptions, StepFailed } from '../../../src/cli/demo/director.ts';
import { inOrder } from '../../../src/cli/demo/order.ts';
import { columns, paintLine, WIDTH_COLUMNS, wrap } from '../../../src/cli/demo/paint.ts';
import type { Step, ToldDecision, ToldMessage } from '../../../src/cli/demo/story.ts';
import { Transcript } from '../../../src/cli/demo/transcript.ts';

const START_MS = Date.parse('2026-01-01T12:00:00.000Z');
const plain = new Transcript({ useColour: false, verbose: false });
const verbose = new Transcript({ useColour: false, verbose: true });

function trace(
  startLine: string,
  callId: string,
  offsetMs: number,
  direction: 'sent' | 'received',
): TraceEntry {
  const cseq = startLine.startsWith('SIP') ? '1 INVITE' : `1 ${startLine.split(' ')[0]}`;
  const bytes = formatMessage(
    startLine,
    [
      ['CSeq', cseq],
      ['Call-ID', callId],
    ],
    Buffer.alloc(0),
  );
  const message = SipMessage.parse(bytes);
  return {
    at: new Date(START_MS + offsetMs),
    direction,
    transport: 'udp',
    peer: '127.0.0.1:5060',
    bytes,
    message,
    text: message.summary,
  };
}

function told(...entries: readonly (readonly [agent: string, TraceEntry])[]): ToldMessage[] {
  const capture = new Capture();
  for (const [agent, entry] of entries) capture.sip(agent, entry);
  return capture.take();
}

function decision(offsetMs: number, over: Partial<ToldDecision> = {}): ToldDecision {
  return {
    at: new Date(START_MS + offsetMs).toISOString(),
    clause: '7.2.1.4',
    procedure: 'Joining',
    trigger: 'INVITE',
    callId: 'c1',
    user: null,
    target: null,
    status: 200,
    warning: null,
    session: null,
    steps: [{ id: 'R-7.2.1.4-1', title: 'no isfocus', verdict: 'pass', found: 'none' }],
    ...over,
  };
}

function step(over: Partial<Step>): Step {
  return { number: '1.1', text: 'x', isQuiet: false, happenings: [], checks: [], ...over };
}

const nobody = () => ({ messages: [], signatures: new Set<string>() });
const INVITE = 'INVITE sip:crew@example.net SIP/2.0';

test('a copy of a SIP message is counted with the first, and marked when that was told before', () => {
  const capture = new Capture();
  capture.sip('Ada', trace(INVITE, 'c1', 0, 'sent'));
  capture.sip('Ada', trace(INVITE, 'c1', 500, 'sent'));
  capture.sip('Ben', trace(INVITE, 'c1', 501, 'received'));
  const [first, second, ...more] = capture.take();
  assert.deepEqual(more, []);
  assert.deepEqual([first?.agent, first?.copies, second?.agent, second?.copies], ['Ada', 2, 'Ben', 1]);
  const message = first as ToldMessage;
  const [line] = plain.stepEnds(step({ happenings: [{ kind: 'message', message }] }));
  assert.match(line ?? '', /INVITE crew {2}\(sent 2 times\)/);

  capture.sip('Ada', trace(INVITE, 'c1', 1500, 'sent'));
  const [late] = capture.take();
  assert.equal(late?.isLateCopy, true);
  const [lateLine] = plain.stepEnds(
    step({ happenings: [{ kind: 'message', message: late as ToldMessage }] }),
  );
  assert.match(lateLine ?? '', /INVITE crew {2}\(sent again\)/);
  assert.deepEqual(capture.counts, { sip: 2, msrp: 0, copies: 2 });
});

test('messages keep the order of capture; a decision follows the request that caused it', () => {
  const messages = told(
    ['Ada', trace(INVITE, 'c1', 0, 'sent')],
    ['Ben', trace(INVITE, 'c2', 1, 'sent')],
    ['Ada', trace('SIP/2.0 200 OK', 'c1', 9, 'received')],
    ['Ben', trace('SIP/2.0 200 OK', 'c2', 9, 'received')],
  );
  // Newest first, as the admin gives them, and one that no message caused.
  const decisions = [
    decision(8, { callId: null, trigger: 'timer:notify' }),
    decision(5, { callId: 'c2' }),
    decision(4),
  ];
  const happenings = inOrder(messages, decisions, nobody());
  const order = happenings.map((one) =>
    one.kind === 'message'
      ? `${one.message.agent} ${one.message.what}`
      : (one.because ?? one.decision.trigger),
  );
  assert.deepEqual(order, [
    'Ada INVITE crew',
    "Ada's INVITE",
    'Ben INVITE crew',
    "Ben's INVITE",
    'timer:notify',
    'Ada 200 OK',
    'Ben 200 OK',
  ]);
});

test('a response causes the decision of its status, and one told before is still named', () => {
  const messages = told(
    ['Ben', trace('SIP/2.0 180 Ringing', 'c1', 0, 'sent')],
    ['Ben', trace('SIP/2.0 200 OK', 'c1', 5, 'sent')],
  );
  const of200 = decision(6, { trigger: 'response', target: '200 OK' });
  const of180 = decision(7, { trigger: 'response', target: '180 Ringing' });
  const names = inOrder(messages, [of180, of200], nobody()).flatMap((one) =>
    one.kind === 'decision' ? [one.because] : [],
  );
  assert.deepEqual(names, ["Ben's 180 to INVITE", "Ben's 200 to INVITE"]);
  const [late] = inOrder([], [of180], { messages, signatures: new Set() });
  assert(late?.kind === 'decision');
  assert.equal(late.because, "Ben's 180 to INVITE");
});

test('the same steps with the same verdicts are told once; verbose tells them again', () => {
  const happenings = inOrder([], [decision(1), decision(2, { callId: 'c2' })], nobody());
  const lines = plain.stepEnds(step({ happenings }));
  assert.deepEqual(lines, [
    '        ┌ 7.2.1.4 Joining · INVITE',
    '        │ ✓ R-7.2.1.4-1      no isfocus: none',
    '        └ answered 200',
    '        ─ 7.2.1.4 Joining · INVITE · the step as above · answered 200',
  ]);
  assert.equal(verbose.stepEnds(step({ happenings })).length, 6);
});

test('a refusal shows the step that refused, and the Warning', () => {
  const refused = decision(1, {
    status: 403,
    warning: 'isfocus already assigned',
    steps: [{ id: 'R-7.2.1.4-1', title: 'no isfocus', verdict: 'refuse', found: 'it is there' }],
  });
  const lines = plain.stepEnds(step({ happenings: inOrder([], [refused], nobody()) }));
  assert.deepEqual(lines.slice(1), [
    '        │ ✗ R-7.2.1.4-1      no isfocus: it is there',
    '        └ refused with 403: isfocus already assigned',
  ]);
});

test('verbose has every byte of a message, broken at the width', () => {
  const long = `INVITE sip:${'a'.repeat(120)}@example.net SIP/2.0`;
  const [message] = told(['Ada', trace(long, 'c1', 0, 'sent')]);
  const lines = verbose.stepEnds(
    step({ happenings: [{ kind: 'message', message: message as ToldMessage }] }),
  );
  assert(lines.every((line) => columns(line) <= WIDTH_COLUMNS));
  const raw = lines.slice(2).map((line) => line.replace(/^ +│ ?/, ''));
  assert(raw.join('').includes(long));
  assert.match(lines[1] ?? '', /at 12:00:00\.000$/);
});

test('lines: cut at the width, colours by escape codes only on wish, control characters out', () => {
  const long = 'x'.repeat(WIDTH_COLUMNS + 20);
  assert.equal(paintLine(['ab', [long, 'red']], false), `ab${'x'.repeat(WIDTH_COLUMNS - 3)}…`);
  assert.equal(columns(paintLine([long, long], false)), WIDTH_COLUMNS);
  assert.equal(paintLine([['a\u001b[2Jb', 'red']], true), '\u001b[31ma [2Jb\u001b[0m');
  assert.equal(paintLine(['x'.repeat(WIDTH_COLUMNS)], false), 'x'.repeat(WIDTH_COLUMNS));
  assert.deepEqual(wrap('aa bb cc', 5), ['aa bb', 'cc']);
  assert.deepEqual(wrap('aaaaaaaa bb', 5), ['aaaaaaaa', 'bb']);
});

function director(over: Partial<DirectorOptions> = {}): { stage: Director; shown: Step[] } {
  const shown: Step[] = [];
  const stage = new Director({
    capture: new Capture(),
    newDecisions: () => Promise.resolve([]),
    show: { scene: () => undefined, stepBegins: () => undefined, stepEnds: (one) => shown.push(one) },
    ...over,
  });
  stage.scene('one');
  return { stage, shown };
}

test('a check that does not hold is told with what was found, and the story goes on', async () => {
  const { stage, shown } = director();
  await stage.step('first', async (check) => check.same('two', 1 + 2, 2));
  await stage.step('second', async (check) => check.holds('fine', true, 'not shown'));
  assert.deepEqual(stage.checks, [
    { what: 'two', ok: false, found: 'expected 2, found 3' },
    { what: 'fine', ok: true },
  ]);
  assert.deepEqual(plain.stepEnds(shown[0] as Step), ['  ✗ two', '      expected 2, found 3']);
});

test('a step that throws is a failed check, and the story ends there', async () => {
  const { stage, shown } = director();
  await assert.rejects(
    stage.step('first', () => Promise.reject(new Error('nothing came'))),
    StepFailed,
  );
  assert.deepEqual(stage.checks, [{ what: 'the step comes to its end', ok: false, found: 'nothing came' }]);
  assert.equal(shown.length, 1);
  stage.stop();
  await assert.rejects(
    stage.step('second', async () => undefined),
    StepFailed,
  );
});

test('decisions that cannot be read fail the step, and a review sees those that can', async () => {
  const { stage } = director({ newDecisions: () => Promise.reject(new Error('503')) });
  await stage.step('first', async () => undefined);
  assert.deepEqual(stage.checks, [{ what: 'the decisions can be read', ok: false, found: '503' }]);

  let isFirst = true;
  const { stage: other } = director({
    newDecisions: () => {
      const all = isFirst ? [decision(1)] : [];
      isFirst = false;
      return Promise.resolve(all);
    },
  });
  const review = (check: Parameters<Parameters<Director['step']>[1]>[0], all: readonly ToldDecision[]) =>
    check.same('one decision', all.length, 1);
  await other.step('first', async () => undefined, { review });
  assert.deepEqual(other.checks, [{ what: 'one decision', ok: true }]);
});

test('steps that had nothing to do are counted, and told by --verbose; a single one is told', () => {
  const skip = (id: string) => ({ id, title: 'privacy', verdict: 'skip', found: 'none asked for' });
  const first = { id: 'R-7.2.1.4-1', title: 'no isfocus', verdict: 'pass', found: 'none' };
  const tell = (transcript: Transcript, ...ids: string[]) => {
    const steps = [first, ...ids.map(skip)];
    const happening = { kind: 'decision', decision: decision(0, { steps }), isRepeated: false } as const;
    return transcript.stepEnds(step({ happenings: [happening] }));
  };
  const [, ...folded] = tell(plain, 'A-1', 'A-2', 'A-3');
  assert.deepEqual(
    folded.map((line) => line.trim()),
    ['│ ✓ R-7.2.1.4-1      no isfocus: none', '│ · and 3 steps that had nothing to do', '└ answered 200'],
  );
  assert.match(tell(verbose, 'A-1', 'A-2').join('\n'), /A-1[^]*A-2/);
  assert.match(tell(plain, 'A-1').join('\n'), /· A-1 /);
});
