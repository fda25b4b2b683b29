/**
 * A voice conference that is mapped to a group: while it lasts, a participant of its own holds the group's session, and
 * invites who joins the voice and removes who leaves it. What it may do the group's rules say, as of every participant.
 */
import type { EslEvent } from '../event-socket/event.ts';
import { parseNameAddr } from '../sip/name-addr.ts';
import { canonicalAddress } from '../sip/uri.ts';
import type { FreeSwitchCalls } from './calls.ts';
import { endKey, type FreeSwitchEnd } from './end.ts';
import { CALL_UUID } from './wish.ts';

export interface RoomMapping {
  /** Name of the conference, as the dialplan gives it, without its profile. */
  readonly name: string;
  readonly group: string;
  /** Who the room is in the conversation. */
  readonly identity: string;
  readonly whenCallerLeaves: 'remove' | 'stay';
}

export interface RoomsOptions {
  readonly node: string;
  readonly rooms: readonly RoomMapping[];
  readonly calls: FreeSwitchCalls;
  /** Channel variable with the caller's URI. */
  readonly identityVariable: string;
  readonly log: {
    info(details: object, message: string): void;
    warn(details: object, message: string): void;
  };
}

export type Api = (line: string) => Promise<string | undefined>;

interface Room {
  readonly mapping: RoomMapping;
  readonly end: FreeSwitchEnd;
  /** URIs of the callers, by the UUID of the call. */
  readonly callers: Map<string, string>;
  isOn: boolean;
}

export interface RoomsCounters {
  started: number;
  invited: number;
  removed: number;
  /** Callers whose URI is not known, or whom the focus did not let be invited. */
  notInvited: number;
}

const MAX_CALLERS = 1_000;

export class FreeSwitchRooms {
  readonly counters: RoomsCounters = { started: 0, invited: 0, removed: 0, notInvited: 0 };
  readonly #options: RoomsOptions;
  readonly #rooms: ReadonlyMap<string, Room>;

  constructor(options: RoomsOptions) {
    this.#options = options;
    const { node } = options;
    this.#rooms = new Map(
      options.rooms.map((mapping) => {
        const { name, group, identity } = mapping;
        const end = {
          kind: 'room',
          node,
          group: canonicalAddress(group),
          identity: canonicalAddress(identity),
        } as const;
        return [name, { mapping, end, callers: new Map<string, string>(), isOn: false }];
      }),
    );
  }

  isOurs(event: EslEvent): boolean {
    return this.#rooms.has(event.headers.get('conference-name') ?? '');
  }

  async event(event: EslEvent, api: Api): Promise<void> {
    const room = this.#rooms.get(event.headers.get('conference-name') ?? '');
    if (room === undefined) return;
    const call = event.headers.get('unique-id') ?? '';
    switch (event.headers.get('action')) {
      case 'conference-create':
        return this.#begin(room);
      case 'add-member':
        return this.#add(room, call, api);
      case 'del-member':
        return this.#drop(room, call);
      case 'conference-destroy':
        return this.#end(room);
      default:
        return;
    }
  }

  /** The focus has ended the room's participation: it is taken up again with the next caller. */
  removed(end: FreeSwitchEnd): void {
    for (const room of this.#rooms.values()) if (endKey(room.end) === endKey(end)) room.isOn = false;
  }

  /** What happened while nobody listened. */
  async resync(api: Api): Promise<void> {
    const running = readConferences(await api('conference json_list'));
    if (running === undefined) return;
    for (const [name, room] of this.#rooms) {
      const calls = running.get(name);
      if (calls === undefined) {
        this.#end(room);
        continue;
      }
      for (const call of room.callers.keys()) if (!calls.includes(call)) this.#drop(room, call);
      for (const call of calls) await this.#add(room, call, api);
    }
  }

  #begin(room: Room): void {
    if (room.isOn) return;
    const { calls, log } = this.#options;
    room.isOn = true;
    this.counters.started += 1;
    void calls.join(room.end, room.mapping.name).then((outcome) => {
      if (outcome.ok) return;
      room.isOn = false;
      log.warn(
        { room: room.mapping.name, status: outcome.status, why: outcome.reason },
        'the conversation of a voice room was refused',
      );
    });
  }

  async #add(room: Room, call: string, api: Api): Promise<void> {
    if (!CALL_UUID.test(call) || room.callers.has(call) || room.callers.size >= MAX_CALLERS) return;
    this.#begin(room);
    const { identityVariable, log } = this.#options;
    const user = readUri(await api(`uuid_getvar ${call} ${identityVariable}`));
    if (user === undefined) {
      this.counters.notInvited += 1;
      log.info({ room: room.mapping.name, call }, 'a caller without an address is not invited');
      return;
    }
    room.callers.set(call, user);
    void this.#refer(room, user, false);
  }

  #drop(room: Room, call: string): void {
    const user = room.callers.get(call);
    room.callers.delete(call);
    // Another device of the user may still be in the room.
    if (user === undefined || [...room.callers.values()].includes(user)) return;
    if (room.mapping.whenCallerLeaves === 'remove') void this.#refer(room, user, true);
  }

  /** With the room's participation the release policy decides about the session (is-key-participant, the minimum). */
  #end(room: Room): void {
    room.callers.clear();
    room.isOn = false;
    this.#options.calls.leave(room.end, 'the voice conference is over');
  }

  async #refer(room: Room, user: string, isRemoval: boolean): Promise<void> {
    const status = await this.#options.calls.refer(room.end, user, isRemoval);
    if (status < 300) {
      if (isRemoval) this.counters.removed += 1;
      else this.counters.invited += 1;
      return;
    }
    if (!isRemoval) this.counters.notInvited += 1;
    this.#options.log.info(
      { room: room.mapping.name, status, isRemoval },
      'the focus did not let a voice room invite or remove a caller',
    );
  }
}

/** UUIDs of the callers, by name of the conference; undefined for what cannot be read. */
function readConferences(text: string | undefined): Map<string, string[]> | undefined {
  try {
    const list = JSON.parse(text ?? '') as { conference_name?: string; members?: { uuid?: string }[] }[];
    if (!Array.isArray(list)) return undefined;
    return new Map(
      list.map(({ conference_name: name = '', members = [] }) => [
        name,
        members.flatMap(({ uuid }) => (uuid === undefined ? [] : [uuid])),
      ]),
    );
  } catch {
    return undefined;
  }
}

function readUri(answer: string | undefined): string | undefined {
  const text = answer?.trim() ?? '';
  if (text === '' || text === '_undef_' || text.startsWith('-ERR')) return undefined;
  try {
    return canonicalAddress(parseNameAddr(text).uri);
  } catch {
    return undefined;
  }
}
