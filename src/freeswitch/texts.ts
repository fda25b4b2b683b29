/**
 * The switch's side: one connection to each FreeSWITCH, on which the text of those sessions travels that this switch hosts.
 * This is the one place where messages cross an event socket. For every participant there is an MSRP endpoint in this process,
 * and the switch delivers to it and takes from it as it does with any client: queues, bounds and rights are the same.
 */
import type { Duplex } from 'node:stream';
import { parseCpim } from '../documents/cpim.ts';
import type { EventSocketClient } from '../event-socket/client.ts';
import type { EslEvent } from '../event-socket/event.ts';
import type { Clock } from '../lib/clock.ts';
import { CodedError } from '../lib/errors.ts';
import { endKey, endOfPath, type FreeSwitchEnd, isLocalHost } from './end.ts';
import { HeldTexts } from './held-texts.ts';
import { connectTo, type FreeSwitchNode, messageEvent } from './link.ts';
import { MsrpEnd } from './msrp-end.ts';
import { type Author, channelText, FREESWITCH_TEXT_BYTES, messageText, receivedText } from './text.ts';
import { readAddress, TEXT_SUBCLASS } from './wish.ts';

/** What a switch subscribes to. */
export const TEXT_EVENTS = `TEXT CUSTOM ${TEXT_SUBCLASS}`;

export interface TextsLog {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface TextsOptions {
  readonly nodes: readonly FreeSwitchNode[];
  readonly clock: Clock;
  readonly log: TextsLog;
  /** Messages of users who are not in yet: the first one asks for that. */
  readonly held: { readonly maxTexts: number; readonly maxAgeMs: number };
}

export interface TextsCounters {
  in: number;
  out: number;
  /** Of who takes part in nothing here, or does not speak. */
  ignored: number;
  /** Longer than FreeSWITCH carries. */
  tooLong: number;
  /** Not taken by FreeSWITCH: it is away, or does not answer, or the call is gone. */
  failed: number;
  /** The switch did not take what a user wrote: too fast, muted. */
  refused: number;
  /** Held for a user who did not get in. */
  expired: number;
}

export class FreeSwitchTexts {
  readonly counters: TextsCounters = {
    in: 0,
    out: 0,
    ignored: 0,
    tooLong: 0,
    failed: 0,
    refused: 0,
    expired: 0,
  };
  readonly #options: TextsOptions;
  readonly #links: ReadonlyMap<string, { readonly node: FreeSwitchNode; readonly client: EventSocketClient }>;
  readonly #ends = new Map<string, MsrpEnd>();
  readonly #byCall = new Map<string, Set<MsrpEnd>>();
  readonly #held: HeldTexts;

  constructor(options: TextsOptions) {
    this.#options = options;
    this.#held = new HeldTexts(options.held, options.clock, () => {
      this.counters.expired += 1;
    });
    this.#links = new Map(
      options.nodes.map((node) => {
        const client = connectTo(node, {
          events: TEXT_EVENTS,
          // Handled as it is read: all it does is to write into a queue that is bounded.
          onEvent: (event) => {
            this.#onEvent(node, event);
            return undefined;
          },
          log: options.log,
        });
        return [node.id, { node, client }];
      }),
    );
  }

  start(): void {
    for (const { client } of this.#links.values()) client.start();
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.values()) end.close();
    await Promise.all([...this.#links.values()].map(({ client }) => client.close()));
  }

  /** For the operator. */
  state(): {
    readonly users: number;
    readonly isUp: Readonly<Record<string, boolean>>;
    readonly counters: Readonly<TextsCounters>;
  } {
    const isUp = Object.fromEntries([...this.#links].map(([id, { client }]) => [id, client.isUp]));
    return { users: this.#ends.size, isUp, counters: this.counters };
  }

  isLocal(host: string): boolean {
    return isLocalHost(host);
  }

  /** Our end of the line that the switch dials; undefined: there is nobody of that name. */
  open(path: string): Duplex | undefined {
    const end = endOfPath(path, (id) => this.#links.get(id)?.node.password);
    if (end === undefined) return undefined;
    const key = endKey(end);
    this.#ends.get(key)?.close();
    const endpoint = new MsrpEnd(end, {
      onText: (text, author) => this.#write(end, text, author),
      onRefused: () => {
        this.counters.refused += 1;
      },
      onBound: () => {
        for (const text of this.#held.take(key)) this.#speak(endpoint, text);
      },
      onClosed: () => this.#closed(key, endpoint),
    });
    this.#ends.set(key, endpoint);
    if (end.kind === 'channel') {
      const sharing = this.#byCall.get(end.call) ?? new Set();
      this.#byCall.set(end.call, sharing.add(endpoint));
    }
    return endpoint.far;
  }

  #closed(key: string, endpoint: MsrpEnd): void {
    if (this.#ends.get(key) === endpoint) this.#ends.delete(key);
    const { end } = endpoint;
    if (end.kind !== 'channel') return;
    const sharing = this.#byCall.get(end.call);
    sharing?.delete(endpoint);
    if (sharing?.size === 0) this.#byCall.delete(end.call);
  }

  #onEvent(node: FreeSwitchNode, event: EslEvent): void {
    if (event.name === 'TEXT') return this.#fromCall(node, event);
    if (event.subclass === TEXT_SUBCLASS) this.#fromMessage(node, event);
  }

  #fromCall(node: FreeSwitchNode, event: EslEvent): void {
    const sharing = this.#byCall.get(event.headers.get('unique-id') ?? '');
    if (sharing === undefined) {
      this.counters.ignored += 1;
      return;
    }
    for (const endpoint of sharing) if (endpoint.end.node === node.id) this.#speak(endpoint, event.body);
  }

  #fromMessage(node: FreeSwitchNode, event: EslEvent): void {
    const key = this.#keyOf(node, event);
    if (key === undefined) {
      this.counters.ignored += 1;
      return;
    }
    const text = contentOf(event);
    const endpoint = this.#ends.get(key);
    if (text === undefined) this.counters.ignored += 1;
    else if (endpoint?.isBound === true) this.#speak(endpoint, text);
    else this.#held.add(key, text);
  }

  #keyOf(node: FreeSwitchNode, { headers }: EslEvent): string | undefined {
    try {
      const { address: identity } = readAddress(headers.get('identity') ?? '');
      return endKey({ kind: 'message', node: node.id, group: headers.get('group') ?? '', identity });
    } catch {
      return undefined;
    }
  }

  #speak(endpoint: MsrpEnd, body: string): void {
    const text = receivedText(body);
    if (text === '') return;
    if (Buffer.byteLength(text, 'utf8') > FREESWITCH_TEXT_BYTES) {
      this.counters.tooLong += 1;
      return;
    }
    if (!endpoint.say(text, new Date(this.#options.clock.nowMs()))) {
      this.counters.refused += 1;
      return;
    }
    this.counters.in += 1;
  }

  #write(end: FreeSwitchEnd, text: string, author: Author): void {
    const link = this.#links.get(end.node);
    if (link === undefined || end.kind === 'room') return;
    void this.#send(link, end, text, author).then(
      () => {
        this.counters.out += 1;
      },
      (error: unknown) => {
        if (!(error instanceof CodedError))
          this.#options.log.error({ err: error }, 'a text could not be written');
        this.counters.failed += 1;
      },
    );
  }

  async #send(
    { node, client }: { readonly node: FreeSwitchNode; readonly client: EventSocketClient },
    end: Exclude<FreeSwitchEnd, { kind: 'room' }>,
    text: string,
    author: Author,
  ): Promise<void> {
    if (end.kind === 'message') {
      const body = messageText(text, author);
      await client.sendEvent(messageEvent(node, { from: end.group, to: end.identity, text: body }));
      return;
    }
    const answer = await client.api(`uuid_send_text ${end.call} ${channelText(text, author)}`);
    if (!answer.startsWith('+OK')) throw new CodedError('FS_NO_CALL', answer.trim().slice(0, 80));
  }
}

/** The text of a SIP MESSAGE; undefined for content that is none. */
function contentOf({ headers, body }: EslEvent): string | undefined {
  const type = headers.get('type')?.toLowerCase() ?? 'text/plain';
  if (type.startsWith('text/plain')) return body;
  if (!type.startsWith('message/cpim')) return undefined;
  try {
    const bytes = Buffer.from(body, 'utf8');
    const head = parseCpim(bytes);
    const isText = head?.contentType?.toLowerCase().startsWith('text/plain') ?? true;
    return head === null || !isText ? undefined : bytes.toString('utf8', head.contentStart);
  } catch {
    return undefined;
  }
}
