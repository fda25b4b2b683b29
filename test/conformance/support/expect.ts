/** What responses and notifications must look like, read without any code of the product. */
import assert from 'node:assert/strict';
import type { MsrpSession } from '../../../src/agents/msrp/session.ts';
import type { Roster } from '../../../src/agents/roster.ts';
import { sdpOf } from '../../../src/agents/sdp.ts';
import type { SipMessage } from '../../../src/agents/sip/message.ts';
import { DEFAULT_WAIT_MS, within } from '../../../src/agents/waiting.ts';
import { DOMAIN, type Stack, type TraceStepView } from '../../support/stack.ts';
import { evidence, wireLine } from './evidence.ts';

export interface Warning {
  readonly code: number;
  readonly agent: string;
  readonly text: string;
}

/** The one warning of a message (RFC 3261 section 20.43). */
export function warningOf(message: SipMessage): Warning {
  const values = message.headers('Warning');
  assert.equal(values.length, 1, `${message.summary}: one Warning`);
  const match = /^(\d{3}) (\S+) "((?:[^"\\]|\\.)*)"$/.exec(values[0] ?? '');
  assert.ok(match, `Warning: ${values[0]}`);
  return { code: Number(match[1]), agent: match[2] ?? '', text: match[3] ?? '' };
}

/** A refusal with this status whose Warning has a reason that matches; shown for the statements `ids`. */
export function assertRefused(response: SipMessage, status: number, reason: RegExp, ids = ''): void {
  assert.equal(response.status, status, `${response.summary}; Warning: ${response.header('Warning')}`);
  const { code, agent, text } = warningOf(response);
  assert.equal(code, 399);
  assert.equal(agent, DOMAIN);
  assert.match(text, reason);
  evidence(ids, wireLine(response, 'Warning'));
}

/** 488 that describes what is supported; shown for the statements `ids`. */
export function assertNotAcceptable(response: SipMessage, reason: RegExp, ids = ''): void {
  assertRefused(response, 488, reason);
  assert.equal(response.header('Content-Type'), 'application/sdp');
  const supported = sdpOf(response);
  const message = supported?.media.find(({ kind }) => kind === 'message');
  assert.equal(message?.protocol, 'TCP/MSRP');
  assert.ok(message?.attributes.get('accept-types')?.[0]?.includes('message/cpim'));
  evidence(ids, wireLine(response, 'Warning', /^m=message.*$/m, /^a=accept-types:.*$/m));
}

export function methodsOf(message: SipMessage): string[] {
  return message.values('Allow').map((method) => method.trim());
}

type Decisions = Parameters<Stack['decisions']>[0];

/** What the decision trace says of a step: its latest run in the decisions asked for. */
export async function stepOf(stack: Stack, of: Decisions, id: string): Promise<TraceStepView> {
  const decisions = await stack.decisions(of);
  const found = decisions.flatMap(({ steps }) => steps).find((step) => step.id === id);
  assert.ok(found, `a step ${id} in ${decisions.map(({ procedure }) => procedure).join(', ')}`);
  evidence(id, `decision trace: ${id} ${found.verdict}: ${found.found}`);
  return found;
}

/** The session that a 200, an INVITE or a NOTIFY of the focus belongs to: the user part of its Contact. */
export function sessionOf(message: SipMessage): string {
  const id = /<sip:([^@>]+)@/.exec(message.header('Contact') ?? '')?.[1];
  assert.ok(id, `a session identity in the Contact of ${message.summary}`);
  return id;
}

/** Children in the order that the schema of RFC 4575 section 8 has them; what is not here has no fixed order. */
const CHILD_ORDER: Readonly<Record<string, readonly string[]>> = {
  'conference-info': [
    'conference-description',
    'host-info',
    'conference-state',
    'users',
    'sidebars-by-ref',
    'sidebars-by-val',
  ],
  'conference-description': [
    'display-text',
    'subject',
    'free-text',
    'keywords',
    'conf-uris',
    'service-uris',
    'maximum-user-count',
    'available-media',
  ],
  'conference-state': ['user-count', 'active', 'locked'],
  users: ['user'],
  user: ['display-text', 'associated-aors', 'roles', 'languages', 'cascaded-focus', 'endpoint'],
  endpoint: [
    'display-text',
    'referred',
    'status',
    'joining-method',
    'joining-info',
    'disconnection-method',
    'disconnection-info',
    'media',
    'call-info',
  ],
  'disconnection-info': ['when', 'reason', 'by'],
};

/** The faults of a conference-info document against the order of elements of its schema. */
export function orderFaults(xml: string): string[] {
  const faults: string[] = [];
  const open: { name: string; at: number }[] = [];
  for (const [, closing, name = '', selfClosing] of xml.matchAll(/<(\/?)([a-z][\w-]*)[^<>]*?(\/?)>/g)) {
    if (closing === '/') {
      if (open.pop()?.name !== name) faults.push(`</${name}> closes another element`);
      continue;
    }
    const parent = open.at(-1);
    const order = parent === undefined ? undefined : CHILD_ORDER[parent.name];
    if (parent !== undefined && order !== undefined) {
      const at = order.indexOf(name);
      if (at < 0) faults.push(`${name} may not stand in ${parent.name}`);
      else if (at < parent.at) faults.push(`${name} comes too late in ${parent.name}`);
      else parent.at = at;
    }
    if (selfClosing !== '/') open.push({ name, at: 0 });
  }
  if (open.length > 0) faults.push(`not closed: ${open.map(({ name }) => name).join(', ')}`);
  return faults;
}

/** Every NOTIFY of a conference subscription so far is as RFC 6665 and RFC 4575 ask for. */
export function assertNotifies({ subscription, documents, violations }: Roster, session: string): void {
  for (const notify of subscription.notifies) {
    assert.equal(notify.header('Event'), 'conference');
    assert.equal(notify.header('Content-Type'), 'application/conference-info+xml');
    assert.match(
      notify.header('Subscription-State') ?? '',
      /^(active;expires=\d+|terminated;reason=[a-z]+)$/,
    );
    assert.match(notify.header('Contact') ?? '', new RegExp(`^<${session}>;isfocus`));
    assert.deepEqual(orderFaults(notify.body), []);
  }
  assert.deepEqual(violations, [], 'versions rise by one from the first, full document');
  for (const { entity } of documents) assert.equal(entity, session);
}

/** The connection of this MSRP session closes, and soon: not only when some timer gives its dialog up. */
export function untilClosed(session: MsrpSession): Promise<string> {
  return within(session.closed, DEFAULT_WAIT_MS, `${session.name}: the MSRP connection closes`, () =>
    session.tail(),
  );
}
