/**
 * What clients and Kamailio do, each by a number that chooses among what is there at that moment. Each says what was done, in
 * words, or undefined when there was nothing that it could be done to.
 */
import type { SipRequest } from '../../../src/sip/message.ts';
import {
  type RequestOptions,
  sdp,
  sdpBody,
  sipRequest,
  sipResponse,
  user,
} from '../../unit/focus/messages.ts';
import type { IncomingCall, OutgoingCall } from './outside.ts';
import { type System, USERS } from './system.ts';

export function pick<T>(from: readonly T[], choice: number): T | undefined {
  return from.length === 0 ? undefined : from[choice % from.length];
}

export function invite(system: System, name: string, options: RequestOptions): string {
  const callId = system.outside.next('call');
  system.request(sipRequest({ callId, fromTag: `f-${callId}`, from: user(name), ...options }), name);
  return `${name} calls ${options.uri} (${callId})`;
}

export const userOf = (choice: number) => USERS[choice % USERS.length] ?? 'alice';

interface Dialog {
  readonly user: string;
  readonly options: RequestOptions;
  readonly call: IncomingCall | OutgoingCall;
}

/** Dialogs that stand, or are early, as their clients see them. */
export function dialogs({ outside }: System): Dialog[] {
  const found: Dialog[] = [];
  for (const call of outside.incoming) {
    if (call.isEnded || call.toTag === '' || call.status === 'failed' || call.status === 'gone') continue;
    const { callId, fromTag, toTag } = call;
    found.push({
      user: call.user,
      call,
      options: { callId, fromTag, toTag, from: user(call.user), cseq: call.cseq + 1 },
    });
  }
  for (const call of outside.outgoing) {
    if (call.isEnded || call.status !== 'ok') continue;
    const { callId, headers } = call.invite;
    const toTag = /tag=([^;]+)/.exec(headers.find(([name]) => name === 'From')?.[1] ?? '')?.[1] ?? '';
    found.push({
      user: call.user,
      call,
      options: { callId, fromTag: 'far', toTag, from: user(call.user), cseq: call.cseq + 1 },
    });
  }
  return found;
}

/** In a dialog of a client, which counts it. */
export function within(
  system: System,
  choice: number,
  make: (dialog: Dialog) => SipRequest | undefined,
): Dialog | undefined {
  const dialog = pick(dialogs(system), choice);
  if (dialog === undefined) return undefined;
  dialog.call.cseq += 1;
  const request = make(dialog);
  if (request !== undefined) system.request(request, dialog.user);
  return dialog;
}

export function respond(
  system: System,
  choice: number,
  options: Parameters<typeof sipResponse>[1],
): OutgoingCall | undefined {
  const call = pick(
    system.outside.outgoing.filter(({ status }) => status === 'ringing'),
    choice,
  );
  if (call === undefined) return undefined;
  if (options.status >= 200) call.status = options.status < 300 ? 'ok' : 'refused';
  if (call.status === 'ok') call.toTag = 'far';
  system.response(
    sipResponse(call.invite.headers, { toTag: 'far', contact: `<${user(call.user)};ob>`, ...options }),
  );
  return call;
}

export function acknowledge(system: System, choice: number): string | undefined {
  const calls = system.outside.incoming.filter(
    ({ status, isAcknowledged }) => status === 'ok' && !isAcknowledged,
  );
  const call = pick(calls, choice);
  if (call === undefined) return undefined;
  call.isAcknowledged = true;
  const { callId, fromTag, toTag } = call;
  // Who made no offer answers ours here; of others the focus asks for nothing.
  const body = choice % 2 === 0 ? sdpBody(sdp({ setup: 'active' })) : {};
  system.engine.ack(sipRequest({ method: 'ACK', callId, fromTag, toTag, from: user(call.user), ...body }));
  return `${call.user} acknowledges ${callId}`;
}

/** The ACK of a re-INVITE that was answered. */
export function acknowledgeAgain(system: System, choice: number): string | undefined {
  const { outside } = system;
  const answered = outside.reinvites.filter(({ tid }) => outside.transactions.get(tid)?.codes[0] === 200);
  const reinvite = pick(answered, choice);
  if (reinvite === undefined) return undefined;
  outside.reinvites.splice(outside.reinvites.indexOf(reinvite), 1);
  // The client has the first 200 all the more.
  const call = outside.callOf(reinvite.options.callId ?? '');
  if (call !== undefined && 'isAcknowledged' in call) call.isAcknowledged = true;
  const body = choice % 2 === 0 ? sdpBody(sdp({ setup: 'active' })) : {};
  system.engine.ack(sipRequest({ ...reinvite.options, method: 'ACK', ...body }));
  return `the re-INVITE ${reinvite.options.cseq} of ${reinvite.options.callId} is acknowledged`;
}

export function hangUp(system: System, choice: number): string | undefined {
  const dialog = within(system, choice, ({ options }) => sipRequest({ ...options, method: 'BYE' }));
  if (dialog === undefined) return undefined;
  dialog.call.isEnded = true;
  dialog.call.byes += 1;
  return `${dialog.user} leaves (${dialog.options.callId})`;
}

/** A response to a BYE or NOTIFY of the focus. */
export function settleRequest(
  system: System,
  choice: number,
  status = [200, 200, 481, 408, 491, 200][choice % 6] ?? 200,
): string | undefined {
  const at = choice % Math.max(1, system.outside.unanswered.length);
  const [request] = system.outside.unanswered.splice(at, 1);
  if (request === undefined) return undefined;
  if (request.method === 'NOTIFY' && (status === 481 || status === 408)) system.outside.forget(request);
  // A re-INVITE of ours is mostly answered with what was said before, and now and then with nothing.
  const body =
    request.method === 'INVITE' && status === 200 && choice % 8 !== 7 ? sdp({ setup: 'active' }) : '';
  system.response(sipResponse(request.headers, { status, ...(body === '' ? {} : { body }) }));
  return `${status} to ${request.method} ${request.cseq} of ${request.callId}`;
}

/** The 487 of a call that was cancelled, or an answer that crossed the CANCEL. */
export function settleCancelled(system: System, choice: number): string | undefined {
  const call = pick(
    system.outside.outgoing.filter(({ status }) => status === 'cancelled'),
    choice,
  );
  if (call === undefined) return undefined;
  call.status = choice % 3 === 0 ? 'ok' : 'refused';
  if (call.status === 'ok') call.toTag = 'far';
  const response =
    call.status === 'ok'
      ? { status: 200, body: sdp({ setup: 'active' }) }
      : { status: 487, reason: 'Terminated' };
  system.response(
    sipResponse(call.invite.headers, { toTag: 'far', contact: `<${user(call.user)}>`, ...response }),
  );
  return `${response.status} of ${call.user} crosses the CANCEL`;
}

export const answerOf = (call: OutgoingCall | undefined, what: string): string | undefined =>
  call === undefined ? undefined : `${call.user} ${what} (${call.invite.callId})`;

export const done = (dialog: Dialog | undefined, what: string): string | undefined =>
  dialog === undefined ? undefined : `${dialog.user} ${what} in ${dialog.options.callId}`;

export function subscribe(system: System, choice: number): string | undefined {
  const dialog = pick(dialogs(system), choice);
  const uri = pick([...system.engine.sessions.all()], choice >> 3)?.row.identity;
  if (dialog === undefined || uri === undefined) return undefined;
  const callId = system.outside.next('sub');
  const expires = String([600, 0, 40][choice % 3]);
  const extra = [
    ['Event', 'conference'],
    ['Expires', expires],
  ] as const;
  const common = { callId, fromTag: 'f', uri };
  system.request(sipRequest({ method: 'SUBSCRIBE', ...common, from: user(dialog.user), extra }), dialog.user);
  const [ref] = system.engine.sessions.dialogs(callId);
  const row =
    ref === undefined ? undefined : system.engine.sessions.byId(ref.conference)?.subscriptions.get(ref.id);
  if (row !== undefined) {
    const toTag = row.dialog.localTag;
    system.outside.subscriptions.push({
      user: dialog.user,
      ...common,
      toTag,
      cseq: 1,
      isEnded: false,
      roster: new Map(),
    });
  }
  return `${dialog.user} subscribes to ${uri} for ${expires} s (${callId})`;
}

export function resubscribe(system: System, choice: number): string | undefined {
  const subscription = pick(
    system.outside.subscriptions.filter(({ isEnded }) => !isEnded),
    choice,
  );
  if (subscription === undefined) return undefined;
  subscription.cseq += 1;
  const { callId, fromTag, toTag, uri, cseq } = subscription;
  const expires = choice % 3 === 0 ? '0' : '300';
  const extra = [
    ['Event', 'conference'],
    ['Expires', expires],
  ] as const;
  const from = user(subscription.user);
  system.request(
    sipRequest({ method: 'SUBSCRIBE', uri, callId, fromTag, toTag, cseq, from, extra }),
    subscription.user,
  );
  return `${subscription.user} subscribes again for ${expires} s (${callId})`;
}

/** The same 200 once more, or that of another fork: each is acknowledged, and ended when it is not wanted. */
export function fork(system: System, choice: number): string | undefined {
  const call = pick(
    system.outside.outgoing.filter(({ status }) => status === 'ok'),
    choice,
  );
  if (call === undefined) return undefined;
  const toTag = choice % 2 === 0 ? 'far' : 'fork';
  if (toTag === 'far') call.isRepeated = true;
  const contact = `<${user(call.user)};ob>`;
  system.response(sipResponse(call.invite.headers, { status: 200, toTag, contact, body: sdp() }));
  return `another 200 of ${call.user}, tag ${toTag} (${call.invite.callId})`;
}

export function waiting(system: System, choice: number): IncomingCall | undefined {
  return pick(
    system.outside.incoming.filter(({ status }) => status === 'pending'),
    choice,
  );
}

export function callerVanishes(system: System, choice: number): string | undefined {
  const call = waiting(system, choice);
  const transaction = system.outside.transactions.get(call?.tid ?? '');
  if (call === undefined || transaction === undefined) return undefined;
  transaction.isGone = true;
  call.status = 'gone';
  return `the INVITE of ${call.user} is lost (${call.callId})`;
}

export function reinvite(system: System, choice: number): string | undefined {
  const path = `msrp://192.0.2.9:9/n${choice};tcp`;
  const body = choice % 3 === 0 ? {} : sdpBody(sdp({ path, version: choice + 2 }));
  const method = choice % 4 === 1 ? 'UPDATE' : 'INVITE';
  const dialog = within(system, choice >> 2, ({ options, user: from }) => {
    const request = sipRequest({ ...options, method, ...body });
    system.request(request, from, (tid) => {
      if (method === 'INVITE') system.outside.reinvites.push({ tid, options });
    });
    return undefined;
  });
  return done(dialog, `sends ${method}${choice % 3 === 0 ? ' without an offer' : ''}`);
}
