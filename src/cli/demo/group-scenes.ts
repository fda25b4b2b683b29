/** Scenes 4 and 5: a pre-defined group (7.2.1.3), a member who joins while it runs (7.2.1.4), and a refusal. */
import type { Subscriber } from '../../agents/chat.ts';
import type { Room } from '../../agents/room.ts';
import type { Roster } from '../../agents/roster.ts';
import { type Cast, connectedAre, rosterOf, type Seat, speak } from './cast.ts';
import type { Director } from './director.ts';
import { GROUP_NAME, GROUP_URI } from './group.ts';
import type { ToldStep } from './story.ts';

export interface GroupChat {
  readonly ben: Seat;
  readonly cleo: Seat;
  readonly dan: Seat;
  /** Dan's. */
  readonly roster: Roster;
}

export async function groupScenes(director: Director, cast: Cast): Promise<GroupChat> {
  const chat = await groupRuns(director, cast);
  await refusal(director, cast.ada, chat);
  return chat;
}

async function groupRuns(director: Director, { ben, cleo, dan }: Cast): Promise<GroupChat> {
  director.scene(`Dan calls a group; Ben comes later`);
  const { dans, cleos } = await director.step(
    `Dan calls "${GROUP_NAME}", whose document lists Ben, Cleo and Dan. The focus invites the others: Ben is busy, Cleo answers.`,
    async (check) => {
      const invitations = Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      const call = await dan.dial(GROUP_URI);
      const [toBen, toCleo] = await invitations;
      await toBen.reject(486, 'Busy Here');
      toCleo.ring();
      const [hers, his] = await Promise.all([cleo.answer(toCleo), call.room()]);
      check.holds('Dan is answered by a focus', his.isFocus, his.setUpBy.header('Contact'));
      check.same('Cleo is in the same session', hers.uri, his.uri);
      return { dans: his, cleos: hers };
    },
  );
  const roster = await director.step('Dan watches who is there.', async (check) => {
    const watched = await dans.watch();
    const users = await watched.until((now) => connectedAre(now, ['Cleo', 'Dan']));
    check.same(
      'Cleo and Dan are in, Ben is not',
      rosterOf(users),
      'Ben: disconnected (busy), Cleo: connected, Dan: connected',
    );
    return watched;
  });
  const bens = await director.step(
    'Ben has time now: he calls the group, which is running, and joins it.',
    async (check) => {
      const room: Room = await ben.join(GROUP_URI);
      check.same('he joined the session that runs', room.uri, dans.uri);
      const users = await roster.until((now) => connectedAre(now, ['Ben', 'Cleo', 'Dan']));
      check.same(
        "Dan's roster shows all three",
        rosterOf(users),
        'Ben: connected, Cleo: connected, Dan: connected',
      );
      return room;
    },
  );
  const seats = {
    ben: { name: 'Ben', room: bens },
    cleo: { name: 'Cleo', room: cleos },
    dan: { name: 'Dan', room: dans },
  };
  await director.step('Ben writes, the group hears it.', (check) =>
    speak(check, seats.ben, [seats.cleo, seats.dan], 'Sorry, I was at lunch. What did I miss?'),
  );
  await director.step('Dan answers.', (check) =>
    speak(check, seats.dan, [seats.ben, seats.cleo], 'The ferry is late. Berth 4 at three.'),
  );
  return { ...seats, roster };
}

async function refusal(director: Director, ada: Subscriber, chat: GroupChat): Promise<void> {
  director.scene('A request that is refused');
  const callId = await director.step(
    'Ada calls the group, but her Contact says isfocus: some other server is the focus of her call already.',
    async (check) => {
      const { call, msrp } = await ada.dial(GROUP_URI, {
        headers: [['Contact', `<${ada.sip.contactUri}>;+g.oma.sip-im;isfocus`]],
      });
      const answer = await call.final();
      await msrp.close();
      check.same('it is refused', [answer.status, answer.reason], [403, 'Forbidden']);
      const warning = /^399 \S+ "(.*)"$/.exec(answer.header('Warning') ?? '')?.[1];
      check.same('the Warning says why', warning, 'isfocus already assigned');
      return call.request.callId;
    },
  );
  await director.step('The group has not noticed.', async (check) => {
    check.same('the trace names the step that refused', refusingStepOf(director, callId), 'R-7.2.1.4-1');
    await speak(check, chat.cleo, [chat.ben, chat.dan], 'Three it is. I bring coffee.');
  });
}

/** Of the decision about that Call-ID: the step that refused; undefined when none did. */
function refusingStepOf(director: Director, callId: string): string | undefined {
  const decisions = director.scenes.flatMap(({ steps }) =>
    steps.flatMap(({ happenings }) =>
      happenings.flatMap((one) =>
        one.kind === 'decision' && one.decision.callId === callId ? [one.decision] : [],
      ),
    ),
  );
  const refused: readonly ToldStep[] = decisions.flatMap(({ steps }) =>
    steps.filter(({ verdict }) => verdict === 'refuse'),
  );
  return refused.length === 1 ? refused[0]?.id : undefined;
}
