import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { AddedSwitches } from '../../../src/admin/records/added-switches.ts';
import { AuditLog } from '../../../src/admin/records/audit.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import type { SwitchView } from '../../../src/admin/view.ts';
import { CodedError } from '../../../src/lib/errors.ts';
import { asking } from './asking.ts';
import { fakeControl } from './fake-control.ts';
import { SWITCH } from './fake-view.ts';

test('switches, one that has not said its name yet too', async (t) => {
  const connecting: SwitchView = { ...SWITCH, id: null, state: 'connecting', msrp: [] };
  const { get } = asking(t, { switches: () => [SWITCH, connecting] });
  assert.deepEqual((await get('/api/v1/switches')).body, { items: [SWITCH, connecting] });
});

/** A switch that does as it is told. */
function drainable(t: TestContext, options: { withoutToken?: 'viewer'; fault?: Error } = {}) {
  let state = SWITCH;
  const drain = (id: string, { draining, empty }: { draining: boolean; empty: boolean }) => {
    assert.equal(id, SWITCH.id);
    if (options.fault !== undefined) throw options.fault;
    state = { ...state, draining, isEmptying: empty };
  };
  const records = openRecords(':memory:');
  const control = fakeControl({ drain });
  const { withoutToken = 'operator' } = options;
  const { ask } = asking(t, { switches: () => [state] }, { control, records, withoutToken });
  const audited = () =>
    new AuditLog(records, () => 0)
      .find({ limit: 9 })
      .map(({ action, before, after }) => ({ action, before, after }));
  return { order: (name: string, id = 'switch-0') => ask('POST', `/api/v1/switches/${id}/${name}`), audited };
}

test('drained and resumed: what it is then, and one audit entry for each change', async (t) => {
  const { order, audited } = drainable(t);
  const drained = await order('drain');
  assert.deepEqual([drained.status, drained.body], [200, { ...SWITCH, draining: true, isEmptying: true }]);
  assert.equal((await order('drain')).status, 200);
  assert.deepEqual((await order('drain?sessions=stay')).body, { ...SWITCH, draining: true });
  assert.equal((await order('drain?sessions=die')).status, 400);
  assert.deepEqual((await order('resume')).body, SWITCH);
  const [taking, emptying, staying] = [
    { draining: false, isEmptying: false },
    { draining: true, isEmptying: true },
    { draining: true, isEmptying: false },
  ];
  assert.deepEqual(audited(), [
    { action: 'switch.resume', before: staying, after: taking },
    { action: 'switch.drain', before: emptying, after: staying },
    { action: 'switch.drain', before: taking, after: emptying },
  ]);
});

test('an order that is not taken is 503 and no audit entry; an unknown switch is 404, a viewer 403', async (t) => {
  const { order, audited } = drainable(t, { fault: new CodedError('ESL_DOWN', 'not connected') });
  const { status, body } = await order('drain');
  assert.deepEqual([status, (body as { code: string }).code], [503, 'ADMIN_SWITCH_SILENT']);
  assert.equal((await order('drain', 'switch-9')).status, 404);
  assert.deepEqual(audited(), []);
  assert.equal((await drainable(t, { withoutToken: 'viewer' }).order('drain')).status, 403);
});

test('added and removed: kept in the records, told to the focus, once', async (t) => {
  const known: SwitchView[] = [SWITCH];
  const told: string[] = [];
  const control = fakeControl({
    addSwitch: ({ host, port }) => {
      told.push(`+${host} ${port}`);
      known.push({ ...SWITCH, id: null, eventSocket: `[${host}]:${port}`, state: 'connecting', sessions: 1 });
    },
    removeSwitch: ({ host, port }) => {
      told.push(`-${host} ${port}`);
    },
  });
  const records = openRecords(':memory:');
  const server = asking(t, { switches: () => known }, { control, records, withoutToken: 'operator' });
  const json = { 'content-type': 'application/json' };
  const ask = (method: string, url: string, body?: object) =>
    body === undefined ? server.ask(method, url) : server.ask(method, url, json, JSON.stringify(body));
  const eventSocket = '[2001:db8::7]:8022';
  const at = `/api/v1/switches?eventSocket=${encodeURIComponent(eventSocket)}`;
  const added = await ask('POST', '/api/v1/switches', { eventSocket });
  assert.deepEqual([added.status, (added.body as SwitchView).state], [201, 'connecting']);
  assert.equal((await ask('POST', '/api/v1/switches', { eventSocket })).status, 200, 'known already');
  assert.deepEqual(new AddedSwitches(records).all(), [{ host: '2001:db8::7', port: 8022 }]);
  for (const bad of ['8022', 'host:', 'host:70000', 'a b:1'])
    assert.equal((await ask('POST', '/api/v1/switches', { eventSocket: bad })).status, 400, bad);

  known[1] = { ...(known[1] as SwitchView), state: 'up' };
  assert.equal((await ask('DELETE', at)).status, 409, 'it has a session');
  known[1] = { ...(known[1] as SwitchView), sessions: 0 };
  assert.equal((await ask('DELETE', at)).status, 204);
  known.pop();
  assert.equal((await ask('DELETE', at)).status, 404);
  const configured = `/api/v1/switches?eventSocket=${SWITCH.eventSocket}`;
  assert.equal((await ask('DELETE', configured)).status, 409, 'it stands in the configuration');
  assert.deepEqual(told, ['+2001:db8::7 8022', '-2001:db8::7 8022']);
  assert.deepEqual(new AddedSwitches(records).all(), []);
  const actions = new AuditLog(records, () => 0).find({ limit: 9 }).map(({ action }) => action);
  assert.deepEqual(actions, ['switch.remove', 'switch.add']);
});
