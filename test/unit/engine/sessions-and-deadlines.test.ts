import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { type Deadline, Deadlines } from '../../../src/engine/deadlines.ts';
import { Sessions } from '../../../src/engine/sessions.ts';
import type { Conference, LegRow } from '../../../src/focus/conference.ts';
import { Work } from '../../../src/focus/work.ts';
import { sdpBody, user } from '../focus/messages.ts';
import { group, requestsOf, Stage } from '../focus/stage.ts';

describe('sessions in memory', () => {
  const crew = () => new Stage({}, [group('crew', ['alice', 'bob'])]);

  test('are found by id, group and the Call-ID of each dialog; pending INVITEs of both sides are counted', () => {
    const stage = crew();
    const decision = stage.request({ uri: user('crew'), callId: 'alice-1', ...sdpBody() });
    const { row } = stage.theOnly();
    const { sessions } = stage;
    assert.equal(sessions.byId(row.id)?.row, row);
    assert.equal(sessions.byGroup(row.groupKey ?? '')?.row.id, row.id);
    const [invite] = requestsOf(decision, 'INVITE');
    for (const callId of ['alice-1', invite?.callId ?? '']) {
      assert.deepEqual(
        sessions.dialogs(callId).map(({ conference, row: kind }) => [conference, kind]),
        [[row.id, 'leg']],
      );
    }
    assert.deepEqual(sessions.dialogs('none'), []);
    assert.equal(sessions.pendingInvites, 2);
    stage.answer(invite ?? assert.fail());
    assert.equal(sessions.pendingInvites, 0);
  });

  test('what was loaded is indexed as what was decided', () => {
    const stage = crew();
    stage.request({ uri: user('crew'), callId: 'alice-1', ...sdpBody() });
    const loaded = new Sessions();
    loaded.add(stage.theOnly());
    assert.equal(loaded.pendingInvites, 2);
    assert.deepEqual(loaded.dialogs('alice-1'), stage.sessions.dialogs('alice-1'));
    assert.equal(loaded.byGroup(stage.theOnly().row.groupKey ?? ''), stage.theOnly());
  });

  test('one that ends leaves nothing behind, and one that is being released frees its group at once', () => {
    const stage = crew();
    const [invite] = requestsOf(
      stage.request({ uri: user('crew'), callId: 'alice-1', ...sdpBody() }),
      'INVITE',
    );
    stage.answer(invite ?? assert.fail());
    stage.ack(stage.inDialog('alice'));
    const { row } = stage.theOnly();
    const left = stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    assert.equal(stage.sessions.byGroup(row.groupKey ?? ''), undefined);
    assert.equal(stage.sessions.size, 1);
    const [bye] = requestsOf(left, 'BYE');
    stage.respond(bye ?? assert.fail(), { status: 200 });
    assert.equal(stage.sessions.size, 0);
    assert.equal(stage.sessions.byId(row.id), undefined);
    for (const callId of ['alice-1', invite?.callId ?? ''])
      assert.deepEqual(stage.sessions.dialogs(callId), []);
    assert.equal(stage.sessions.pendingInvites, 0);
  });

  test('two dialogs of one Call-ID are both found, and one of them can go', () => {
    const stage = new Stage();
    stage.running();
    const { identity, id } = stage.theOnly().row;
    const extra = [['Event', 'conference']] as const;
    stage.request({ method: 'SUBSCRIBE', uri: identity, callId: 'alice-1', fromTag: 'sub', extra });
    assert.deepEqual(
      stage.sessions.dialogs('alice-1').map(({ row }) => row),
      ['leg', 'subscription'],
    );
    const [subscription] = stage.theOnly().subscriptions.values();
    const options = stage.inDialog('alice', subscription ?? assert.fail());
    stage.request({ method: 'SUBSCRIBE', ...options, extra: [...extra, ['Expires', '0']] });
    assert.deepEqual(
      stage.sessions.dialogs('alice-1').map(({ conference, row }) => [conference, row]),
      [[id, 'leg']],
    );
  });
});

describe('the unit of work', () => {
  const leg = (id: string, more: Partial<LegRow> = {}) => ({ id, ...more }) as LegRow;
  const base = (...legs: readonly LegRow[]): Conference => ({
    row: { id: 'c', revision: 4 } as Conference['row'],
    participants: new Map(),
    legs: new Map(legs.map((row) => [row.id, row])),
    subscriptions: new Map(),
  });

  test('reads see its own changes, and only these are handed on', () => {
    const conference = base(leg('a'), leg('b'), leg('c'));
    const work = Work.on(conference);
    const changed = work.legs.put(leg('b', { state: 'ended' }));
    work.legs.delete('c');
    work.legs.put(leg('d'));
    assert.equal(work.legs.get('b'), changed);
    assert.equal(work.legs.get('c'), undefined);
    assert.deepEqual(
      [...work.legs.all()].map(({ id }) => id),
      ['a', 'b', 'd'],
    );
    assert.equal(
      work.legs.find(({ state }) => state === 'ended'),
      changed,
    );
    const { rows, baseRevision, conference: row } = work.changes();
    assert.deepEqual(
      rows.map(({ id, row: next }) => [id, next !== undefined]),
      [
        ['b', true],
        ['c', false],
        ['d', true],
      ],
    );
    assert.deepEqual([baseRevision, row.revision], [4, 5]);
    const applied = work.applied();
    assert.deepEqual([...applied.legs.keys()], ['a', 'b', 'd']);
    // What it was based on stays as it was, and unchanged tables are shared.
    assert.equal(conference.legs.get('b')?.state, undefined);
    assert.equal(applied.participants, conference.participants);
  });

  test('changes may be made while the rows are gone through', () => {
    const work = Work.on(base(leg('a'), leg('b')));
    for (const row of work.legs.filter(() => true)) {
      work.legs.delete(row.id);
      work.legs.put(leg(`${row.id}2`));
    }
    assert.deepEqual(
      [...work.legs.all()].map(({ id }) => id),
      ['a2', 'b2'],
    );
  });

  test('a new conference has no base', () => {
    const work = Work.create({ id: 'c' } as Conference['row']);
    assert.equal(work.isNew, true);
    assert.deepEqual([work.changes().baseRevision, work.changes().conference.revision], [-1, 0]);
  });
});

describe('deadlines', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  const conferenceOf = (deadlines: Readonly<Record<string, LegRow['deadlines']>>): Conference => ({
    row: { id: 'c' } as Conference['row'],
    participants: new Map(),
    legs: new Map(Object.entries(deadlines).map(([id, due]) => [id, { id, deadlines: due } as LegRow])),
    subscriptions: new Map(),
  });

  function start() {
    const clock = { ms: 0 };
    const fired: string[] = [];
    const deadlines = new Deadlines(
      () => clock.ms,
      ({ id, name, dueMs }: Deadline) => fired.push(`${id} ${name} ${dueMs}`),
    );
    const advance = (ms: number) => {
      clock.ms += ms;
      mock.timers.tick(ms);
    };
    return { deadlines, fired, advance, clock };
  }

  test('fire in the order in which they come due', () => {
    const { deadlines, fired, advance } = start();
    const due = [50, 10, 90, 30, 70, 20, 80, 40, 60];
    deadlines.addAll(conferenceOf(Object.fromEntries(due.map((ms) => [`leg${ms}`, { bye: ms }]))));
    advance(45);
    assert.deepEqual(
      fired,
      [10, 20, 30, 40].map((ms) => `leg${ms} bye ${ms}`),
    );
    advance(45);
    assert.deepEqual(fired.length, 9);
    assert.equal(fired.at(-1), 'leg90 bye 90');
  });

  test('the same deadline again is queued once; one that moved fires for both times and its row decides', () => {
    const { deadlines, fired, advance } = start();
    for (let time = 0; time < 3; time += 1) deadlines.addAll(conferenceOf({ a: { session: 100 } }));
    deadlines.addAll(conferenceOf({ a: { session: 200 } }));
    advance(300);
    assert.deepEqual(fired, ['a session 100', 'a session 200']);
  });

  test('an earlier one is not kept waiting, and far ones are looked at again after a while', () => {
    const { deadlines, fired, advance, clock } = start();
    deadlines.addAll(conferenceOf({ far: { session: 1_000_000 } }));
    deadlines.addAll(conferenceOf({ near: { invite: 5 } }));
    advance(5);
    assert.deepEqual(fired, ['near invite 5']);
    // The wall clock jumps while the timer waits: it is noticed within half a minute.
    clock.ms = 1_000_000;
    mock.timers.tick(30_000);
    assert.deepEqual(fired.slice(1), ['far session 1000000']);
  });

  test('one that is made while others fire is not lost, and none fires after stop', () => {
    const clock = { ms: 0 };
    const fired: string[] = [];
    const deadlines: Deadlines = new Deadlines(
      () => clock.ms,
      ({ id }) => {
        fired.push(id);
        if (id === 'a') deadlines.addAll(conferenceOf({ b: { bye: 20 }, c: { bye: 900 } }));
      },
    );
    deadlines.addAll(conferenceOf({ a: { bye: 10 } }));
    clock.ms = 25;
    mock.timers.tick(25);
    assert.deepEqual(fired, ['a', 'b']);
    deadlines.stop();
    clock.ms = 1_000;
    mock.timers.tick(1_000);
    deadlines.addAll(conferenceOf({ d: { bye: 1 } }));
    mock.timers.tick(1_000);
    assert.deepEqual(fired, ['a', 'b']);
  });
});

describe('deadlines that cannot be dealt with now', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  const conference = {
    row: { id: 'c' },
    participants: new Map(),
    legs: new Map([['a', { id: 'a', deadlines: { bye: 10 } }]]),
    subscriptions: new Map(),
  } as unknown as Conference;

  function start(fire: (deadline: Deadline, deadlines: Deadlines) => void) {
    const clock = { ms: 0 };
    const deadlines: Deadlines = new Deadlines(
      () => clock.ms,
      (deadline) => fire(deadline, deadlines),
    );
    const advance = (ms: number) => {
      clock.ms += ms;
      mock.timers.tick(ms);
    };
    return { deadlines, advance };
  }

  test('none fires while they are held; those that came due meanwhile fire on release', () => {
    const fired: string[] = [];
    const { deadlines, advance } = start(({ id }) => fired.push(id));
    deadlines.hold();
    deadlines.addAll(conference);
    advance(100_000);
    assert.deepEqual(fired, []);
    deadlines.release();
    advance(0);
    assert.deepEqual(fired, ['a']);
  });

  test('one that failed comes up again after a second, then after twice as long, up to a minute', () => {
    const at: number[] = [];
    let nowMs = 0;
    const { deadlines, advance } = start((deadline, all) => {
      at.push(nowMs);
      if (at.length < 9) all.retry(deadline);
    });
    deadlines.addAll(conference);
    for (nowMs = 10; nowMs <= 400_000; nowMs += 10) advance(10);
    const waits = at.slice(1).map((ms, index) => ms - (at[index] ?? 0));
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });
});
