/** The focus's side of the coordination: one link to each switch, and who is up. */
import type { Clock } from '../lib/clock.ts';
import { CodedError } from '../lib/errors.ts';
import { type IdSource, randomIds } from '../lib/ids.ts';
import type {
  Command,
  CommandName,
  CommandReply,
  SwitchEvent,
  SwitchHello,
} from '../switch-control/protocol.ts';
import { EventSocketClient, type EventSocketClientCounters, type EventSocketClientLimits } from './client.ts';
import { isImValue } from './event.ts';
import { DEFAULT_PAGE_LIMITS, IM_EVENT, IM_HELLO, IM_REPLY, type PageLimits } from './im-message.ts';
import type { EventSocketLog } from './log.ts';
import type { OpenChannel } from './medium.ts';
import {
  type LinkChange,
  type SwitchEventMeta,
  SwitchLink,
  type SwitchLinkCounters,
  type SwitchLinkHost,
  type SwitchLinkLimits,
  type SwitchPhase,
  type SwitchPlace,
} from './switch-link.ts';

/** A switch that serves its own event socket. */
export interface SwitchAddress extends SwitchPlace {
  readonly password: string;
}

/** What the focus knows of a switch. All but the address and the state is as the last hello said it. */
export interface SwitchState {
  /** Null until its first hello. */
  readonly id: string | null;
  readonly host: string;
  readonly port: number;
  readonly state: SwitchPhase;
  readonly epoch: string | null;
  readonly hello: SwitchHello | null;
  /** Milliseconds of the clock; null before the first hello. */
  readonly lastHelloMs: number | null;
  readonly sessions: number;
  readonly legs: number;
  readonly load: number;
  readonly draining: boolean;
}

export interface SwitchFleetOptions {
  /** Those with an event socket of their own. Others come by `meet`. */
  readonly switches: readonly SwitchAddress[];
  /** This focus's name, `im-from` of its requests. */
  readonly focusId: string;
  /** Other at every start; default a random one. */
  readonly focusEpoch?: string;
  readonly log: EventSocketLog;
  readonly clock: Clock;
  /** Events of one switch come one after the other, in order; a promise holds up that switch's next event. */
  onEvent(switchId: string, event: SwitchEvent, meta: SwitchEventMeta): void | Promise<void>;
  /**
   * Called when the state changes, and for `isFirst` (this focus meets the switch), `epochChanged` (it was restarted and
   * holds nothing), `gap` (events were missed: ask for `session.list`) and a change of `draining`.
   */
  onState(switchId: string, state: SwitchState, change: LinkChange): void;
  readonly ids?: IdSource;
  readonly limits?: Partial<SwitchLinkLimits>;
  readonly clientLimits?: Partial<EventSocketClientLimits>;
  readonly pages?: PageLimits;
}

export interface SwitchCounters {
  readonly id: string | null;
  readonly host: string;
  readonly port: number;
  readonly link: Readonly<SwitchLinkCounters>;
  readonly connection: Readonly<EventSocketClientCounters>;
}

const DEFAULT_LIMITS: SwitchLinkLimits = {
  requestDeadlineMs: 2000,
  maxPendingRequests: 256,
  helloIntervalMs: 2000,
  missedHellos: 3,
};

export class SwitchFleet {
  readonly #options: SwitchFleetOptions;
  readonly #links: SwitchLink[] = [];
  readonly #host: SwitchLinkHost;
  readonly #waiters = new Set<() => void>();
  #isStarted = false;

  /** Throws `ESL_BAD_OPTION`. */
  constructor(options: SwitchFleetOptions) {
    if (!isImValue(options.focusId)) {
      throw new CodedError('ESL_BAD_OPTION', 'the focus id is 1 to 128 of [A-Za-z0-9._~-]');
    }
    this.#options = options;
    this.#host = this.#makeHost();
    for (const address of options.switches) this.add(address);
  }

  /** One more switch with an event socket of its own. */
  add(address: SwitchAddress): void {
    this.meet(address, (user) => this.#open(address, user));
  }

  /** Resolves when the focus has let go of the switch there. What waits for it is rejected with `ESL_DOWN`. */
  async remove({ host, port }: SwitchPlace): Promise<void> {
    const at = this.#links.findIndex(({ place }) => place.host === host && place.port === port);
    const [link] = at < 0 ? [] : this.#links.splice(at, 1);
    await link?.stop();
  }

  /** One more switch, by whatever way leads to it; it may be there already. */
  meet(place: SwitchPlace, open: OpenChannel): void {
    const link = new SwitchLink(place, open, this.#host);
    this.#links.push(link);
    if (this.#isStarted) link.start();
  }

  start(): void {
    this.#isStarted = true;
    for (const link of this.#links) link.start();
  }

  /** Rejects what is pending with `ESL_DOWN` and resolves when all sockets are closed. */
  async stop(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.stop()));
    for (const wake of [...this.#waiters]) wake();
  }

  states(): SwitchState[] {
    return this.#links.map(stateOf);
  }

  counters(): SwitchCounters[] {
    return this.#links.map((link) => ({
      id: link.id,
      host: link.place.host,
      port: link.place.port,
      link: link.counters,
      connection: link.connection,
    }));
  }

  /**
   * Sends a command and resolves with the switch's answer, a refusal too. Two deadlines of 2 s, one repeat under the same
   * name. Rejects with `ESL_DOWN` (not sent), `ESL_TIMEOUT` (sent, fate unknown), `ESL_REFUSED`, `ESL_OVERFLOW`,
   * `ESL_TOO_MANY_PAGES`.
   */
  async request<N extends CommandName>(switchId: string, op: N, body: Command<N>): Promise<CommandReply> {
    const links = this.#links.filter(({ id }) => id === switchId);
    const link = links.find(({ phase }) => phase === 'up') ?? links[0];
    if (link === undefined) throw new CodedError('ESL_DOWN', `no switch has said that it is ${switchId}`);
    return link.request(op, body);
  }

  /** It is dead: what waits for it fails now, and what follows at once, until it says hello again. */
  giveUp(switchId: string): void {
    for (const link of this.#links) if (link.id === switchId) link.giveUp();
  }

  /** The first switch that is up, draining ones last. Rejects with `ESL_DOWN` after `timeoutMs`. */
  async waitForSwitch(timeoutMs: number): Promise<SwitchState> {
    const found = this.#firstUp();
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiters.add(wake);
    });
    const state = this.#firstUp();
    if (state === undefined) throw new CodedError('ESL_DOWN', 'no switch is up', { retryable: true });
    return state;
  }

  #open(address: SwitchAddress, user: Parameters<OpenChannel>[0]): EventSocketClient {
    const { log, clientLimits = {} } = this.#options;
    const events = `CUSTOM ${IM_REPLY} ${IM_EVENT} ${IM_HELLO}`;
    return new EventSocketClient({ ...address, ...user, events, log, limits: clientLimits });
  }

  #firstUp(): SwitchState | undefined {
    const up = this.states().filter(({ state }) => state === 'up');
    return up.find(({ draining }) => !draining) ?? up[0];
  }

  #makeHost(): SwitchLinkHost {
    const { focusId, log, clock, ids = randomIds } = this.#options;
    return {
      focusId,
      focusEpoch: this.#options.focusEpoch ?? ids.token(80),
      log,
      clock,
      ids,
      limits: { ...DEFAULT_LIMITS, ...this.#options.limits },
      pages: this.#options.pages ?? DEFAULT_PAGE_LIMITS,
      mayBe: (link, id) =>
        !this.#links.some((other) => other !== link && other.id === id && other.phase === 'up'),
      onEvent: (link, event, meta) => this.#options.onEvent(link.id ?? '', event, meta),
      onChange: (link, change) => this.#onChange(link, change),
    };
  }

  #onChange(link: SwitchLink, change: LinkChange): void {
    if (link.id !== null) {
      const { epoch, phase } = link;
      this.#options.log.info({ switch: link.id, state: phase, epoch, ...change }, 'switch state');
      try {
        this.#options.onState(link.id, stateOf(link), change);
      } catch (err) {
        // The caller's fault must not leave the link half-way.
        this.#options.log.error({ err, switch: link.id }, 'state handler failed');
      }
    }
    if (link.phase === 'up') for (const wake of [...this.#waiters]) wake();
  }
}

function stateOf(link: SwitchLink): SwitchState {
  const { id, place, phase, epoch, hello, lastHelloMs } = link;
  return {
    id,
    host: place.host,
    port: place.port,
    state: phase,
    epoch,
    hello,
    lastHelloMs,
    sessions: hello?.sessions ?? 0,
    legs: hello?.legs ?? 0,
    load: hello?.load ?? 0,
    draining: hello?.draining ?? false,
  };
}
