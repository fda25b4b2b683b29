/** One connection to our event-socket server: authentication, commands in order, a bounded way out. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { ParseError } from '../lib/errors.ts';
import {
  DEFAULT_FRAME_LIMITS,
  encodeFrame,
  type Frame,
  FrameDecoder,
  GUEST_FRAME_LIMITS,
  type HeaderList,
} from './codec.ts';
import { decodeEvent, type EslEvent } from './event.ts';
import type { ConnectionHost, EventSocketPeer } from './peer.ts';
import { SendQueue } from './send-queue.ts';
import { Subscription } from './subscription.ts';

const JOB_UUID = /^[A-Za-z0-9-]{1,64}$/;
const GOODBYE = 'Disconnected, goodbye.\n';

/** Replies have no id: each command keeps its place in this line until its reply is there. */
interface ReplySlot {
  frame: Buffer | null;
}

export class ServerConnection implements EventSocketPeer {
  readonly id: number;
  readonly remote: string;
  pinnedFrom: string | null = null;
  isAuthenticated = false;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #decoder: FrameDecoder;
  readonly #out: SendQueue;
  readonly #subscription = new Subscription();
  readonly #slots: ReplySlot[] = [];
  #authTimer: NodeJS.Timeout | undefined;
  #isLeaving = false;

  constructor(id: number, socket: Socket, host: ConnectionHost) {
    this.id = id;
    this.#socket = socket;
    this.#host = host;
    this.remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    this.#out = new SendQueue(socket, host.limits.maxOutputBytes);
    this.#decoder = new FrameDecoder('to-server', (frame) => this.#onFrame(frame), GUEST_FRAME_LIMITS);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.on('data', (chunk) => this.#onData(chunk));
    // A reset is seen as 'close' as well; without this listener it would be thrown.
    socket.on('error', (error) => host.log.debug({ err: error, peer: this.remote }, 'event socket error'));
    socket.on('close', () => this.#onClose());
    this.#authTimer = setTimeout(() => {
      host.counters.authTimeouts += 1;
      this.#leave('authentication deadline');
    }, host.limits.authDeadlineMs);
    this.#send(encodeFrame('', [['Content-Type', 'auth/request']]));
  }

  wants(event: Pick<EslEvent, 'name' | 'subclass'>): boolean {
    return this.isAuthenticated && !this.#isLeaving && this.#subscription.wants(event);
  }

  /** Sends an encoded event. */
  deliver(frame: Buffer): void {
    if (!this.#isLeaving) this.#send(frame);
  }

  /** Says goodbye and closes; a peer that does not close its side is cut off after a second. */
  close(): void {
    this.#leave('server stops');
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.#isLeaving) return;
    try {
      this.#decoder.feed(chunk);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      this.#host.counters.badFrames += 1;
      this.#host.log.warn({ peer: this.remote, code: error.code }, 'event socket frame refused');
      this.#reply(`-ERR ${error.message}`);
      this.#leave(error.code);
    }
  }

  #onClose(): void {
    clearTimeout(this.#authTimer);
    this.#decoder.stop();
    this.#isLeaving = true;
    this.#host.onClosed(this);
  }

  #onFrame(frame: Frame): void {
    this.#host.counters.commands += 1;
    const space = frame.command.indexOf(' ');
    const verb = (space < 0 ? frame.command : frame.command.slice(0, space)).toLowerCase();
    const argument = space < 0 ? '' : frame.command.slice(space + 1).trim();
    if (verb === 'auth' || verb === 'userauth') this.#authenticate(verb, argument);
    else if (verb === 'exit') this.#exit();
    else if (!this.isAuthenticated) this.#reply('-ERR command not found');
    else this.#command(verb, argument, frame);
  }

  #authenticate(verb: string, argument: string): void {
    // `userauth user@domain:password`: users are not told apart here, the password is the server's.
    const password = verb === 'auth' ? argument : argument.slice(argument.indexOf(':') + 1);
    if (!this.#host.isPassword(password)) {
      this.#host.counters.authFailures += 1;
      this.#host.log.warn({ peer: this.remote }, 'event socket authentication failed');
      this.#reply('-ERR invalid');
      this.#leave('wrong password');
      return;
    }
    clearTimeout(this.#authTimer);
    this.isAuthenticated = true;
    this.#decoder.setLimits(DEFAULT_FRAME_LIMITS);
    this.#reply('+OK accepted');
  }

  #command(verb: string, argument: string, frame: Frame): void {
    const words = argument === '' ? [] : argument.split(/\s+/);
    switch (verb) {
      case 'event':
        return this.#subscribe(words);
      case 'nixevent':
        return this.#replyTo(this.#subscription.remove(words), '+OK events nixed');
      case 'noevents':
        return this.#noEvents();
      case 'sendevent':
        return this.#sendEvent(argument, frame);
      case 'api':
        return this.#api(argument);
      case 'bgapi':
        return this.#bgapi(argument, frame.headers.get('job-uuid'));
      case 'log':
      case 'nolog':
        return this.#reply('-ERR this event socket carries no log');
      default:
        this.#host.counters.unknownCommands += 1;
        return this.#reply('-ERR command not found');
    }
  }

  #subscribe(words: readonly string[]): void {
    if (words[0]?.toLowerCase() !== 'json') {
      return this.#reply('-ERR only json events are served here');
    }
    const refusal = this.#subscription.add(words.slice(1));
    this.#replyTo(refusal, '+OK event listener enabled json');
    if (refusal === null) this.#host.onSubscribe(this);
  }

  #noEvents(): void {
    if (this.#subscription.isEmpty) return this.#reply('-ERR not listening for events');
    this.#subscription.clear();
    this.#reply('+OK no longer listening for events');
  }

  #sendEvent(name: string, frame: Frame): void {
    let event: EslEvent;
    if (!frame.isUtf8) return this.#refuseEvent('the body is not UTF-8');
    try {
      event = decodeEvent(name, frame.headers, frame.body);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      return this.#refuseEvent(error.message);
    }
    if (event.name !== 'CUSTOM') return this.#refuseEvent('only CUSTOM events are taken here');
    const verdict = this.#host.onSendEvent(this, event);
    if (!verdict.ok) return this.#refuseEvent(verdict.reason);
    this.#host.counters.eventsIn += 1;
    this.#reply(`+OK ${randomUUID()}`);
    verdict.act();
  }

  #refuseEvent(reason: string): void {
    this.#host.counters.refusedEvents += 1;
    this.#host.log.warn({ peer: this.remote, reason }, 'event socket event refused');
    this.#reply(`-ERR ${reason}`);
  }

  #api(line: string): void {
    const slot = this.#openSlot();
    if (slot === null) return;
    const output = this.#host.runApi(line);
    if (typeof output === 'string') return this.#fill(slot, encodeApiResponse(output));
    void output.then((text) => this.#fill(slot, encodeApiResponse(text)));
  }

  #bgapi(line: string, wanted: string | undefined): void {
    if (line === '') return this.#reply('-ERR invalid syntax');
    const jobUuid = wanted !== undefined && JOB_UUID.test(wanted) ? wanted : randomUUID();
    const start = this.#host.startJob(jobUuid, line);
    if (start === null) return this.#reply('-ERR too many jobs');
    this.#reply(`+OK Job-UUID: ${jobUuid}`, [['Job-UUID', jobUuid]]);
    start();
  }

  #exit(): void {
    this.#reply('+OK bye');
    this.#leave('exit');
  }

  #replyTo(refusal: string | null, success: string): void {
    this.#reply(refusal === null ? success : `-ERR ${refusal}`);
  }

  #reply(text: string, more: HeaderList = []): void {
    const slot = this.#openSlot();
    if (slot === null) return;
    // The texts are ours, except for an excerpt of what the peer sent: never let one break a line.
    const line = text.replace(/[^\x20-\x7e]/g, '.');
    this.#fill(slot, encodeFrame('', [['Content-Type', 'command/reply'], ['Reply-Text', line], ...more]));
  }

  #openSlot(): ReplySlot | null {
    if (this.#slots.length >= this.#host.limits.maxPendingReplies) {
      this.#overflow('replies');
      return null;
    }
    const slot: ReplySlot = { frame: null };
    this.#slots.push(slot);
    return slot;
  }

  #fill(slot: ReplySlot, frame: Buffer): void {
    slot.frame = frame;
    while (this.#slots[0]?.frame != null) {
      const first = this.#slots.shift();
      if (first?.frame != null) this.#send(first.frame);
    }
    if (this.#isLeaving && this.#slots.length === 0) this.#sayGoodbye();
  }

  #leave(reason: string): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    clearTimeout(this.#authTimer);
    this.#decoder.stop();
    this.#host.log.debug({ peer: this.remote, reason }, 'event socket connection ends');
    if (this.#slots.length === 0) this.#sayGoodbye();
    const cut = setTimeout(() => this.#socket.destroy(), 1000);
    this.#socket.once('close', () => clearTimeout(cut));
  }

  #sayGoodbye(): void {
    this.#send(encodeFrame('', [['Content-Type', 'text/disconnect-notice']], GOODBYE));
    this.#out.end();
  }

  #send(frame: Buffer): void {
    if (!this.#out.push(frame)) this.#overflow('output');
  }

  #overflow(what: string): void {
    if (this.#socket.destroyed) return;
    this.#host.counters.overflows += 1;
    this.#host.log.warn({ peer: this.remote, what }, 'event socket peer too slow, connection dropped');
    this.#socket.destroy();
  }
}

function encodeApiResponse(text: string): Buffer {
  return encodeFrame('', [['Content-Type', 'api/response']], text);
}
