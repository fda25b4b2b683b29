/** The admin interface: health, metrics and an API over what the view shows. Message content is not part of it. */
import { CodedError } from '../lib/errors.ts';
import { isLoopback } from './host-guard.ts';
import { type AdminServerOptions, createAdminServer } from './server.ts';

export interface AdminOptions extends AdminServerOptions {
  /** 0: a free port. */
  readonly port: number;
}

export interface RunningAdmin {
  readonly address: { readonly host: string; readonly port: number };
  /** Closes the port and every connection, those kept alive too. May be called again. */
  close(): Promise<void>;
}

/** @throws CodedError ADMIN_PORT_TAKEN, ADMIN_LISTEN_FAILED */
export async function startAdmin({ host, port, ...options }: AdminOptions): Promise<RunningAdmin> {
  const server = createAdminServer({ host, ...options });
  try {
    await server.listen({ host, port });
  } catch (cause) {
    await server.close();
    throw listenFault(cause, host, port);
  }
  const bound = server.server.address();
  if (!isLoopback(host)) {
    options.log.warn({ host }, 'the admin speaks plain HTTP beyond loopback: tokens can be read on the way');
  }
  return {
    address:
      typeof bound === 'object' && bound !== null
        ? { host: bound.address, port: bound.port }
        : { host, port },
    close: async () => {
      await server.close();
    },
  };
}

function listenFault(cause: unknown, host: string, port: number): CodedError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return code === 'EADDRINUSE'
    ? new CodedError('ADMIN_PORT_TAKEN', `${where} is taken by another process`, { cause, retryable: true })
    : new CodedError('ADMIN_LISTEN_FAILED', `cannot listen on ${where} (${code})`, { cause });
}
