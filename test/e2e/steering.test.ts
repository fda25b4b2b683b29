/** An operator steers running sessions over REST; the people in them see it on the wire. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { SessionView } from '../../src/admin/view.ts';
import type { Subscriber } from '../../src/agents/chat.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import { plainSdp } from '../conformance/support/ad-hoc.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { chat } from './support/conversing.ts';
import { eventually } from './support/eventually.ts';
import { request } from './support/explaining.ts';

const uriOf = (name: string) => `sip:${name}@${DOMAIN}`;
const CREW = uriOf('im-g-crew');

let stack: Stack;
let [ada, ben, eve] = [] as unknown as [Subscriber, Subscriber, Subscriber];
before(async () => {
  stack = await Stack.start({
    config: { switch: { processes: 2 } },
    groups: [groupDocument({ uri: CREW, members: ['ada', 'ben', 'eve'].map(uriOf), inviteMembers: false })],
  });
  [ada, ben, eve] = await Promise.all([
    stack.subscriber('ada'),
    stack.subscriber('ben'),
    stack.subscriber('eve'),
  ]);
});
after(() => stack.stop());

function ask(method: string, path: string, body?: object, ifMatch?: string): Promise<Response> {
  return fetch(new URL(`/api/v1${path}`, stack.ready.admin), {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Every effect of what was ordered is performed. */
async function switchIsTold(): Promise<void> {
  const db = new DatabaseSync(join(stack.directory, 'parley.db'), { readOnly: true });
  try {
    const left = db.prepare('SELECT count(*) AS n FROM outbox');
    await eventually(
      () => left.get()?.['n'] === 0,
      () => 'effects are still under way',
    );
  } finally {
    db.close();
  }
}

const isGone = ({ entity, status }: { entity: string; status: string }) =>
  entity === uriOf('ben') && status === 'disconnected';

async function sessionId(): Promise<string> {
  const { items } = (await (await ask('GET', `/sessions?group=${encodeURIComponent(CREW)}`)).json()) as {
    items: { id: string }[];
  };
  return items[0]?.id ?? assert.fail('no session of the group runs');
}

describe('an operator and a running session', () => {
  test('limited, frozen, somebody removed, and ended: seen by the clients, and in the audit log', async () => {
    const adas = await ada.join(CREW);
    const bens = await ben.join(CREW);
    const roster = await adas.watch();
    const id = await sessionId();

    const limited = await ask('PATCH', `/sessions/${id}`, { maxParticipants: 2 });
    assert.deepEqual(
      [limited.status, await limited.json()],
      [200, { maxParticipants: 2, isFrozen: false, muted: [] }],
    );
    assert.equal((await (await eve.dial(CREW)).call.final()).status, 486);

    await ask('PATCH', `/sessions/${id}`, { maxParticipants: null, isFrozen: true });
    const frozen = await (await eve.dial(CREW)).call.final();
    assert.equal(frozen.status, 480, frozen.summary);
    assert.match(frozen.header('Warning') ?? '', /takes nobody new at the moment/);
    await chat('those inside talk on', adas, bens);
    await ask('PATCH', `/sessions/${id}`, { isFrozen: false });
    const eves = await eve.join(CREW);
    await chat('open again', adas, bens, eves);

    const seen = (await ask('GET', `/sessions/${id}`)).headers.get('etag') ?? assert.fail('no ETag');
    assert.equal((await ask('PATCH', `/sessions/${id}`, { muted: [uriOf('eve')] }, seen)).status, 200);
    const late = await ask('PATCH', `/sessions/${id}`, { muted: [uriOf('ben')] }, seen);
    assert.equal(late.status, 412, await late.text());
    await switchIsTold();
    assert.equal(await eves.say('can you hear me?'), 403);
    assert.equal((await ask('PATCH', `/sessions/${id}`, { muted: [] }, '*')).status, 200);
    await switchIsTold();
    await chat('heard again', adas, bens, eves);

    const announced = await ask('POST', `/sessions/${id}/announcements`, { text: 'Wartung um zwölf' });
    assert.deepEqual([announced.status, await announced.json()], [200, { sent: 3, waiting: 0, unable: 0 }]);
    for (const room of [adas, bens, eves]) {
      const { text, from } = await room.hear();
      assert.deepEqual([text, from], ['Wartung um zwölf', room.uri]);
    }

    assert.equal(await bens.msrp.nickname('Big Ben'), 200);
    const detail = (await (await ask('GET', `/sessions/${id}`)).json()) as SessionView;
    assert.equal(detail.traffic?.messagesIn, 3, JSON.stringify(detail.traffic));
    const leg = detail.legs.find(({ participant }) => participant === uriOf('ben'));
    assert.deepEqual(
      [leg?.nickname, Object.fromEntries(detail.roster.map((one) => [one.address, one.nickname]))],
      ['Big Ben', { [uriOf('ada')]: null, [uriOf('ben')]: 'Big Ben', [uriOf('eve')]: null }],
    );
    // Three of others, one of the operator.
    assert.deepEqual(
      [leg?.traffic?.isConnected, leg?.traffic?.messagesIn, leg?.traffic?.messagesOut],
      [true, 0, 4],
    );
    assert.deepEqual(
      [leg?.callId, leg?.dialog.localTag, leg?.timers[0]?.name],
      [bens.dialog.callId, bens.dialog.remoteTag, 'session'],
    );
    assert(detail.subscriptions[0]?.timers.some(({ name }) => name === 'expiry'));

    const path = `/sessions/${id}/participants/${encodeURIComponent(uriOf('ben'))}`;
    const removed = await ask('DELETE', `${path}?reason=abuse`);
    assert.equal(removed.status, 204, await removed.text());
    const bye = await bens.dialog.nextRequest('BYE');
    assert.equal(bye.request.header('Reason'), 'SIP;cause=200;text="abuse"');
    const users = await roster.until((all) => all.some(isGone), { what: 'ben is still shown' });
    const gone = users.find(isGone);
    assert.deepEqual([gone?.disconnectionMethod, gone?.disconnectionReason], ['booted', 'abuse']);
    assert.equal((await ask('DELETE', path)).status, 204, 'asked for twice');
    const back = await (await ben.dial(CREW)).call.final();
    assert.equal(back.status, 403, back.summary);
    const message = request('INVITE', CREW, 'ben', { body: sdpBody(plainSdp()) });
    const explained = await ask('POST', '/explain', { message, trust: 'core' });
    assert.equal(
      ((await explained.json()) as { answer: string }).answer,
      'This INVITE would get 403 Forbidden, because ben was removed from the room "im-g-crew" by the operator loopback (reason: "abuse") and may not return.',
    );
    await chat('without ben', adas, eves);

    assert.equal((await ask('DELETE', `/sessions/${id}?reason=maintenance`)).status, 204);
    for (const room of [adas, eves]) {
      const end = await room.dialog.nextRequest('BYE');
      assert.equal(end.request.header('Reason'), 'SIP;cause=200;text="maintenance"');
    }
    const last = await roster.subscription.nextNotify();
    assert.match(last.header('Subscription-State') ?? '', /^terminated/);
    const { items } = (await (await ask('GET', '/audit')).json()) as {
      items: { action: string; who: string; target: string }[];
    };
    assert.deepEqual(
      items.map(({ action, who }) => `${who} ${action}`),
      ['end', 'remove', 'announce', 'limit', 'limit', 'limit', 'limit', 'limit'].map(
        (what) => `loopback session.${what}`,
      ),
    );
    const decisions = await stack.decisions({ session: id });
    const orders = decisions.filter(({ trigger }) => trigger === 'operator');
    assert.deepEqual(
      orders.map(({ clause }) => clause),
      ['7.2.2.8', '7.2.1.9', '7.2.3', '7.2.2', '7.2.2', '7.2.2', '7.2.2', '7.2.2'],
    );
  });
});

describe('an operator and a switch', () => {
  interface Switch {
    readonly id: string;
    readonly sessions: number;
    readonly draining: boolean;
  }
  const switches = async () => ((await (await ask('GET', '/switches')).json()) as { items: Switch[] }).items;
  const placedAt = async () => {
    const { items } = (await (await ask('GET', '/sessions')).json()) as { items: { switchId: string }[] };
    return items.map(({ switchId }) => switchId);
  };

  test('drained: new sessions go elsewhere, with none left they are refused, and resumed they come again', async () => {
    const [first, second] = await switches();
    assert(first !== undefined && second !== undefined);
    const drained = await ask('POST', `/switches/${first.id}/drain`);
    assert.equal(drained.status, 200);
    assert.equal(((await drained.json()) as Switch).draining, true);
    const adas = await ada.join(CREW);
    assert.deepEqual(await placedAt(), [second.id]);

    await ask('POST', `/switches/${second.id}/drain`);
    const bens = await ben.join(CREW);
    await chat('a session that runs goes on', adas, bens);
    const refused = await (await eve.dialAdHoc({ factory: FACTORY, invite: [uriOf('ada')] })).call.final();
    assert.equal(refused.status, 503, refused.summary);

    assert.equal((await ask('POST', `/switches/${first.id}/resume`)).status, 200);
    await ask('DELETE', `/sessions/${await sessionId()}`);
    await Promise.all([adas.ended, bens.ended]);
    await ada.join(CREW);
    await eventually(
      async () => isDeepStrictEqual(await placedAt(), [first.id]),
      () => 'the new session is not on the switch that was resumed, or the old one never ends',
    );
  });
});
