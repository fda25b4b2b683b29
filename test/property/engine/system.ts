/** The system under test: an engine on a store that outlives it, in the middle of `Outside`. */
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { SwitchKeeper } from '../../../src/app/switch-keeper.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { recoverEffects } from '../../../src/engine/recovery.ts';
import { type Conference, isLive } from '../../../src/focus/conference.ts';
import { decideDeadline } from '../../../src/focus/decide-outcome.ts';
import { decideKamailioRestarted } from '../../../src/focus/decide-recovery.ts';
import { type ProfileName, readingsOf } from '../../../src/focus/readings.ts';
import { isStranded } from '../../../src/focus/stranding.ts';
import type { FocusSettings } from '../../../src/focus/world.ts';
import { ParseError } from '../../../src/lib/errors.ts';
import type { SipRequest, SipResponse } from '../../../src/sip/message.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { SILENT_LOG } from '../../unit/engine/rig.ts';
import { fieldOf, user } from '../../unit/focus/messages.ts';
import { CountedIds, group, SETTINGS, START_MS } from '../../unit/focus/stage.ts';
import { checkAllTold, checkAsSeen, checkConference } from './invariants.ts';
import { Outside } from './outside.ts';
import type { ModelSwitch } from './switches.ts';

export const USERS = ['alice', 'bob', 'carol', 'dave', 'erin'] as const;

const MEMBERS = {
  id: 'members',
  conditions: { members: true },
  grant: { initiate: true, join: true, conferenceState: true, addUsers: true, expel: true },
} as const;
const GUESTS = {
  id: 'guests',
  conditions: { identities: { one: [user('dave'), user('erin')], many: [] } },
  grant: { join: true, conferenceState: true, anonymity: true },
} as const;

/** A group that invites its members, one that is only joined, both with fewer seats than there are users. */
export const GROUPS = new Map(
  [
    group('crew', ['alice', 'bob', 'carol'], { maxParticipantCount: 3, rules: [MEMBERS, GUESTS] }),
    group('room', ['alice', 'bob', 'carol'], {
      maxParticipantCount: 4,
      inviteMembers: false,
      rules: [MEMBERS, GUESTS],
    }),
  ].map((document) => [document.uri, document]),
);

const FAILOVER = {
  helloIntervalMs: 2_000,
  missedHellos: 3,
  probeDeadlineMs: 1_000,
  probes: 3,
  strandedS: 60,
  clientLostS: 0,
} as const;

export interface Moment {
  readonly ms: number;
  readonly sessions: ReadonlyMap<string, number>;
}

const NEVER = () => new Promise<never>(() => {});

export class System {
  readonly clock = { ms: START_MS, nowMs: () => this.clock.ms };
  readonly outside = new Outside(this.clock);
  readonly store = openSqliteStore({ file: ':memory:' });
  readonly ids = new CountedIds();
  readonly groups = new Map(GROUPS);
  #keeper: SwitchKeeper;
  engine: Engine;
  isFrozen = false;
  /** Frozen, but what it sends arrives. */
  isDeaf = false;
  /** Sessions and legs that were seen once, to be looked for when they are over. */
  readonly seen = new Map<string, Conference>();
  readonly errors: object[] = [];
  /** Clauses that decided something, with how often. */
  readonly clauses: Map<string, number>;

  readonly #settings: FocusSettings;

  constructor(clauses: Map<string, number>, profile: ProfileName = 'oma-strict') {
    this.clauses = clauses;
    this.#settings = {
      ...SETTINGS,
      session: { expiresS: 120, minSeS: 90 },
      inviteTimeoutS: 60,
      readings: readingsOf(profile),
    };
    this.engine = this.#start();
    this.#keeper = this.#keep(this.engine);
  }

  #keep(engine: Engine): SwitchKeeper {
    const { outside } = this;
    const fleet = {
      states: () => outside.switches.states(),
      request: (switchId: string, op: string, body: unknown) => outside.command(switchId, op, body),
      giveUp: () => undefined,
    };
    return new SwitchKeeper({
      engine,
      fleet: () => fleet,
      failover: { ...FAILOVER, movesPerS: 10_000 },
      clock: this.clock,
      log: pino({ level: 'silent' }),
    });
  }

  #start(): Engine {
    const { outside } = this;
    const engine: Engine = new Engine({
      settings: this.#settings,
      store: this.store,
      kamailio: {
        reply: (...of) => this.#carry(engine, () => outside.reply(...of)),
        request: (effect) => this.#carry(engine, () => outside.request(effect)),
        cancel: (effect) => this.#carry(engine, () => outside.cancel(effect)),
      },
      switches: {
        command: (...of) => this.#carry(engine, () => outside.command(...of)),
        choose: (avoid) => outside.switches.choose(avoid),
      },
      findGroup: (address) => this.groups.get(address),
      clock: this.clock,
      ids: this.ids,
      log: { ...SILENT_LOG, error: (details) => this.errors.push(details) },
      onDecision: ({ clause, status }) => {
        if (status === undefined || status < 300)
          this.clauses.set(clause, (this.clauses.get(clause) ?? 0) + 1);
      },
    });
    return engine;
  }

  /**
   * The effects of a frozen engine, or of one that was replaced, reach nobody. Those of a deaf one do, and it does not
   * come to know: after its restart their fate is unknown.
   */
  #carry<T>(engine: Engine, effect: () => Promise<T>): Promise<T> {
    if (engine !== this.engine || (this.isFrozen && !this.isDeaf)) return NEVER();
    const fate = effect();
    return this.isFrozen ? fate.then(NEVER, NEVER) : fate;
  }

  /** @param opened told of its transaction before it is sent */
  request(request: SipRequest, from: string, opened: (tid: string) => void = () => undefined): string {
    const transaction = this.outside.open(request.method);
    opened(transaction.tid);
    if (request.method === 'INVITE' && !/;tag=/.test(fieldOf(request, 'To'))) {
      this.outside.incoming.push({
        tid: transaction.tid,
        user: from,
        callId: fieldOf(request, 'Call-ID'),
        fromTag: /;tag=(\S+)/.exec(fieldOf(request, 'From'))?.[1] ?? '',
        toTag: '',
        cseq: 1,
        status: 'pending',
        answeredMs: 0,
        isAcknowledged: false,
        isEnded: false,
        byes: 0,
      });
    }
    const answer = this.engine.request(request, {
      transaction,
      src: 'udp:198.51.100.7:40000',
      rcv: 'udp:192.0.2.1:5060',
      asserted: [`<${user(from)}>`],
      trust: 'digest',
    });
    if ('reply' in answer) this.outside.answered(transaction.tid, answer.reply);
    return transaction.tid;
  }

  response(response: SipResponse): void {
    try {
      this.engine.response(response);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
    }
  }

  async advance(ms: number): Promise<void> {
    this.#pass(ms);
    await this.settle();
  }

  /** Some effects wait a moment: time passes while the engine is busy. */
  async settle(): Promise<void> {
    let turns = 0;
    do {
      await nextTurn();
      turns += 1;
      assert(turns < 1_000, 'the engine does not come to rest');
      if (turns % 10 === 0) this.#pass(1);
    } while (!this.isFrozen && this.engine.performer.busy > 0);
    if (!this.isFrozen) this.outside.isHurried = false;
  }

  #pass(ms: number): void {
    this.clock.ms += ms;
    mock.timers.tick(ms);
  }

  /** The process is gone with all that it had not done yet; the next one finds the store. */
  async restart(): Promise<void> {
    if (this.isFrozen) this.outside.faults.crash = true;
    this.outside.faults.restart = true;
    void this.engine.stop(0);
    this.isFrozen = false;
    this.isDeaf = false;
    this.engine = this.#start();
    const batches = this.engine.load();
    this.#keeper.stop();
    this.#keeper = this.#keep(this.engine);
    for (const { id, isUp } of this.outside.switches.all) if (isUp) await this.#isUp(id);
    const answered: ReadonlySet<string> = new Set(
      this.outside.outgoing.filter(({ status }) => status === 'ok').map(({ invite }) => invite.callId),
    );
    await recoverEffects(batches, {
      engine: this.engine,
      store: this.store,
      kamailio: this.outside,
      log: SILENT_LOG,
      answered,
    });
    await this.settle();
  }

  /** What the focus does when a switch says hello, for the first time or with something new in it. */
  async #isUp(id: string): Promise<void> {
    const state = this.outside.switches.states().find((one) => one.id === id);
    if (state !== undefined) await this.#keeper.onState(id, state);
  }

  /** SIGKILL: what it held is gone, and the focus has found out. Nobody is told that anybody left. */
  async switchDies(one: ModelSwitch): Promise<void> {
    const { outside, engine } = this;
    one.isUp = false;
    one.held.clear();
    const all = [...engine.sessions.all()];
    const isTelling = all.some(({ subscriptions }) =>
      [...subscriptions.values()].some(({ deadlines }) => deadlines.notify !== undefined),
    );
    const before = outside.notifies;
    for (const { row } of all) {
      if (row.switchId === one.id && !isStranded(row))
        engine.move({ session: row.id, from: one.id, why: 'dead' });
    }
    await this.settle();
    if (!isTelling && !outside.faults.switch && !outside.faults.kamailio)
      assert.equal(outside.notifies, before, 'a NOTIFY for a move');
  }

  /** Another process in the place of one that is dead, or that dies now. */
  async switchStarts(one: ModelSwitch): Promise<void> {
    Object.assign(one, { start: one.start + 1, isUp: true, isEmptying: false });
    one.held.clear();
    await this.#isUp(one.id);
    await this.settle();
  }

  async switchIsDrained(one: ModelSwitch, isEmptying: boolean): Promise<void> {
    one.isEmptying = isEmptying;
    await this.#isUp(one.id);
    await this.settle();
  }

  async kamailioRestarted(): Promise<void> {
    this.outside.restartKamailio();
    for (const { row, legs } of [...this.engine.sessions.all()]) {
      for (let left = legs.size; left > 0; left -= 1) {
        const decision = decideKamailioRestarted(this.engine.world(), row.id, 'k1', `e${this.outside.epoch}`);
        if (decision === undefined) break;
        this.engine.apply(decision, 'kamailio');
      }
    }
    await this.settle();
  }

  check(): void {
    assert.deepEqual(this.errors, []);
    assert.deepEqual(this.outside.violations, []);
    const { sessions } = this.engine;
    const all = [...sessions.all()];
    let pending = 0;
    for (const conference of all) {
      checkConference(conference, this.#settings);
      for (const { state } of conference.legs.values())
        if (state === 'offered' || state === 'inviting') pending += 1;
      this.seen.set(conference.row.id, conference);
    }
    assert.equal(sessions.pendingInvites, pending, 'pending INVITEs are counted wrong');
    const keys = all.flatMap(({ row }) => (row.groupKey === undefined ? [] : [row.groupKey]));
    assert.equal(new Set(keys).size, keys.length, 'two sessions of one group');
    for (const [id, conference] of this.seen)
      if (sessions.byId(id) === undefined) this.#checkGone(conference);
    assert.deepEqual(
      sorted(this.store.load().conferences),
      sorted(all),
      'memory is not what the store holds',
    );
    if (!this.isFrozen) {
      assert.deepEqual(this.store.load().outbox, [], 'effects of unknown fate are left');
      if (!this.outside.faults.switch) this.#checkSwitch(all);
      checkAllTold(all, this.outside);
      if (!this.outside.faults.kamailio) checkAsSeen(all, this.outside);
    }
  }

  /** Which sessions there are at this moment, with their revisions. */
  moment(): Moment {
    const sessions = new Map([...this.engine.sessions.all()].map(({ row }) => [row.id, row.revision]));
    return { ms: this.clock.ms, sessions };
  }

  /** What one client does in one dialog is no other session's business, unless time has passed meanwhile. */
  checkTouched(before: Moment): void {
    const now = this.moment();
    if (now.ms !== before.ms) return;
    const ids = new Set([...before.sessions.keys(), ...now.sessions.keys()]);
    const touched = [...ids].filter((id) => before.sessions.get(id) !== now.sessions.get(id));
    assert(touched.length <= 1, `one client has changed the sessions ${touched}`);
  }

  #checkGone({ row, legs, subscriptions }: Conference): void {
    const world = { ...this.engine.world(), nowMs: this.clock.ms + 1e10 };
    for (const { id, dialog } of [...legs.values(), ...subscriptions.values()]) {
      assert.deepEqual(
        this.engine.sessions.dialogs(dialog.callId).filter((ref) => ref.conference === row.id),
        [],
      );
      for (const name of [
        'invite',
        'ack',
        'session',
        'refresh',
        'asked',
        'wanted',
        'bye',
        'expiry',
        'notify',
      ] as const) {
        const kind = subscriptions.has(id) ? 'subscription' : 'leg';
        assert.equal(decideDeadline(world, { conference: row.id, row: kind, id, name }), undefined);
      }
    }
  }

  /**
   * Who is being sent a BYE keeps its MSRP session until the answer (R-7.2.1.9-ok-1), or until a new snapshot. Who calls
   * and has no answer yet may be there or not.
   */
  #checkSwitch(all: readonly Conference[]): void {
    const { switches } = this.outside;
    const mayWait = ({ row }: Conference) => isStranded(row) || row.phase === 'ending';
    for (const one of switches.all) {
      const { id, isUp } = one;
      const own = all.filter(({ row }) => row.switchId === id);
      if (!isUp) {
        assert(own.every(mayWait), `a session is left on the dead ${id}`);
        continue;
      }
      const ids = own.map(({ row }) => row.id);
      for (const held of one.held.keys()) assert(ids.includes(held), `${id} holds ${held}`);
      for (const { row } of own)
        assert(one.held.has(row.id) || row.phase === 'ending', `${id} lacks ${row.id}`);
    }
    for (const { row, legs } of all) {
      const on = switches.all.find(({ id }) => id === row.switchId);
      const session = on?.held.get(row.id);
      if (session === undefined) continue;
      assert.equal(session?.revision, row.switchRevision);
      const wanted = [...legs.values()]
        .filter((leg) => isLive(leg) && leg.state !== 'offered')
        .map(({ id }) => id);
      const allowed = [...legs.values()].filter(({ state }) => state !== 'ended').map(({ id }) => id);
      for (const id of wanted) assert(session?.legs.has(id), `the switch lacks ${id}`);
      for (const id of session?.legs.keys() ?? []) assert(allowed.includes(id), `the switch holds ${id}`);
    }
  }
}

function sorted(conferences: readonly Conference[]): unknown {
  const rows = (map: ReadonlyMap<string, unknown>) =>
    new Map([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return conferences
    .map(({ row, participants, legs, subscriptions }) => ({
      row,
      participants: rows(participants),
      legs: rows(legs),
      subscriptions: rows(subscriptions),
    }))
    .toSorted((a, b) => (a.row.id < b.row.id ? -1 : 1));
}
