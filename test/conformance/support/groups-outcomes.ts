/** What several clauses ask of an answer, a refusal, or the trace of a decision. */
import assert from 'node:assert/strict';
import type { Subscriber } from '../../../src/agents/chat.ts';
import type { MsrpSession } from '../../../src/agents/msrp/session.ts';
import type { Heard, Room } from '../../../src/agents/room.ts';
import { type ReadSdp, readSdp, sdpOf } from '../../../src/agents/sdp.ts';
import type { Dialog } from '../../../src/agents/sip/dialog.ts';
import { parseNameAddr, parseSipUri } from '../../../src/agents/sip/header-values.ts';
import type { SipMessage } from '../../../src/agents/sip/message.ts';
import { within } from '../../../src/agents/waiting.ts';
import { DOMAIN, type Stack, type TraceStepView } from '../../support/stack.ts';
import { evidence, wireLine } from './evidence.ts';

const RELEASE = /^IM-serv\/OMA1\.0( |$)/;

/** A final refusal with one Warning of RFC 3261 form whose text matches; shown for the statements `ids`. */
export function assertRefused(response: SipMessage, status: number, warning: RegExp, ids = ''): void {
  assert.equal(
    response.status,
    status,
    `${response.status} ${response.reason}: ${response.header('Warning')}`,
  );
  const warnings = response.headers('Warning');
  assert.equal(warnings.length, 1, `one Warning, not ${warnings.join(' | ')}`);
  const parts = /^399 (\S+) "((?:[^"\\]|\\.)+)"$/.exec(warnings[0] ?? '');
  assert.ok(parts !== null, `Warning is 399 agent "text": ${warnings[0]}`);
  assert.equal(parts[1], DOMAIN);
  assert.match(parts[2] ?? '', warning);
  evidence(ids, wireLine(response, 'Warning'));
  assert.ok(
    response.headers('Server').some((value) => RELEASE.test(value)),
    'Server names the release',
  );
}

/** As assertRefused with 488; its body tells what is supported. */
export function assertNotAcceptable(response: SipMessage, ids = ''): void {
  assertRefused(response, 488, /./);
  assert.equal(response.header('Content-Type'), 'application/sdp');
  const described = readSdp(response.body);
  assert.deepEqual(
    described.media.map(({ kind, protocol }) => `${kind} ${protocol}`),
    ['message TCP/MSRP'],
  );
  const types = described.media[0]?.attributes.get('accept-types')?.[0] ?? '';
  assert.match(types, /\bmessage\/cpim\b.*\btext\/plain\b/);
  evidence(ids, wireLine(response, 'Warning', /^m=message.*$/m, /^a=accept-types:.*$/m));
}

export interface Expected200 {
  /** The address in P-Asserted-Identity: group identity, or conference-factory. */
  readonly asserted: string;
  /** When the session runs already. */
  readonly identity?: string;
}

/**
 * R-7.2.1.1-1 to -6: a 200 to an initial INVITE.
 * @returns the IM Session Identity and the SDP answer
 */
export function assertAccepted(
  response: SipMessage,
  request: SipMessage,
  expected: Expected200,
): { identity: string; answer: ReadSdp } {
  assert.equal(response.status, 200, `${response.status} ${response.reason}: ${response.header('Warning')}`);
  // R-7.2.1.1-1
  for (const name of ['From', 'Call-ID', 'CSeq'])
    assert.equal(response.header(name), request.header(name), name);
  assert.notEqual(response.toTag, '', 'To has a tag');
  // R-7.2.1.1-2
  const allow = response.values('Allow');
  for (const method of ['INVITE', 'ACK', 'BYE', 'CANCEL', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'OPTIONS'])
    assert.ok(allow.includes(method), `Allow has ${method}`);
  // R-7.2.1.1-3
  assert.match(response.header('Session-Expires') ?? '', /^\d+;refresher=uac$/);
  const requires = response.values('Require').includes('timer');
  assert.equal(
    requires,
    request.values('Supported').includes('timer'),
    'Require: timer for who knows it (A-6)',
  );
  // R-7.2.1.1-4
  assert.equal(parseNameAddr(response.header('P-Asserted-Identity') ?? '').uri, expected.asserted);
  // R-7.2.1.1-5
  const identity = assertSessionContact(response);
  if (expected.identity !== undefined) assert.equal(identity, expected.identity, 'the running session');
  // R-7.2.1.1-6
  assert.ok(
    response.headers('Server').some((value) => RELEASE.test(value)),
    'Server names the release',
  );
  const answer = sdpOf(response);
  assert.ok(answer !== undefined, 'an SDP answer');
  assert.equal(answer.path.length, 1);
  return { identity, answer };
}

/** Contact is an IM Session Identity with both feature tags as header parameters. @returns the identity */
export function assertSessionContact(message: SipMessage): string {
  const [contact, ...more] = message.values('Contact').map(parseNameAddr);
  assert.equal(more.length, 0, 'one Contact');
  assert.ok(contact !== undefined, 'a Contact');
  assert.match(parseSipUri(contact.uri).user, /^im-s-[a-z0-9]{10,}$/);
  assert.ok(contact.params.has('isfocus'), 'isfocus');
  assert.ok(contact.params.has('+g.oma.sip-im'), '+g.oma.sip-im');
  return contact.uri;
}

/** The name that sessions have in the admin: the user part of their identity. */
export function sessionName(identity: string): string {
  return parseSipUri(identity).user;
}

/**
 * The decisions about a Call-ID took these steps, in this order; steps between them do not matter. An agent may know
 * of an answer (Kamailio has ACKed it) before the focus has decided on it, so the trace is asked until it has them.
 */
export async function assertSteps(stack: Stack, callId: string, wanted: readonly string[]): Promise<void> {
  const lines = new Map<string, string>();
  const missing = await untilTraced(stack, callId, (steps) => {
    const taken = steps.map(({ id, verdict }) => `${id} ${verdict}`);
    for (const { id, verdict, found } of steps) lines.set(`${id} ${verdict}`, `${id} ${verdict}: ${found}`);
    let from = 0;
    for (const step of wanted) {
      const found = taken.indexOf(step, from);
      if (found < 0)
        return { isThere: false, told: `"${step}" is missing or out of order in\n${taken.join('\n')}` };
      from = found + 1;
    }
    return { isThere: true, told: '' };
  });
  assert.equal(missing, '');
  for (const step of wanted) evidence(step.split(' ')[0] ?? '', `decision trace: ${lines.get(step) ?? step}`);
}

/** What a step of the decisions about a Call-ID found. */
export function foundAt(stack: Stack, callId: string, id: string): Promise<string> {
  return untilTraced(stack, callId, (steps) => {
    const step = steps.find((candidate) => candidate.id === id);
    return { isThere: step !== undefined, told: step?.found ?? `no step ${id}` };
  });
}

const TRACE_TIMEOUT_MS = 8_000;
const TRACE_POLL_MS = 20;

async function untilTraced(
  stack: Stack,
  callId: string,
  look: (steps: readonly TraceStepView[]) => { readonly isThere: boolean; readonly told: string },
): Promise<string> {
  const deadline = Date.now() + TRACE_TIMEOUT_MS;
  for (;;) {
    const { isThere, told } = look(await stack.steps(callId));
    if (isThere || Date.now() > deadline) return told;
    await new Promise((resolve) => setTimeout(resolve, TRACE_POLL_MS));
  }
}

/** The group is idle. */
export async function assertNoSession(stack: Stack, group: string): Promise<void> {
  const sessions = (await stack.sessions()) as readonly {
    readonly id: string;
    readonly phase: string;
    readonly address?: string;
  }[];
  assert.ok(
    sessions.every(({ address }) => typeof address === 'string'),
    'sessions tell their group',
  );
  assert.deepEqual(
    sessions.filter(({ address, phase }) => address === group && phase !== 'ending').map(({ id }) => id),
    [],
    `a session of ${group} runs`,
  );
}

/** No INVITE has reached these people. */
export async function assertNobodyInvited(people: readonly Subscriber[]): Promise<void> {
  for (const person of people) {
    await person.sip.sync();
    assert.deepEqual(
      person.sip
        .received((message) => message.isRequest && message.method === 'INVITE')
        .map((invite) => invite.summary),
      [],
      `${person.uri} was invited`,
    );
  }
}

/** Takes messages until this one comes: who has just joined may also get what was said while they were invited. */
export async function hears(room: Room, text: string): Promise<Heard> {
  for (;;) {
    const heard = await room.hear();
    if (heard.text === text) return heard;
  }
}

const END_TIMEOUT_MS = 10_000;

/** The focus has ended this dialog with BYE. */
export async function assertEnded(dialog: Dialog, options: { timeoutMs?: number } = {}): Promise<void> {
  const timeoutMs = options.timeoutMs ?? END_TIMEOUT_MS;
  const what = `BYE in the dialog with ${dialog.remoteAddress}`;
  assert.equal(await within(dialog.ended, timeoutMs, what, () => dialog.state), 'remote');
}

/** The switch has closed this MSRP connection. */
export async function assertClosed(msrp: MsrpSession): Promise<void> {
  await within(msrp.closed, END_TIMEOUT_MS, `the end of the MSRP connection of ${msrp.name}`, () =>
    msrp.tail(),
  );
}

/** Text of everything that this person got by SIP and MSRP. */
export function everythingReceived(person: Subscriber): string {
  const sip = person.sip.received(() => true).map((message) => message.raw.toString('utf8'));
  const msrp = person.rooms.flatMap((room) =>
    room.msrp.trace
      .filter(({ direction }) => direction === 'received')
      .map(({ bytes }) => bytes.toString('utf8')),
  );
  return [...sip, ...msrp].join('\n');
}
