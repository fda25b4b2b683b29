/** What an admin interface of a test stands on: all of it played, open to everybody. */
import { openRecords } from '../../../src/admin/records/database.ts';
import type { AdminServerOptions } from '../../../src/admin/server.ts';
import { fakeControl } from './fake-control.ts';
import { fakeGroups } from './fake-groups.ts';
import { fakePolicies } from './fake-policies.ts';
import { fakeView } from './fake-view.ts';

const FAKE_NOW_MS = Date.parse('2026-11-22T10:00:00Z');

export function fakeAdmin() {
  return {
    control: fakeControl(),
    view: fakeView(),
    groups: fakeGroups(),
    policies: fakePolicies(),
    records: openRecords(':memory:'),
    nowMs: () => FAKE_NOW_MS,
    withoutToken: 'admin',
    openProbes: true,
  } as const satisfies Partial<AdminServerOptions>;
}
