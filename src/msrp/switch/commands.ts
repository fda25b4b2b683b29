/** The focus's commands, applied to the rooms. A refused command changes nothing. */
import { Compile } from 'typebox/compile';
import { parseCpimAddress } from '../../documents/cpim.ts';
import { CodedError } from '../../lib/errors.ts';
import {
  COMMANDS,
  type Command,
  type CommandName,
  type CommandRefusal,
  type CommandReply,
  type LegSnapshot,
  type SessionSummary,
} from '../../switch-control/protocol.ts';
import { parseMsrpPath } from '../protocol/uri.ts';
import { dialIfActive } from './active-side.ts';
import { announce } from './announcement.ts';
import { checkProvisional, releaseLeg } from './binding.ts';
import type { SwitchContext } from './context.ts';
import { Leg } from './leg.ts';
import { dropNickname } from './nickname.ts';
import { Room } from './room.ts';

const CHECKS = {
  'session.put': Compile(COMMANDS['session.put']),
  'session.drop': Compile(COMMANDS['session.drop']),
  'leg.put': Compile(COMMANDS['leg.put']),
  'leg.drop': Compile(COMMANDS['leg.drop']),
  'session.list': Compile(COMMANDS['session.list']),
  'session.announce': Compile(COMMANDS['session.announce']),
  'session.traffic': Compile(COMMANDS['session.traffic']),
  'switch.drain': Compile(COMMANDS['switch.drain']),
};

export class Commands {
  readonly #context: SwitchContext;
  readonly #rooms: Map<string, Room>;
  isDraining = false;
  /** The focus is to move the sessions that are here. */
  isEmptying = false;

  constructor(context: SwitchContext, rooms: Map<string, Room>) {
    this.#context = context;
    this.#rooms = rooms;
  }

  handle(op: string, body: unknown): CommandReply {
    if (!isCommand(op)) return refusal('unknown-command', `no command ${op.slice(0, 64)}`);
    const check = CHECKS[op];
    if (!check.Check(body)) {
      const first = check.Errors(body)[0];
      return refusal(
        'invalid',
        first === undefined ? op : `${first.instancePath} ${first.message}`.slice(0, 200),
      );
    }
    switch (op) {
      case 'session.put':
        return this.#putSession(body as Command<'session.put'>);
      case 'session.drop':
        return this.#dropSession(body as Command<'session.drop'>);
      case 'leg.put':
        return this.#putLegs(body as Command<'leg.put'>);
      case 'leg.drop':
        return this.#dropLegs(body as Command<'leg.drop'>);
      case 'session.list':
        return { ok: true, revision: 0, sessions: this.#summaries() };
      case 'session.announce':
        return this.#announce(body as Command<'session.announce'>);
      case 'session.traffic':
        return this.#traffic(body as Command<'session.traffic'>);
      case 'switch.drain':
        this.drain(body as Command<'switch.drain'>);
        return { ok: true, revision: 0 };
    }
  }

  drain({ draining, empty = false }: Command<'switch.drain'>): void {
    this.isDraining = draining;
    this.isEmptying = draining && empty;
  }

  #summaries(): readonly SessionSummary[] {
    return [...this.#rooms.values()].map((room) => ({
      session: room.name,
      revision: room.revision,
      legs: room.legs.size,
      bound: room.boundCount(),
    }));
  }

  #putSession(command: Command<'session.put'>): CommandReply {
    const known = this.#rooms.get(command.session);
    if (known !== undefined && command.revision < known.revision) {
      return refusal('stale', `revision ${known.revision} is held`);
    }
    if (known === undefined) {
      if (this.isDraining) return refusal('draining', 'no new sessions');
      if (this.#rooms.size >= this.#context.limits.maxSessions) return refusal('limit', 'too many sessions');
    }
    const fault = this.#faultOf(command.session, command.legs, known, true);
    if (fault !== null) return fault;
    const room = known ?? new Room(command.session, command.revision);
    this.#rooms.set(room.name, room);
    room.setAddresses(command.addresses);
    const kept = new Set(command.legs.map((leg) => leg.leg));
    for (const leg of room.members) if (!kept.has(leg.name)) this.#removeLeg(leg);
    this.#applyLegs(room, command.legs, command.revision);
    return { ok: true, revision: room.revision };
  }

  #dropSession(command: Command<'session.drop'>): CommandReply {
    const room = this.#rooms.get(command.session);
    if (room === undefined) return { ok: true, revision: command.revision };
    if (command.revision < room.revision) return refusal('stale', `revision ${room.revision} is held`);
    const traffic = { ...room.traffic(), legs: [] };
    this.#rooms.delete(room.name);
    for (const leg of room.members) this.#removeLeg(leg);
    return { ok: true, revision: command.revision, traffic };
  }

  #putLegs(command: Command<'leg.put'>): CommandReply {
    const room = this.#roomAt(command);
    if (!(room instanceof Room)) return room;
    const fault = this.#faultOf(command.session, command.legs, room, false);
    if (fault !== null) return fault;
    this.#applyLegs(room, command.legs, command.revision);
    return { ok: true, revision: room.revision };
  }

  #dropLegs(command: Command<'leg.drop'>): CommandReply {
    const room = this.#roomAt(command);
    if (!(room instanceof Room)) return room;
    for (const name of command.legs) {
      const leg = room.legs.get(name);
      if (leg !== undefined) this.#removeLeg(leg);
    }
    room.membersChanged();
    room.revision = command.revision;
    return { ok: true, revision: room.revision };
  }

  #announce({ session, text }: Command<'session.announce'>): CommandReply {
    const room = this.#rooms.get(session);
    if (room === undefined) return refusal('stale', 'no such session is held');
    return { ok: true, revision: room.revision, reach: announce(this.#context, room, text) };
  }

  #traffic({ session }: Command<'session.traffic'>): CommandReply {
    const room = this.#rooms.get(session);
    if (room === undefined) return refusal('stale', 'no such session is held');
    return { ok: true, revision: room.revision, traffic: room.traffic() };
  }

  #roomAt(command: { session: string; base: number; revision: number }): Room | CommandReply {
    const room = this.#rooms.get(command.session);
    if (room === undefined) return refusal('stale', 'no such session is held');
    if (command.base !== room.revision) return refusal('stale', `revision ${room.revision} is held`);
    if (command.revision < command.base) return refusal('invalid', 'revision below its base');
    return room;
  }

  /** What stands in the way of these legs; checked before anything is changed. */
  #faultOf(
    session: string,
    legs: readonly LegSnapshot[],
    room: Room | undefined,
    replacesAll: boolean,
  ): CommandReply | null {
    const context = this.#context;
    const names = new Set<string>();
    const sessionIds = new Set<string>();
    let added = 0;
    for (const snapshot of legs) {
      if (names.has(snapshot.leg)) return refusal('invalid', `leg ${snapshot.leg} twice`);
      if (sessionIds.has(snapshot.sessionId))
        return refusal('invalid', `session-id of ${snapshot.leg} twice`);
      names.add(snapshot.leg);
      sessionIds.add(snapshot.sessionId);
      if (room?.legs.has(snapshot.leg) !== true) added++;
      const fault = faultOfLeg(snapshot);
      if (fault !== null) return refusal('invalid', `leg ${snapshot.leg}: ${fault}`);
    }
    for (const snapshot of legs) {
      const holder = context.legsBySessionId.get(snapshot.sessionId);
      if (holder === undefined) continue;
      const isOurs = holder.room.name === session;
      if (!isOurs || (holder.name !== snapshot.leg && !replacesAll && !names.has(holder.name))) {
        return refusal('invalid', `session-id of ${snapshot.leg} is in use`);
      }
    }
    if (context.legsBySessionId.size + added > context.limits.maxLegs)
      return refusal('limit', 'too many legs');
    return null;
  }

  #applyLegs(room: Room, snapshots: readonly LegSnapshot[], revision: number): void {
    const context = this.#context;
    const legs: Leg[] = [];
    for (const snapshot of snapshots) {
      let leg = room.legs.get(snapshot.leg);
      if (leg === undefined) {
        leg = new Leg(room, snapshot, context.limits);
        room.legs.set(leg.name, leg);
      } else this.#updateLeg(leg, snapshot);
      legs.push(leg);
    }
    // After all old session-ids are out: two legs may have changed places.
    for (const leg of legs) context.legsBySessionId.set(leg.sessionId, leg);
    room.membersChanged();
    room.revision = revision;
    for (const leg of legs) {
      checkProvisional(context, leg);
      dialIfActive(context, leg);
    }
  }

  #updateLeg(leg: Leg, snapshot: LegSnapshot): void {
    const context = this.#context;
    const before = leg.snapshot;
    // A new path is a new client connection: the old one must not go on (7.2.1.6). Learning the first path is not.
    const hasMoved =
      before.sessionId !== snapshot.sessionId ||
      (before.path !== undefined && before.path.join(' ') !== (snapshot.path ?? before.path).join(' ')) ||
      (snapshot.tls && leg.peer?.connection.isSecure === false);
    const hasNewRole = leg.dialling !== null && snapshot.role !== 'active';
    if (hasMoved) releaseLeg(context, leg, null);
    else if (hasNewRole) {
      leg.dialling?.cancel();
      leg.dialling = null;
    }
    if (before.sessionId !== snapshot.sessionId && context.legsBySessionId.get(before.sessionId) === leg) {
      context.legsBySessionId.delete(before.sessionId);
    }
    leg.update(snapshot);
  }

  #removeLeg(leg: Leg): void {
    releaseLeg(this.#context, leg, null);
    leg.backlog.clear();
    dropNickname(leg);
    leg.room.forgetLeg(leg);
    if (this.#context.legsBySessionId.get(leg.sessionId) === leg) {
      this.#context.legsBySessionId.delete(leg.sessionId);
    }
    leg.room.membersChanged();
  }
}

function isCommand(op: string): op is CommandName {
  return Object.hasOwn(COMMANDS, op);
}

function refusal(code: CommandRefusal, reason: string): CommandReply {
  return { ok: false, code, reason };
}

/** What the schema cannot say: paths are MSRP URIs, an alias is an address. */
function faultOfLeg(snapshot: LegSnapshot): string | null {
  try {
    if (snapshot.path !== undefined) parseMsrpPath(snapshot.path.join(' '));
    if (snapshot.alias !== undefined) parseCpimAddress(snapshot.alias);
    if (snapshot.alias !== undefined && /[\r\n]/.test(snapshot.alias)) return 'line break in an alias';
    if (snapshot.identities.some((identity) => /[\s<>]/.test(identity))) return 'an identity is no URI';
  } catch (error) {
    if (error instanceof CodedError) return error.message;
    throw error;
  }
  return null;
}
