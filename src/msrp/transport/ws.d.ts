/** What we use of ws 8, which brings no types. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  export class WebSocket extends EventEmitter {
    constructor(url: string, protocols?: string | readonly string[], options?: Record<string, unknown>);
    readonly OPEN: 1;
    readonly readyState: 0 | 1 | 2 | 3;
    readonly protocol: string;
    send(data: string | Buffer, options?: { binary?: boolean; fin?: boolean }): void;
    ping(): void;
    pause(): void;
    resume(): void;
    close(code?: number): void;
    terminate(): void;
  }

  export class WebSocketServer {
    constructor(options: {
      noServer: true;
      clientTracking: boolean;
      perMessageDeflate: boolean;
      maxPayload: number;
      maxFragments: number;
      handleProtocols: () => string;
    });
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      done: (web: WebSocket) => void,
    ): void;
  }
}
