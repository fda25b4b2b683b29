/** A caller with real-time text (RFC 4103): T.140 in RTP beside the audio, character by character. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { SipMessage } from '../../../src/agents/sip/message.ts';
import { Mailbox, type WaitOptions } from '../../../src/agents/waiting.ts';

const T140 = 98;
/** RFC 2198: each packet says again what the two before it said. */
const RED = 99;
const GENERATIONS = 2;
/** Of T.140: what ends a line. */
const LINE_SEPARATOR = '\u2028';
/** FreeSWITCH ends a message with CR LF, which T.140 takes as well. */
const LINE_END = /\u2028|\r\n/;
const BYTE_ORDER_MARK = '\ufeff';
const HEAD_BYTES = 12;
const TYPING_MS = 30;

export class Typist {
  readonly #socket: Socket;
  readonly #isRedundant: boolean;
  readonly #lines: Mailbox<string>;
  #peerPort = 0;
  #sequence = 1;
  #timestamp = 0;
  #shown = '';
  /** What was sent last, oldest first. */
  #before: Buffer[] = [];

  private constructor(socket: Socket, name: string, isRedundant: boolean) {
    this.#isRedundant = isRedundant;
    this.#socket = socket;
    this.#lines = new Mailbox({ describe: (line) => line, seen: () => `${name} is shown "${this.#shown}"` });
    socket.on('message', (packet) => this.#read(packet));
  }

  static async open(name: string, { isRedundant = false } = {}): Promise<Typist> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Typist(socket, name, isRedundant);
  }

  /** With audio that nobody sends. */
  get offer(): string {
    const { port } = this.#socket.address() as AddressInfo;
    return [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      'm=audio 40004 RTP/AVP 0',
      'a=sendonly',
      `m=text ${port} RTP/AVP ${this.#isRedundant ? `${RED} ` : ''}${T140}`,
      ...(this.#isRedundant
        ? [
            `a=rtpmap:${RED} red/1000`,
            `a=fmtp:${RED} ${Array(GENERATIONS + 1)
              .fill(T140)
              .join('/')}`,
          ]
        : []),
      `a=rtpmap:${T140} t140/1000`,
      'a=sendrecv',
      '',
    ].join('\r\n');
  }

  /** @param response the 200 to the INVITE */
  answered(response: SipMessage): void {
    const [, port = '0', format] = /^m=text (\d+) \S+ (\d+)/m.exec(response.body) ?? [];
    const wanted = this.#isRedundant ? RED : T140;
    if (port === '0' || Number(format) !== wanted) throw new Error(`no such text in ${response.body}`);
    this.#peerPort = Number(port);
  }

  /** A line, each character in a packet of its own, as it is typed. */
  async type(line: string): Promise<void> {
    for (const character of Array.from(`${line}${LINE_SEPARATOR}`)) {
      this.#send(character);
      await new Promise((resolve) => setTimeout(resolve, TYPING_MS));
    }
  }

  nextLine(options: WaitOptions = {}): Promise<string> {
    return this.#lines.take('a line of real-time text', options);
  }

  close(): void {
    this.#socket.close();
  }

  #send(text: string): void {
    const head = Buffer.alloc(HEAD_BYTES);
    head[0] = 0x80;
    // The marker: the first packet after a time of silence.
    head[1] = (this.#isRedundant ? RED : T140) | (this.#sequence === 1 ? 0x80 : 0);
    head.writeUInt16BE(this.#sequence, 2);
    head.writeUInt32BE(this.#timestamp, 4);
    head.writeUInt32BE(0x5eed, 8);
    this.#sequence += 1;
    this.#timestamp += TYPING_MS;
    const primary = Buffer.from(text, 'utf8');
    const blocks = this.#isRedundant ? this.#redundant(primary) : [primary];
    this.#before = [...this.#before, primary].slice(-GENERATIONS);
    this.#socket.send(Buffer.concat([head, ...blocks]), this.#peerPort, '127.0.0.1');
  }

  /** Heads of all blocks, then their texts, the newest last. */
  #redundant(primary: Buffer): Buffer[] {
    const heads = this.#before.map((block, index) => {
      const head = Buffer.alloc(4);
      const ago = (this.#before.length - index) * TYPING_MS;
      head.writeUInt32BE((0x80 | T140) * 2 ** 24 + ago * 2 ** 10 + block.length);
      return head;
    });
    return [...heads, Buffer.of(T140), ...this.#before, primary];
  }

  #read(packet: Buffer): void {
    const type = (packet[1] ?? 0) % 0x80;
    if (type !== T140 && type !== RED) return;
    const content = packet.subarray(HEAD_BYTES);
    const text = type === RED ? newestOf(content) : content;
    this.#shown += text.toString('utf8').replaceAll(BYTE_ORDER_MARK, '');
    const lines = this.#shown.split(LINE_END);
    this.#shown = lines.pop() ?? '';
    for (const line of lines) this.#lines.put(line);
  }
}

/** No packet is lost on loopback: what was said before is passed over. */
function newestOf(content: Buffer): Buffer {
  let at = 0;
  let older = 0;
  for (; ((content[at] ?? 0) & 0x80) !== 0; at += 4) older += content.readUInt16BE(at + 2) & 0x3ff;
  return content.subarray(at + 1 + older);
}
