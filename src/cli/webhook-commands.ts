/** `parley webhook …` on the contents page. */
import type { Command, Flag } from './command.ts';
import { REST_FLAGS } from './rest-flags.ts';

const CONNECTION = '[--url URL] [--config FILE] [--json]';

/** @param shared flags of all commands, at the end of each help */
export function webhookCommands(shared: readonly Flag[]): Command[] {
  const over = (...own: Flag[]) => [...own, ...REST_FLAGS, ...shared];
  return [
    {
      name: 'webhook list',
      summary: 'Lists where events of sessions are sent to, and how that goes.',
      usage: CONNECTION,
      flags: over(),
      run: async (args) => (await import('./webhook.ts')).runWebhookList(args),
    },
    {
      name: 'webhook add',
      summary: 'Has events of sessions sent to a URL, and prints the key of their signatures, this once.',
      usage: `[--events LIST] ${CONNECTION} TARGET`,
      flags: over({
        name: 'events',
        value: 'LIST',
        about: 'only these, with commas: session.created,session.ended (default: all)',
      }),
      maxOperands: 1,
      run: async (args) => (await import('./webhook.ts')).runWebhookAdd(args),
    },
    {
      name: 'webhook remove',
      summary: 'Sends a webhook nothing more; what waits for it is given up.',
      usage: `${CONNECTION} ID`,
      flags: over(),
      maxOperands: 1,
      run: async (args) => (await import('./webhook.ts')).runWebhookRemove(args),
    },
    {
      name: 'webhook test',
      summary: 'Sends a webhook an event `test`.',
      usage: `${CONNECTION} ID`,
      flags: over(),
      maxOperands: 1,
      run: async (args) => (await import('./webhook.ts')).runWebhookTest(args),
    },
  ];
}
