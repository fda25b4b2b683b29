/** The focus's connection to one FreeSWITCH: wishes of its scripts in, answers out; no message of a conversation. */
import type { EventSocketClient } from '../event-socket/client.ts';
import { DEFAULT_FRAME_LIMITS } from '../event-socket/codec.ts';
import type { EslEvent } from '../event-socket/event.ts';
import { CodedError, ParseError } from '../lib/errors.ts';
import type { JoinOutcome } from './call.ts';
import type { FreeSwitchCalls } from './calls.ts';
import type { FreeSwitchEnd } from './end.ts';
import { connectTo, type FreeSwitchNode, messageEvent } from './link.ts';
import type { FreeSwitchRooms } from './rooms.ts';
import { type Leaver, REPLY_SUBCLASS, readWish, WISH_SUBCLASS, type Wish } from './wish.ts';

export interface ControlLog {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ControlOptions {
  readonly node: FreeSwitchNode;
  readonly calls: FreeSwitchCalls;
  /** The conferences of this node that are mapped to groups; undefined: none is, and nobody listens to conferences. */
  readonly rooms?: FreeSwitchRooms;
  readonly domains: readonly string[];
  /** Says the words to all of the group's session. Resolves with the status of a SIP reply. */
  announce(group: string, text: string): Promise<number>;
  /** A node that is away for so long has lost its calls. */
  readonly goneAfterMs: number;
  /** How often the calls of participants are looked for. */
  readonly checkMs: number;
  readonly log: ControlLog;
}

export interface ControlCounters {
  wishes: number;
  badWishes: number;
  repliesLost: number;
}

const CONFERENCE_EVENTS = 'conference::maintenance';

/** What the focus subscribes to. */
export function controlEvents(hasRooms: boolean): string {
  return `CUSTOM ${WISH_SUBCLASS}${hasRooms ? ` ${CONFERENCE_EVENTS}` : ''}`;
}

/** One refused user of SIP MESSAGE is told so once in this time. */
const NOTICE_EVERY_MS = 60_000;
const MAX_NOTICES = 1_000;
/** A list of conferences has about 1 kB for every member. */
const MAX_ANSWER_BYTES = 8_388_608;

export class FreeSwitchControl {
  readonly counters: ControlCounters = { wishes: 0, badWishes: 0, repliesLost: 0 };
  readonly #options: ControlOptions;
  readonly #client: EventSocketClient;
  readonly #noticedMs = new Map<string, number>();
  #goneTimer: NodeJS.Timeout | undefined;
  #checkTimer: NodeJS.Timeout | undefined;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#client = connectTo(options.node, {
      events: controlEvents(options.rooms !== undefined),
      onEvent: (event) => this.#job(event),
      onUp: () => this.#up(),
      onDown: () => this.#down(),
      log: options.log,
      limits: { frame: { ...DEFAULT_FRAME_LIMITS, bodyBytes: MAX_ANSWER_BYTES } },
    });
  }

  get node(): string {
    return this.#options.node.id;
  }

  get isUp(): boolean {
    return this.#client.isUp;
  }

  start(): void {
    this.#client.start();
    // Calls that were there when the focus stopped: gone unless the node comes and knows them.
    this.#down();
    this.#checkTimer = setInterval(() => void this.#checkCalls(), this.#options.checkMs);
    this.#checkTimer.unref();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#goneTimer);
    clearInterval(this.#checkTimer);
    await this.#client.close();
  }

  /** The focus has removed somebody of this node. */
  removed(end: FreeSwitchEnd): void {
    this.#options.rooms?.removed(end);
    const headers = new Map([
      ['im-op', 'removed'],
      ['Kind', end.kind],
      ['Identity', end.identity],
      ['Group', end.group],
      ...(end.kind === 'channel' ? [['Call', end.call] as const] : []),
    ]);
    this.#send({ name: 'CUSTOM', subclass: REPLY_SUBCLASS, headers, body: '' });
    if (end.kind === 'channel' && end.endsCall) void this.#api(`uuid_kill ${end.call} NORMAL_CLEARING`);
  }

  #job(event: EslEvent): (() => Promise<void>) | undefined {
    if (event.subclass === WISH_SUBCLASS) {
      return async () => {
        this.counters.wishes += 1;
        await this.#wish(event);
      };
    }
    const { rooms } = this.#options;
    return event.subclass === CONFERENCE_EVENTS && rooms?.isOurs(event) === true
      ? () => rooms.event(event, (line) => this.#api(line))
      : undefined;
  }

  async #wish(event: EslEvent): Promise<void> {
    const { node, domains, log } = this.#options;
    try {
      const wish = readWish(event, { node: node.id, domains });
      // Not awaited: a session may take minutes to be answered, and the wishes behind this one are others'.
      void this.#fulfil(wish).catch((error: unknown) =>
        log.error({ err: error }, 'a wish of FreeSWITCH failed'),
      );
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      this.counters.badWishes += 1;
      log.warn({ node: node.id, code: error.code, why: error.message }, 'a wish of FreeSWITCH was refused');
      this.#answer(event.headers.get('im-corr'), 'wish', { ok: false, status: 400, reason: error.message });
    }
  }

  async #fulfil(wish: Wish): Promise<void> {
    const { calls, announce } = this.#options;
    switch (wish.op) {
      case 'join':
      case 'message': {
        const outcome = await calls.join(wish.end, wish.displayName);
        if (wish.op === 'message') this.#tellIfRefused(wish.end, outcome);
        return this.#answer(wish.corr, wish.op, outcome);
      }
      case 'leave': {
        const ends = this.#endsOf(wish.of);
        for (const end of ends) calls.leave(end, 'the user has left');
        return this.#answer(wish.corr, wish.op, byStatus(ends.length === 0 ? 404 : 200));
      }
      case 'add':
      case 'remove': {
        const end = calls.find(wish.group, wish.identity);
        const status = end === undefined ? 404 : await calls.refer(end, wish.user, wish.op === 'remove');
        return this.#answer(wish.corr, wish.op, byStatus(status));
      }
      case 'announce':
        return this.#answer(wish.corr, wish.op, byStatus(await announce(wish.group, wish.text)));
    }
  }

  #endsOf(leaver: Leaver): FreeSwitchEnd[] {
    const ours = this.#options.calls.ends().filter(({ node }) => node === this.node);
    if (leaver.kind === 'channel')
      return ours.filter((end) => end.kind === 'channel' && end.call === leaver.call);
    return ours.filter(
      ({ kind, identity, group }) =>
        kind === leaver.kind && identity === leaver.identity && group === leaver.group,
    );
  }

  #answer(corr: string | undefined, op: string, outcome: JoinOutcome): void {
    if (corr === undefined) return;
    const status = outcome.ok ? 200 : outcome.status;
    const headers = new Map([
      ['im-op', op],
      ['im-corr', corr],
      ['im-status', String(status)],
    ]);
    const body = outcome.ok ? outcome.session : outcome.reason;
    this.#send({ name: 'CUSTOM', subclass: REPLY_SUBCLASS, headers, body });
  }

  /** Whoever wrote to a group that does not take them would otherwise wait for an answer. */
  #tellIfRefused(end: FreeSwitchEnd, outcome: JoinOutcome): void {
    if (outcome.ok) return;
    const key = `${end.identity} ${end.group}`;
    const nowMs = Date.now();
    if (nowMs - (this.#noticedMs.get(key) ?? 0) < NOTICE_EVERY_MS) return;
    if (this.#noticedMs.size >= MAX_NOTICES) this.#noticedMs.clear();
    this.#noticedMs.set(key, nowMs);
    const text = `Not delivered: ${outcome.reason} (${outcome.status})`;
    this.#send(messageEvent(this.#options.node, { from: end.group, to: end.identity, text }));
  }

  #send(event: EslEvent): void {
    this.#client.sendEvent(event).catch((error: unknown) => {
      this.counters.repliesLost += 1;
      this.#options.log.debug({ node: this.node, why: String(error) }, 'FreeSWITCH could not be told');
    });
  }

  async #api(line: string): Promise<string | undefined> {
    try {
      return await this.#client.api(line);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#options.log.debug({ node: this.node, code: error.code }, 'FreeSWITCH did not answer');
      return undefined;
    }
  }

  #up(): void {
    clearTimeout(this.#goneTimer);
    void this.#checkCalls();
    void this.#options.rooms?.resync((line) => this.#api(line));
  }

  #down(): void {
    const { goneAfterMs, calls, log } = this.#options;
    clearTimeout(this.#goneTimer);
    this.#goneTimer = setTimeout(() => {
      const lost = calls.ends().filter(({ node, kind }) => node === this.node && kind !== 'message');
      if (lost.length === 0) return;
      log.warn({ node: this.node, calls: lost.length }, 'FreeSWITCH is gone: its calls leave');
      for (const end of lost) calls.leave(end, 'the FreeSWITCH of this call is gone');
    }, goneAfterMs);
    this.#goneTimer.unref();
  }

  /** A hang-up that nobody told of, or a FreeSWITCH that was started anew. */
  async #checkCalls(): Promise<void> {
    if (!this.isUp) return;
    const { calls } = this.#options;
    for (const end of calls.ends()) {
      if (end.node !== this.node || end.kind !== 'channel') continue;
      const answer = await this.#api(`uuid_exists ${end.call}`);
      if (answer?.trim() === 'false') calls.leave(end, 'the call is over');
    }
  }
}

function byStatus(status: number): JoinOutcome {
  return status < 300 ? { ok: true, session: '' } : { ok: false, status, reason: 'refused' };
}
