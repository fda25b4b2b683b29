/** A connection to the first URI of a path. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parseMsrpUri } from '../sdp.ts';
import type { MsrpSessionOptions } from './session-types.ts';

export interface Dialled {
  readonly socket: Socket;
  /** Emitted when it stands. */
  readonly event: 'connect' | 'secureConnect';
  /** `host:port` */
  readonly target: string;
}

export function dial(uri: string, localAddress: string, tls: MsrpSessionOptions['tls']): Dialled {
  const { secure, host, port } = parseMsrpUri(uri);
  return {
    socket: secure ? connectTls({ host, port, ...tls }) : connectTcp({ host, port, localAddress }),
    event: secure ? 'secureConnect' : 'connect',
    target: `${host}:${port}`,
  };
}
