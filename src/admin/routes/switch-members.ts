/** Message switches that are added and removed while the focus runs. */
import type { DatabaseSync } from 'node:sqlite';
import Type from 'typebox';
import type { AdminServer } from '../admin-server.ts';
import type { AdminControl } from '../control.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import { AddedSwitches, type SwitchAt } from '../records/added-switches.ts';
import type { AuditLog } from '../records/audit.ts';
import { inTransaction } from '../records/database.ts';
import type { AdminView, SwitchView } from '../view.ts';
import { NoQuery } from './field-schema.ts';
import { NewSwitch, Switch } from './switches-schema.ts';

/** As many as `eventSocket.switches` may name. */
const MAX_ADDED = 256;
const MAX_PORT = 65_535;

export interface SwitchMemberParts {
  readonly control: AdminControl;
  readonly view: Pick<AdminView, 'switches'>;
  readonly audit: AuditLog;
  readonly records: DatabaseSync;
  readonly nowMs: () => number;
}

export function switchMemberRoutes(server: AdminServer, parts: SwitchMemberParts): void {
  const { control, view, audit, records, nowMs } = parts;
  const added = new AddedSwitches(records);

  server.post(
    '/api/v1/switches',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Add a message switch that runs already; kept over restarts of the focus',
        querystring: NoQuery,
        body: NewSwitch,
        response: { 201: Switch, 200: Switch, ...PROBLEM_RESPONSES },
      },
    },
    async ({ body: { eventSocket }, caller }, reply) => {
      const at = addressOf(eventSocket);
      const known = await find(eventSocket);
      if (known === undefined && added.all().length >= MAX_ADDED)
        throw new ProblemError('ADMIN_CONFLICT', `${MAX_ADDED} switches have been added already`);
      if (known === undefined) {
        inTransaction(records, () => {
          added.add(at, caller.name, nowMs());
          audit.add({
            who: caller.name,
            action: 'switch.add',
            target: eventSocket,
            before: null,
            after: { eventSocket },
          });
        });
        await control.addSwitch(at);
      }
      const now = known ?? (await find(eventSocket));
      if (now === undefined) throw new ProblemError('ADMIN_CONFLICT', `${eventSocket} was removed meanwhile`);
      void reply.code(known === undefined ? 201 : 200);
      return now;
    },
  );

  server.delete(
    '/api/v1/switches',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Let go of a message switch that was added, once it has no sessions',
        querystring: NewSwitch,
        response: { 204: Type.Null(), ...PROBLEM_RESPONSES },
      },
    },
    async ({ query: { eventSocket }, caller }, reply) => {
      const at = addressOf(eventSocket);
      const isAdded = added.all().some(({ host, port }) => host === at.host && port === at.port);
      const known = await find(eventSocket);
      if (!isAdded && known === undefined)
        throw new ProblemError('ADMIN_NOT_FOUND', `no switch at ${eventSocket} is known`);
      if (!isAdded)
        throw new ProblemError('ADMIN_CONFLICT', `${eventSocket} stands in the configuration of the focus`);
      if (known !== undefined && known.state === 'up' && known.sessions > 0)
        throw new ProblemError('ADMIN_CONFLICT', `it has ${known.sessions} session(s): drain it first`);
      inTransaction(records, () => {
        added.remove(at);
        audit.add({
          who: caller.name,
          action: 'switch.remove',
          target: eventSocket,
          before: { eventSocket },
          after: null,
        });
      });
      await control.removeSwitch(at);
      void reply.code(204);
      return null;
    },
  );

  async function find(eventSocket: string): Promise<SwitchView | undefined> {
    return (await view.switches()).find((one) => one.eventSocket === eventSocket);
  }
}

/** The pattern of the schema has been met. */
function addressOf(eventSocket: string): SwitchAt {
  const colon = eventSocket.lastIndexOf(':');
  const port = Number(eventSocket.slice(colon + 1));
  if (port < 1 || port > MAX_PORT)
    throw new ProblemError('ADMIN_BAD_PARAMETER', `${port} is no port`, 'eventSocket');
  return { host: eventSocket.slice(0, colon).replace(/^\[|\]$/g, ''), port };
}
