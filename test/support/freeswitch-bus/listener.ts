/** One connection to the stand-in: its login, what it listens to, and the queue that it looks at every 20 ms. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { type BusEvent, type BusIdentity, jsonFrame, makeEvent, plainFrame, valueOf } from './bus-event.ts';
import { CommandReader, type ReadCommand } from './command-reader.ts';
import type { BusBehaviour } from './faults.ts';

export interface ListenerHost {
  readonly ways: BusBehaviour;
  readonly identity: BusIdentity;
  readonly password: string;
  /** `user@domain` → password. */
  readonly users: ReadonlyMap<string, string>;
  fire(event: BusEvent): void;
  onCommand(command: string): void;
  onGone(listener: Listener): void;
  onKilled(): void;
}

export class Listener {
  readonly id: number;
  readonly #socket: Socket;
  readonly #host: ListenerHost;
  readonly #reader = new CommandReader();
  readonly #names = new Set<string>();
  readonly #subclasses = new Set<string>();
  #format: 'json' | 'plain' = 'plain';
  #isIn = false;
  #queue: BusEvent[] = [];
  /** Overtaken: leaves behind the next one. */
  #held: BusEvent[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(id: number, socket: Socket, host: ListenerHost) {
    this.id = id;
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(this.#timer);
      host.onGone(this);
    });
    socket.on('data', (chunk) => {
      for (const command of this.#reader.feed(chunk)) this.#obey(command);
    });
    socket.write('Content-Type: auth/request\n\n');
  }

  offer(event: BusEvent): void {
    const { ways } = this.#host;
    if (!this.#isIn || (event.sender === this.id && !ways.selfDelivery)) return;
    const isWanted =
      this.#names.has('ALL') ||
      (event.name === 'CUSTOM' ? this.#subclasses.has(event.subclass) : this.#names.has(event.name));
    if (!isWanted) return;
    if (this.#queue.length >= ways.maxQueuedEvents) {
      this.#host.onKilled();
      this.#socket.destroy();
      return;
    }
    if (ways.overtaken(event)) this.#held.push(event);
    else this.#queue.push(event, ...this.#held.splice(0));
    if (ways.pollMs === 0) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), ways.pollMs * Math.random());
  }

  /** As SIGTERM does: a notice, then the end. */
  sayGoodbye(): void {
    this.#flush();
    this.#write('Content-Type: text/disconnect-notice\nContent-Length: 67\n\n', GOODBYE);
    this.#socket.end();
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** The kernel's buffer apart, nothing leaves any more; the queue grows. */
  stall(): void {
    this.#isStalled = true;
  }
  #isStalled = false;

  #flush(): void {
    this.#timer = undefined;
    if (this.#isStalled) return;
    const { identity, ways } = this.#host;
    const frame = this.#format === 'json' ? jsonFrame : plainFrame;
    for (const event of this.#queue.splice(0)) this.#socket.write(frame(event, identity, ways));
  }

  #write(...parts: string[]): void {
    if (this.#socket.writable) this.#socket.write(parts.join(''));
  }

  #reply(text: string, more = ''): void {
    this.#write(`Content-Type: command/reply\nReply-Text: ${text}\n${more}\n`);
  }

  #obey(command: ReadCommand): void {
    this.#host.onCommand(command.line);
    if (this.#host.ways.ignores(command)) return;
    const [verb = '', ...words] = command.line.split(/\s+/);
    if (verb === 'auth' || verb === 'userauth') return this.#login(verb, words.join(' '));
    if (verb === 'exit') {
      this.#reply('+OK bye');
      return this.sayGoodbye();
    }
    if (!this.#isIn) return this.#reply('-ERR command not found');
    switch (verb) {
      case 'event':
        return this.#listen(words);
      case 'nixevent':
        for (const word of words) this.#forget(word);
        return this.#reply('+OK events nixed');
      case 'noevents':
        this.#names.clear();
        this.#subclasses.clear();
        return this.#reply('+OK no longer listening for events');
      case 'sendevent':
        return this.#send(words[0] ?? '', command);
      case 'api':
        return this.#api(words);
      case 'bgapi':
        return this.#background(words, command);
      default:
        return this.#reply('-ERR command not found');
    }
  }

  #login(verb: string, given: string): void {
    const [user = '', ...rest] = given.split(':');
    const wanted = verb === 'auth' ? this.#host.password : this.#host.users.get(user);
    if ((verb === 'auth' ? given : rest.join(':')) === wanted) {
      this.#isIn = true;
      return this.#reply('+OK accepted');
    }
    this.#reply('-ERR invalid');
    this.sayGoodbye();
  }

  #listen([format = '', ...words]: readonly string[]): void {
    if (format !== 'json' && format !== 'plain') return this.#reply('-ERR no keywords supplied');
    this.#format = format;
    let isSubclass = false;
    for (const word of words) {
      if (isSubclass) this.#subclasses.add(word);
      else this.#names.add(word.toUpperCase());
      if (word.toUpperCase() === 'CUSTOM') isSubclass = true;
    }
    this.#reply(`+OK event listener enabled ${format}`);
  }

  #forget(word: string): void {
    this.#names.delete(word.toUpperCase());
    this.#subclasses.delete(word);
  }

  #send(name: string, command: ReadCommand): void {
    const { ways } = this.#host;
    this.#reply(`+OK ${randomUUID()}`);
    this.#host.fire(makeEvent(name, command.headers, command.body, this.id, ways));
  }

  #api(words: readonly string[]): void {
    const text =
      words[0] === 'status' ? 'UP 0 years, 0 days\n' : `-ERR ${words[0] ?? ''} Command not found!\n`;
    this.#write(`Content-Type: api/response\nContent-Length: ${text.length}\n\n${text}`);
  }

  #background(words: readonly string[], command: ReadCommand): void {
    const { ways } = this.#host;
    const job = valueOf(new Map(command.headers), 'Job-UUID') ?? randomUUID();
    this.#reply(`+OK Job-UUID: ${job}`, `Job-UUID: ${job}\n`);
    const lines = [
      ['Job-UUID', job],
      ['Job-Command', words[0] ?? ''],
    ] as const;
    this.#host.fire(makeEvent('BACKGROUND_JOB', lines, '+OK\n', null, ways));
  }
}

const GOODBYE = 'Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n';
