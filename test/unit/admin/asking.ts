/** Asks the admin without a socket. */
import type { TestContext } from 'node:test';
import type { AdminServer } from '../../../src/admin/admin-server.ts';
import { type AdminServerOptions, createAdminServer } from '../../../src/admin/server.ts';
import type { AdminView } from '../../../src/admin/view.ts';
import { fakeAdmin } from './fake-admin.ts';
import { fakeView, type LogLine, memoryLog } from './fake-view.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The body as JSON, null when it is none. */
  readonly body: unknown;
}

export interface Asking {
  get(url: string, headers?: Record<string, string>): Promise<Answer>;
  ask(method: string, url: string, headers?: Record<string, string>, payload?: string): Promise<Answer>;
  readonly lines: LogLine[];
  readonly server: AdminServer;
}

export function asking(
  t: TestContext,
  view: Partial<AdminView> = {},
  { host = '127.0.0.1', ...options }: Partial<AdminServerOptions> = {},
): Asking {
  const { log, lines } = memoryLog();
  const server: AdminServer = createAdminServer({
    host,
    ...fakeAdmin(),
    view: fakeView(view),
    log,
    ...options,
  });
  t.after(() => server.close());
  const ask: Asking['ask'] = async (method, url, headers = {}, payload) => {
    const response = await server.inject({
      method: method as 'GET',
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      body: jsonOf(response.body),
    };
  };
  return { ask, get: (url, headers) => ask('GET', url, headers), lines, server };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
