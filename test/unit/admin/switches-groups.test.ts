import assert from 'node:assert/strict';
import test from 'node:test';
import type { GroupView, SwitchView } from '../../../src/admin/view.ts';
import { asking } from './asking.ts';

test('switches, one that has not said its name yet too', async (t) => {
  const up: SwitchView = {
    id: 'switch-0',
    eventSocket: '127.0.0.1:8021',
    state: 'up',
    msrp: ['127.0.0.1:2855'],
    sessions: 2,
    legs: 5,
    load: 0.25,
    draining: false,
    messagesIn: 10,
    messagesOut: 40,
  };
  const connecting: SwitchView = { ...up, id: null, state: 'connecting', msrp: [] };
  const { get } = asking(t, { switches: () => [up, connecting] });
  assert.deepEqual((await get('/api/v1/switches')).body, { items: [up, connecting] });
});

test('groups', async (t) => {
  const named: GroupView = {
    uri: 'sip:team@example.com',
    displayName: 'Team',
    members: 4,
    maxParticipants: 10,
    inviteMembers: true,
  };
  const plain: GroupView = { ...named, displayName: null, maxParticipants: null };
  const { get } = asking(t, { groups: () => [named, plain] });
  assert.deepEqual((await get('/api/v1/groups')).body, { items: [named, plain] });
});
