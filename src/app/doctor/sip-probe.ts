/** A SIP socket for a few questions: OPTIONS to a Kamailio, and OPTIONS that comes out of it. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { formatHostPort, type HostPort } from '../../config/address.ts';
import { randomIds } from '../../lib/ids.ts';
import {
  formatSipMessage,
  header,
  headers,
  parseSipMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../sip/message.ts';
import { PROBE_USER_AGENT } from '../../sip/probe.ts';

const DEFAULT_TIMEOUT_MS = 3000;
/** RFC 3261 17.1.2.2: timer E, for datagrams that get lost. */
const REPEAT_MS = 500;
const NAME = 'doctor';

export class SipProbe {
  readonly #socket: Socket;
  readonly #waiting = new Map<string, (message: SipMessage) => void>();
  readonly #timeoutMs: number;

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('message', (bytes, from) => this.#receive(bytes, from.address, from.port));
    socket.on('error', () => undefined); // What was lost shows as silence.
  }

  /** On the address of this machine that leads to `towards`. */
  static async open(towards: HostPort, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<SipProbe> {
    const socket = createSocket(towards.host.includes(':') ? 'udp6' : 'udp4');
    const probe = new SipProbe(socket, timeoutMs);
    // Connecting a throw-away socket tells which of our addresses leads there.
    const scout = createSocket(towards.host.includes(':') ? 'udp6' : 'udp4');
    scout.connect(towards.port, towards.host);
    await once(scout, 'connect');
    const { address } = scout.address();
    scout.close();
    socket.bind(0, address);
    await once(socket, 'listening');
    return probe;
  }

  get address(): HostPort {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  /** The final response; undefined when nothing came in time. */
  async options(to: HostPort, uri: string, toTag?: string): Promise<SipResponse | undefined> {
    const callId = `${NAME}-${randomIds.token(80)}`;
    const request = this.#optionsRequest(uri, callId, toTag);
    const send = (): void => this.#socket.send(formatSipMessage(request), to.port, to.host);
    const repeat = setInterval(send, REPEAT_MS);
    try {
      const heard = this.awaits(callId);
      send();
      const message = await heard;
      return message?.kind === 'response' ? message : undefined;
    } finally {
      clearInterval(repeat);
    }
  }

  /** The next message of this Call-ID but provisional responses; a request is answered 200. */
  async awaits(callId: string): Promise<SipMessage | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), this.#timeoutMs);
      const settle = (message: SipMessage | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(callId);
        resolve(message);
      };
      this.#waiting.set(callId, settle);
    });
  }

  close(): void {
    this.#socket.close();
  }

  #receive(bytes: Buffer, host: string, port: number): void {
    let message: SipMessage;
    try {
      message = parseSipMessage(bytes);
    } catch {
      return;
    }
    if (message.kind === 'request') this.#socket.send(formatSipMessage(okTo(message)), port, host);
    else if (message.status < 200) return;
    this.#waiting.get(header(message, 'Call-ID') ?? '')?.(message);
  }

  #optionsRequest(uri: string, callId: string, toTag: string | undefined): SipRequest {
    const here = formatHostPort(this.address);
    const fields: [string, string][] = [
      ['Via', `SIP/2.0/UDP ${here};rport;branch=z9hG4bK${randomIds.token(80)}`],
      ['Max-Forwards', '70'],
      ['From', `<sip:${NAME}@${here}>;tag=${randomIds.token(60)}`],
      ['To', `<${uri}>${toTag === undefined ? '' : `;tag=${toTag}`}`],
      ['Call-ID', callId],
      ['CSeq', '1 OPTIONS'],
      ['Contact', `<sip:${NAME}@${here}>`],
      ['User-Agent', PROBE_USER_AGENT],
      ['Accept', 'application/sdp'],
    ];
    return {
      kind: 'request',
      method: 'OPTIONS',
      uri,
      headers: fields.map(([name, value]) => ({ name, value })),
      body: Buffer.alloc(0),
    };
  }
}

function okTo(request: SipRequest): SipResponse {
  const fields: { name: string; value: string }[] = headers(request, 'Via').map((value) => ({
    name: 'Via',
    value,
  }));
  for (const name of ['From', 'To', 'Call-ID', 'CSeq']) {
    const value = header(request, name) ?? '';
    fields.push({ name, value: name === 'To' && !value.includes(';tag=') ? `${value};tag=${NAME}` : value });
  }
  return { kind: 'response', status: 200, reason: 'OK', headers: fields, body: Buffer.alloc(0) };
}
