/** What a session has received: requests checked, answered, put together and queued for whoever waits. */
import { type Cpim, readCpim } from '../documents.ts';
import { Mailbox } from '../waiting.ts';
import { type Frame, frameSummary } from './frame.ts';
import { responseTo, successReport } from './outgoing.ts';
import { parseByteRange, Reassembly } from './reassembly.ts';
import type { ReceivedMessage, SendAnswer } from './session-types.ts';
import { type Expected, frameFaults } from './validation.ts';

export interface InboxOptions {
  readonly seen: () => string;
  readonly waitMs: number;
  /** Faults are added here. */
  readonly violations: string[];
  readonly acceptTypes: readonly string[] | undefined;
}

export class MsrpInbox {
  readonly messages: Mailbox<ReceivedMessage>;
  readonly reports: Mailbox<Frame>;
  readonly aborted: Mailbox<{ messageId: string; bytes: number }>;
  /** Unknown methods, and responses to no request of the session. */
  readonly frames: Mailbox<Frame>;
  readonly #options: InboxOptions;
  readonly #reassembly = new Reassembly();
  readonly #transactions = new Set<string>();

  constructor(options: InboxOptions) {
    this.#options = options;
    const box = { seen: options.seen, defaultTimeoutMs: options.waitMs };
    this.messages = new Mailbox({ ...box, describe: (message) => JSON.stringify(message.text.slice(0, 60)) });
    this.reports = new Mailbox({ ...box, describe: (frame) => `REPORT ${frame.header('Status') ?? ''}` });
    this.aborted = new Mailbox({ ...box, describe: (item) => `${item.messageId} aborted` });
    this.frames = new Mailbox({ ...box, describe: frameSummary, maxItems: 1_000 });
  }

  /** A request of the peer on the session's connection. */
  receive(
    frame: Frame,
    expected: Expected,
    onSend: ((frame: Frame) => SendAnswer) | undefined,
    reply: (bytes: Buffer | undefined) => void,
  ): void {
    const { violations, acceptTypes } = this.#options;
    violations.push(...frameFaults(frame, { ...expected, acceptTypes }));
    if (this.#transactions.has(frame.transactionId)) {
      violations.push(`${frameSummary(frame)}: transaction id used before on this connection`);
    }
    this.#transactions.add(frame.transactionId);
    if (this.#transactions.size > MAX_TRANSACTIONS) {
      this.#transactions.delete(this.#transactions.values().next().value ?? '');
    }
    if (frame.method === 'REPORT') this.reports.put(frame);
    else if (frame.method === 'SEND') this.#receiveSend(frame, expected.ownPath, onSend, reply);
    else {
      reply(responseTo(frame, 501, expected.ownPath));
      this.frames.put(frame);
    }
  }

  /** A new connection has its own transaction ids. */
  forgetTransactions(): void {
    this.#transactions.clear();
  }

  close(error: Error): void {
    for (const box of [this.messages, this.reports, this.aborted, this.frames]) box.close(error);
  }

  #receiveSend(
    frame: Frame,
    ownPath: string,
    onSend: ((frame: Frame) => SendAnswer) | undefined,
    reply: (bytes: Buffer | undefined) => void,
  ): void {
    const range = parseByteRange(frame.header('Byte-Range'));
    if (range === undefined) {
      reply(responseTo(frame, 400, ownPath));
      return;
    }
    const answer = frame.body === undefined ? undefined : onSend?.(frame);
    if (answer !== 'withhold') reply(responseTo(frame, answer ?? 200, ownPath));
    if (typeof answer === 'number' && answer !== 200) return;
    const messageId = frame.header('Message-ID') ?? '';
    if (frame.flag === '#') {
      this.aborted.put({ messageId, bytes: this.#reassembly.abort(messageId) + (frame.body?.length ?? 0) });
      return;
    }
    // The empty SEND that binds a connection carries nothing to hand out.
    if (frame.body === undefined) return;
    const contentType = frame.header('Content-Type') ?? '';
    const whole = this.#reassembly.add(messageId, range, frame.body, contentType, frame.flag === '$');
    if (whole === undefined) return;
    if (range.total !== undefined && range.total !== whole.body.length) {
      const text = `message ${messageId}: ${whole.body.length} bytes, Byte-Range said ${range.total}`;
      this.#options.violations.push(text);
    }
    if (frame.header('Success-Report')?.toLowerCase() === 'yes')
      reply(successReport(frame, whole.body.length, ownPath));
    this.messages.put(this.#message(frame, whole));
  }

  #message(frame: Frame, whole: { body: Buffer; chunks: number; contentType: string }): ReceivedMessage {
    let cpim: Cpim | undefined;
    if (/^message\/cpim\b/i.test(whole.contentType)) {
      try {
        cpim = readCpim(whole.body);
      } catch (error) {
        this.#options.violations.push((error as Error).message);
      }
    }
    return {
      ...whole,
      text: (cpim?.body ?? whole.body).toString('utf8'),
      ...(cpim === undefined ? {} : { cpim }),
      from: frame.header('From-Path') ?? '',
      messageId: frame.header('Message-ID') ?? '',
      frame,
    };
  }
}

const MAX_TRANSACTIONS = 10_000;
