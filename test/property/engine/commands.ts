/** What may happen to a running system, each with a number that chooses among what is there at that moment. */
import fc from 'fast-check';
import {
  FACTORY,
  listBody,
  type RequestOptions,
  sdp,
  sdpBody,
  sipRequest,
  user,
} from '../../unit/focus/messages.ts';
import {
  acknowledge,
  acknowledgeAgain,
  answerOf,
  callerVanishes,
  done,
  fork,
  hangUp,
  invite,
  pick,
  reinvite,
  respond,
  resubscribe,
  settleCancelled,
  settleRequest,
  subscribe,
  userOf,
  waiting,
  within,
} from './acts.ts';
import { changeGroup, orderEnd, orderLimit, orderRemoval } from './orders.ts';
import { cancelFirst, crashFocus, crashSwitch, kamailioAway, loseClient } from './outages.ts';
import { referInDialog, referOutside, refreshReferral } from './refers.ts';
import { GROUPS, type System, USERS } from './system.ts';

/** @returns what was done, in words; undefined when there was nothing that it could be done to */
type Act = (system: System, choice: number) => string | undefined | Promise<string | undefined>;

/** Time passes for all sessions alike, and so do outages. */
const TOUCHES_ALL: ReadonlySet<string> = new Set([
  'advance',
  'restart',
  'restartKamailio',
  'killSwitch',
  'startSwitch',
  'drainSwitch',
  'freeze',
  'deafen',
  'kamailioAway',
  'changeGroup',
  'hurry',
  'crashSwitch',
  'crashFocus',
]);

export class Command implements fc.AsyncCommand<object, System> {
  readonly #name: string;
  readonly #choice: number;
  readonly #act: Act;
  /** For the reader of a counterexample. */
  #did: string | undefined = 'never run';

  constructor(name: string, choice: number, act: Act) {
    this.#name = name;
    this.#choice = choice;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_: object, system: System): Promise<void> {
    const before = system.moment();
    this.#did = await this.#act(system, this.#choice);
    await system.settle();
    system.check();
    if (!TOUCHES_ALL.has(this.#name)) system.checkTouched(before);
  }

  toString(): string {
    return `${this.#name}(${this.#choice}): ${this.#did ?? 'nothing to do it to'}`;
  }
}

/** From another device, without an offer, or by an alias. */
function joining(choice: number): RequestOptions {
  const from = user(userOf(choice));
  const device = choice % 7 < 4 ? {} : { contact: `<${from}>;+sip.instance="<urn:uuid:${choice % 7}>"` };
  return {
    ...device,
    ...(choice % 11 === 0 ? {} : sdpBody()),
    ...(choice % 9 === 0 ? { extra: [['Privacy', 'id']] } : {}),
  };
}

/** Does a few things at once: what one of them brings is still on its way when the next comes. */
function hurry(system: System, choice: number): string | undefined {
  if (system.isFrozen) return undefined;
  system.outside.isHurried = true;
  const acts = [0, 1, 2].map((index) => {
    const name = HURRIED[(choice >> (index * 5)) % HURRIED.length] ?? 'answer';
    const told = ACTS[name]?.[1](system, (choice >> (index * 3)) & 255);
    return `${name}: ${typeof told === 'string' ? told : 'nothing to do it to'}`;
  });
  return acts.join('; ');
}

const PAUSES_MS = [100, 600, 2_500, 20_000, 35_000, 61_000, 125_000] as const;

const ACTS: Readonly<Record<string, readonly [weight: number, act: Act]>> = {
  hurry: [8, hurry],
  crashSwitch: [1, (system, choice) => crashSwitch(system, choice >> 8, () => hurry(system, choice) ?? '')],
  crashFocus: [1, (system, choice) => crashFocus(system, choice >> 8, () => hurry(system, choice) ?? '')],
  loseClient: [1, loseClient],
  inviteFactory: [
    3,
    (system, choice) => {
      const invited = USERS.filter((_, index) => ((choice >> index) & 1) === 1).slice(0, 3);
      const told = invite(system, userOf(choice), { uri: FACTORY, ...listBody(invited.map(user)) });
      return `${told} for ${invited.join(', ')}`;
    },
  ],
  inviteGroup: [
    4,
    (system, choice) =>
      invite(system, userOf(choice), {
        uri: pick([...GROUPS.keys()], choice >> 3) ?? '',
        ...joining(choice),
      }),
  ],
  rejoin: [
    2,
    (system, choice) => {
      const session = pick([...system.engine.sessions.all()], choice >> 3);
      if (session === undefined) return undefined;
      return invite(system, userOf(choice), { uri: session.row.identity, ...joining(choice) });
    },
  ],
  ring: [2, (system, choice) => answerOf(respond(system, choice, { status: 180 }), 'rings')],
  answer: [
    6,
    (system, choice) =>
      answerOf(respond(system, choice, { status: 200, body: sdp({ setup: 'active' }) }), 'answers'),
  ],
  answerWithTimer: [
    2,
    (system, choice) => {
      const refresher = choice % 3 === 0 ? 'uas' : 'uac';
      const extra = [
        ['Session-Expires', `100;refresher=${refresher}`],
        ['Allow', choice % 2 === 0 ? 'INVITE, UPDATE' : 'INVITE'],
      ] as const;
      const answer = { status: 200, extra, body: sdp({ setup: 'active' }) };
      return answerOf(respond(system, choice, answer), `answers, to be refreshed by the ${refresher}`);
    },
  ],
  answerWithoutMedia: [
    1,
    (system, choice) =>
      answerOf(respond(system, choice, { status: 200, body: sdp({ port: 0 }) }), 'answers without media'),
  ],
  refuse: [
    3,
    (system, choice) => {
      const status = [486, 603, 480, 302][choice % 4] ?? 480;
      return answerOf(respond(system, choice, { status }), `refuses with ${status}`);
    },
  ],
  wantLonger: [
    1,
    (system, choice) =>
      answerOf(
        respond(system, choice, { status: 422, extra: [['Min-SE', String(150 + (choice % 3) * 100)]] }),
        'wants a longer interval',
      ),
  ],
  fork: [1, fork],
  cancel: [
    2,
    (system, choice) => {
      const call = waiting(system, choice);
      if (call === undefined) return undefined;
      const { callId, fromTag } = call;
      system.engine.cancel(sipRequest({ method: 'CANCEL', callId, fromTag }));
      return `${call.user} cancels ${callId}`;
    },
  ],
  acknowledge: [4, acknowledge],
  hangUp: [4, hangUp],
  settleRequest: [5, (system, choice) => settleRequest(system, choice)],
  settleCancelled: [2, settleCancelled],
  subscribe: [3, subscribe],
  resubscribe: [2, resubscribe],
  refer: [2, (system, choice) => referInDialog(system, choice, false)],
  referList: [2, (system, choice) => referInDialog(system, choice, true)],
  referOutside: [2, (system, choice) => referOutside(system, choice, choice % 2 === 0)],
  refreshReferral: [1, refreshReferral],
  orderRemoval: [1, orderRemoval],
  orderEnd: [1, orderEnd],
  orderLimit: [2, orderLimit],
  changeGroup: [1, changeGroup],
  reinvite: [2, reinvite],
  acknowledgeAgain: [2, acknowledgeAgain],
  badReinvite: [
    1,
    (system, choice) => {
      const body = sdpBody(sdp({ media: 'audio' }));
      return done(
        within(system, choice, ({ options }) => sipRequest({ ...options, ...body })),
        'offers audio alone',
      );
    },
  ],
  advance: [
    6,
    async (system, choice) => {
      const ms = PAUSES_MS[choice % PAUSES_MS.length] ?? 100;
      await system.advance(ms);
      return `${ms} ms pass`;
    },
  ],
  switchFails: [
    1,
    (system, choice) => {
      system.outside.faults.switch = true;
      system.outside.switchFailures.push(choice % 2 === 0 ? 'refused' : 'silent');
      return 'the next command to the switch fails';
    },
  ],
  requestFails: [
    1,
    (system) => {
      system.outside.faults.kamailio = true;
      system.outside.requestFailures += 1;
      return 'the next request cannot be sent';
    },
  ],
  callerVanishes: [1, callerVanishes],
  restart: [
    1,
    async (system) => {
      await system.restart();
      return 'the focus starts again';
    },
  ],
  freeze: [
    1,
    (system) => {
      system.isFrozen = true;
      return 'nothing leaves any more';
    },
  ],
  deafen: [
    1,
    (system) => {
      if (!system.isFrozen) system.isDeaf = true;
      system.isFrozen = true;
      return 'what leaves is not known to have left';
    },
  ],
  killSwitch: [
    1,
    async (system, choice) => {
      const one = pick(system.outside.switches.all, choice);
      if (one?.isUp !== true || system.isFrozen) return undefined;
      await system.switchDies(one);
      return `${one.id} dies`;
    },
  ],
  startSwitch: [
    2,
    async (system, choice) => {
      const one = pick(system.outside.switches.all, choice);
      if (one === undefined || system.isFrozen) return undefined;
      await system.switchStarts(one);
      return `${one.id} starts anew`;
    },
  ],
  drainSwitch: [
    1,
    async (system, choice) => {
      const one = pick(system.outside.switches.all, choice);
      if (one?.isUp !== true || system.isFrozen) return undefined;
      const isEmptying = choice % 3 !== 0;
      await system.switchIsDrained(one, isEmptying);
      return `${one.id} is ${isEmptying ? 'emptied' : 'resumed'}`;
    },
  ],
  cancelFirst: [1, cancelFirst],
  kamailioAway: [1, kamailioAway],
  restartKamailio: [
    1,
    async (system) => {
      if (system.isFrozen) return undefined;
      await system.kamailioRestarted();
      return 'Kamailio starts again';
    },
  ],
};

/** Of what takes no time. */
const HURRIED = [
  ...[
    'inviteFactory',
    'inviteGroup',
    'rejoin',
    'answer',
    'answer',
    'answer',
    'answerWithTimer',
    'refuse',
    'fork',
    'cancel',
  ],
  ...[
    'acknowledge',
    'acknowledge',
    'hangUp',
    'settleRequest',
    'settleRequest',
    'settleCancelled',
    'subscribe',
    'resubscribe',
  ],
  ...[
    'refer',
    'referList',
    'referOutside',
    'refreshReferral',
    'reinvite',
    'reinvite',
    'acknowledgeAgain',
    'orderRemoval',
  ],
  ...['orderLimit', 'switchFails', 'wantLonger', 'ring', 'rejoin'],
] as const;

export const commands: fc.Arbitrary<Command>[] = Object.entries(ACTS).flatMap(([name, [weight, act]]) =>
  Array.from({ length: weight }, () =>
    fc
      .nat({ max: /^(?:hurry|crash)/.test(name) ? 0xffff : 255 })
      .map((choice) => new Command(name, choice, act)),
  ),
);
