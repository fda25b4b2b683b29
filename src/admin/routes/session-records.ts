/** Records of sessions that are over (call detail records). */
import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { SessionRecords } from '../records/session-records.ts';
import { parseUserParameter } from '../sip-parameter.ts';
import { SessionRecordList, SessionRecordQuery } from './session-records-schema.ts';

export function sessionRecordRoutes(server: AdminServer, records: SessionRecords): void {
  server.get(
    '/api/v1/session-records',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Records of sessions that are over',
        description: '`address`: of the group or the factory. Without message content.',
        querystring: SessionRecordQuery,
        response: { 200: SessionRecordList, ...PROBLEM_RESPONSES },
      },
    },
    ({ query: { session, address, before, limit } }) => ({
      items: records
        .find({
          limit,
          ...(session === undefined ? {} : { session }),
          ...(address === undefined ? {} : { address: parseUserParameter(address, 'address').address }),
          ...(before === undefined ? {} : { beforeId: before }),
        })
        .map(({ id, record }) => ({ id, ...record })),
    }),
  );
}
