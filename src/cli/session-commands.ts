/** Sessions and switches of a running focus, on the contents page. */
import type { Command, Flag } from './command.ts';
import { REST_FLAGS } from './rest-flags.ts';

const REASON: Flag = {
  name: 'reason',
  value: 'TEXT',
  about: 'told to who is removed, and shown to the others',
};
const CONNECTION = '[--url URL] [--config FILE] [--json]';

/** @param shared flags of all commands, at the end of each help */
export function sessionCommands(shared: readonly Flag[]): Command[] {
  const over = (...own: Flag[]) => [...own, ...REST_FLAGS, ...shared];
  return [
    {
      name: 'sessions',
      summary: 'Lists the sessions that run now, the newest first.',
      usage: `[--user URI] [--group URI] [--call-id ID] [--ended] [--limit N] ${CONNECTION}`,
      flags: over(
        { name: 'user', value: 'URI', about: 'only those that this user is or was in' },
        { name: 'group', value: 'URI', about: 'only those of this group' },
        { name: 'call-id', value: 'ID', about: 'only the one with this dialog' },
        { name: 'ended', about: 'those that have ended too, as long as they are kept' },
        { name: 'limit', value: 'N', about: 'so many at most (default 1000)' },
      ),
      run: async (args) => (await import('./session-read.ts')).runSessions(args),
    },
    {
      name: 'session',
      summary: 'Shows a session: who is in it, their dialogs, who watches.',
      usage: `${CONNECTION} ID`,
      flags: over(),
      maxOperands: 1,
      run: async (args) => (await import('./session-read.ts')).runSession(args),
    },
    {
      name: 'kick',
      summary: 'Removes a participant from a session: a BYE, and no way back by themselves.',
      usage: `[--reason TEXT] ${CONNECTION} SESSION ADDRESS`,
      flags: over(REASON),
      maxOperands: 2,
      run: async (args) => (await import('./steering.ts')).runKick(args),
    },
    {
      name: 'end',
      summary: 'Ends a session: a BYE to everybody.',
      usage: `[--reason TEXT] ${CONNECTION} SESSION`,
      flags: over(REASON),
      maxOperands: 1,
      run: async (args) => (await import('./steering.ts')).runEnd(args),
    },
    {
      name: 'limit',
      summary: 'Sets how many users a session takes, or closes it to newcomers.',
      usage: `[--max N|none] [--frozen yes|no] ${CONNECTION} SESSION`,
      flags: over(
        { name: 'max', value: 'N', about: 'none: as the group document or the configuration has it' },
        { name: 'frozen', value: 'YES', about: 'yes: nobody new is let in; no: as before' },
      ),
      maxOperands: 1,
      run: async (args) => (await import('./steering.ts')).runLimit(args),
    },
    {
      name: 'mute',
      summary: 'Keeps a participant from being heard by the others.',
      usage: `[--off] ${CONNECTION} SESSION ADDRESS`,
      flags: over({ name: 'off', about: 'they are heard again' }),
      maxOperands: 2,
      run: async (args) => (await import('./steering.ts')).runMute(args),
    },
    {
      name: 'announce',
      summary: 'Says something to all who are in a session, from the session itself.',
      usage: `${CONNECTION} SESSION TEXT|-`,
      flags: over(),
      maxOperands: 2,
      run: async (args) => (await import('./steering.ts')).runAnnounce(args),
    },
    {
      name: 'switches',
      summary: 'Lists the message switches with their state and load.',
      usage: CONNECTION,
      flags: over(),
      run: async (args) => (await import('./session-read.ts')).runSwitches(args),
    },
    {
      name: 'drain',
      summary: 'Empties a switch: no new session comes, those it has move; with --stay they go on.',
      usage: `${CONNECTION} [--stay] SWITCH`,
      flags: over({ name: 'stay', about: 'the sessions that it has go on there until they end' }),
      maxOperands: 1,
      run: async (args) => (await import('./steering.ts')).runDrain(args, 'drain'),
    },
    {
      name: 'resume',
      summary: 'Places new sessions on a switch again.',
      usage: `${CONNECTION} SWITCH`,
      flags: over(),
      maxOperands: 1,
      run: async (args) => (await import('./steering.ts')).runDrain(args, 'resume'),
    },
  ];
}
