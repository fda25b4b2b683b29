/** What may happen to a running system, each with a number that chooses among what is there at that moment. */
import fc from 'fast-check';
import type { SipRequest } from '../../../src/sip/message.ts';
import {
  FACTORY,
  listBody,
  type RequestOptions,
  sdp,
  sdpBody,
  sipRequest,
  sipResponse,
  user,
} from '../../unit/focus/messages.ts';
import type { IncomingCall, OutgoingCall } from './outside.ts';
import { GROUPS, type System, USERS } from './system.ts';

type Act = (system: System, choice: number) => void | Promise<void>;

export class Command implements fc.AsyncCommand<object, System> {
  readonly #name: string;
  readonly #choice: number;
  readonly #act: Act;

  constructor(name: string, choice: number, act: Act) {
    this.#name = name;
    this.#choice = choice;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_: object, system: System): Promise<void> {
    await this.#act(system, this.#choice);
    await system.settle();
    system.check();
  }

  toString(): string {
    return `${this.#name}(${this.#choice})`;
  }
}

function pick<T>(from: readonly T[], choice: number): T | undefined {
  return from.length === 0 ? undefined : from[choice % from.length];
}

function invite(system: System, name: string, options: RequestOptions): void {
  const callId = system.outside.next('call');
  system.request(sipRequest({ callId, fromTag: `f-${callId}`, from: user(name), ...options }), name);
}

const userOf = (choice: number) => USERS[choice % USERS.length] ?? 'alice';

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
function within(system: System, choice: number, make: (dialog: Dialog) => SipRequest): Dialog | undefined {
  const dialog = pick(dialogs(system), choice);
  if (dialog === undefined) return undefined;
  dialog.call.cseq += 1;
  system.request(make(dialog), dialog.user);
  return dialog;
}

function respond(
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
  system.response(
    sipResponse(call.invite.headers, { toTag: 'far', contact: `<${user(call.user)};ob>`, ...options }),
  );
  return call;
}

export function acknowledge(system: System, choice: number): void {
  const calls = system.outside.incoming.filter(
    ({ status, isAcknowledged }) => status === 'ok' && !isAcknowledged,
  );
  const call = pick(calls, choice);
  if (call === undefined) return;
  call.isAcknowledged = true;
  const { callId, fromTag, toTag } = call;
  system.engine.ack(sipRequest({ method: 'ACK', callId, fromTag, toTag, from: user(call.user) }));
}

export function hangUp(system: System, choice: number): void {
  const dialog = within(system, choice, ({ options }) => sipRequest({ ...options, method: 'BYE' }));
  if (dialog !== undefined) dialog.call.isEnded = true;
}

/** A response to a BYE or NOTIFY of the focus. */
export function settleRequest(
  system: System,
  choice: number,
  status = [200, 200, 481, 408][choice % 4] ?? 200,
): void {
  const at = choice % Math.max(1, system.outside.unanswered.length);
  const [request] = system.outside.unanswered.splice(at, 1);
  if (request !== undefined) system.response(sipResponse(request.headers, { status }));
}

/** The 487 of a call that was cancelled, or an answer that crossed the CANCEL. */
export function settleCancelled(system: System, choice: number): void {
  const call = pick(
    system.outside.outgoing.filter(({ status }) => status === 'cancelled'),
    choice,
  );
  if (call === undefined) return;
  call.status = choice % 3 === 0 ? 'ok' : 'refused';
  const response =
    call.status === 'ok'
      ? { status: 200, body: sdp({ setup: 'active' }) }
      : { status: 487, reason: 'Terminated' };
  system.response(
    sipResponse(call.invite.headers, { toTag: 'far', contact: `<${user(call.user)}>`, ...response }),
  );
}

const refer = (dialog: Dialog, choice: number): SipRequest => {
  const target = user(userOf(choice));
  return sipRequest({
    ...dialog.options,
    method: 'REFER',
    extra: [
      ['Refer-To', choice % 2 === 0 ? `<${target}>` : `<${target};method=BYE>`],
      ...(choice % 3 === 0 ? ([['Refer-Sub', 'false']] as const) : []),
    ],
  });
};

const ACTS: Readonly<Record<string, readonly [weight: number, act: Act]>> = {
  inviteFactory: [
    3,
    (system, choice) => {
      const invited = USERS.filter((_, index) => ((choice >> index) & 1) === 1).slice(0, 3);
      invite(system, userOf(choice), { uri: FACTORY, ...listBody(invited.map(user)) });
    },
  ],
  inviteGroup: [
    4,
    (system, choice) => {
      invite(system, userOf(choice), { uri: pick([...GROUPS.keys()], choice >> 3) ?? '', ...sdpBody() });
    },
  ],
  rejoin: [
    2,
    (system, choice) => {
      const session = pick([...system.engine.sessions.all()], choice >> 3);
      if (session !== undefined) invite(system, userOf(choice), { uri: session.row.identity, ...sdpBody() });
    },
  ],
  ring: [2, (system, choice) => void respond(system, choice, { status: 180 })],
  answer: [
    6,
    (system, choice) => void respond(system, choice, { status: 200, body: sdp({ setup: 'active' }) }),
  ],
  answerWithoutMedia: [
    1,
    (system, choice) => void respond(system, choice, { status: 200, body: sdp({ port: 0 }) }),
  ],
  refuse: [
    3,
    (system, choice) => void respond(system, choice, { status: [486, 603, 480, 302][choice % 4] ?? 480 }),
  ],
  fork: [
    1,
    (system, choice) => {
      const call = pick(
        system.outside.outgoing.filter(({ status }) => status === 'ok'),
        choice,
      );
      if (call !== undefined)
        system.response(
          sipResponse(call.invite.headers, {
            status: 200,
            toTag: choice % 2 === 0 ? 'far' : 'fork',
            contact: `<${user(call.user)};ob>`,
            body: sdp(),
          }),
        );
    },
  ],
  cancel: [
    2,
    (system, choice) => {
      const call = pick(
        system.outside.incoming.filter(({ status }) => status === 'pending'),
        choice,
      );
      if (call !== undefined)
        system.engine.cancel(sipRequest({ method: 'CANCEL', callId: call.callId, fromTag: call.fromTag }));
    },
  ],
  acknowledge: [4, acknowledge],
  hangUp: [4, hangUp],
  settleRequest: [5, (system, choice) => settleRequest(system, choice)],
  settleCancelled: [2, settleCancelled],
  subscribe: [
    3,
    (system, choice) => {
      const dialog = pick(dialogs(system), choice);
      const uri = pick([...system.engine.sessions.all()], choice >> 3)?.row.identity;
      if (dialog === undefined || uri === undefined) return;
      const callId = system.outside.next('sub');
      const extra = [
        ['Event', 'conference'],
        ['Expires', String([600, 0, 40][choice % 3])],
      ] as const;
      const subscription = {
        user: dialog.user,
        callId,
        fromTag: 'f',
        uri,
        toTag: '',
        cseq: 1,
        isEnded: false,
      };
      system.request(
        sipRequest({ method: 'SUBSCRIBE', uri, callId, fromTag: 'f', from: user(dialog.user), extra }),
        dialog.user,
      );
      const [ref] = system.engine.sessions.dialogs(callId);
      const row =
        ref === undefined
          ? undefined
          : system.engine.sessions.byId(ref.conference)?.subscriptions.get(ref.id);
      if (row !== undefined)
        system.outside.subscriptions.push({ ...subscription, toTag: row.dialog.localTag });
    },
  ],
  resubscribe: [
    2,
    (system, choice) => {
      const subscription = pick(
        system.outside.subscriptions.filter(({ isEnded }) => !isEnded),
        choice,
      );
      if (subscription === undefined) return;
      subscription.cseq += 1;
      const { callId, fromTag, toTag, uri, cseq } = subscription;
      const extra = [
        ['Event', 'conference'],
        ['Expires', choice % 3 === 0 ? '0' : '300'],
      ] as const;
      system.request(
        sipRequest({
          method: 'SUBSCRIBE',
          uri,
          callId,
          fromTag,
          toTag,
          cseq,
          from: user(subscription.user),
          extra,
        }),
        subscription.user,
      );
    },
  ],
  refer: [2, (system, choice) => void within(system, choice, (dialog) => refer(dialog, choice >> 2))],
  reinvite: [
    2,
    (system, choice) => {
      const path = `msrp://192.0.2.9:9/n${choice};tcp`;
      const body = choice % 3 === 0 ? {} : sdpBody(sdp({ path, version: choice + 2 }));
      const method = choice % 4 === 1 ? 'UPDATE' : 'INVITE';
      within(system, choice, ({ options }) => sipRequest({ ...options, method, ...body }));
    },
  ],
  badReinvite: [
    1,
    (system, choice) =>
      void within(system, choice, ({ options }) =>
        sipRequest({ ...options, ...sdpBody(sdp({ media: 'audio' })) }),
      ),
  ],
  advance: [
    6,
    (system, choice) => system.advance([100, 600, 2_500, 20_000, 35_000, 61_000, 125_000][choice % 7] ?? 100),
  ],
  switchFails: [
    1,
    (system, choice) => {
      system.outside.faults.switch = true;
      system.outside.switchFailures.push(choice % 2 === 0 ? 'refused' : 'silent');
    },
  ],
  requestFails: [
    1,
    (system) => {
      system.outside.faults.kamailio = true;
      system.outside.requestFailures += 1;
    },
  ],
  callerVanishes: [
    1,
    (system, choice) => {
      const call = pick(
        system.outside.incoming.filter(({ status }) => status === 'pending'),
        choice,
      );
      const transaction = system.outside.transactions.get(call?.tid ?? '');
      if (call === undefined || transaction === undefined) return;
      transaction.isGone = true;
      call.status = 'gone';
    },
  ],
  restart: [1, (system) => system.restart()],
  freeze: [
    1,
    (system) => {
      system.isFrozen = true;
    },
  ],
  deafen: [
    1,
    (system) => {
      if (!system.isFrozen) system.isDeaf = true;
      system.isFrozen = true;
    },
  ],
  restartKamailio: [1, (system) => (system.isFrozen ? undefined : system.kamailioRestarted())],
};

export const commands: fc.Arbitrary<Command>[] = Object.entries(ACTS).flatMap(([name, [weight, act]]) =>
  Array.from({ length: weight }, () => fc.nat({ max: 255 }).map((choice) => new Command(name, choice, act))),
);
