/** Voice rooms: which of their events begin a session, invite, remove and end, and what is made up for after an absence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EslEvent } from '../../../src/event-socket/event.ts';
import type { FreeSwitchCalls } from '../../../src/freeswitch/calls.ts';
import { FreeSwitchRooms } from '../../../src/freeswitch/rooms.ts';

const [ADA, BEN] = ['a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002'];
const uris: Readonly<Record<string, string>> = {
  [ADA]: '"Ada" <sip:ada@example.net>',
  [BEN]: 'sip:ben@example.net',
};

function play(whenCallerLeaves: 'remove' | 'stay' = 'remove') {
  const done: string[] = [];
  const state = { list: '[]', status: 202 };
  const rooms = new FreeSwitchRooms({
    node: 'fs1',
    rooms: [
      {
        name: 'talk',
        group: 'sip:im-g-talk@example.net',
        identity: 'sip:room@example.net',
        whenCallerLeaves,
      },
    ],
    calls: {
      join: async () => {
        done.push('join');
        return { ok: true, session: 's' };
      },
      leave: () => done.push('leave') > 0,
      refer: async (_end: unknown, user: string, isRemoval: boolean) => {
        done.push(`${isRemoval ? 'remove' : 'invite'} ${user}`);
        return state.status;
      },
    } as unknown as FreeSwitchCalls,
    identityVariable: 'im_identity',
    log: { info() {}, warn() {} },
  });
  const api = async (line: string) => {
    if (line === 'conference json_list') return state.list;
    const call = /^uuid_getvar (\S+) im_identity$/.exec(line)?.[1];
    return call === undefined ? undefined : (uris[call] ?? '_undef_');
  };
  const send = (action: string, call?: string, name = 'talk') => {
    const headers = new Map([
      ['conference-name', name],
      ['action', action],
      ...(call === undefined ? [] : [['unique-id', call] as const]),
    ]);
    const event: EslEvent = { name: 'CUSTOM', subclass: 'conference::maintenance', headers, body: '' };
    return rooms.isOurs(event) ? rooms.event(event, api) : undefined;
  };
  return { rooms, state, done, send, api };
}

test('a caller begins the session and is invited; who leaves is removed, and the room leaves with the last', async () => {
  const { done, send } = play();
  await send('conference-create');
  await send('add-member', ADA);
  await send('add-member', BEN);
  await send('start-talking', BEN);
  await send('add-member', 'c0000000-0000-4000-8000-000000000003');
  await send('add-member', 'no uuid; shutdown');
  await send('add-member', ADA, 'another');
  await send('del-member', BEN);
  await send('conference-destroy');
  assert.deepEqual(done, [
    'join',
    'invite sip:ada@example.net',
    'invite sip:ben@example.net',
    'remove sip:ben@example.net',
    'leave',
  ]);
});

test('a user with another device in the room stays; so does everybody where that is wished', async () => {
  const { done, send } = play();
  await send('add-member', ADA);
  const other = 'a0000000-0000-4000-8000-00000000000f';
  await send('add-member', other);
  await send('del-member', other);
  assert.deepEqual(done, ['join', 'invite sip:ada@example.net']);
  const staying = play('stay');
  await staying.send('add-member', ADA);
  await staying.send('del-member', ADA);
  assert.deepEqual(staying.done, ['join', 'invite sip:ada@example.net']);
});

test('what the focus does not allow is counted', async () => {
  const { rooms, state, send } = play();
  state.status = 403;
  await send('add-member', ADA);
  await nextTurn();
  assert.deepEqual(rooms.counters, { started: 1, invited: 0, removed: 0, notInvited: 1 });
});

test('after an absence: new callers are invited, old ones removed, and a room that is over is left', async () => {
  const { rooms, state, done, send, api } = play();
  await send('add-member', ADA);
  state.list = JSON.stringify([
    { conference_name: 'talk', members: [{ type: 'caller', uuid: BEN }, { type: 'recording_node' }] },
    { conference_name: 'another', members: [{ uuid: ADA }] },
  ]);
  await rooms.resync(api);
  state.list = 'cannot be read';
  await rooms.resync(api);
  state.list = '[]';
  await rooms.resync(api);
  assert.deepEqual(done, [
    'join',
    'invite sip:ada@example.net',
    'remove sip:ada@example.net',
    'invite sip:ben@example.net',
    'leave',
  ]);
});
