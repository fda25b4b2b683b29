/** The MSRP endpoint of one FreeSWITCH user, at the other end of a line within the switch's process. */
import { type Duplex, duplexPair } from 'node:stream';
import { formatCpimHead, parseCpim } from '../documents/cpim.ts';
import type { ParseError } from '../lib/errors.ts';
import { formatPaths, formatResponse } from '../msrp/protocol/encode.ts';
import {
  CONTENT_TYPE,
  FAILURE_REPORT,
  FROM_PATH,
  type FrameHead,
  MESSAGE_ID,
  TO_PATH,
} from '../msrp/protocol/frame-head.ts';
import { type FrameSink, MsrpParser } from '../msrp/protocol/parser.ts';
import { type ContinuationFlag, END_LINE_DASHES, FLAG_COMPLETE, FLAG_MORE } from '../msrp/protocol/wire.ts';
import type { FreeSwitchEnd } from './end.ts';
import { type Author, authorName } from './text.ts';

export interface MsrpEndEvents {
  onText(text: string, author: Author): void;
  /** The switch did not take what was said. */
  onRefused(): void;
  /** The switch has named the session of this line. */
  onBound(): void;
  onClosed(): void;
}

/** Twice what is offered as a=max-size: the switch sends nothing longer. */
const MAX_MESSAGE_BYTES = 32_768;
const MAX_UNFINISHED = 16;
/** Said and not yet taken by the switch, which reads slowly while the others do not keep up. */
const MAX_OUTPUT_BYTES = 262_144;
const LINE_BYTES = 65_536;

export class MsrpEnd implements FrameSink {
  readonly end: FreeSwitchEnd;
  /** What the switch speaks with. */
  readonly far: Duplex;
  readonly #near: Duplex;
  readonly #events: MsrpEndEvents;
  readonly #parser = new MsrpParser(this);
  /** Of messages that come in chunks, by Message-ID. */
  readonly #unfinished = new Map<string, Buffer[]>();
  #paths = '';
  #number = 0;
  #isClosed = false;

  // The frame that is arriving.
  #isSend = false;
  #messageId = '';
  #contentType = '';
  #body: Buffer[] = [];
  #answer = '';

  constructor(end: FreeSwitchEnd, events: MsrpEndEvents) {
    this.end = end;
    this.#events = events;
    [this.#near, this.far] = duplexPair({ highWaterMark: LINE_BYTES });
    this.#near.on('data', (chunk: Buffer) => this.#parser.feed(chunk));
    this.#near.on('error', () => {});
    this.#near.on('end', () => this.close());
    this.#near.on('close', () => this.close());
  }

  get isBound(): boolean {
    return this.#paths !== '';
  }

  /** @returns false when it is not bound, or the switch takes nothing */
  say(text: string, at: Date): boolean {
    if (!this.isBound || this.#isClosed || this.#near.writableLength > MAX_OUTPUT_BYTES) return false;
    const { identity, group } = this.end;
    const head = formatCpimHead({
      from: `<${identity}>`,
      to: `<${group}>`,
      dateTime: at.toISOString(),
      contentType: 'text/plain;charset=UTF-8',
    });
    const body = Buffer.from(`${head}${text}`, 'utf8');
    this.#number += 1;
    const tid = `fs${this.#number.toString(36).padStart(6, '0')}`;
    const range = `Byte-Range: 1-${body.length}/${body.length}\r\n`;
    const lines = `${this.#paths}Message-ID: ${tid}\r\n${range}Content-Type: message/cpim\r\n\r\n`;
    this.#near.write(
      Buffer.concat([
        Buffer.from(`MSRP ${tid} SEND\r\n${lines}`, 'latin1'),
        body,
        Buffer.from(`\r\n${END_LINE_DASHES}${tid}$\r\n`, 'latin1'),
      ]),
    );
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parser.close();
    this.#near.destroy();
    this.far.destroy();
    this.#events.onClosed();
  }

  onHead(head: FrameHead): void {
    this.#body = [];
    this.#answer = '';
    this.#isSend = head.status === 0 && head.method === 'SEND';
    if (head.status >= 300) this.#events.onRefused();
    if (!this.#isSend) return;
    const toPath = head.value(TO_PATH) ?? '';
    const fromPath = head.value(FROM_PATH) ?? '';
    this.#messageId = head.value(MESSAGE_ID) ?? '';
    this.#contentType = head.value(CONTENT_TYPE) ?? '';
    if (head.value(FAILURE_REPORT)?.toLowerCase() !== 'no')
      this.#answer = formatResponse(head.tid(), 200, toPath, fromPath);
    if (this.isBound) return;
    this.#paths = formatPaths(fromPath, toPath);
    // Once the switch has our answer.
    setImmediate(() => {
      if (!this.#isClosed) this.#events.onBound();
    });
  }

  onBody(view: Buffer): void {
    if (this.#isSend) this.#body.push(Buffer.from(view));
  }

  onEnd(flag: ContinuationFlag): void {
    if (!this.#isSend) return;
    if (this.#answer !== '') this.#near.write(this.#answer, 'latin1');
    const id = this.#messageId;
    const pieces = [...(this.#unfinished.get(id) ?? []), ...this.#body];
    this.#unfinished.delete(id);
    if (pieces.length === 0) return;
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    if (bytes > MAX_MESSAGE_BYTES) return;
    if (flag === FLAG_COMPLETE) this.#read(Buffer.concat(pieces));
    else if (flag === FLAG_MORE && this.#unfinished.size < MAX_UNFINISHED) this.#unfinished.set(id, pieces);
  }

  onFault(_fault: ParseError): void {
    this.close();
  }

  #read(bytes: Buffer): void {
    if (!this.#contentType.toLowerCase().startsWith('message/cpim')) {
      this.#events.onText(bytes.toString('utf8'), { name: '' });
      return;
    }
    try {
      const head = parseCpim(bytes);
      if (head === null || !isText(head.contentType)) return;
      const { from } = head;
      // Words of the room itself are from and to its own address.
      const isOwn = from === null || head.to.some(({ uri }) => uri === from.uri);
      const name = isOwn ? '' : authorName(from.displayName, from.uri);
      this.#events.onText(bytes.toString('utf8', head.contentStart), { name });
    } catch {
      // The switch has read this head before us; a form that it lets pass and we do not know says nothing to a caller.
    }
  }
}

function isText(contentType: string | null): boolean {
  return contentType === null || /^text\/plain\s*(;|$)/i.test(contentType);
}
