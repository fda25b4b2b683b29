/** The first and the last lines of a transcript: what runs where, and what came of it. Pure. */
import type { DemoStack } from './demo-stack.ts';
import type { Result } from './output.ts';
import { columns, type Piece, WIDTH_COLUMNS } from './paint.ts';
import type { Transcript } from './transcript.ts';

const FOCUS_COLUMN = 30;
const SWITCH_COLUMN = 69;

/** A small picture of the stack. */
export function headerLines(transcript: Transcript, { line, parts }: DemoStack): string[] {
  const pidOf = (name: string) => `pid ${parts.find((part) => part.name.startsWith(name))?.pid ?? '?'}`;
  const row = (first: string, second: string, third: string): Piece =>
    `  ${first.padEnd(FOCUS_COLUMN)}${second.padEnd(SWITCH_COLUMN - FOCUS_COLUMN)}${third}`;
  const dim = (text: Piece): Piece => [typeof text === 'string' ? text : text[0], 'dim'];
  return [
    '',
    transcript.line(
      '  ',
      ['Ada', 'magenta'],
      '  ',
      ['Ben', 'blue'],
      '  ',
      ['Cleo', 'yellow'],
      '  ',
      ['Dan', 'cyan'],
      ['    user agents in this process, SIP and MSRP each', 'dim'],
    ),
    transcript.line(row('  │ SIP (UDP, TCP)', '', '  │ MSRP (TCP)')),
    transcript.line(row('  ▼', '', '  ▼')),
    transcript.line(
      '  ',
      ['Kamailio', 'bold'],
      ' ◀──── JSON-RPC ────▶ ',
      ['focus', 'bold'],
      ' ◀──────── event socket ────────▶ ',
      ['switch', 'bold'],
    ),
    transcript.line(dim(row(line.sip, 'decides every request', line.switches[0] ?? ''))),
    transcript.line(dim(row(pidOf('kamailio'), `${pidOf('focus')} · ${line.admin}`, pidOf('switch')))),
    '',
    transcript.line([
      `  Domain ${line.domain}; loopback only, a temporary store, gone when this ends.`,
      'dim',
    ]),
    transcript.line([
      '  ──▶ is sent and ◀── received by the one on the left. A box shows the clause steps of a decision.',
      'dim',
    ]),
    transcript.line([
      '  Each of its steps was taken (✓), had nothing to do (·), ended the procedure (■) or refused (✗).',
      'dim',
    ]),
  ];
}

export function summaryLines(transcript: Transcript, result: Result): string[] {
  const { checks, messages, times, scenes, decisions, error } = result;
  const total = checks.held + checks.failed;
  const colour = result.ok ? 'green' : 'red';
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const verdict = result.ok ? `✓ all ${total} checks held` : `✗ ${checks.failed} of ${total} checks failed`;
  const copies = messages.copies === 0 ? '' : ` (${messages.copies} sent again)`;
  return [
    '',
    transcript.line(['─'.repeat(WIDTH_COLUMNS), 'bold']),
    transcript.line([verdict, colour]),
    ...(error === undefined ? [] : [transcript.line(['  ', 'red'], [error, 'red'])]),
    transcript.line(
      `  ${scenes.length} scenes, ${messages.sip} SIP messages${copies}, ${messages.msrp} MSRP messages, ${decisions} decisions of the focus`,
    ),
    transcript.line(
      `  ready after ${seconds(times.startMs)}, the conversation took ${seconds(times.conversationMs)}, all stopped after ${seconds(times.totalMs)}`,
    ),
    '',
    'What to try next',
    ...NEXT.map(([command, about]) =>
      transcript.line('  ', [command, 'cyan'], ' '.repeat(NEXT_COLUMNS - columns(command)), about),
    ),
  ];
}

const NEXT_COLUMNS = 34;
const NEXT: readonly (readonly [string, string])[] = [
  ['npm run demo -- --verbose', 'the same with every message whole and every step'],
  ['npm run demo -- --json', 'the same as one JSON document'],
  ['npm run -s up -- --config FILE', 'keeps the stack running for your own clients;'],
  ['', 'docs/configuration.md has every key of FILE'],
];
