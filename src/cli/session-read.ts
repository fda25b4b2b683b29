/** `parley sessions`, `parley session ID`, `parley switches`: what runs now, as tables or as JSON. */
import type { SessionSummaryView, SessionView, SwitchView } from '../admin/view.ts';
import type { Arguments } from './command.ts';
import { atMost } from './counted.ts';
import { print, printJson } from './group-read.ts';
import { type Column, EXIT, formatTable, notUnderstood, shown, withRest } from './rest.ts';

const DEFAULT_LIMIT = 1000;
const PAGE_LIMIT = 500;

const SESSION_COLUMNS: readonly Column<SessionSummaryView>[] = [
  { title: 'SESSION', of: ({ id }) => id },
  { title: 'PHASE', of: ({ phase }) => phase },
  { title: 'IN', of: ({ participants }) => participants.connected, isRight: true },
  { title: 'CALLED', of: ({ participants }) => participants.invited, isRight: true },
  { title: 'SINCE', of: ({ createdAt }) => createdAt },
  { title: 'SWITCH', of: ({ switchId }) => switchId },
  { title: 'OF', of: ({ address }) => address },
  { title: 'SUBJECT', of: ({ subject }) => subject },
];

const ROSTER_COLUMNS: readonly Column<SessionView['roster'][number]>[] = [
  { title: 'PARTICIPANT', of: ({ address }) => address },
  { title: 'NAME', of: ({ alias, displayName }) => alias ?? displayName },
  { title: 'NICKNAME', of: ({ nickname }) => nickname },
  { title: 'PRESENCE', of: ({ presence }) => presence },
  { title: 'HEARD', of: ({ isMuted }) => (isMuted ? 'no' : 'yes') },
  { title: 'LEFT', of: ({ left }) => left && [left.method, left.reason ?? ''].join(' ').trim() },
];

const LEG_COLUMNS: readonly Column<SessionView['legs'][number]>[] = [
  { title: 'DIALOG OF', of: ({ participant }) => participant },
  { title: 'STATE', of: ({ state }) => state },
  { title: 'ORIGIN', of: ({ origin }) => origin },
  { title: 'MSRP', of: ({ traffic }) => (traffic === null ? '?' : traffic.isConnected ? 'up' : 'down') },
  { title: 'IN', of: ({ traffic }) => traffic?.messagesIn, isRight: true },
  { title: 'OUT', of: ({ traffic }) => traffic?.messagesOut, isRight: true },
  { title: 'CALL-ID', of: ({ callId }) => callId },
];

const SWITCH_COLUMNS: readonly Column<SwitchView>[] = [
  { title: 'SWITCH', of: ({ id }) => id ?? '(not heard of)' },
  { title: 'STATE', of: ({ state, draining }) => (draining ? `${state}, draining` : state) },
  { title: 'SESSIONS', of: ({ sessions }) => sessions, isRight: true },
  { title: 'LEGS', of: ({ legs }) => legs, isRight: true },
  { title: 'LOAD', of: ({ load }) => load.toFixed(2), isRight: true },
  { title: 'IN', of: ({ messagesIn }) => messagesIn, isRight: true },
  { title: 'OUT', of: ({ messagesOut }) => messagesOut, isRight: true },
  { title: 'MSRP', of: ({ msrp }) => msrp.join(' ') },
];

export async function runSessions({ flags }: Arguments): Promise<number> {
  const limit = flags.get('limit') ?? String(DEFAULT_LIMIT);
  if (!/^[1-9]\d{0,5}$/.test(limit)) {
    return notUnderstood('sessions', '--limit is a whole number from 1 to 999999');
  }
  return withRest('sessions', flags, async (rest) => {
    const items: SessionSummaryView[] = [];
    let cursor: string | undefined;
    do {
      const query = {
        user: flags.get('user'),
        group: flags.get('group'),
        callId: flags.get('call-id'),
        ended: flags.has('ended') ? true : undefined,
        cursor,
        limit: Math.min(PAGE_LIMIT, Number(limit) - items.length),
      };
      const page = await rest.json<{ items: SessionSummaryView[]; nextCursor: string | null }>(
        'GET',
        '/api/v1/sessions',
        { query },
      );
      items.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && items.length < Number(limit));
    if (flags.has('json')) printJson(items);
    else print(items.length === 0 ? 'no sessions\n' : formatTable(items, SESSION_COLUMNS));
    if (cursor !== undefined) process.stderr.write('there are more: --limit\n');
    return EXIT.done;
  });
}

export async function runSession({ flags, operands: [id] }: Arguments): Promise<number> {
  if (id === undefined) return notUnderstood('session', 'which session? `parley sessions` lists them');
  return withRest('session', flags, async (rest) => {
    const session = await rest.json<SessionView>('GET', `/api/v1/sessions/${encodeURIComponent(id)}`);
    if (flags.has('json')) printJson(session);
    else print(asText(session));
    return EXIT.done;
  });
}

function asText(session: SessionView): string {
  const { kind, address, subject, phase, switchId, createdAt, endedAt, endReason } = session;
  const { maxParticipants, isFrozen, roster, legs, subscriptions, traffic } = session;
  const title = subject === null ? '' : `, ${JSON.stringify(subject)}`;
  const lines = [
    `${session.identity}: ${phase} ${kind} session of ${address}${title}`,
    `since ${createdAt} on switch ${switchId}${endedAt === null ? '' : `, ended ${endedAt}`}${endReason === null ? '' : ` (${endReason})`}`,
    `${atMost(maxParticipants)}${isFrozen ? ', frozen: nobody new is let in' : ''}`,
    `${subscriptions.length} ${subscriptions.length === 1 ? 'watches' : 'watch'} who is there`,
    traffic === null
      ? 'messages: the switch could not be asked'
      : `messages: ${traffic.messagesIn} in (${traffic.bytesIn} bytes), ${traffic.messagesOut} out (${traffic.bytesOut} bytes)`,
  ];
  const tables = [formatTable(roster, ROSTER_COLUMNS), formatTable(legs, LEG_COLUMNS)];
  return [`${lines.map(shown).join('\n')}\n`, ...tables.filter((table) => table !== '')].join('\n');
}

export async function runSwitches({ flags }: Arguments): Promise<number> {
  return withRest('switches', flags, async (rest) => {
    const { items } = await rest.json<{ items: SwitchView[] }>('GET', '/api/v1/switches');
    if (flags.has('json')) printJson(items);
    else print(items.length === 0 ? 'no switches\n' : formatTable(items, SWITCH_COLUMNS));
    return EXIT.done;
  });
}
