/** The switch's side of the coordination: answers the focus's commands, says hello, publishes events. */
import { createHash } from 'node:crypto';
import { Compile } from 'typebox/compile';
import type { Clock } from '../lib/clock.ts';
import { CodedError } from '../lib/errors.ts';
import {
  COMMANDS,
  type Command,
  type CommandName,
  type CommandReply,
  type SwitchEvent,
  type SwitchHello,
} from '../switch-control/protocol.ts';
import { BODY_JSON, parseBoundedJson } from './bounded-json.ts';
import { type EslEvent, isImValue } from './event.ts';
import {
  DEFAULT_PAGE_LIMITS,
  formatImEvents,
  IM_EVENT,
  IM_HELLO,
  IM_REPLY,
  IM_REQUEST,
  IM_TO_ALL,
  type PageLimits,
  parseImEvent,
  type ReceivedImMessage,
} from './im-message.ts';
import type { EventSocketLog } from './log.ts';
import type { ControlPort } from './medium.ts';
import { PageAssembler } from './page-assembler.ts';
import type { EventSocketPeer, SendEventVerdict } from './peer.ts';
import { RequestMemory, type RequestMemoryOptions } from './request-memory.ts';
import type { EventSocketServer } from './server.ts';
import { switchCommands } from './switch-commands.ts';

/** One command with its body, checked against `COMMANDS`; narrow the body by `op`. */
export type SwitchCommandCall = { [N in CommandName]: [op: N, body: Command<N>] }[CommandName];

export interface SwitchControlOptions {
  /** Where operators ask and look on; without a bus, where focuses command too. */
  readonly server: EventSocketServer;
  /** Where focuses command instead, when there is one. */
  readonly bus?: ControlPort;
  /** The switch's name, `im-from` of all it sends. */
  readonly id: string;
  /** Other at every start of the process. */
  readonly epoch: string;
  /** Carries a command out. The next command may come before a promise is settled. */
  handle(...call: SwitchCommandCall): CommandReply | Promise<CommandReply>;
  hello(): SwitchHello;
  readonly log: EventSocketLog;
  readonly clock: Clock;
  /** Default 2 s. */
  readonly helloIntervalMs?: number;
  readonly memory?: RequestMemoryOptions;
  readonly pages?: PageLimits;
}

export interface SwitchControlCounters {
  requests: number;
  /** Requests answered from memory. */
  repeated: number;
  /** Requests under the im-corr of another one. */
  reused: number;
  /** Requests whose op or body is not in the vocabulary. */
  invalid: number;
  /** Frames not taken: class, version, address, sender or pages are wrong. */
  refused: number;
  events: number;
  hellos: number;
}

export interface SwitchControl {
  /** Tells every focus. Throws `ESL_BAD_VALUE` when a name in it cannot be sent. */
  publish(event: SwitchEvent): void;
  /** Says hello now, out of turn: after a change that a focus should know at once, such as draining. */
  sayHello(): void;
  /** Stops answering; the server stays up. */
  stop(): void;
  readonly counters: SwitchControlCounters;
}

const VALIDATORS: Readonly<Record<CommandName, { Check(value: unknown): boolean }>> = {
  'session.put': Compile(COMMANDS['session.put']),
  'session.drop': Compile(COMMANDS['session.drop']),
  'leg.put': Compile(COMMANDS['leg.put']),
  'leg.drop': Compile(COMMANDS['leg.drop']),
  'session.list': Compile(COMMANDS['session.list']),
  'session.announce': Compile(COMMANDS['session.announce']),
  'session.traffic': Compile(COMMANDS['session.traffic']),
  'switch.drain': Compile(COMMANDS['switch.drain']),
};
const TTL_MS = 2000;

/** Throws `ESL_BAD_OPTION` for an id or epoch that cannot be sent. */
export function serveSwitchControl(options: SwitchControlOptions): SwitchControl {
  const service = new SwitchControlService(options);
  service.start();
  return service;
}

class SwitchControlService implements SwitchControl {
  readonly counters: SwitchControlCounters = {
    requests: 0,
    repeated: 0,
    reused: 0,
    invalid: 0,
    refused: 0,
    events: 0,
    hellos: 0,
  };
  readonly #options: SwitchControlOptions;
  readonly #memory: RequestMemory;
  readonly #pages: PageLimits;
  readonly #assemblers = new Map<EventSocketPeer, PageAssembler>();
  #timer: NodeJS.Timeout | undefined;
  #lastEventSeq = 0;
  #isStopped = false;

  constructor(options: SwitchControlOptions) {
    if (!isImValue(options.id) || !isImValue(options.epoch)) {
      throw new CodedError('ESL_BAD_OPTION', 'switch id and epoch are 1 to 128 of [A-Za-z0-9._~-]');
    }
    this.#options = options;
    this.#memory = new RequestMemory(options.memory);
    this.#pages = options.pages ?? DEFAULT_PAGE_LIMITS;
  }

  start(): void {
    const { server, bus } = this.#options;
    this.#attach(server, bus === undefined);
    if (bus !== undefined) this.#attach(bus, true);
    server.addCommands(switchCommands(this.#options, () => this.counters));
    this.#timer = setInterval(() => this.sayHello(), this.#options.helloIntervalMs ?? 2000);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#options.server.setConsumer(null);
    this.#options.bus?.setConsumer(null);
  }

  sayHello(): void {
    this.#hello(this.#ports());
  }

  #attach(port: ControlPort, hasCommand: boolean): void {
    port.setConsumer({
      onSendEvent: (peer, event) =>
        hasCommand ? this.#onSendEvent(peer, event) : this.#refuse(peer, 'commands come over the bus'),
      onSubscribe: (peer) => {
        // Only this subscriber: the others have their regular hello.
        const isFor = (other: EventSocketPeer): boolean => other === peer;
        if (peer.wants({ name: 'CUSTOM', subclass: IM_HELLO })) this.#hello([port], isFor);
      },
      onClosed: (peer) => this.#assemblers.delete(peer),
    });
  }

  #ports(): ControlPort[] {
    const { server, bus } = this.#options;
    return bus === undefined ? [server] : [bus, server];
  }

  publish(event: SwitchEvent): void {
    const { op, ...body } = event;
    this.#lastEventSeq += 1;
    this.counters.events += 1;
    const seq = this.#lastEventSeq;
    this.#send(IM_EVENT, { op, corr: `e${seq}`, to: IM_TO_ALL, seq }, JSON.stringify(body));
  }

  #hello(ports: readonly ControlPort[], isFor?: (peer: EventSocketPeer) => boolean): void {
    if (this.#isStopped) return;
    const { id, epoch, log } = this.#options;
    const envelope = { op: 'hello', corr: 'hello', to: IM_TO_ALL, seq: this.#lastEventSeq };
    try {
      const hello: SwitchHello = { ...this.#options.hello(), id, epoch };
      this.#send(IM_HELLO, envelope, JSON.stringify(hello), isFor, ports);
      this.counters.hellos += 1;
    } catch (err) {
      // Runs from a timer: a hello that fails is one that is missed.
      log.error({ err }, 'hello failed');
    }
  }

  #send(
    subclass: string,
    envelope: { op: string; corr: string; to: string; seq: number },
    text: string,
    isFor?: (peer: EventSocketPeer) => boolean,
    ports: readonly ControlPort[] = this.#ports(),
  ): void {
    const { id, epoch } = this.#options;
    const message = { ...envelope, from: id, epoch, ttlMs: TTL_MS };
    const events = formatImEvents(subclass, message, text, this.#pages);
    for (const port of ports) for (const event of events) port.publish(event, isFor);
  }

  #onSendEvent(peer: EventSocketPeer, event: EslEvent): SendEventVerdict {
    // Replies, events and hellos are ours alone to say: a client that sends one is forging it.
    if (event.subclass !== IM_REQUEST) return this.#refuse(peer, `${event.subclass} is not taken here`);
    let message: ReceivedImMessage;
    let text: string | null;
    try {
      message = parseImEvent(event);
      if (message.to !== this.#options.id) return this.#refuse(peer, 'im-to is another switch');
      if (peer.pinnedFrom !== null && peer.pinnedFrom !== message.from) {
        return this.#refuse(peer, 'im-from is not the one this connection began with');
      }
      text = this.#assembler(peer).accept(event.subclass, message, this.#options.clock.nowMs());
    } catch (error) {
      if (error instanceof CodedError) return this.#refuse(peer, error.message);
      throw error;
    }
    peer.pinnedFrom = message.from;
    return { ok: true, act: () => text !== null && this.#onRequest(message, text) };
  }

  #refuse(peer: EventSocketPeer, reason: string): SendEventVerdict {
    this.counters.refused += 1;
    this.#options.log.warn({ peer: peer.remote, reason }, 'event refused');
    return { ok: false, reason };
  }

  #assembler(peer: EventSocketPeer): PageAssembler {
    let assembler = this.#assemblers.get(peer);
    if (assembler === undefined) {
      assembler = new PageAssembler({ maxPages: this.#pages.pages });
      this.#assemblers.set(peer, assembler);
    }
    return assembler;
  }

  #onRequest(message: ReceivedImMessage, text: string): void {
    if (this.#isStopped) return;
    this.counters.requests += 1;
    const nowMs = this.#options.clock.nowMs();
    const key = `${message.from} ${message.corr}`;
    const digest = digestOf(message.op, text);
    const known = this.#memory.find(key, nowMs);
    if (known !== undefined) {
      if (known.digest !== digest) {
        this.counters.reused += 1;
        this.#answer(message, this.#refused(message, 'invalid', 'im-corr stood for another request'));
        return;
      }
      this.counters.repeated += 1;
      // While it is still being carried out nothing is to be said: its reply reaches this connection too.
      if (known.answer !== null) this.#sendReply(message, known.answer);
      return;
    }
    this.#memory.begin(key, digest, nowMs);
    const reply = this.#carryOut(message, text);
    if (reply instanceof Promise) void reply.then((settled) => this.#finish(key, message, settled));
    else this.#finish(key, message, reply);
  }

  #carryOut(message: ReceivedImMessage, text: string): CommandReply | Promise<CommandReply> {
    const { op } = message;
    if (!Object.hasOwn(VALIDATORS, op)) {
      this.counters.invalid += 1;
      return this.#refused(message, 'unknown-command', 'no such command');
    }
    let body: unknown;
    try {
      body = parseBoundedJson(text, BODY_JSON);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.counters.invalid += 1;
      return this.#refused(message, 'invalid', `${error.code} ${error.message}`);
    }
    if (!VALIDATORS[op as CommandName].Check(body)) {
      this.counters.invalid += 1;
      return this.#refused(message, 'invalid', 'the body does not match the command');
    }
    try {
      const reply = this.#options.handle(...([op, body] as SwitchCommandCall));
      return reply instanceof Promise ? reply.catch((error: unknown) => this.#failed(op, error)) : reply;
    } catch (error) {
      return this.#failed(op, error);
    }
  }

  #refused(
    { from, op, corr }: ReceivedImMessage,
    code: 'invalid' | 'unknown-command',
    reason: string,
  ): CommandReply {
    this.#options.log.warn({ from, op, corr, code, reason }, 'request refused');
    return refusal(code, reason);
  }

  #failed(op: string, error: unknown): CommandReply {
    this.#options.log.error({ err: error, op }, 'command handler failed');
    return refusal('invalid', 'the switch failed to carry the command out');
  }

  #finish(key: string, message: ReceivedImMessage, reply: CommandReply): void {
    this.#memory.finish(key, this.#answer(message, reply));
  }

  /** Returns the text that was sent. */
  #answer(message: ReceivedImMessage, reply: CommandReply): string {
    const text = JSON.stringify(reply);
    try {
      this.#sendReply(message, text);
      return text;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#options.log.error({ err: error, op: message.op }, 'reply cannot be sent');
      const short = JSON.stringify(refusal('limit', error.code));
      this.#sendReply(message, short);
      return short;
    }
  }

  #sendReply(message: ReceivedImMessage, text: string): void {
    const { op, corr, from, seq } = message;
    // To every connection of this focus, and to observers that have asked for nothing yet.
    const isFor = (peer: EventSocketPeer): boolean => peer.pinnedFrom === null || peer.pinnedFrom === from;
    this.#send(IM_REPLY, { op, corr, to: from, seq }, text, isFor);
  }
}

function refusal(code: 'invalid' | 'limit' | 'unknown-command', reason: string): CommandReply {
  return { ok: false, code, reason };
}

function digestOf(op: string, text: string): string {
  return createHash('sha256').update(`${op}\n${text}`, 'utf8').digest('base64');
}
