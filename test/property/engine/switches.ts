/** The message switches outside of the engine, by the rules of src/switch-control/protocol.ts. */
import type { SwitchState } from '../../../src/event-socket/switch-fleet.ts';
import type { SwitchChoice } from '../../../src/focus/world.ts';
import type {
  CommandReply,
  LegSnapshot,
  SessionSnapshot,
  SwitchHello,
} from '../../../src/switch-control/protocol.ts';

interface Held {
  revision: number;
  readonly legs: Map<string, LegSnapshot>;
}

export interface ModelSwitch {
  readonly id: string;
  start: number;
  isUp: boolean;
  isEmptying: boolean;
  readonly held: Map<string, Held>;
}

export class Switches {
  readonly all: readonly ModelSwitch[] = ['switch-1', 'switch-2'].map((id) => ({
    id,
    start: 1,
    isUp: true,
    isEmptying: false,
    held: new Map<string, Held>(),
  }));

  /** The first that is there, as long as it lives: what is placed elsewhere has moved. */
  choose(avoid?: string): SwitchChoice | undefined {
    const live = this.all.filter(({ isUp, isEmptying }) => isUp && !isEmptying);
    const one = live.find(({ id }) => id !== avoid) ?? live[0];
    return one && { id: one.id, epoch: epochOf(one), host: '192.0.2.1', port: 2855, probe: 'p' };
  }

  states(): SwitchState[] {
    return this.all.map((one) => ({
      id: one.id,
      host: '192.0.2.1',
      port: 8022,
      state: one.isUp ? 'up' : 'silent',
      epoch: epochOf(one),
      hello: { isEmptying: one.isEmptying } as SwitchHello,
      lastHelloMs: null,
      sessions: one.held.size,
      legs: 0,
      load: 0,
      draining: one.isEmptying,
    }));
  }

  command(switchId: string, op: string, body: unknown): CommandReply {
    const one = this.all.find(({ id }) => id === switchId);
    if (one?.isUp !== true) throw new Error('nobody is there');
    const { held } = one;
    if (op === 'session.list') {
      const sessions = [...held].map(([session, { revision }]) => ({ session, revision, legs: 0, bound: 0 }));
      return { ok: true, revision: 0, sessions };
    }
    const { session, revision } = body as { session: string; revision: number };
    const known = held.get(session);
    const stale: CommandReply = { ok: false, code: 'stale', reason: `${known?.revision} is held` };
    if (op === 'session.put') {
      if (known !== undefined && revision < known.revision) return stale;
      if (known === undefined && one.isEmptying)
        return { ok: false, code: 'draining', reason: 'no new ones' };
      const legs = (body as SessionSnapshot).legs.map((leg) => [leg.leg, leg] as const);
      held.set(session, { revision, legs: new Map(legs) });
    } else if (op === 'session.drop') {
      if (known !== undefined && revision < known.revision) return stale;
      held.delete(session);
    } else {
      if (known === undefined || (body as { base: number }).base !== known.revision) return stale;
      known.revision = revision;
      for (const leg of (body as { legs: (string | LegSnapshot)[] }).legs) {
        if (typeof leg === 'string') known.legs.delete(leg);
        else known.legs.set(leg.leg, leg);
      }
    }
    return { ok: true, revision };
  }
}

function epochOf({ id, start }: ModelSwitch): string {
  return `${id}-${start}`;
}
