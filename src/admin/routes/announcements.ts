/** A text of an operator to all of a session. */
import type { AdminServer } from '../admin-server.ts';
import type { AdminControl, Announcement, AnnouncementResult } from '../control.ts';
import { notRunning } from '../not-running.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AuditLog } from '../records/audit.ts';
import { switchFault } from '../switch-fault.ts';
import type { AdminView } from '../view.ts';
import { AnnouncementBody, Reach } from './announcements-schema.ts';
import { NoQuery } from './field-schema.ts';
import { SessionParams } from './sessions-schema.ts';

export interface AnnouncementParts {
  readonly control: Pick<AdminControl, 'announce'>;
  readonly view: Pick<AdminView, 'session'>;
  readonly audit: AuditLog;
}

export function announcementRoutes(server: AdminServer, { control, view, audit }: AnnouncementParts): void {
  server.post(
    '/api/v1/sessions/:id/announcements',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Say something to all who are in a session',
        description:
          'From the session itself: as message/cpim, or as plain text to who takes that alone. Who joins later does not get it.',
        params: SessionParams,
        querystring: NoQuery,
        body: AnnouncementBody,
        response: { 200: Reach, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params: { id }, body: { text }, caller }) => {
      const result = await announce({ session: id, by: caller.name, text });
      if (result.kind !== 'done') throw await notRunning(view, id, result.kind);
      const { reach } = result;
      audit.add({
        who: caller.name,
        action: 'session.announce',
        target: id,
        before: null,
        after: { chars: text.length, ...reach },
      });
      return reach;
    },
  );

  async function announce(announcement: Announcement): Promise<AnnouncementResult> {
    try {
      return await control.announce(announcement);
    } catch (error) {
      throw switchFault(error, 'the switch of the session');
    }
  }
}
