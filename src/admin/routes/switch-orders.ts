/** Emptying a message switch before it is stopped: no new session comes to it, and those that it has move to others. */
import type { AdminServer } from '../admin-server.ts';
import type { AdminControl } from '../control.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import type { AuditLog } from '../records/audit.ts';
import { switchFault } from '../switch-fault.ts';
import type { AdminView, SwitchView } from '../view.ts';
import { NoQuery } from './field-schema.ts';
import { DrainQuery, Switch, SwitchParams } from './switches-schema.ts';

export interface SwitchOrderParts {
  readonly control: AdminControl;
  readonly view: Pick<AdminView, 'switches'>;
  readonly audit: AuditLog;
}

const ORDERS = [
  {
    name: 'drain',
    draining: true,
    summary: 'No new sessions for a switch; those it has move to others',
    query: DrainQuery,
  },
  { name: 'resume', draining: false, summary: 'New sessions for a switch again', query: NoQuery },
] as const;

export function switchOrderRoutes(server: AdminServer, { control, view, audit }: SwitchOrderParts): void {
  for (const { name, draining, summary, query: querystring } of ORDERS) {
    server.post(
      `/api/v1/switches/:id/${name}`,
      {
        config: { role: 'operator' },
        schema: {
          summary,
          params: SwitchParams,
          querystring,
          response: { 200: Switch, ...PROBLEM_RESPONSES },
        },
      },
      async ({ params: { id }, query, caller }) => {
        const before = stateOf(await find(id));
        const empty = draining && !('sessions' in query && query.sessions === 'stay');
        // Told in any case: what the focus knows of it may be two seconds old.
        await tell(id, { draining, empty });
        const after = { draining, isEmptying: empty };
        if (before.draining !== draining || before.isEmptying !== empty)
          audit.add({ who: caller.name, action: `switch.${name}`, target: id, before, after });
        return find(id);
      },
    );
  }

  async function find(id: string): Promise<SwitchView> {
    const found = (await view.switches()).find((one) => one.id === id);
    if (found === undefined) throw new ProblemError('ADMIN_NOT_FOUND', `no switch ${id} has been heard of`);
    return found;
  }

  async function tell(id: string, order: Parameters<AdminControl['drain']>[1]): Promise<void> {
    try {
      await control.drain(id, order);
    } catch (error) {
      throw switchFault(error, `switch ${id}`);
    }
  }
}

function stateOf({ draining, isEmptying }: SwitchView): Pick<SwitchView, 'draining' | 'isEmptying'> {
  return { draining, isEmptying };
}
