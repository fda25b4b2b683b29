/**
 * The focus is killed before and after each commit, and before and after each effect that follows. Whatever the caller was
 * told, he ends with what he wanted, at the latest when he asks again; nobody else is disturbed; nothing is left behind.
 *
 * The most telling points are tried always; PARLEY_TEST_CRASHES=all tries every one.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { OutgoingCall, Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import type { Roster } from '../../src/agents/roster.ts';
import { FACTORY, type Stack, type StackOptions } from '../support/stack.ts';
import { conversation } from './support/conversing.ts';
import { type Crash, crashAt, startCrashing } from './support/crash.ts';
import { eventually } from './support/eventually.ts';
import { partOf } from './support/processes.ts';

/** Until a caller has a final answer: Kamailio asks a dead focus again after 2 s, and a new one has 10 s. */
const SETTLE_MS = 20_000;
/** A 2xx is waited for to be acknowledged for 64 times T1 (RFC 3261 section 13.3.1.4), and the BYE that follows as long. */
const ACK_MS = 70_000;
const ALL = process.env['PARLEY_TEST_CRASHES'] === 'all';

interface Scenario {
  readonly name: string;
  /** What is always tried. */
  readonly telling: readonly string[];
  /** Each before and after, with PARLEY_TEST_CRASHES=all. */
  readonly all: readonly string[];
  run(cast: Cast, crash: () => Crash): Promise<void>;
}

/** Fresh users for each run, who accept every invitation. */
class Cast {
  readonly #stack: Stack;
  readonly #rooms = new Map<string, Room[]>();

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  async user(name: string): Promise<Subscriber> {
    const subscriber = await this.#stack.subscriber(name);
    const rooms: Room[] = [];
    this.#rooms.set(subscriber.uri, rooms);
    void (async () => {
      for (;;) {
        const invite = await subscriber.sip.nextInvite({ timeoutMs: 600_000 });
        invite.ring();
        // One that was repeated under another name comes to nothing, and another that was accepted stands.
        void subscriber.answer(invite).then(
          (room) => rooms.push(room),
          () => undefined,
        );
      }
    })().catch(() => undefined); // The subscriber has stopped.
    return subscriber;
  }

  /** The room that this user was invited into and is still in. */
  invited(user: Subscriber, session: string): Promise<Room> {
    const rooms = this.#rooms.get(user.uri) ?? [];
    return eventually(
      () => rooms.findLast(({ uri, dialog }) => uri === session && dialog.state === 'confirmed'),
      () => `${user.uri} is not in ${session}: ${rooms.map(({ uri, dialog }) => `${uri} ${dialog.state}`)}`,
      SETTLE_MS,
    );
  }
}

/** The room, or nothing when the caller was told to try again later. */
async function roomOrLater({ call, room }: OutgoingCall): Promise<Room | undefined> {
  const answer = await call.final({ timeoutMs: SETTLE_MS });
  if (answer.status < 300) return room();
  assert.equal(answer.status, 503, 'what went wrong is ours, and not for ever');
  return undefined;
}

let said = 0;

/** Each says something that all others hear; what is older is passed over. */
async function chatAround(...rooms: readonly Room[]): Promise<void> {
  for (const from of rooms) {
    said += 1;
    const text = `line ${said}`;
    assert.equal(await from.say(text), 200);
    for (const room of rooms) {
      if (room === from) continue;
      while ((await room.hear()).text !== text);
    }
  }
}

const isConnected = (roster: Roster, { uri }: Subscriber, wanted: boolean) =>
  roster.until(
    (users) => users.some(({ entity, status }) => entity === uri && status === 'connected') === wanted,
    { timeoutMs: SETTLE_MS, what: `${uri} is never ${wanted ? 'there' : 'gone'}` },
  );

async function threeWatched(cast: Cast) {
  const [ada, ben, cara] = [await cast.user('ada'), await cast.user('ben'), await cast.user('cara')];
  const adas = await ada.startAdHoc({ factory: FACTORY, invite: [ben.uri, cara.uri] });
  const [bens, caras] = [await cast.invited(ben, adas.uri), await cast.invited(cara, adas.uri)];
  const roster = await adas.watch();
  await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 3);
  return { ada, ben, cara, adas, bens, caras, roster };
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'set-up',
    telling: ['after commit INVITE', 'before reply 200'],
    all: [
      'commit INVITE',
      'switch session.put',
      'request INVITE',
      'commit 200',
      'switch leg.put',
      'reply 180',
      'reply 200',
    ],
    async run(cast, crash) {
      const [ada, ben, cara] = [await cast.user('ada'), await cast.user('ben'), await cast.user('cara')];
      const options = { factory: FACTORY, invite: [ben.uri, cara.uri] };
      const { over } = crash();
      const first = await ada.dialAdHoc(options);
      const [, room] = await Promise.all([over(), roomOrLater(first)]);
      const adas = room ?? (await ada.startAdHoc(options));
      const [bens, caras] = [await cast.invited(ben, adas.uri), await cast.invited(cara, adas.uri)];
      await chatAround(adas, bens, caras);
      for (const one of [bens, caras]) assert.equal((await one.leave()).status, 200);
      assert.equal(await adas.ended, 'remote');
    },
  },
  {
    name: 'joining again',
    telling: ['after switch leg.put'],
    all: ['commit INVITE', 'switch leg.put', 'reply 200', 'request NOTIFY'],
    async run(cast, crash) {
      const { ben, adas, bens, caras, roster } = await threeWatched(cast);
      assert.equal((await bens.leave()).status, 200);
      await isConnected(roster, ben, false);
      const { over } = crash();
      const first = await ben.dial(adas.uri);
      const [, room] = await Promise.all([over(), roomOrLater(first)]);
      const again = room ?? (await ben.join(adas.uri));
      await isConnected(roster, ben, true);
      await chatAround(adas, again, caras);
      for (const one of [again, caras]) assert.equal((await one.leave()).status, 200);
      assert.equal(await adas.ended, 'remote');
    },
  },
  {
    name: 'adding by REFER',
    telling: ['before commit REFER', 'after request INVITE'],
    all: ['commit REFER', 'reply 202', 'switch leg.put', 'request INVITE', 'request NOTIFY', 'commit 200'],
    async run(cast, crash) {
      const { adas, bens, caras, roster } = await threeWatched(cast);
      const dan = await cast.user('dan');
      const refer = () => adas.dialog.refer(`<${dan.uri}>`, { timeoutMs: SETTLE_MS });
      const { over } = crash();
      const [, first] = await Promise.all([over(), refer()]);
      if (first.response.status >= 300) {
        assert.equal(first.response.status, 503);
        await refer();
      }
      const dans = await cast.invited(dan, adas.uri);
      await isConnected(roster, dan, true);
      await chatAround(adas, bens, caras, dans);
      for (const one of [dans, bens, caras]) assert.equal((await one.leave()).status, 200);
      assert.equal(await adas.ended, 'remote');
    },
  },
  {
    name: 'leaving',
    telling: ['after commit BYE', 'before request NOTIFY'],
    all: ['commit BYE', 'answer BYE', 'switch leg.drop', 'request NOTIFY'],
    async run(cast, crash) {
      const { ben, adas, bens, caras, roster } = await threeWatched(cast);
      const { over } = crash();
      const bye = () => bens.dialog.request('BYE', { timeoutMs: SETTLE_MS });
      const [, first] = await Promise.all([over(), bye()]);
      // Whoever was told to try again finds that he is out, or is out then.
      if (first.status === 503) assert.ok([200, 481].includes((await bye()).status));
      else assert.equal(first.status, 200);
      await isConnected(roster, ben, false);
      await chatAround(adas, caras);
      assert.equal((await caras.leave()).status, 200);
      assert.equal(await adas.ended, 'remote');
    },
  },
];

/** `up` waits longer before each further start of a part that dies again and again: every run has a stack of its own. */
async function withStack(
  t: TestContext,
  run: (stack: Stack, file: string) => Promise<void>,
  options: StackOptions = {},
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-crash-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'point');
  const stack = await startCrashing(file, options);
  t.after(() => stack.stop());
  await run(stack, file);
}

for (const { name, telling, all, run } of SCENARIOS) {
  describe(`the focus is killed: ${name}`, () => {
    const points = ALL ? all.flatMap((point) => [`before ${point}`, `after ${point}`]) : telling;
    for (const point of points) {
      test(point, (t) =>
        withStack(t, async (stack, file) => {
          const cast = new Cast(stack);
          await run(cast, () => crashAt(stack, file, point));
          await eventually(
            async () => (await stack.sessions()).every(({ phase }) => phase === 'ended'),
            () => 'a session was left behind',
            // A 200 that was decided on and may have left is waited for to be acknowledged.
            ACK_MS,
          );
          // What was killed has harmed nobody who comes after.
          const [eve, fay] = [await cast.user('eve'), await stack.subscriber('fay')];
          const [eves, fays] = (await conversation(FACTORY, eve, fay)) as [Room, Room];
          await chatAround(eves, fays);
          assert.equal((await eves.leave()).status, 200);
        }),
      );
    }
  });
}

const MOVING = {
  telling: ['after commit move', 'after request INVITE'],
  all: ['commit move', 'switch session.put', 'request INVITE', 'commit 200', 'switch leg.put'],
} as const;

describe('the focus is killed: moving a session to another switch', () => {
  const points = ALL ? MOVING.all.flatMap((point) => [`before ${point}`, `after ${point}`]) : MOVING.telling;
  for (const point of points) {
    test(point, (t) =>
      withStack(
        t,
        async (stack, file) => {
          const cast = new Cast(stack);
          const { adas, bens, caras, roster } = await threeWatched(cast);
          const rooms = [adas, bens, caras];
          const [session] = (await stack.sessions()) as unknown as { switchId: string }[];
          assert(session !== undefined);
          const { over } = crashAt(stack, file, point);
          process.kill(partOf(stack.directory, session.switchId.replace('-', ' ')).pid, 'SIGKILL');
          await Promise.all([
            over(),
            ...rooms.map(async (room) => assert.equal(await room.nextMove({ timeoutMs: SETTLE_MS }), 200)),
          ]);
          await chatAround(...rooms);
          assert.deepEqual(roster.violations, []);
          for (const one of [caras, bens]) assert.equal((await one.leave()).status, 200);
          assert.equal(await adas.ended, 'remote');
        },
        { config: { switch: { processes: 2 } } },
      ),
    );
  }
});

const OTHER_VICTIMS = [
  {
    part: 'kamailio',
    telling: ['before request INVITE'],
    all: ['commit INVITE', 'request INVITE', 'reply 200'],
  },
  {
    part: 'switch 0',
    telling: ['before switch leg.put'],
    all: ['switch session.put', 'switch leg.put', 'reply 200'],
  },
] as const;

for (const { part, telling, all } of OTHER_VICTIMS) {
  describe(`${part} is killed while a session is set up`, () => {
    const points = ALL ? all.flatMap((point) => [`before ${point}`, `after ${point}`]) : telling;
    for (const point of points) {
      test(point, (t) =>
        withStack(t, async (stack, file) => {
          const cast = new Cast(stack);
          const [ada, ben] = [await cast.user('ada'), await cast.user('ben')];
          const [eve, fay] = [await stack.subscriber('eve'), await stack.subscriber('fay')];
          const rooms = (await conversation(FACTORY, eve, fay)) as [Room, Room];
          const { over } = crashAt(stack, file, point, part);
          const options = { factory: FACTORY, invite: [ben.uri] };
          const call = await ada.dialAdHoc(options);
          // It may come to nothing, and its caller to no answer at all.
          const first = call.call.answered({ timeoutMs: SETTLE_MS }).catch(() => undefined);
          await over();
          // Who was in a session is in it still: MSRP does without Kamailio, and is led to a new switch where the old one was.
          if (part === 'switch 0')
            for (const room of rooms) assert.equal(await room.nextMove({ timeoutMs: SETTLE_MS }), 200);
          await chatAround(...rooms);
          // A new Kamailio knows nobody until he registers again.
          for (const user of [ada, ben, eve, fay]) await user.register();
          const again = await ada.startAdHoc(options);
          await chatAround(again, await cast.invited(ben, again.uri));
          assert.equal((await again.leave()).status, 200);
          const [eves, fays] = rooms;
          assert.equal((await eves.leave()).status, 200);
          assert.equal(await fays.ended, 'remote');
          // What had come about of the first call is left by its caller; who never got his 200 is waited for as long as for an ACK.
          await (await first)?.bye();
          await eventually(
            async () => (await stack.sessions()).every(({ phase }) => phase === 'ended'),
            () => 'a session was left behind',
            ACK_MS,
          );
        }),
      );
    }
  });
}
