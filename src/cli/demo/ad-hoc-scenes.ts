/** Scenes 1 to 3: a conversation that one user sets up for three (7.2.1.2), its roster (7.2.1.12), one who leaves (7.2.1.10). */
import type { Subscriber } from '../../agents/chat.ts';
import type { Room } from '../../agents/room.ts';
import type { Roster } from '../../agents/roster.ts';
import { sdpOf } from '../../agents/sdp.ts';
import { parseNameAddr } from '../../agents/sip/header-values.ts';
import { awaitedLater, type Cast, connectedAre, decidedBy, rosterOf, speak } from './cast.ts';
import type { Director } from './director.ts';

export interface AdHocChat {
  readonly ada: Room;
  readonly ben: Room;
  /** Ada's. */
  readonly roster: Roster;
}

export async function adHocScenes(director: Director, cast: Cast, factory: string): Promise<AdHocChat> {
  const rooms = await setUp(director, cast, factory);
  const roster = await chat(director, rooms);
  await cleoLeaves(director, rooms, roster);
  return { ada: rooms.ada, ben: rooms.ben, roster };
}

const SUBJECT = 'Lunch on the quay';

type Rooms = Readonly<Record<'ada' | 'ben' | 'cleo', Room>>;

async function setUp(director: Director, cast: Cast, factory: string): Promise<Rooms> {
  const { ada, ben, cleo } = cast;
  director.scene('Ada sets up a chat with Ben and Cleo');
  await director.step(
    'All four register. Their address is a trusted peer, so P-Asserted-Identity counts and no password is asked.',
    async (check) => {
      const agents: readonly Subscriber[] = Object.values(cast);
      const statuses: number[] = [];
      for (const agent of agents) statuses.push((await agent.register()).status);
      check.same('Kamailio has taken all four', statuses, [200, 200, 200, 200]);
    },
  );
  const { outgoing, toBen, toCleo } = await director.step(
    'Ada calls the conference factory. Her INVITE carries her SDP offer and the list of who shall come; the focus invites them, and both phones ring.',
    async (check) => {
      const invitations = awaitedLater(Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]));
      const call = await ada.dialAdHoc({
        factory,
        invite: [
          { uri: ben.uri, displayName: 'Ben' },
          { uri: cleo.uri, displayName: 'Cleo' },
        ],
        subject: SUBJECT,
      });
      const [first, second] = await invitations;
      first.ring();
      second.ring();
      await call.call.provisional(180);
      for (const [name, { request }] of [
        ['Ben', first],
        ['Cleo', second],
      ] as const) {
        const { params } = parseNameAddr(request.values('Contact')[0] ?? '');
        check.same(
          `${name} is invited by a focus, with an MSRP offer and the Subject of Ada's call`,
          [params.has('isfocus'), sdpOf(request)?.path.length ?? 0, request.header('Subject')],
          [true, 1, SUBJECT],
        );
      }
      return { outgoing: call, toBen: first, toCleo: second };
    },
    decidedBy('7.2.1.2', 'ad hoc set-up'),
  );
  return director.step(
    'Ben answers, and with the first answer Ada is in. Cleo answers and lets the switch connect to her.',
    async (check) => {
      const [hers, bens] = await Promise.all([outgoing.room(), ben.answer(toBen)]);
      const cleos = await cleo.answer(toCleo);
      check.holds(
        'Ada is answered by a focus, with the identity of a new session',
        hers.isFocus && /^sip:im-s-[a-z0-9]{20,}@/.test(hers.uri),
        hers.uri,
      );
      check.same('all three are in the same session', [bens.uri, cleos.uri], [hers.uri, hers.uri]);
      return { ada: hers, ben: bens, cleo: cleos };
    },
  );
}

async function chat(director: Director, rooms: Rooms): Promise<Roster> {
  director.scene('Three people talk, and Ada watches who is there');
  const roster = await director.step(
    'Ada subscribes to the roster.',
    async (check) => {
      const watched = await rooms.ada.watch();
      const users = await watched.until((now) => connectedAre(now, ['Ada', 'Ben', 'Cleo']));
      check.same(
        'the roster names Ada, Ben and Cleo, all connected',
        rosterOf(users),
        'Ada: connected, Ben: connected, Cleo: connected',
      );
      check.same('it is about this session', watched.documents.at(-1)?.entity, rooms.ada.uri);
      return watched;
    },
    decidedBy('7.2.1.12', 'subscribing'),
  );
  const ada = { name: 'Ada', room: rooms.ada };
  const ben = { name: 'Ben', room: rooms.ben };
  const cleo = { name: 'Cleo', room: rooms.cleo };
  await director.step('Ada writes one message; the switch gives it to both others.', (check) =>
    speak(check, ada, [ben, cleo], 'Lunch on the quay at noon?'),
  );
  await director.step('Ben replies.', (check) => speak(check, ben, [ada, cleo], 'Yes! I bring the bread.'));
  await director.step('Cleo replies.', (check) =>
    speak(check, cleo, [ada, ben], 'Smørrebrød? Count me in 🍞'),
  );
  return roster;
}

async function cleoLeaves(director: Director, rooms: Rooms, roster: Roster): Promise<void> {
  director.scene('Cleo leaves');
  await director.step(
    'Cleo hangs up. Two remain, which is enough: the session goes on, and Ada sees who left.',
    async (check) => {
      const answer = await rooms.cleo.leave();
      check.same("Cleo's BYE is answered 200", answer.status, 200);
      const users = await roster.until((now) => connectedAre(now, ['Ada', 'Ben']));
      check.same(
        "Ada's roster: Ada and Ben are connected, Cleo has departed",
        rosterOf(users),
        'Ada: connected, Ben: connected, Cleo: disconnected (departed)',
      );
    },
    decidedBy('7.2.1.10', 'BYE received'),
  );
  await director.step('Ada and Ben go on.', (check) =>
    speak(
      check,
      { name: 'Ada', room: rooms.ada },
      [{ name: 'Ben', room: rooms.ben }],
      'More bread for us, then.',
    ),
  );
}
