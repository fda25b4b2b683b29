/** The focus's connection to one switch: hellos, events in sequence, requests and their replies. */
import { Compile } from 'typebox/compile';
import type { Clock } from '../lib/clock.ts';
import { CodedError } from '../lib/errors.ts';
import type { IdSource } from '../lib/ids.ts';
import {
  type CommandName,
  type CommandReply,
  EVENTS,
  type SwitchEvent,
  type SwitchEventName,
  SwitchHello,
} from '../switch-control/protocol.ts';
import { BODY_JSON, parseBoundedJson } from './bounded-json.ts';
import type { EventSocketClientCounters } from './client.ts';
import { parseCommandReply } from './command-reply.ts';
import type { EslEvent } from './event.ts';
import {
  formatImEvents,
  IM_EVENT,
  IM_HELLO,
  IM_REPLY,
  IM_REQUEST,
  type PageLimits,
  parseImEvent,
  type ReceivedImMessage,
} from './im-message.ts';
import type { EventJob } from './job-queue.ts';
import type { EventSocketLog } from './log.ts';
import type { OpenChannel, SwitchChannel } from './medium.ts';
import { PageAssembler } from './page-assembler.ts';
import { SwitchRequests } from './switch-requests.ts';

/** Where a switch is met: its event socket, or the bus that it is on. */
export interface SwitchPlace {
  readonly host: string;
  readonly port: number;
}

export type SwitchPhase =
  /** No connection, or no hello on it yet. */
  | 'connecting'
  | 'up'
  /** Three hellos were missed. Its sessions may well be alive. */
  | 'silent';

/** Events that were missed: numbers `first` to `last`; `last` is `first − 1` when the number is not known. */
export interface SeqGap {
  readonly first: number;
  readonly last: number;
}

export interface SwitchEventMeta {
  readonly epoch: string;
  readonly seq: number;
}

export interface SwitchLinkCounters {
  hellos: number;
  events: number;
  gaps: number;
  /** Events seen before. */
  duplicates: number;
  /** Frames that are malformed or do not match the vocabulary. */
  badMessages: number;
  /** Frames whose sender, addressee or epoch is not what this connection showed in its hello. */
  forged: number;
  requests: number;
  retries: number;
  /** Replies that nobody waits for. */
  strayReplies: number;
}

export interface SwitchLinkLimits {
  /** For a request, twice. Default 2 s. */
  readonly requestDeadlineMs: number;
  /** Requests of one switch without their reply. Default 256. */
  readonly maxPendingRequests: number;
  /** How often a switch says hello. Default 2 s. */
  readonly helloIntervalMs: number;
  /** Hellos missed until a switch is silent. Default 3. */
  readonly missedHellos: number;
}

export interface SwitchLinkHost {
  readonly focusId: string;
  readonly focusEpoch: string;
  readonly log: EventSocketLog;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly limits: SwitchLinkLimits;
  readonly pages: PageLimits;
  /** False: another link holds this id. */
  mayBe(link: SwitchLink, id: string): boolean;
  onEvent(link: SwitchLink, event: SwitchEvent, meta: SwitchEventMeta): void | Promise<void>;
  onChange(link: SwitchLink, change: LinkChange): void;
}

export interface LinkChange {
  readonly previous: SwitchPhase;
  readonly isFirst: boolean;
  readonly epochChanged: boolean;
  readonly gap: SeqGap | null;
}

const HELLO = Compile(SwitchHello);
const EVENT_VALIDATORS: Readonly<Record<SwitchEventName, { Check(value: unknown): boolean }>> = {
  'leg.bound': Compile(EVENTS['leg.bound']),
  'leg.unbound': Compile(EVENTS['leg.unbound']),
};

export class SwitchLink {
  readonly place: SwitchPlace;
  id: string | null = null;
  epoch: string | null = null;
  phase: SwitchPhase = 'connecting';
  hello: SwitchHello | null = null;
  lastHelloMs: number | null = null;
  readonly counters: SwitchLinkCounters = {
    hellos: 0,
    events: 0,
    gaps: 0,
    duplicates: 0,
    badMessages: 0,
    forged: 0,
    requests: 0,
    retries: 0,
    strayReplies: 0,
  };
  readonly #host: SwitchLinkHost;
  readonly #channel: SwitchChannel;
  readonly #requests: SwitchRequests;
  readonly #assembler: PageAssembler;
  #silenceTimer: NodeJS.Timeout | undefined;
  #silenceLook: NodeJS.Immediate | undefined;
  #lastEventSeq = 0;
  #lastRequestSeq = 0;
  /** This connection's switch has said who it is. */
  #isIntroduced = false;
  /** Events that had come were thrown away. */
  #hasLostEvents = false;
  /** Nobody is there, by what others know of it. */
  #isGivenUp = false;

  constructor(place: SwitchPlace, open: OpenChannel, host: SwitchLinkHost) {
    this.place = place;
    this.#host = host;
    this.#assembler = new PageAssembler({ maxPages: host.pages.pages });
    this.#channel = open({
      onEvent: (event) => this.#onFrame(event),
      onUp: () => this.#requests.onUp(),
      onDown: (error) => this.#onDown(error),
    });
    this.#requests = new SwitchRequests({
      deadlineMs: host.limits.requestDeadlineMs,
      maxPending: host.limits.maxPendingRequests,
      isUp: () => this.#channel.isUp,
      send: (pages, onRefused) => this.#send(pages, onRefused),
      onRetry: () => {
        this.counters.retries += 1;
      },
    });
  }

  get connection(): Readonly<EventSocketClientCounters> {
    return this.#channel.counters;
  }

  start(): void {
    this.#watchSilence();
    this.#channel.start();
  }

  async stop(): Promise<void> {
    this.#forgetSilence();
    this.#requests.rejectAll(new CodedError('ESL_DOWN', 'the focus stops'));
    await this.#channel.close();
  }

  /** The switch is dead: what waits for it fails now, what follows at once, until it says hello again. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#requests.rejectAll(new CodedError('ESL_DOWN', 'the switch is dead'));
  }

  async request(op: CommandName, body: unknown): Promise<CommandReply> {
    const { ids, focusId, focusEpoch, limits, pages } = this.#host;
    if (this.id === null) throw new CodedError('ESL_DOWN', 'the switch has not said hello yet');
    if (this.#isGivenUp) throw new CodedError('ESL_DOWN', 'the switch is dead');
    // Its hellos have been missing for longer than an answer may take: nobody is to wait for one.
    if (this.phase === 'silent')
      throw new CodedError('ESL_DOWN', 'the switch is silent', { retryable: true });
    this.#lastRequestSeq += 1;
    this.counters.requests += 1;
    const corr = ids.token(80);
    const message = {
      op,
      corr,
      from: focusId,
      to: this.id,
      seq: this.#lastRequestSeq,
      epoch: focusEpoch,
      ttlMs: limits.requestDeadlineMs,
    };
    return this.#requests.add(corr, op, formatImEvents(IM_REQUEST, message, JSON.stringify(body), pages));
  }

  #send(pages: readonly EslEvent[], onRefused: (error: CodedError) => void): void {
    for (const page of pages) {
      this.#channel.sendEvent(page).catch((error: unknown) => {
        // A connection that broke is tried again; a refusal would be the same again.
        const isFinal =
          error instanceof CodedError && error.code !== 'ESL_DOWN' && error.code !== 'ESL_TIMEOUT';
        if (isFinal) onRefused(error);
      });
    }
  }

  #onFrame(event: EslEvent): EventJob | undefined {
    try {
      const message = parseImEvent(event);
      if (event.subclass === IM_HELLO) return this.#onHello(message);
      if (!this.#isIntroduced || message.from !== this.id || message.epoch !== this.epoch) {
        return this.#drop('forged', message);
      }
      if (event.subclass === IM_EVENT) return this.#onSwitchEvent(message);
      if (event.subclass === IM_REPLY) return this.#onReply(message);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.counters.badMessages += 1;
      this.#host.log.warn({ code: error.code, reason: error.message }, 'message of a switch refused');
    }
    return undefined;
  }

  #drop(counter: 'forged' | 'badMessages', message: ReceivedImMessage): undefined {
    this.counters[counter] += 1;
    this.#host.log.warn({ from: message.from, op: message.op, why: counter }, 'message of a switch refused');
  }

  #onReply(message: ReceivedImMessage): undefined {
    if (message.to !== this.#host.focusId) return;
    const text = this.#assembler.accept(IM_REPLY, message, this.#host.clock.nowMs());
    if (text === null) return;
    const reply = parseCommandReply(text);
    if (reply === null) return this.#drop('badMessages', message);
    if (!this.#requests.settle(message.corr, message.op, reply)) this.counters.strayReplies += 1;
  }

  #onSwitchEvent(message: ReceivedImMessage): EventJob | undefined {
    const text = this.#assembler.accept(IM_EVENT, message, this.#host.clock.nowMs());
    if (text === null) return undefined;
    const { seq, op, epoch } = message;
    if (seq <= this.#lastEventSeq) {
      this.counters.duplicates += 1;
      return undefined;
    }
    const gap = this.#gapBefore(seq);
    this.#lastEventSeq = seq;
    if (gap !== null) this.#change(this.phase, { gap });
    const body = parseBoundedJson(text, BODY_JSON);
    if (!Object.hasOwn(EVENT_VALIDATORS, op) || !EVENT_VALIDATORS[op as SwitchEventName].Check(body)) {
      return this.#drop('badMessages', message);
    }
    this.counters.events += 1;
    const event = { ...(body as object), op } as SwitchEvent;
    return () => this.#host.onEvent(this, event, { epoch, seq });
  }

  /** What was missed when the next event is `seq`. */
  #gapBefore(seq: number): SeqGap | null {
    const first = this.#lastEventSeq + 1;
    if (seq <= first && !this.#hasLostEvents) return null;
    this.#hasLostEvents = false;
    this.counters.gaps += 1;
    return { first, last: seq - 1 };
  }

  #onHello(message: ReceivedImMessage): undefined {
    const hello = parseBoundedJson(message.text, BODY_JSON);
    if (message.page.count !== 1 || !HELLO.Check(hello)) return this.#drop('badMessages', message);
    if (hello.id !== message.from || hello.epoch !== message.epoch) return this.#drop('forged', message);
    // Who a connection leads to does not change while it lasts.
    if (this.#isIntroduced && (hello.id !== this.id || hello.epoch !== this.epoch)) {
      return this.#drop('forged', message);
    }
    if (!this.#host.mayBe(this, hello.id)) {
      this.#host.log.error({ id: hello.id, peer: this.place.port }, 'two switches have the same id');
      return this.#drop('forged', message);
    }
    this.counters.hellos += 1;
    this.#introduce(hello, message.seq);
  }

  #introduce(hello: SwitchHello, seq: number): void {
    const isFirst = this.id !== hello.id;
    const epochChanged = !isFirst && this.epoch !== hello.epoch;
    let gap: SeqGap | null = null;
    if (isFirst || epochChanged) {
      this.#lastEventSeq = seq;
      this.#hasLostEvents = false;
    } else if (seq > this.#lastEventSeq || this.#hasLostEvents) {
      gap = this.#gapBefore(seq + 1);
      this.#lastEventSeq = Math.max(this.#lastEventSeq, seq);
    }
    if (isFirst && this.id !== null) this.#change('silent', {});
    const before = this.hello;
    const isOther = before?.draining !== hello.draining || before.isEmptying !== hello.isEmptying;
    this.id = hello.id;
    this.epoch = hello.epoch;
    this.hello = hello;
    this.lastHelloMs = this.#host.clock.nowMs();
    this.#isIntroduced = true;
    this.#isGivenUp = false;
    this.#watchSilence();
    if (isFirst || epochChanged || gap !== null || this.phase !== 'up' || isOther) {
      this.#change('up', { isFirst, epochChanged, gap });
    }
  }

  #onDown(error: CodedError): void {
    this.#isIntroduced = false;
    this.#assembler.clear();
    if (error.code === 'ESL_OVERFLOW' || error.code === 'ESL_BUS_RESTARTED') this.#hasLostEvents = true;
    if (this.phase === 'up') this.#change('connecting', {});
  }

  #watchSilence(): void {
    const { helloIntervalMs, missedHellos } = this.#host.limits;
    this.#forgetSilence();
    this.#silenceTimer = setTimeout(
      () => {
        // This process itself may have been held up: hellos that came meanwhile are read first.
        this.#silenceLook = setImmediate(() => this.#onSilence());
      },
      // Half an interval more, so that the last hello may be a little late.
      helloIntervalMs * (missedHellos + 0.5),
    );
  }

  #forgetSilence(): void {
    clearTimeout(this.#silenceTimer);
    clearImmediate(this.#silenceLook);
  }

  #onSilence(): void {
    this.#watchSilence();
    if (this.phase !== 'silent') this.#change('silent', {});
    // A connection that a network swallowed does not end by itself.
    if (this.#channel.isUp) this.#channel.reset('no hello');
  }

  #change(phase: SwitchPhase, change: Partial<LinkChange>): void {
    const previous = this.phase;
    this.phase = phase;
    this.#host.onChange(this, { previous, isFirst: false, epochChanged: false, gap: null, ...change });
  }
}
