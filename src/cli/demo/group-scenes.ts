/** Scenes 4 and 5: a pre-defined group (7.2.1.3), a member who joins while it runs (7.2.1.4), and a refusal. */
import type { Subscriber } from '../../agents/chat.ts';
import type { Room } from '../../agents/room.ts';
import type { Roster } from '../../agents/roster.ts';
import { awaitedLater, type Cast, connectedAre, decidedBy, rosterOf, type Seat, speak } from './cast.ts';
import type { Director } from './director.ts';
import { GROUP_NAME, GROUP_URI } from './group.ts';

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
      const invitations = awaitedLater(Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]));
      const call = await dan.dial(GROUP_URI);
      const [toBen, toCleo] = await invitations;
      await toBen.reject(486, 'Busy Here');
      toCleo.ring();
      const [hers, his] = await Promise.all([cleo.answer(toCleo), call.room()]);
      check.holds('Dan is answered by a focus', his.isFocus, his.setUpBy.header('Contact'));
      check.same('Cleo is in the same session', hers.uri, his.uri);
      return { dans: his, cleos: hers };
    },
    decidedBy('7.2.1.3', 'group set-up'),
  );
  const roster = await director.step(
    'Dan watches who is there.',
    async (check) => {
      const watched = await dans.watch();
      const users = await watched.until((now) => connectedAre(now, ['Cleo', 'Dan']));
      check.same(
        'the roster: Cleo and Dan are connected, Ben was busy',
        rosterOf(users),
        'Ben: disconnected (busy), Cleo: connected, Dan: connected',
      );
      return watched;
    },
    decidedBy('7.2.1.12', 'subscribing'),
  );
  const bens = await director.step(
    'Ben has time now. He calls the group himself; its session is running, so he joins it.',
    async (check) => {
      const room: Room = await ben.join(GROUP_URI);
      check.same('he is in the session that was running', room.uri, dans.uri);
      const users = await roster.until((now) => connectedAre(now, ['Ben', 'Cleo', 'Dan']));
      check.same(
        "Dan's roster: Ben, Cleo and Dan are connected",
        rosterOf(users),
        'Ben: connected, Cleo: connected, Dan: connected',
      );
      return room;
    },
    decidedBy('7.2.1.4', 'joining'),
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
  await director.step(
    'Ada calls the group, but her Contact says isfocus: some other server is the focus of her call already.',
    async (check) => {
      const { call, msrp } = await ada.dial(GROUP_URI, {
        headers: [['Contact', `<${ada.sip.contactUri}>;+g.oma.sip-im;isfocus`]],
      });
      const answer = await call.final();
      await msrp.close();
      check.same('it is refused with 403 Forbidden', [answer.status, answer.reason], [403, 'Forbidden']);
      const warning = /^399 \S+ "(.*)"$/.exec(answer.header('Warning') ?? '')?.[1];
      check.same('the Warning says "isfocus already assigned"', warning, 'isfocus already assigned');
    },
    {
      review: (check, decisions) => {
        const refused = decisions.flatMap(({ steps }) => steps.filter(({ verdict }) => verdict === 'refuse'));
        check.same(
          'the trace names the one step that refused it',
          refused.map(({ id }) => id),
          ['R-7.2.1.4-1'],
        );
      },
    },
  );
  await director.step('The group has not noticed: Cleo writes on.', (check) =>
    speak(check, chat.cleo, [chat.ben, chat.dan], 'Three it is. I bring coffee.'),
  );
}
