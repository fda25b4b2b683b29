/** The system under test: an engine on a store that outlives it, in the middle of `Outside`. */
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { SwitchPlacement } from '../../../src/app/switch-placement.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { recoverEffects } from '../../../src/engine/recovery.ts';
import type { SwitchFleet } from '../../../src/event-socket/switch-fleet.ts';
import { type Conference, isLive, takesSeat } from '../../../src/focus/conference.ts';
import { decideDeadline } from '../../../src/focus/decide-outcome.ts';
import { decideKamailioRestarted } from '../../../src/focus/decide-recovery.ts';
import { ParseError } from '../../../src/lib/errors.ts';
import type { SipRequest, SipResponse } from '../../../src/sip/message.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { SILENT_LOG } from '../../unit/engine/rig.ts';
import { user } from '../../unit/focus/messages.ts';
import { CountedIds, group, SETTINGS, START_MS } from '../../unit/focus/stage.ts';
import { Outside } from './outside.ts';

export const USERS = ['alice', 'bob', 'carol', 'dave', 'erin'] as const;

const MEMBERS = {
  id: 'members',
  conditions: { members: true },
  grant: { initiate: true, join: true, conferenceState: true, addUsers: true, expel: true },
} as const;
const GUESTS = {
  id: 'guests',
  conditions: { identities: { one: [user('dave'), user('erin')], many: [] } },
  grant: { join: true, conferenceState: true },
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

const NEVER = () => new Promise<never>(() => {});

export class System {
  readonly outside = new Outside();
  readonly store = openSqliteStore({ file: ':memory:' });
  readonly clock = { ms: START_MS, nowMs: () => this.clock.ms };
  readonly ids = new CountedIds();
  readonly #placement = new SwitchPlacement(pino({ level: 'silent' }));
  engine: Engine;
  isFrozen = false;
  /** Frozen, but what it sends arrives. */
  isDeaf = false;
  /** Sessions and legs that were seen once, to be looked for when they are over. */
  readonly seen = new Map<string, Conference>();
  readonly errors: object[] = [];
  /** Clauses that decided something, with how often. */
  readonly clauses: Map<string, number>;

  constructor(clauses: Map<string, number>) {
    this.clauses = clauses;
    const { outside } = this;
    const request = (switchId: string, op: string, body: unknown) => outside.command(switchId, op, body);
    this.#placement.use({ request } as unknown as SwitchFleet);
    this.engine = this.#start();
  }

  #start(): Engine {
    const { outside } = this;
    const engine: Engine = new Engine({
      settings: { ...SETTINGS, session: { expiresS: 120, minSeS: 90 }, inviteTimeoutS: 60 },
      store: this.store,
      kamailio: {
        reply: (...of) => this.#carry(engine, () => outside.reply(...of)),
        request: (effect) => this.#carry(engine, () => outside.request(effect)),
        cancel: (effect) => this.#carry(engine, () => outside.cancel(effect)),
      },
      switches: {
        command: (...of) => this.#carry(engine, () => outside.command(...of)),
        choose: () => outside.choose(),
      },
      findGroup: (address) => GROUPS.get(address),
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

  request(request: SipRequest, from: string): string {
    const transaction = this.outside.open(request.method);
    if (request.method === 'INVITE' && !/;tag=/.test(header(request, 'To'))) {
      this.outside.incoming.push({
        tid: transaction.tid,
        user: from,
        callId: header(request, 'Call-ID'),
        fromTag: /;tag=(\S+)/.exec(header(request, 'From'))?.[1] ?? '',
        toTag: '',
        cseq: 1,
        status: 'pending',
        isAcknowledged: false,
        isEnded: false,
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
  }

  #pass(ms: number): void {
    this.clock.ms += ms;
    mock.timers.tick(ms);
  }

  /** The process is gone with all that it had not done yet; the next one finds the store. */
  async restart(): Promise<void> {
    if (this.isFrozen) this.outside.faults.crash = true;
    void this.engine.stop(0);
    this.isFrozen = false;
    this.isDeaf = false;
    this.engine = this.#start();
    const batches = this.engine.load();
    await this.#placement.resyncAll(this.engine, 'switch-1');
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
      checkConference(conference);
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
    }
  }

  #checkGone({ row, legs, subscriptions }: Conference): void {
    const world = { ...this.engine.world(), nowMs: this.clock.ms + 1e10 };
    for (const { id, dialog } of [...legs.values(), ...subscriptions.values()]) {
      assert.deepEqual(
        this.engine.sessions.dialogs(dialog.callId).filter((ref) => ref.conference === row.id),
        [],
      );
      for (const name of ['invite', 'ack', 'session', 'bye', 'expiry', 'notify'] as const) {
        const kind = subscriptions.has(id) ? 'subscription' : 'leg';
        assert.equal(decideDeadline(world, { conference: row.id, row: kind, id, name }), undefined);
      }
    }
  }

  /** Who is being sent a BYE keeps its MSRP session until the answer (R-7.2.1.9-ok-1), or until a new snapshot. */
  #checkSwitch(all: readonly Conference[]): void {
    const { held } = this.outside;
    assert.deepEqual([...held.keys()].toSorted(), all.map(({ row }) => row.id).toSorted());
    for (const { row, legs } of all) {
      const session = held.get(row.id);
      assert.equal(session?.revision, row.switchRevision);
      const wanted = [...legs.values()].filter((leg) => isLive(leg)).map(({ id }) => id);
      const allowed = [...legs.values()].filter(({ state }) => state !== 'ended').map(({ id }) => id);
      for (const id of wanted) assert(session?.legs.has(id), `the switch lacks ${id}`);
      for (const id of session?.legs.keys() ?? []) assert(allowed.includes(id), `the switch holds ${id}`);
    }
  }
}

function checkConference({ row, participants, legs, subscriptions }: Conference): void {
  assert.notEqual(row.phase, 'ended');
  for (const { id, presence } of participants.values()) {
    const states = [...legs.values()]
      .filter(({ participant }) => participant === id)
      .map(({ state }) => state);
    const standing = states.filter((state) => state === 'connected' || state === 'leaving');
    if (presence === 'connected') assert(standing.length > 0, `connected without a leg: ${states}`);
    if (presence === 'disconnected')
      assert(
        !states.some((state) => state !== 'ended' && state !== 'offered'),
        `disconnected with a leg: ${states}`,
      );
    if (presence === 'invited' || presence === 'alerting')
      assert(
        states.includes('inviting') || states.includes('leaving'),
        `invited without an invitation: ${states}`,
      );
  }
  for (const leg of legs.values()) {
    assert(participants.has(leg.participant), 'a leg of nobody');
    assert.equal(
      leg.state === 'offered',
      leg.transaction !== undefined,
      'an offered leg has its INVITE to answer',
    );
    if (leg.state === 'inviting') assert(leg.deadlines.invite !== undefined);
    if (leg.state === 'leaving') assert.deepEqual(Object.keys(leg.deadlines), ['bye']);
    if (leg.state === 'ended') assert.deepEqual(leg.deadlines, {});
  }
  for (const { participant, event } of subscriptions.values()) {
    if (event === 'conference')
      assert.equal(
        participants.get(participant)?.presence,
        'connected',
        'a subscription of somebody who has left',
      );
  }
  const maximum = row.group?.maxParticipantCount;
  if (maximum !== undefined) {
    const seats = [...participants.values()].filter(takesSeat).length;
    assert(seats <= maximum, `${seats} of ${maximum} seats are taken`);
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

function header(request: SipRequest, name: string): string {
  return request.headers.find((field) => field.name === name)?.value ?? '';
}
