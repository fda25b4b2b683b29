/** `parley kick|end|limit|mute|announce` and `parley drain|resume`: orders to sessions and switches. */
import type { SessionView, SwitchView } from '../admin/view.ts';
import type { Arguments } from './command.ts';
import { atMost } from './counted.ts';
import { print, printJson } from './group-read.ts';
import { readInput } from './input-file.ts';
import { EXIT, notUnderstood, RestError, shown, withRest } from './rest.ts';

export async function runKick({ flags, operands: [session, address] }: Arguments): Promise<number> {
  if (session === undefined || address === undefined) {
    return notUnderstood('kick', 'whom from where? SESSION ADDRESS, as `parley session` shows them');
  }
  return withRest('kick', flags, async (rest) => {
    const path = `${sessionPath(session)}/participants/${encodeURIComponent(address)}`;
    await rest.ask('DELETE', path, { query: { reason: flags.get('reason') } });
    tell(flags, { session, removed: address }, `${address} is removed from ${session}`);
    return EXIT.done;
  });
}

export async function runEnd({ flags, operands: [session] }: Arguments): Promise<number> {
  if (session === undefined) return notUnderstood('end', 'which session? `parley sessions` lists them');
  return withRest('end', flags, async (rest) => {
    await rest.ask('DELETE', sessionPath(session), { query: { reason: flags.get('reason') } });
    tell(flags, { session, ended: true }, `${session} is ended`);
    return EXIT.done;
  });
}

export async function runLimit({ flags, operands: [session] }: Arguments): Promise<number> {
  if (session === undefined) return notUnderstood('limit', 'which session? `parley sessions` lists them');
  const max = flags.get('max');
  const frozen = flags.get('frozen');
  if (max === undefined && frozen === undefined) return notUnderstood('limit', 'say --max or --frozen');
  if (max !== undefined && !/^(none|[1-9]\d{0,3})$/.test(max)) {
    return notUnderstood('limit', '--max is a number from 1 to 4096, or none');
  }
  if (frozen !== undefined && frozen !== 'yes' && frozen !== 'no') {
    return notUnderstood('limit', '--frozen is yes or no');
  }
  return withRest('limit', flags, async (rest) => {
    const body = {
      ...(max === undefined ? {} : { maxParticipants: max === 'none' ? null : Number(max) }),
      ...(frozen === undefined ? {} : { isFrozen: frozen === 'yes' }),
    };
    const now = await rest.json<{ maxParticipants: number | null; isFrozen: boolean }>(
      'PATCH',
      sessionPath(session),
      { body },
    );
    tell(flags, now, `${session}: ${atMost(now.maxParticipants)}${now.isFrozen ? ', frozen' : ''}`);
    return EXIT.done;
  });
}

export async function runMute({ flags, operands: [session, address] }: Arguments): Promise<number> {
  if (session === undefined || address === undefined) {
    return notUnderstood('mute', 'whom where? SESSION ADDRESS, as `parley session` shows them');
  }
  return withRest('mute', flags, async (rest) => {
    const isOff = flags.has('off');
    const order = async () => {
      const read = await rest.ask('GET', sessionPath(session));
      const { roster } = JSON.parse(read.text) as SessionView;
      const others = roster.flatMap((one) =>
        one.isMuted && !isNamed(one.address, address) ? [one.address] : [],
      );
      return rest.json('PATCH', sessionPath(session), {
        headers: { 'if-match': read.headers.get('etag') ?? '' },
        body: { muted: isOff ? others : [...others, address] },
      });
    };
    // Somebody else may have given an order between the two: once more, with what that has made of it.
    const now = await order().catch((error: unknown) => {
      if (error instanceof RestError && error.status === 412) return order();
      throw error;
    });
    tell(flags, now, `${session}: ${address} is ${isOff ? 'heard again' : 'not heard'}`);
    return EXIT.done;
  });
}

/** As it is written on the command line, where `sip:` may be left out. */
function isNamed(address: string, given: string): boolean {
  return address === given || address === `sip:${given}`;
}

/** `-` takes the text from standard input. */
export async function runAnnounce({ flags, operands: [session, given] }: Arguments): Promise<number> {
  if (session === undefined || given === undefined) {
    return notUnderstood('announce', 'what to whom? SESSION TEXT, as `parley sessions` shows them');
  }
  const text = given === '-' ? readInput('-').toString().trimEnd() : given;
  return withRest('announce', flags, async (rest) => {
    const path = `${sessionPath(session)}/announcements`;
    const reach = await rest.json<Record<'sent' | 'waiting' | 'unable', number>>('POST', path, {
      body: { text },
    });
    const { sent, waiting, unable } = reach;
    tell(flags, reach, `${session}: sent to ${sent}; ${waiting} will get it, ${unable} cannot`);
    return EXIT.done;
  });
}

export async function runDrain(
  { flags, operands: [id] }: Arguments,
  order: 'drain' | 'resume',
): Promise<number> {
  if (id === undefined) return notUnderstood(order, 'which switch? `parley switches` lists them');
  return withRest(order, flags, async (rest) => {
    const query = order === 'drain' && flags.has('stay') ? '?sessions=stay' : '';
    const path = `/api/v1/switches/${encodeURIComponent(id)}/${order}${query}`;
    const now = await rest.json<SwitchView>('POST', path);
    const state = now.isEmptying
      ? 'takes no new sessions, and those it has move'
      : now.draining
        ? 'takes no new sessions'
        : 'takes new sessions';
    tell(flags, now, `${id} ${state}; it has ${now.sessions}`);
    return EXIT.done;
  });
}

function sessionPath(session: string): string {
  return `/api/v1/sessions/${encodeURIComponent(session)}`;
}

function tell(flags: Arguments['flags'], json: unknown, text: string): void {
  if (flags.has('json')) printJson(json);
  else print(`${shown(text)}\n`);
}
