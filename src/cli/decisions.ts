/** `parley decisions`: what was decided, as a table, with its steps, or as JSON. */
import type { DecisionView } from '../admin/view.ts';
import type { Arguments } from './command.ts';
import { print, printJson } from './group-read.ts';
import { type Column, EXIT, formatTable, notUnderstood, shown, withRest } from './rest.ts';
import { stepLines } from './step-lines.ts';

const COLUMNS: readonly Column<DecisionView>[] = [
  { title: 'AT', of: ({ at }) => at },
  { title: 'ON', of: ({ trigger }) => trigger },
  { title: 'ANSWER', of: ({ status }) => status, isRight: true },
  { title: 'CLAUSE', of: ({ clause }) => clause },
  { title: 'USER', of: ({ user }) => user },
  { title: 'SESSION', of: ({ session }) => session },
  { title: 'WHY', of: ({ warning }) => warning },
];

export async function runDecisions({ flags }: Arguments): Promise<number> {
  const limit = flags.get('limit') ?? '50';
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 500) {
    return notUnderstood('decisions', '--limit is a whole number from 1 to 500');
  }
  const status = flags.get('status');
  if (status !== undefined && !/^[1-6]\d\d$/.test(status)) {
    return notUnderstood('decisions', '--status is a SIP status, such as 403');
  }
  return withRest('decisions', flags, async (rest) => {
    const query = {
      user: flags.get('user'),
      callId: flags.get('call-id'),
      clause: flags.get('clause'),
      session: flags.get('session'),
      refused: flags.has('refused') ? true : undefined,
      status,
      limit,
    };
    const { items } = await rest.json<{ items: DecisionView[] }>('GET', '/api/v1/decisions', { query });
    if (flags.has('json')) printJson(items);
    else if (items.length === 0) print('no decisions\n');
    else print(flags.has('steps') ? items.map(withSteps).join('\n') : formatTable(items, COLUMNS));
    return EXIT.done;
  });
}

function withSteps(decision: DecisionView): string {
  const { at, trigger, status, clause, procedure, user, callId, session, steps } = decision;
  return [
    `${at} ${trigger}${status === null ? '' : ` → ${status}`}, by ${clause} ${procedure}`,
    `  user ${user ?? '-'}, session ${session ?? '-'}, Call-ID ${callId ?? '-'}`,
    ...stepLines(steps),
  ]
    .map((line) => `${shown(line)}\n`)
    .join('');
}
