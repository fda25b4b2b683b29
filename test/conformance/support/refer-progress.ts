/** What a referrer is told: the NOTIFYs of a REFER's implicit subscription, and their order on the wire (RFC 3515). */
import assert from 'node:assert/strict';
import type { Subscriber } from '../../../src/agents/chat.ts';
import type { SipMessage } from '../../../src/agents/sip/message.ts';
import type { Subscription } from '../../../src/agents/sip/subscription.ts';
import type { UasInvite } from '../../../src/agents/sip/uas-invite.ts';
import { FACTORY } from '../../support/stack.ts';
import { evidence, wireLine } from './evidence.ts';

/**
 * Waits for the last NOTIFY. Each one is as RFC 3515 and 7.2.2.10 ask for, and only the last one terminates; that one
 * is shown for the statements `ids`.
 * @returns the status lines of their fragments, in order
 */
export async function progressOf(subscription: Subscription, ids = ''): Promise<string[]> {
  assert.equal(await subscription.untilTerminated(), 'noresource');
  const { notifies } = subscription;
  for (const [index, notify] of notifies.entries()) {
    assert.match(notify.header('Event') ?? '', /^refer(;id=\d+)?$/);
    assert.equal(notify.header('Content-Type'), 'message/sipfrag;version=2.0');
    assert.match(notify.header('Contact') ?? '', /^<sip:im-s-[^>]+>;isfocus;\+g\.oma\.sip-im(;|$)/);
    assert.match(
      notify.header('Subscription-State') ?? '',
      index === notifies.length - 1 ? /^terminated;reason=noresource$/ : /^active;expires=\d+$/,
    );
  }
  const last = notifies.at(-1);
  if (last !== undefined) evidence(ids, wireLine(last, 'Event', 'Subscription-State', /^SIP\/2\.0 .*$/m));
  return notifies.map(({ body }) => body.split('\r\n')[0] ?? '');
}

/** Rings, and waits until the referrer has been told: an answer right behind the 180 may overtake it. */
export async function ring(invite: UasInvite, refer: Subscription): Promise<void> {
  invite.ring();
  while (!refer.notifies.some(({ body }) => body.startsWith('SIP/2.0 180 '))) await refer.nextNotify();
}

/**
 * The answer to a REFER that was taken; shown for the statements `ids`. `isOutside`: of a dialog, where the option tag
 * must be told (RFC 4488).
 */
export function assertAccepted(
  response: SipMessage,
  { isOutside }: { readonly isOutside: boolean },
  ids = '',
): void {
  assert.equal(response.status, 202, `${response.summary}; Warning: ${response.header('Warning')}`);
  assert.match(response.header('Contact') ?? '', /^<sip:im-s-[^>]+>;isfocus/);
  if (isOutside) assert.ok(response.values('Supported').includes('norefersub'));
  evidence(ids, wireLine(response, 'Supported', 'Refer-Sub'));
}

/** All that the focus had sent this user by now has arrived, and none of it is a NOTIFY for a REFER. */
export async function assertNoProgress(...people: readonly Subscriber[]): Promise<void> {
  for (const person of people) {
    await person.sip.sync({ to: FACTORY });
    await person.sip.sync();
    assert.deepEqual(person.sip.received(isProgress).map(summaryOf), []);
  }
}

export function isProgress(message: SipMessage): boolean {
  return message.isRequest && message.method === 'NOTIFY' && /^refer\b/.test(message.header('Event') ?? '');
}

/** What this user received of these kinds, in the order it came; what a timer has repeated is there once. */
export function arrivals(
  person: Subscriber,
  kinds: Readonly<Record<string, (message: SipMessage) => boolean>>,
) {
  return person.sip
    .received(() => true)
    .filter(({ raw }, at, all) => all.findIndex((other) => other.raw.equals(raw)) === at)
    .flatMap((message) => {
      const kind = Object.entries(kinds).find(([, is]) => is(message));
      return kind === undefined ? [] : [kind[0]];
    });
}

function summaryOf({ summary }: SipMessage): string {
  return summary;
}
