/**
 * A FreeSWITCH that is played: its event socket, its profile `im` as a SIP agent behind Kamailio, and in place of the
 * project's scripts what those do. The real one shows in `npm run test:freeswitch` that they do it.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { SipAgent } from '../../../src/agents/sip/agent.ts';
import type { ReceivedRequest } from '../../../src/agents/sip/received-request.ts';
import type { FreeSwitch, FreeSwitchOptions, TextCall, VoiceCall } from './free-switch.ts';
import { type PlayedEvent, PlayedSocket } from './played-socket.ts';

const WAIT_MS = 10_000;

interface PlayedCall {
  readonly lines: string[];
  readonly waiting: ((line: string) => void)[];
  readonly ended: PromiseWithResolvers<void>;
  readonly identity: string;
}

export async function startPlayedFreeSwitch(options: FreeSwitchOptions): Promise<FreeSwitch> {
  const played = new Played(options);
  await played.start();
  return played;
}

class Played implements FreeSwitch {
  readonly isReal = false;
  eventSocket = '';
  sip = '';
  readonly #options: FreeSwitchOptions;
  readonly #socket: PlayedSocket;
  readonly #calls = new Map<string, PlayedCall>();
  readonly #rooms = new Map<string, Set<string>>();
  readonly #replies = new Map<string, (event: PlayedEvent) => void>();
  #agent: SipAgent | undefined;

  constructor(options: FreeSwitchOptions) {
    this.#options = options;
    this.#socket = new PlayedSocket(
      options.password,
      (line) => this.#api(line),
      (event) => this.#told(event),
    );
  }

  async start(): Promise<void> {
    this.eventSocket = `127.0.0.1:${await this.#socket.listen()}`;
    this.#agent = await SipAgent.start({
      uri: `sip:freeswitch@${this.#options.domain}`,
      proxy: { host: '127.0.0.1', port: this.#options.kamailioPort },
    });
    this.#agent.answer('MESSAGE', (received) => {
      this.#chatplan(received);
      return { status: 202, reason: 'Accepted' };
    });
    this.sip = `sip:${this.#agent.address}`;
  }

  async callWithText(caller: string, group: string): Promise<TextCall> {
    const call = randomUUID();
    const state: PlayedCall = {
      lines: [],
      waiting: [],
      ended: Promise.withResolvers(),
      identity: `<${caller}>`,
    };
    this.#calls.set(call, state);
    const status = await this.#ask('join', {
      Kind: 'channel',
      Call: call,
      Identity: `<${caller}>`,
      Group: group,
      'When-Removed': 'hangup',
    });
    if (status !== '200') {
      this.#calls.delete(call);
      throw new Error(`the call was refused: ${status}`);
    }
    return {
      say: async (text) => {
        this.#socket.fire({ name: 'TEXT', headers: { 'Unique-ID': call, variable_x: 'y' }, body: text });
      },
      hear: () => within(nextLine(state), `${caller} hears nothing`),
      hangUp: async () => {
        this.#calls.delete(call);
        this.#wish('leave', { Kind: 'channel', Call: call });
      },
      hungUp: () => within(state.ended.promise, `nobody hangs up on ${caller}`),
    };
  }

  async callRoom(caller: string, room: string): Promise<VoiceCall> {
    const call = randomUUID();
    this.#calls.set(call, {
      lines: [],
      waiting: [],
      ended: Promise.withResolvers(),
      identity: `<${caller}>`,
    });
    const members = this.#rooms.get(room) ?? new Set();
    if (members.size === 0) this.#conference(room, 'conference-create');
    this.#rooms.set(room, members.add(call));
    this.#conference(room, 'add-member', call);
    return {
      hangUp: async () => {
        members.delete(call);
        this.#calls.delete(call);
        this.#conference(room, 'del-member', call);
        if (members.size === 0) this.#conference(room, 'conference-destroy');
      },
    };
  }

  async runScript(name: string, ...args: string[]): Promise<string> {
    switch (name) {
      case 'im_announce.lua':
        return this.#ask('announce', { Group: args[0] ?? '' }, args.slice(1).join(' '));
      case 'im_session.lua':
        return this.#ask(args[0] === 'end' ? 'leave' : 'join', {
          Kind: 'room',
          Group: args[1] ?? '',
          Identity: args[2] ?? '',
        });
      case 'im_user.lua':
        return this.#ask(args[0] ?? '', {
          Group: args[1] ?? '',
          Identity: args[2] ?? '',
          User: args[3] ?? '',
        });
      default:
        throw new Error(`no script ${name} is played`);
    }
  }

  api(line: string): Promise<string> {
    return Promise.resolve(this.#api(line).trim());
  }

  kill(): Promise<void> {
    return this.#socket.close();
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
    await this.#socket.close().catch(() => {});
  }

  /** Of the chatplan and im_message.lua. */
  #chatplan({ request }: ReceivedRequest): void {
    const identity = request.header('X-IM-Asserted');
    const [, user = '', host = ''] = /<?sip:([^@]+)@([^;>]+)/.exec(request.header('To') ?? '') ?? [];
    const group = `sip:${user}@${host}`;
    // What mod_sofia takes for another protocol ends in the chatplan.
    if (identity === undefined || user.slice(1).includes('+')) return;
    const text = request.body;
    if (text.trim() === '/leave') {
      this.#wish('leave', { Kind: 'message', Identity: identity, Group: group });
      return;
    }
    this.#wish('message', { Identity: identity, Group: group });
    const headers = {
      Identity: identity,
      Group: group,
      Type: request.header('Content-Type') ?? 'text/plain',
    };
    this.#socket.fire({ name: 'CUSTOM', subclass: 'im::freeswitch-text', headers, body: text });
  }

  #wish(op: string, headers: Record<string, string>, body?: string): string {
    const corr = randomUUID();
    this.#socket.fire({
      name: 'CUSTOM',
      subclass: 'im::freeswitch',
      headers: { ...headers, 'im-op': op, 'im-corr': corr },
      ...(body === undefined ? {} : { body }),
    });
    return corr;
  }

  async #ask(op: string, headers: Record<string, string>, body?: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<PlayedEvent>();
    this.#replies.set(this.#wish(op, headers, body), resolve);
    const reply = await within(promise, `no answer to ${op}`);
    return reply.headers['im-status'] ?? '';
  }

  #told(event: PlayedEvent): void {
    if (event.subclass === 'im::freeswitch-reply') {
      this.#replies.get(event.headers['im-corr'] ?? '')?.(event);
      return;
    }
    if (event.subclass !== 'SMS::SEND_MESSAGE') return;
    const { to = '', from_full: from = '', type = '' } = event.headers;
    assert.match(to, /^im\/sip:/);
    void this.#agent
      ?.request('MESSAGE', {
        to: to.replace(/^im\//, ''),
        headers: [['From', `${from};tag=${randomUUID()}`]],
        body: { contentType: type, content: event.body ?? '' },
      })
      .catch(() => {});
  }

  #api(line: string): string {
    const [command, call = '', ...rest] = line.split(' ');
    const state = this.#calls.get(call);
    switch (command) {
      case 'uuid_exists':
        return state === undefined ? 'false' : 'true';
      case 'uuid_send_text': {
        if (state === undefined) return `-ERR No such channel ${call}!\n`;
        const text = rest.join(' ');
        const waiting = state.waiting.shift();
        if (waiting === undefined) state.lines.push(text);
        else waiting(text);
        return '+OK\n';
      }
      case 'uuid_kill':
        state?.ended.resolve();
        this.#calls.delete(call);
        return '+OK\n';
      case 'uuid_getvar':
        return rest[0] === 'im_identity' ? (state?.identity ?? '-ERR No such channel!\n') : '_undef_';
      case 'conference':
        return JSON.stringify(
          [...this.#rooms]
            .filter(([, calls]) => calls.size > 0)
            .map(([name, calls]) => ({
              conference_name: name,
              members: [...calls].map((uuid) => ({ type: 'caller', uuid })),
            })),
        );
      default:
        return `-ERR ${command} command not found\n`;
    }
  }

  #conference(room: string, action: string, call?: string): void {
    this.#socket.fire({
      name: 'CUSTOM',
      subclass: 'conference::maintenance',
      headers: {
        'Conference-Name': room,
        'Conference-Profile-Name': 'default',
        Action: action,
        ...(call === undefined ? {} : { 'Unique-ID': call }),
      },
    });
  }
}

function nextLine(state: PlayedCall): Promise<string> {
  const line = state.lines.shift();
  return line === undefined ? new Promise((resolve) => state.waiting.push(resolve)) : Promise.resolve(line);
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} within ${WAIT_MS} ms`)), WAIT_MS);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
