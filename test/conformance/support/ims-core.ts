/**
 * An IMS core between the users and the product: two stateless proxies in a row (the edge that users speak to, and the
 * serving one that the product speaks to). Both record-route; the serving one adds a charging vector and is the outbound
 * proxy of the product. What passes is kept, so that a test sees it as the core does.
 */
import { createHash } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parseNameAddr, parseSipUri, parseVia } from '../../../src/agents/sip/header-values.ts';
import { formatMessage, type HeaderField, SipMessage } from '../../../src/agents/sip/message.ts';

export interface Hop {
  readonly host: string;
  readonly port: number;
}

const ICID_HOST = '192.0.2.1';
const CHARGING_HOST = '192.0.2.8';
const UNCHARGED = new Set(['ACK', 'CANCEL']);
const DIALOG_MAKERS = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

export class ImsCore {
  readonly edge: Proxy;
  readonly serving: Proxy;
  readonly #users = new Map<string, Hop>();
  #product: Hop | undefined;

  private constructor(edge: Proxy, serving: Proxy) {
    this.edge = edge;
    this.serving = serving;
    edge.next = (request, from) => {
      if (from.port !== this.serving.hop.port) return { to: this.serving.hop };
      const user = this.#users.get(request.requestUri.replace(/;.*$/, ''));
      return user === undefined ? {} : { to: user };
    };
    serving.next = (request, from) => {
      if (from.port !== this.edge.hop.port || this.#product === undefined) return { to: this.edge.hop };
      return { to: this.#product };
    };
    serving.chargingOf = (request, { port }) => {
      if (port !== this.#product?.port || UNCHARGED.has(request.method)) return [];
      const icid = `${request.callId.slice(0, 12)}-${request.header('CSeq')?.replace(' ', '-')}`;
      return [
        ['P-Charging-Vector', `icid-value=${icid};icid-generated-at=${ICID_HOST}`],
        ['P-Charging-Function-Addresses', `ccf=${CHARGING_HOST}`],
      ];
    };
  }

  static async start(): Promise<ImsCore> {
    return new ImsCore(await Proxy.start(), await Proxy.start());
  }

  /** Where requests of users to the product go. */
  connect(product: Hop): void {
    this.#product = product;
  }

  /** The user is at this `host:port`. */
  serve(uri: string, address: string): void {
    const { host, port = 5060 } = parseSipUri(`sip:${address}`);
    this.#users.set(uri, { host, port });
  }

  /** The Record-Route values that a request of a user has when it reaches the product, topmost first. */
  get towardsProduct(): string[] {
    return [this.serving.route, this.edge.route];
  }

  /** What the serving proxy got from the product, requests and responses. */
  get fromProduct(): SipMessage[] {
    return this.serving.received.flatMap(({ message, port }) =>
      port === this.#product?.port ? [message] : [],
    );
  }

  /** What it passed on to the product. */
  get toProduct(): SipMessage[] {
    return this.serving.sent.flatMap(({ message, port }) => (port === this.#product?.port ? [message] : []));
  }

  stop(): void {
    this.edge.stop();
    this.serving.stop();
  }
}

interface Passed {
  readonly message: SipMessage;
  readonly port: number;
}

class Proxy {
  readonly hop: Hop;
  readonly received: Passed[] = [];
  readonly sent: Passed[] = [];
  /** Where a request without a further route goes. */
  next: (request: SipMessage, from: RemoteInfo) => { to?: Hop } = () => ({});
  /** What is added to a request that goes there. */
  chargingOf: (request: SipMessage, to: Hop) => readonly HeaderField[] = () => [];
  readonly #socket: Socket;

  static async start(): Promise<Proxy> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Proxy(socket);
  }

  private constructor(socket: Socket) {
    const { address, port } = socket.address();
    this.hop = { host: address, port };
    this.#socket = socket;
    socket.on('message', (bytes, from) => {
      const message = SipMessage.parse(bytes);
      this.received.push({ message, port: from.port });
      if (message.isRequest) this.#request(message, from);
      else this.#response(message);
    });
  }

  get route(): string {
    return `<sip:${this.hop.host}:${this.hop.port};lr>`;
  }

  stop(): void {
    this.#socket.close();
  }

  #request(request: SipMessage, from: RemoteInfo): void {
    const routes = request.values('Route').filter((route, index) => index > 0 || !this.#isOwn(route));
    const isInitial = request.toTag === '';
    // A stateless proxy makes the branch from the one it got, so that CANCEL and ACK match (RFC 3261 section 16.11).
    const branch = createHash('sha256').update(request.transactionId).digest('hex').slice(0, 24);
    const vias: HeaderField[] = [
      `SIP/2.0/UDP ${this.hop.host}:${this.hop.port};branch=z9hG4bK${branch}`,
      ...request.values('Via'),
    ].map((via) => ['Via', via]);
    const recordRoutes = [
      ...(isInitial && DIALOG_MAKERS.has(request.method) ? [this.route] : []),
      ...request.values('Record-Route'),
    ].map((route): HeaderField => ['Record-Route', route]);
    const onward = isInitial && routes.length === 0 ? this.next(request, from) : {};
    const to = onward.to ?? hopOf(routes[0] ?? request.requestUri);
    const fields: HeaderField[] = [
      ...vias,
      ...routes.map((route): HeaderField => ['Route', route]),
      ...recordRoutes,
      // Kamailio's own ACK to a 2xx has none: a proxy sets it then (RFC 3261 section 16.6, step 3).
      ['Max-Forwards', String(Number(request.header('Max-Forwards') ?? 71) - 1)],
      ...without(request.fields, 'via', 'route', 'record-route', 'max-forwards', 'content-length'),
      ...this.chargingOf(request, to),
    ];
    this.#send(formatMessage(request.startLine, fields, request.bodyBytes), to);
  }

  #response(response: SipMessage): void {
    const [, ...vias] = response.values('Via');
    const next = parseVia(vias[0] ?? '');
    const { host, port = 5060 } = parseSipUri(`sip:${next.sentBy}`);
    const fields: HeaderField[] = [
      ...vias.map((via): HeaderField => ['Via', via]),
      ...without(response.fields, 'via', 'content-length'),
    ];
    this.#send(formatMessage(response.startLine, fields, response.bodyBytes), { host, port });
  }

  #isOwn(route: string): boolean {
    return hopOf(route).port === this.hop.port;
  }

  #send(bytes: Buffer, to: Hop): void {
    this.sent.push({ message: SipMessage.parse(bytes), port: to.port });
    this.#socket.send(bytes, to.port, to.host);
  }
}

function hopOf(route: string): Hop {
  const { host, port = 5060 } = parseSipUri(parseNameAddr(route).uri);
  return { host, port };
}

function without(fields: readonly HeaderField[], ...names: readonly string[]): HeaderField[] {
  return fields.filter(([name]) => !names.includes(name.toLowerCase()));
}
