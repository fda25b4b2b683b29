/**
 * Kamailio's inbox: replies, ACKs and CANCELs that a notification may have lost. It is read when Kamailio connects and
 * after a start; what was dealt with is deleted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { formatInboxKey, type InboxKey, parseInboxKey } from 'kamailio-jsonrpc';
import type { Logger } from 'pino';
import { header, parseSipMessage } from '../sip/message.ts';
import { tagOf } from '../sip/name-addr.ts';
import type { KamailioCalls } from './kamailio-calls.ts';
import type { KamailioNodes } from './kamailio-nodes.ts';

type Kind = 'ack' | 'cancel' | 'reply';

/** So that notifications under way arrive first and most entries need not be read. */
const READ_DELAY_MS = 300;
/** When something could not be committed. */
const READ_AGAIN_MS = 5_000;

export class Inbox {
  readonly #nodes: KamailioNodes;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(nodes: KamailioNodes, log: Logger) {
    this.#nodes = nodes;
    this.#log = log;
  }

  /** Reads all that is there, and again later while something of it cannot be dealt with. */
  async read(calls: KamailioCalls): Promise<void> {
    let isAllDone = true;
    for (const kam of this.#nodes.ids) {
      for (const { key, parsed } of await this.#keys(kam)) {
        if (this.#isStopped) return;
        if (!(await this.#read(kam, key, parsed, calls))) isAllDone = false;
      }
    }
    if (!isAllDone) this.readAgain(calls);
  }

  /** As `read`, a moment later. */
  async readSoon(calls: KamailioCalls): Promise<void> {
    await delay(READ_DELAY_MS, undefined, { ref: false });
    await this.read(calls);
  }

  readAgain(calls: KamailioCalls): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.read(calls), READ_AGAIN_MS);
    this.#timer.unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Call-IDs of our INVITEs that have a final reply there. Empty when Kamailio cannot be asked. */
  async answeredInvites(): Promise<ReadonlySet<string>> {
    const callIds = new Set<string>();
    for (const kam of this.#nodes.ids) {
      for (const { parsed } of await this.#keys(kam)) {
        if (parsed.kind === 'INVITE') callIds.add(parsed.callId);
      }
    }
    return callIds;
  }

  /** Deletes the copy of a message that was dealt with. */
  forget(kam: string, message: Buffer, kind: Kind): void {
    const key = keyOf(message, kind);
    if (key === undefined || this.#isStopped) return;
    this.#nodes
      .client(kam)
      .inboxDelete(key)
      .catch((error: unknown) => this.#log.debug({ kam, why: String(error) }, 'inbox entry left to expire'));
  }

  /** @returns false when the entry is to be read again */
  async #read(kam: string, key: string, parsed: InboxKey, calls: KamailioCalls): Promise<boolean> {
    const client = this.#nodes.client(kam);
    try {
      const kept = await client.inboxGet(key);
      const message = kept !== undefined && kept.length === 0 ? standIn(parsed) : kept;
      const { kind } = parsed;
      const as = kind === 'ACK' ? 'ack' : kind === 'CANCEL' ? 'cancel' : 'reply';
      if (message !== undefined && !calls.deliver(message, as)) return false;
      await client.inboxDelete(key);
    } catch (error) {
      this.#log.warn({ kam, key, why: String(error) }, 'an inbox entry could not be dealt with');
    }
    return true;
  }

  async #keys(kam: string): Promise<{ key: string; parsed: InboxKey }[]> {
    try {
      const keys = await this.#nodes.client(kam).inboxKeys();
      return keys.flatMap((key) => {
        const parsed = parseInboxKey(key);
        return parsed === undefined ? [] : [{ key, parsed }];
      });
    } catch (error) {
      this.#log.warn({ kam, why: String(error) }, 'the inbox cannot be read now');
      return [];
    }
  }
}

function keyOf(message: Buffer, kind: Kind): string | undefined {
  const parsed = parseSipMessage(message);
  const [number = '', method] = (header(parsed, 'cseq') ?? '').trim().split(/\s+/);
  if (kind === 'reply' && (parsed.kind !== 'response' || parsed.status < 200 || method !== 'INVITE'))
    return undefined;
  const tag = tagOf(header(parsed, kind === 'cancel' ? 'from' : 'to') ?? '') ?? '';
  return formatInboxKey({
    callId: header(parsed, 'call-id') ?? '',
    cseq: Number(number),
    kind: kind === 'reply' ? 'INVITE' : kind === 'ack' ? 'ACK' : 'CANCEL',
    tag,
  });
}

/** A mark instead of a message: its key tells all that is decided by. Nothing for a reply too large to be kept. */
function standIn({ callId, cseq, kind, tag }: InboxKey): Buffer | undefined {
  if (kind === 'INVITE') return undefined;
  const isTimeout = kind === 'TIMEOUT';
  const tagged = `<sip:mark.invalid>;tag=${tag}`;
  const untagged = '<sip:mark.invalid>';
  const lines = [
    isTimeout ? 'SIP/2.0 408 Request Timeout' : `${kind} sip:mark.invalid SIP/2.0`,
    `From: ${kind === 'ACK' ? untagged : tagged}`,
    `To: ${kind === 'ACK' ? tagged : untagged}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${isTimeout ? 'INVITE' : kind}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}
