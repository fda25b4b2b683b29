/** A focus that knows no session, unless a test says what it does. */
import type { AdminControl } from '../../../src/admin/control.ts';

export function fakeControl(own: Partial<AdminControl> = {}): AdminControl {
  return {
    order: () => ({ kind: 'no-session' }),
    announce: () => ({ kind: 'no-session' }),
    drain: () => {},
    addSwitch: () => {},
    removeSwitch: () => {},
    ...own,
  };
}
