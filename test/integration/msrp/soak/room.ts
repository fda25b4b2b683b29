/** One room of a soak: who stays, who comes and goes, what they say, and what each is held to. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LegSnapshot, SwitchEvent } from '../../../../src/switch-control/protocol.ts';
import { within } from '../../../support/children.ts';
import { type Kind, type Ledger, Receiver } from './ledger.ts';
import { pathOf, SoakMember } from './member.ts';
import type { Transport } from './wire.ts';

const STAYING: readonly Transport[] = ['tcp', 'ws', 'tls', 'tcp'];
const LEAVING: readonly Transport[] = ['tcp', 'tls'];
const STAY_MS = 2_000;
const AWAY_MS = 400;
const GONE_TIMEOUT_MS = 60_000;
const CHUNK_CHARS = 4_000;
const MOST_CHUNKS = 20;
const TILDE = 0x7e;
const PADDING = '.'.repeat(CHUNK_CHARS);
/** Ways to go: in good order, by a reset, in the middle of a message, in the middle of a chunk, by the focus's order. */
const WAYS = 5;

interface Occupant {
  readonly member: SoakMember;
  readonly receiver: Receiver;
  readonly waiting: Map<string, { key: string; number: number }>;
  stay: number;
}

export class SoakRoom {
  readonly name: string;
  left = 0;
  readonly #prefix: string;
  readonly #ledger: Ledger;
  readonly #order: (op: string, body: unknown) => void;
  readonly #occupants: Occupant[];
  readonly #gone = new Map<string, () => void>();
  #reportsDue = 0;
  #revision = 1;
  #said = 0;

  constructor(
    number: number,
    ports: Readonly<Record<string, number>>,
    ledger: Ledger,
    order: (op: string, body: unknown) => void,
  ) {
    this.name = `im-s-soak${number}`;
    this.#prefix = `r${String(number).padStart(2, '0')}m`;
    this.#ledger = ledger;
    this.#order = order;
    this.#occupants = [...STAYING, ...LEAVING].map((transport, i) =>
      this.#occupant(`${this.#prefix}${i}`, transport, i < STAYING.length, ports[transport] ?? 0),
    );
  }

  get unanswered(): number {
    return this.#occupants.reduce((sum, { waiting }) => sum + waiting.size, 0);
  }

  async open(): Promise<void> {
    const legs = this.#occupants.map(({ member }) => snapshot(member));
    this.#order('session.put', {
      session: this.name,
      revision: 1,
      addresses: [`sip:${this.name}@example.net`],
      legs,
    });
    for (const { member } of this.#occupants) await member.open();
  }

  close(): void {
    for (const { member } of this.#occupants) member.leave(true);
  }

  missing(): readonly string[] {
    const reports = this.#reportsDue === 0 ? [] : [`${this.name}: ${this.#reportsDue} reports`];
    return [...this.#occupants.flatMap(({ receiver }) => receiver.missing()), ...reports];
  }

  noteEvent(event: SwitchEvent): void {
    if (event.op !== 'leg.unbound') return;
    const expected = this.#gone.get(event.leg);
    this.#gone.delete(event.leg);
    if (expected !== undefined) expected();
    else {
      this.#ledger.fault(`${event.leg} was cut off: ${event.reason}`);
      const lost = this.#occupants.find(({ member }) => member.name === event.leg);
      lost?.member.leave(true);
      lost?.waiting.clear();
    }
  }

  /** One of those who are here says something. */
  say(): void {
    this.#said++;
    const here = this.#occupants.filter(({ member }) => member.isOpen);
    if (here.length === 0) return;
    const sender = here[this.#said % here.length] as Occupant;
    if (this.#said % 100 === 7) this.#sayInChunks(sender);
    else if (this.#said % 20 === 3)
      this.#sayPrivately(sender, this.#occupants[this.#said % STAYING.length] as Occupant);
    else if (this.#said % 10 === 9) this.#compose(sender);
    else this.#sayPlainly(sender);
  }

  /** Those who do not stay: each goes, in one way or another, and comes back. */
  async comeAndGo(untilMs: number): Promise<void> {
    const leavers = this.#occupants.slice(STAYING.length);
    await Promise.all(leavers.map((leaver, i) => this.#leaveAndReturn(leaver, i, untilMs)));
  }

  async #leaveAndReturn(leaver: Occupant, first: number, untilMs: number): Promise<void> {
    for (let way = first; ; way++) {
      await delay(STAY_MS * (0.2 + Math.random()));
      if (performance.now() > untilMs || !leaver.member.isOpen) return;
      await this.#leave(leaver, way % WAYS);
      this.left++;
      await delay(AWAY_MS * Math.random());
      leaver.stay++;
      leaver.waiting.clear();
      leaver.receiver.beginStay();
      await leaver.member.open().catch((error: unknown) => {
        this.#ledger.fault(`${performance.now().toFixed(0)} ms: ${String(error)}`);
        leaver.member.leave(true);
      });
    }
  }

  async #leave({ member, stay }: Occupant, way: number): Promise<void> {
    if (way === 4) {
      const step = (): { base: number; revision: number } => ({
        base: this.#revision,
        revision: ++this.#revision,
      });
      member.isOpen = false;
      this.#order('leg.drop', { session: this.name, ...step(), legs: [member.name] });
      this.#order('leg.put', { session: this.name, ...step(), legs: [snapshot(member)] });
      await within(GONE_TIMEOUT_MS, `the close of ${member.name}'s connection`, member.left());
      return;
    }
    const gone = new Promise<void>((resolve) => void this.#gone.set(member.name, resolve));
    const headers = 'Byte-Range: 1-*/90000\r\nContent-Type: text/plain\r\n';
    const id = `${member.name}s${stay}`;
    if (way === 2) member.write(headers, `~${id} left 0~${PADDING}`, '+', id);
    if (way === 3) member.writeHalf(`Message-ID: ${id}\r\n${headers}`, `~${id} left 0~${PADDING}`);
    member.leave(way === 1);
    await within(GONE_TIMEOUT_MS, `word that ${member.name} is gone`, gone);
  }

  #sayPlainly(sender: Occupant): void {
    const { key, number, text } = this.#next(sender, 'group', '');
    const body = `~${text}~${PADDING.slice(0, 100 + (number % 200))}`;
    const headers = `Byte-Range: 1-${body.length}/${body.length}\r\nContent-Type: text/plain\r\n`;
    sender.waiting.set(sender.member.write(headers, body, '$'), { key, number });
  }

  #sayPrivately(sender: Occupant, to: Occupant): void {
    if (sender === to) return;
    const { key, number, text } = this.#next(sender, 'private', to.member.name);
    const body =
      `From: <sip:${sender.member.name}@example.net>\r\nTo: <sip:${to.member.name}@example.net>\r\n\r\n` +
      `Content-Type: text/plain\r\n\r\n~${text}~`;
    const headers = `Byte-Range: 1-${body.length}/${body.length}\r\nContent-Type: message/cpim\r\n`;
    sender.waiting.set(sender.member.write(headers, body, '$'), { key, number });
  }

  #compose(sender: Occupant): void {
    sender.member.write('Content-Type: application/im-iscomposing+xml\r\n', '<isComposing/>', '$');
  }

  #sayInChunks(sender: Occupant): void {
    const { key, number, text } = this.#next(sender, 'chunked', '');
    const count = 2 + (number % MOST_CHUNKS);
    const whole = `~${text}~`.padEnd(count * CHUNK_CHARS, '.');
    const id = `${sender.member.name}s${sender.stay}c${number}`;
    const isReported = this.#occupants.indexOf(sender) < STAYING.length;
    if (isReported) this.#reportsDue++;
    for (let i = 0; i < count; i++) {
      const end = (i + 1) * CHUNK_CHARS;
      const isLast = i === count - 1;
      const headers =
        `Byte-Range: ${i * CHUNK_CHARS + 1}-${end}/${whole.length}\r\n${isReported ? 'Success-Report: yes\r\n' : ''}` +
        'Content-Type: text/plain\r\n';
      const tid = sender.member.write(headers, whole.slice(i * CHUNK_CHARS, end), isLast ? '$' : '+', id);
      if (isLast) sender.waiting.set(tid, { key, number });
    }
  }

  #next(sender: Occupant, kind: Kind, to: string): { key: string; number: number; text: string } {
    const { key, number } = this.#ledger.next(this.name, sender.member.name, sender.stay, kind, to);
    return { key, number, text: `${key}/${number}` };
  }

  #occupant(name: string, transport: Transport, isStaying: boolean, port: number): Occupant {
    const receiver = new Receiver(this.name, name, isStaying, this.#ledger);
    const waiting = new Map<string, { key: string; number: number }>();
    const member = new SoakMember(name, transport, port, {
      onAnswer: (tid, status) => {
        const message = waiting.get(tid);
        waiting.delete(tid);
        if (message !== undefined) this.#ledger.answered(message.key, message.number, status);
        else if (status !== '200') this.#ledger.fault(`${name}: ${tid} was answered ${status}`);
      },
      onSend: (head, body, flag) => take(receiver, head, body, flag, this.#ledger),
      onReport: () => {
        this.#reportsDue--;
      },
    });
    return { member, receiver, waiting, stay: 0 };
  }
}

/** A chunk of a message, or the whole of it: counted in when it is complete. */
function take(receiver: Receiver, head: string, body: string, flag: string, ledger: Ledger): void {
  // Most are whole and short.
  if (flag === '$' && body.charCodeAt(0) === TILDE && head.includes('\r\nByte-Range: 1-')) {
    count(receiver, body);
    return;
  }
  const range = /Byte-Range: (\d+)-[\d*]+\/(\d+|\*)/.exec(head);
  const start = Number(range?.[1] ?? 0);
  if (flag === '$' && start === 1) {
    if (!body.startsWith('<isComposing')) count(receiver, body);
    return;
  }
  const id = /Message-ID: (\S+)/.exec(head)?.[1] ?? '';
  const had = receiver.open.get(id) ?? 0;
  if (flag === '#') {
    receiver.open.delete(id);
    return;
  }
  if (start !== had + 1) ledger.fault(`${receiver.name}: ${id} goes on at ${start} after ${had} bytes`);
  receiver.open.set(id, had + body.length);
  if (start === 1) receiver.beginnings.set(id, body.slice(0, 200));
  if (flag !== '$') return;
  if (had + body.length !== Number(range?.[2]))
    ledger.fault(`${receiver.name}: ${id} has ${had + body.length} bytes`);
  count(receiver, receiver.beginnings.get(id) ?? '');
  receiver.open.delete(id);
  receiver.beginnings.delete(id);
}

function count(receiver: Receiver, body: string): void {
  const from = body.indexOf('~') + 1;
  const to = body.indexOf('~', from);
  const slash = body.lastIndexOf('/', to);
  receiver.take(body.slice(from, slash), Number(body.slice(slash + 1, to)));
}

function snapshot(member: SoakMember): LegSnapshot {
  return {
    leg: member.name,
    sessionId: `sid-${member.name}-0123456789`,
    tls: member.transport === 'tls',
    path: [pathOf(member.name, member.transport)],
    role: 'passive',
    acceptTypes: ['*'],
    acceptWrappedTypes: ['*'],
    direction: 'sendrecv',
    identities: [`sip:${member.name}@example.net`],
  };
}
