/** Scene 6: everybody leaves, the sessions end by their release policy (7.2.2.8), and nothing odd was left anywhere. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Subscriber } from '../../agents/chat.ts';
import { within } from '../../agents/waiting.ts';
import type { AdHocChat } from './ad-hoc-scenes.ts';
import { type Cast, connectedAre, rosterOf } from './cast.ts';
import type { DemoStack } from './demo-stack.ts';
import type { Director } from './director.ts';
import type { GroupChat } from './group-scenes.ts';

const ENDED_TIMEOUT_MS = 5_000;
const POLL_MS = 25;
/** switch, focus, Kamailio */
const PART_COUNT = 3;

export async function closingScene(
  director: Director,
  cast: Cast,
  stack: DemoStack,
  lunch: AdHocChat,
  crew: GroupChat,
): Promise<void> {
  director.scene('Everybody leaves');
  await director.step(
    'Ada leaves the lunch chat. One alone is no conversation: the focus releases Ben.',
    async (check) => {
      const [answer, reason] = await Promise.all([
        lunch.ada.leave(),
        lunch.roster.subscription.untilTerminated(),
      ]);
      check.same("Ada's BYE is answered 200", answer.status, 200);
      check.same('her roster subscription ends too (noresource)', reason, 'noresource');
      check.same(
        "Ben's dialog was ended by a BYE of the focus",
        await ended(lunch.ben.ended, "Ben's dialog"),
        'remote',
      );
      await lunch.ben.msrp.close();
      await noSession(stack, lunch.ada.uri);
      check.same('that session is over, the other one is not', (await stack.sessions()).length, 1);
    },
  );
  await director.step(
    'Cleo leaves the group; Dan sees it and leaves too, and Ben is released.',
    async (check) => {
      const { ben, cleo, dan, roster } = crew;
      const first = await cleo.room.leave();
      const users = await roster.until((now) => connectedAre(now, ['Ben', 'Dan']));
      check.same(
        "Dan's roster: Ben and Dan are connected, Cleo has departed",
        rosterOf(users),
        'Ben: connected, Cleo: disconnected (departed), Dan: connected',
      );
      const second = await dan.room.leave();
      check.same('both BYEs are answered 200', [first.status, second.status], [200, 200]);
      check.same(
        "Ben's dialog was ended by a BYE of the focus",
        await ended(ben.room.ended, "Ben's dialog"),
        'remote',
      );
      await ben.room.msrp.close();
      await noSession(stack, ben.room.uri);
      check.same('no session is left', await stack.sessions(), []);
    },
  );
  await director.step(
    'Each agent sends itself an OPTIONS, so that all that was under way has come, and looks back.',
    async (check) => {
      const agents: readonly Subscriber[] = Object.values(cast);
      for (const agent of agents) await agent.sip.sync();
      check.same(
        'no message broke a rule of SIP or MSRP',
        agents.flatMap(({ violations }) => violations),
        [],
      );
      check.same(
        'the rosters were told without a gap',
        [...lunch.roster.violations, ...crew.roster.violations],
        [],
      );
      check.same('nothing came that nobody asked for', agents.flatMap(strayOf), []);
      check.same('no part of the stack died', stack.parts.length, PART_COUNT);
    },
    { isQuiet: true },
  );
}

function ended<T>(end: Promise<T>, what: string): Promise<T> {
  return within(end, ENDED_TIMEOUT_MS, `the end of ${what}`, () => 'no BYE');
}

/** The admin tells states, not events, so it is asked until the session has gone. */
async function noSession(stack: DemoStack, identity: string): Promise<void> {
  const id = /^sips?:([^@]*)@/.exec(identity)?.[1] ?? identity;
  const deadlineMs = Date.now() + ENDED_TIMEOUT_MS;
  while ((await stack.sessions()).includes(id)) {
    if (Date.now() > deadlineMs)
      throw new Error(`the session ${id} has not ended within ${ENDED_TIMEOUT_MS} ms`);
    await delay(POLL_MS);
  }
}

/** SIP that fits nothing, invitations that nobody expected, and chat messages beyond those that were heard. */
function strayOf({ sip, name, rooms }: Subscriber): string[] {
  return [
    ...sip.unexpected.map(({ why }) => `${name}: ${why}`),
    ...sip.waitingInvites.map(({ request }) => `${name}: ${request.summary}`),
    ...rooms.flatMap(({ msrp }) => msrp.waitingMessages.map(({ text }) => `${name}: "${text}"`)),
  ];
}
