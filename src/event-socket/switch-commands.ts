/** What an operator asks a switch for on its event socket: `fs_cli -P PORT -x 'im sessions'`. */
import type { CommandReply, SwitchHello } from '../switch-control/protocol.ts';
import type { ApiCommandTable } from './api-commands.ts';
import type { EventSocketServerCounters } from './peer.ts';
import type { SwitchControlCounters } from './switch-control.ts';

export interface SwitchCommandsSource {
  readonly id: string;
  readonly epoch: string;
  handle(op: 'session.list', body: Record<string, never>): CommandReply | Promise<CommandReply>;
  hello(): SwitchHello;
  readonly server: { readonly counters: Readonly<EventSocketServerCounters> };
}

export function switchCommands(
  source: SwitchCommandsSource,
  counters: () => Readonly<SwitchControlCounters>,
): ApiCommandTable {
  const startedAtMs = performance.now();
  const upS = (): number => Math.floor((performance.now() - startedAtMs) / 1000);
  return {
    'im sessions': {
      help: 'sessions of this switch: name, revision, legs, legs with a connection',
      run: async () => formatSessions(await source.handle('session.list', {})),
    },
    'im event-socket': {
      help: 'counters of this event socket, and of what focuses ask, as JSON',
      run: () => `${JSON.stringify({ server: source.server.counters, control: counters() })}\n`,
    },
    'im status': { help: 'what this switch says of itself', run: () => formatStatus(source) },
    status: {
      help: 'one line: up time, sessions, legs',
      run: () => {
        const { sessions, legs, draining } = source.hello();
        return `UP ${upS()} s, ${sessions} session(s), ${legs} leg(s)${draining ? ', draining' : ''}\n`;
      },
    },
    // What fs_cli asks for its prompt.
    switchname: { help: 'the name of this switch', run: () => source.id },
    hostname: { help: 'the same', run: () => source.id },
    uptime: { help: 'seconds since the start', run: () => `${upS()}\n` },
  };
}

function formatSessions(reply: CommandReply): string {
  if (!reply.ok) return `-ERR ${reply.code} ${reply.reason}\n`;
  const rows = (reply.sessions ?? []).map(
    (row) => `${row.session},${row.revision},${row.legs},${row.bound}\n`,
  );
  return `session,revision,legs,bound\n${rows.join('')}\n${rows.length} total.\n`;
}

function formatStatus(source: SwitchCommandsSource): string {
  const { msrp, counters = {}, ...rest } = source.hello();
  const lines = Object.entries({ ...rest, ...counters, id: source.id, epoch: source.epoch }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const addresses = msrp.map(({ transport, host, port }) => `msrp: ${transport}:${host}:${port}`);
  return `${[...lines, ...addresses].join('\n')}\n`;
}
