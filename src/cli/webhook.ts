/** `parley webhook list|add|remove|test`: where events of sessions are sent to. */
import type { Arguments } from './command.ts';
import { print, printJson } from './group-read.ts';
import { type Column, EXIT, formatTable, notUnderstood, shown, withRest } from './rest.ts';

const BASE = '/api/v1/webhooks';

interface WebhookItem {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly isEnabled: boolean;
  readonly queued: number;
  readonly delivered: number;
  readonly failed: number;
  readonly dropped: number;
  readonly lastError: string | null;
}

const COLUMNS: readonly Column<WebhookItem>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'STATE', of: ({ isEnabled }) => (isEnabled ? 'on' : 'off') },
  { title: 'WAITING', of: ({ queued }) => queued, isRight: true },
  { title: 'DELIVERED', of: ({ delivered }) => delivered, isRight: true },
  { title: 'FAILED', of: ({ failed }) => failed, isRight: true },
  { title: 'DROPPED', of: ({ dropped }) => dropped, isRight: true },
  { title: 'TO', of: ({ url }) => url },
  { title: 'EVENTS', of: ({ events }) => events.join(' ') },
  { title: 'LAST FAULT', of: ({ lastError }) => lastError },
];

export async function runWebhookList({ flags }: Arguments): Promise<number> {
  return withRest('webhook list', flags, async (rest) => {
    const { items } = await rest.json<{ items: WebhookItem[] }>('GET', BASE);
    if (flags.has('json')) printJson(items);
    else print(items.length === 0 ? 'no webhooks\n' : formatTable(items, COLUMNS));
    return EXIT.done;
  });
}

/** The key alone goes to stdout, so that it can be put where it is needed. */
export async function runWebhookAdd({ flags, operands: [url] }: Arguments): Promise<number> {
  if (url === undefined) return notUnderstood('webhook add', 'to which URL are events to be sent?');
  return withRest('webhook add', flags, async (rest) => {
    const events = flags.get('events')?.split(',');
    const made = await rest.json<WebhookItem & { readonly secret: string }>('POST', BASE, {
      body: { url, ...(events === undefined ? {} : { events }) },
    });
    if (flags.has('json')) printJson(made);
    else {
      print(`${made.secret}\n`);
      process.stderr.write(
        `${shown(made.url)} is webhook ${made.id}. This key of its signatures is shown once (docs/admin.md tells how to check them).\n`,
      );
    }
    return EXIT.done;
  });
}

export async function runWebhookRemove({ flags, operands: [id] }: Arguments): Promise<number> {
  if (id === undefined) return notUnderstood('webhook remove', 'which one? `parley webhook list` names them');
  return withRest('webhook remove', flags, async (rest) => {
    // Who has changed it meanwhile is not to lose that unseen.
    const { headers } = await rest.ask('GET', pathOf(id));
    await rest.ask('DELETE', pathOf(id), { headers: { 'if-match': headers.get('etag') ?? '*' } });
    if (flags.has('json')) printJson({ removed: id });
    else print(`webhook ${shown(id)} is removed\n`);
    return EXIT.done;
  });
}

export async function runWebhookTest({ flags, operands: [id] }: Arguments): Promise<number> {
  if (id === undefined) return notUnderstood('webhook test', 'which one? `parley webhook list` names them');
  return withRest('webhook test', flags, async (rest) => {
    const now = await rest.json<WebhookItem>('POST', `${pathOf(id)}/test`);
    if (flags.has('json')) printJson(now);
    else print(`a test is on its way to ${shown(now.url)}; \`parley webhook list\` tells whether it came\n`);
    return EXIT.done;
  });
}

function pathOf(id: string): string {
  return `${BASE}/${encodeURIComponent(id)}`;
}
