/** Orders to a running session. What cannot be taken back is asked about first. */
import { problemIn } from '../net/problem.ts';
import type { Participant, Session } from '../net/shapes.ts';
import { addressText } from '../parts/text.ts';
import { type Context, carryOut } from '../shell/context.ts';

/** As REST has it: it goes into a quoted string of SIP. */
const REASON = {
  name: 'reason',
  label: 'Reason (optional)',
  hint: 'Told to who is removed, and to the others in the roster. No quotes or backslashes.',
  pattern: '[^"\\\\]*',
  maxLength: 128,
};
const MAX_TEXT_CHARS = 2_000;

/** Whom an announcement got to, in devices. */
interface Reach {
  readonly sent: number;
  readonly waiting: number;
  readonly unable: number;
}

const pathOf = ({ id }: Session) => `/sessions/${encodeURIComponent(id)}`;

export async function removeParticipant(
  context: Context,
  session: Session,
  { address, displayName }: Participant,
): Promise<void> {
  const name = displayName ?? addressText(address);
  const given = await context.ask({
    title: `Remove ${name}?`,
    text: 'All their devices get a BYE, and they get 403 when they come back by themselves. A participant who may add others can bring them back.',
    action: 'Remove',
    isDanger: true,
    fields: [REASON],
  });
  if (given === undefined) return;
  const path = `${pathOf(session)}/participants/${encodeURIComponent(address)}`;
  await carryOut(context, `${name} is removed.`, () =>
    context.api.ask(path, { method: 'DELETE', query: { reason: given['reason'] } }),
  );
}

export async function endSession(context: Context, session: Session): Promise<void> {
  const given = await context.ask({
    title: 'End this session?',
    text: `Everybody in it (${session.participants.connected}) gets a BYE. The group is free for a new session at once.`,
    action: 'End session',
    isDanger: true,
    fields: [REASON],
  });
  if (given === undefined) return;
  await carryOut(context, 'The session is ended.', () =>
    context.api.ask(pathOf(session), { method: 'DELETE', query: { reason: given['reason'] } }),
  );
}

export async function limit(context: Context, session: Session): Promise<void> {
  const { maxParticipants } = session;
  const given = await context.ask({
    title: 'Limit the number of participants',
    text: 'In place of what the group document or the configuration says, until the session ends. Nobody is removed for it.',
    action: 'Set the limit',
    fields: [
      {
        name: 'most',
        label: 'At most',
        type: 'number',
        value: maxParticipants === null ? '' : String(maxParticipants),
        hint: 'Empty: as the group document or the configuration has it.',
      },
    ],
  });
  if (given === undefined) return;
  const most = given['most'] ?? '';
  await carryOut(context, most === '' ? 'The limit is as configured.' : `The limit is ${most}.`, () =>
    patch(context, session, { maxParticipants: most === '' ? null : Number(most) }),
  );
}

export async function freeze(context: Context, session: Session): Promise<void> {
  const isFrozen = !session.isFrozen;
  if (isFrozen) {
    const given = await context.ask({
      title: 'Freeze this session?',
      text: 'Nobody new is let in, by INVITE or REFER, until you let newcomers in again. Who takes part may come back after a lost connection.',
      action: 'Freeze',
    });
    if (given === undefined) return;
  }
  await carryOut(context, isFrozen ? 'Nobody new is let in.' : 'Newcomers are let in again.', () =>
    patch(context, session, { isFrozen }),
  );
}

export async function mute(
  context: Context,
  session: Session,
  { address }: Participant,
  isMuted: boolean,
): Promise<void> {
  const order = async () => {
    // As it is now, not as it is shown: others mute, too.
    const { body, headers } = await context.api.ask<Session>(pathOf(session));
    const others = body.roster
      .filter((one) => one.isMuted && one.address !== address)
      .map((one) => one.address);
    await patch(
      context,
      session,
      { muted: isMuted ? [...others, address] : others },
      { 'if-match': headers.get('etag') ?? '' },
    );
  };
  const name = addressText(address);
  await carryOut(context, isMuted ? `Nobody hears ${name}.` : `${name} is heard again.`, () =>
    order().catch((error: unknown) => {
      if (problemIn(error).status === 412) return order();
      throw error;
    }),
  );
}

export async function announce(context: Context, session: Session): Promise<void> {
  const given = await context.ask({
    title: 'Announce to everybody in this session',
    text: 'They get it as a message of the conversation itself. It is kept nowhere.',
    action: 'Announce',
    fields: [{ name: 'text', label: 'Text', isRequired: true, maxLength: MAX_TEXT_CHARS }],
  });
  if (given === undefined) return;
  try {
    const { sent, waiting, unable } = await context.api.get<Reach>(`${pathOf(session)}/announcements`, {
      method: 'POST',
      body: { text: given['text'] },
    });
    const parts = [
      `${sent} ${sent === 1 ? 'device has' : 'devices have'} it`,
      ...(waiting === 0 ? [] : [`${waiting} ${waiting === 1 ? 'gets' : 'get'} it on coming back`]),
      ...(unable === 0 ? [] : [`${unable} cannot take it`]),
    ];
    context.say(`${parts.join(', ')}.`);
  } catch (error) {
    const problem = problemIn(error);
    context.say(`${problem.message}. ${problem.advice}`, true);
  }
}

function patch(
  context: Context,
  session: Session,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  return context.api.ask(pathOf(session), { method: 'PATCH', headers, body });
}
