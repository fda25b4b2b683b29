/** FreeSWITCH's side of the event socket, played: what Parley's connections for users of FreeSWITCH need of it. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface PlayedEvent {
  readonly name: string;
  readonly subclass?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Client {
  readonly socket: Socket;
  isIn: boolean;
  /** Undefined: all. */
  mayWant: readonly string[] | undefined;
  readonly wants: Set<string>;
  input: Buffer;
}

export class PlayedSocket {
  readonly #server: Server;
  readonly #clients = new Set<Client>();
  readonly #password: string;
  readonly #api: (line: string) => string | undefined;
  readonly #onEvent: (event: PlayedEvent) => void;
  /** Of `userauth`: names of users with their own password and the events that they may subscribe to. */
  readonly users = new Map<string, { readonly password: string; readonly events: readonly string[] }>();
  /** Subclasses and names that were ever subscribed to. */
  readonly subscribed = new Set<string>();

  /** @param api what a command answers; undefined: nothing, ever */
  constructor(
    password: string,
    api: (line: string) => string | undefined,
    onEvent: (event: PlayedEvent) => void,
  ) {
    this.#password = password;
    this.#api = api;
    this.#onEvent = onEvent;
    this.#server = createServer((socket) => this.#connected(socket));
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** To all who subscribed, as FreeSWITCH writes it: Content-Length twice, and half a kilobyte of its own headers. */
  fire(event: PlayedEvent): void {
    const { name, subclass, headers, body } = event;
    const fields = { 'Event-Name': name, ...(subclass === undefined ? {} : { 'Event-Subclass': subclass }) };
    const text = JSON.stringify({
      ...fields,
      'Core-UUID': 'a0000000-0000-4000-8000-000000000001',
      'FreeSWITCH-Hostname': 'played',
      'Event-Date-Local': '2026-01-01 00:00:00',
      ...headers,
      ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)), _body: body }),
    });
    const json = body === undefined ? text : `{"Content-Length":"0",${text.slice(1)}`;
    const frame = `Content-Length: ${Buffer.byteLength(json)}\nContent-Type: text/event-json\n\n${json}`;
    for (const { socket, isIn, wants } of this.#clients)
      if (isIn && wants.has(subclass ?? name)) socket.write(frame);
  }

  async close(): Promise<void> {
    for (const { socket } of this.#clients) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connected(socket: Socket): void {
    const client: Client = {
      socket,
      isIn: false,
      mayWant: undefined,
      wants: new Set(),
      input: Buffer.alloc(0),
    };
    this.#clients.add(client);
    socket.on('close', () => this.#clients.delete(client));
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      client.input = Buffer.concat([client.input, chunk]);
      while (this.#takeCommand(client));
    });
    socket.write('Content-Type: auth/request\n\n');
  }

  #takeCommand(client: Client): boolean {
    const end = client.input.indexOf('\n\n');
    if (end < 0) return false;
    const [command = '', ...lines] = client.input.toString('utf8', 0, end).trimStart().split('\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const length = Number(headers['Content-Length'] ?? 0);
    if (client.input.length < end + 2 + length) return false;
    const body = client.input.toString('utf8', end + 2, end + 2 + length);
    client.input = client.input.subarray(end + 2 + length);
    this.#run(client, command, headers, body);
    return true;
  }

  /** Without `users`, everybody with the one password is one. */
  #isUser(client: Client, login: string): boolean {
    const [name = '', password = ''] = login.split(':');
    const user = this.users.get(name);
    client.mayWant = user?.events;
    if (this.users.size === 0) return password === this.#password;
    return password === user?.password;
  }

  #run(client: Client, command: string, headers: Record<string, string>, body: string): void {
    const { socket } = client;
    const reply = (text: string) => socket.write(`Content-Type: command/reply\nReply-Text: ${text}\n\n`);
    const [verb = '', ...words] = command.split(' ');
    if (verb === 'auth' || verb === 'userauth') {
      client.isIn = verb === 'auth' ? words[0] === this.#password : this.#isUser(client, words[0] ?? '');
      reply(client.isIn ? '+OK accepted' : '-ERR invalid');
      if (!client.isIn) socket.end('Content-Type: text/disconnect-notice\nContent-Length: 0\n\n');
    } else if (!client.isIn) socket.destroy();
    else if (verb === 'event' && words.slice(1).some((word) => client.mayWant?.includes(word) === false))
      reply('-ERR permission denied');
    else if (verb === 'event') {
      for (const word of words.slice(1)) {
        client.wants.add(word);
        this.subscribed.add(word);
      }
      reply('+OK event listener enabled json');
    } else if (verb === 'api') {
      const output = this.#api(command.slice(4));
      if (output === undefined) return;
      socket.write(`Content-Type: api/response\nContent-Length: ${Buffer.byteLength(output)}\n\n${output}`);
    } else if (verb === 'sendevent') {
      reply(`+OK ${randomUUID()}`);
      const { 'Event-Subclass': subclass, 'Content-Length': _, ...rest } = headers;
      const event = { name: words[0] ?? '', headers: rest, ...(body === '' ? {} : { body }) };
      const whole = subclass === undefined ? event : { ...event, subclass };
      this.#onEvent(whole);
      this.fire(whole);
    } else reply('-ERR command not found');
  }
}
