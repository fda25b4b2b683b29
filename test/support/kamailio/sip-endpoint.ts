import { createHash, randomBytes } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { header, parseSip, type SipText, tag, uriOf } from './sip-text.ts';

export interface RequestText {
  readonly method: string;
  readonly uri: string;
  readonly to: string;
  readonly toTag?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly cseqMethod?: string;
  readonly fromTag?: string;
  readonly branch?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

const WAIT_MS = 8000;

/** A SIP end that says and hears exactly what a test writes, over UDP or over one TCP connection that it opened itself. */
export class SipEndpoint {
  readonly user: string;
  readonly domain: string;
  readonly port: number;
  readonly received: SipText[] = [];
  /** What stands in Contact; a client behind NAT writes an address at which it does not listen. */
  contactHost: string;
  readonly #send: (text: string | Buffer) => void;
  readonly #close: () => void;
  readonly #transport: string;
  readonly #waiting = new Set<() => void>();

  private constructor(
    user: string,
    domain: string,
    transport: string,
    port: number,
    send: (text: string | Buffer) => void,
    close: () => void,
  ) {
    this.user = user;
    this.domain = domain;
    this.port = port;
    this.contactHost = `127.0.0.1:${port}`;
    this.#transport = transport;
    this.#send = send;
    this.#close = close;
  }

  static async udp(
    user: string,
    domain: string,
    serverPort: number,
    host = '127.0.0.1',
  ): Promise<SipEndpoint> {
    const socket: UdpSocket = createSocket('udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    const endpoint = new SipEndpoint(
      user,
      domain,
      'UDP',
      socket.address().port,
      (text) => socket.send(text, serverPort, '127.0.0.1'),
      () => socket.close(),
    );
    endpoint.contactHost = `${host}:${endpoint.port}`;
    socket.on('message', (data) => endpoint.#hear(data.toString('utf8')));
    return endpoint;
  }

  static async tcp(user: string, domain: string, serverPort: number): Promise<SipEndpoint> {
    const socket: Socket = connect(serverPort, '127.0.0.1');
    await once(socket, 'connect');
    const endpoint = new SipEndpoint(
      user,
      domain,
      'TCP',
      socket.localPort ?? 0,
      (text) => socket.write(text),
      () => socket.destroy(),
    );
    socket.on('error', () => undefined);
    let buffered = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (;;) {
        const split = buffered.indexOf('\r\n\r\n');
        if (split < 0) return;
        const length = Number(
          /^content-length: *(\d+)/im.exec(buffered.toString('latin1', 0, split))?.[1] ?? 0,
        );
        if (buffered.length < split + 4 + length) return;
        endpoint.#hear(buffered.toString('utf8', 0, split + 4 + length));
        buffered = buffered.subarray(split + 4 + length);
      }
    });
    return endpoint;
  }

  close(): void {
    this.#close();
  }

  contact(): string {
    const parameter = this.#transport === 'UDP' ? '' : ';transport=tcp';
    return `<sip:${this.user}@${this.contactHost}${parameter}>`;
  }

  sendRaw(text: string | Buffer): void {
    this.#send(text);
  }

  /** Sends a request and returns its parts, so that an ACK or CANCEL can be made to it. */
  request(
    r: RequestText,
  ): Required<Pick<RequestText, 'callId' | 'cseq' | 'fromTag' | 'branch'>> & RequestText {
    const whole = {
      ...r,
      callId: r.callId ?? `call-${randomBytes(6).toString('hex')}`,
      cseq: r.cseq ?? 1,
      fromTag: r.fromTag ?? `f-${randomBytes(4).toString('hex')}`,
      branch: r.branch ?? `z9hG4bK${randomBytes(6).toString('hex')}`,
    };
    const body = r.body ?? '';
    const toTag = r.toTag === undefined ? '' : `;tag=${r.toTag}`;
    const lines = [
      `${r.method} ${r.uri} SIP/2.0`,
      `Via: SIP/2.0/${this.#transport} ${this.contactHost};branch=${whole.branch};rport`,
      `From: <sip:${this.user}@${this.domain}>;tag=${whole.fromTag}`,
      `To: <${r.to}>${toTag}`,
      `Call-ID: ${whole.callId}`,
      `CSeq: ${whole.cseq} ${r.cseqMethod ?? r.method}`,
      'Max-Forwards: 70',
      `Contact: ${this.contact()}`,
      ...(r.headers ?? []),
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    this.#send(`${lines.join('\r\n')}\r\n\r\n${body}`);
    return whole;
  }

  /** Answers a request that was received. */
  respond(
    request: SipText,
    status: number,
    reason: string,
    toTag: string,
    extra: readonly string[] = [],
    body = '',
  ): void {
    const to = header(request, 'To');
    const lines = [
      `SIP/2.0 ${status} ${reason}`,
      ...request.headers.filter(([name]) => name === 'Via').map(([, value]) => `Via: ${value}`),
      ...request.headers
        .filter(([name]) => name === 'Record-Route')
        .map(([, value]) => `Record-Route: ${value}`),
      `From: ${header(request, 'From')}`,
      `To: ${tag(to) === '' ? `${to};tag=${toTag}` : to}`,
      `Call-ID: ${header(request, 'Call-ID')}`,
      `CSeq: ${header(request, 'CSeq')}`,
      `Contact: ${this.contact()}`,
      ...extra,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    this.#send(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  /** The first message, past or to come, that fits; each message is given out once. */
  async expect(what: string, fits: (message: SipText) => boolean): Promise<SipText> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const index = this.received.findIndex(fits);
      if (index >= 0) return this.received.splice(index, 1)[0] as SipText;
      const rest = deadline - Date.now();
      if (rest <= 0) {
        const seen = this.received.map((message) => message.startLine).join(' | ');
        throw new Error(`${this.user} waited in vain for ${what}; has: ${seen}`);
      }
      await this.#nextMessage(rest);
    }
  }

  expectStatus(status: number, method: string): Promise<SipText> {
    return this.expect(`${status} to ${method}`, (m) => m.status === status && m.method === method);
  }

  /** @param callId where an earlier call may still be repeated, as over UDP after 500 ms without an answer */
  expectRequest(method: string, callId?: string): Promise<SipText> {
    const fits = (m: SipText) => callId === undefined || header(m, 'Call-ID') === callId;
    return this.expect(method, (m) => m.startLine.startsWith(`${method} `) && fits(m));
  }

  /** A final reply to the request, after a challenge has been met with the password if there was one. */
  async transact(r: RequestText, password?: string): Promise<SipText> {
    const first = this.request(r);
    const isFinal = (m: SipText) =>
      m.status >= 200 && header(m, 'Call-ID') === first.callId && m.method === r.method;
    const reply = await this.expect(
      `final reply to ${r.method}`,
      (m) => isFinal(m) && header(m, 'CSeq').startsWith(`${first.cseq} `),
    );
    if (r.method === 'INVITE' && reply.status >= 300) this.ack(first, reply);
    if ((reply.status !== 401 && reply.status !== 407) || password === undefined) return reply;
    const again = this.request({
      ...first,
      cseq: first.cseq + 1,
      branch: `z9hG4bK${randomBytes(6).toString('hex')}`,
      headers: [...(r.headers ?? []), this.credentials(reply, r.method, r.uri, password)],
    });
    const last = await this.expect(
      `final reply to ${r.method}`,
      (m) => isFinal(m) && header(m, 'CSeq').startsWith(`${again.cseq} `),
    );
    if (r.method === 'INVITE' && last.status >= 300) this.ack(again, last);
    return last;
  }

  /** The hop-by-hop ACK of a refusal: same branch, same Request-URI. */
  ack(invite: RequestText & { readonly branch: string }, reply: SipText): void {
    this.request({ ...invite, method: 'ACK', toTag: tag(header(reply, 'To')), headers: [], body: '' });
  }

  credentials(challenge: SipText, method: string, uri: string, password: string): string {
    const isProxy = challenge.status === 407;
    const asked = header(challenge, isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate');
    const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(asked)?.[1] ?? '';
    const ha1 = md5(`${this.user}:${field('realm')}:${password}`);
    const response = md5(`${ha1}:${field('nonce')}:00000001:c0ffee:auth:${md5(`${method}:${uri}`)}`);
    return (
      `${isProxy ? 'Proxy-Authorization' : 'Authorization'}: Digest username="${this.user}", realm="${field('realm')}", ` +
      `nonce="${field('nonce')}", uri="${uri}", qop=auth, nc=00000001, cnonce="c0ffee", response="${response}", algorithm=MD5`
    );
  }

  async register(password?: string): Promise<SipText> {
    return this.transact(
      {
        method: 'REGISTER',
        uri: `sip:${this.domain}`,
        to: `sip:${this.user}@${this.domain}`,
        headers: ['Expires: 300'],
      },
      password,
    );
  }

  #hear(raw: string): void {
    if (raw.trim() === '') return;
    this.received.push(parseSip(raw));
    for (const wake of [...this.#waiting]) wake();
  }

  #nextMessage(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    const wake = () => {
      clearTimeout(timer);
      this.#waiting.delete(wake);
      resolve();
    };
    this.#waiting.add(wake);
    return promise;
  }
}

/** htdigest's third field. */
export function ha1(user: string, realm: string, password: string): string {
  return md5(`${user}:${realm}:${password}`);
}

/** Where an in-dialog request to the sender of this reply goes. */
export function contactUri(message: SipText): string {
  return uriOf(header(message, 'Contact'));
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
